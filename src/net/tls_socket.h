/* SPDX-License-Identifier: BSD-3-Clause */
/* A connected socket that speaks TLS and does not block, for WebSockets. Loop thread only. */
#ifndef C2_NET_TLS_SOCKET_H
#define C2_NET_TLS_SOCKET_H

#include <sys/types.h>
#include <sys/uio.h>

#include "base/str.h"

struct c2_authorities;
struct c2_tls_socket;
int c2_tls_socket_fd(const struct c2_tls_socket *tls);
/** As recv(2) and send(2). What was received may be more than was taken: call again until EAGAIN. After
 * EAGAIN the same bytes are to be sent again. */
ssize_t c2_tls_recv(struct c2_tls_socket *tls, void *to, size_t n);
ssize_t c2_tls_send(struct c2_tls_socket *tls, const void *from, size_t n);
/** As writev(2): what is short goes as one record. */
ssize_t c2_tls_sendv(struct c2_tls_socket *tls, const struct iovec *parts, int n);
/** Tell the peer that nothing more comes; does not wait. */
void c2_tls_bye(struct c2_tls_socket *tls);

/* ---- a client's end ---- */
/** On a socket of the caller's that is connected to `host`, a name or an address. */
bool c2_tls_client_new(int fd, const char *host, const struct c2_authorities *authorities,
                       struct c2_tls_socket **out, struct cat2_error *err);
enum c2_tls_step { C2_TLS_DONE, C2_TLS_WANTS_READ, C2_TLS_WANTS_WRITE, C2_TLS_FAILED };
/** One step of the handshake; it goes on when the socket is ready. FAILED: *err says why, such as a
 * certificate that is not trusted. */
enum c2_tls_step c2_tls_handshake(struct c2_tls_socket *tls, struct cat2_error *err);
/** Without the socket. */
void c2_tls_client_free(struct c2_tls_socket *tls);

#endif
