/* SPDX-License-Identifier: BSD-3-Clause */
/* libmicrohttpd has no hook for what it reads, and its older releases take much that RFC 9112 refuses. It
 * calls recv(), or for TLS gnutls_record_recv(), which the linker resolves to those of the program first:
 * these, which are linked into programs as an object for it (cmake/rooms.cmake). For descriptors that are no
 * client's, and in other threads, they do what the library does. */
#undef _FORTIFY_SOURCE /* else recv() is an inline function already */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "net/conns.h"

#define TLS_AGAIN (-28) /* GNUTLS_E_AGAIN */

#define EXPORTED __attribute__((visibility("default")))

_Atomic(c2_conns_reader *) c2_conns_read_for;

/* What connections have to say to a reading; C2_CONNS_NOT_OURS where none has. */
static int64_t ask(int fd, void *session, c2_intake_source *source, void *ctx, void *to, size_t room)
{
    c2_conns_reader *reader = atomic_load_explicit(&c2_conns_read_for, memory_order_relaxed);

    return reader ? reader(fd, session, source, ctx, to, room) : C2_CONNS_NOT_OURS;
}

typedef ssize_t record_recv(void *session, void *data, size_t n);
typedef void transport_get_int2(void *session, int *in, int *out);

EXPORTED ssize_t recv(int fd, void *to, size_t room, int flags);
EXPORTED ssize_t gnutls_record_recv(void *session, void *to, size_t room);

/* ---- plain ---- */

static int64_t read_plain(void *ctx, uint8_t *to, size_t room)
{
    ssize_t n;

    do {
        n = recvfrom(*(const int *)ctx, to, room, 0, NULL, NULL);
    } while (n < 0 && errno == EINTR);
    if (n >= 0) return n;
    return errno == EAGAIN || errno == EWOULDBLOCK ? C2_INTAKE_AGAIN : C2_INTAKE_FAILED;
}

ssize_t recv(int fd, void *to, size_t room, int flags) /* style: libmicrohttpd calls this name */
{
    int64_t n = flags ? C2_CONNS_NOT_OURS : ask(fd, NULL, read_plain, &fd, to, room);

    if (n == C2_CONNS_NOT_OURS) return recvfrom(fd, to, room, flags, NULL, NULL);
    if (n >= 0) return (ssize_t)n;
    if (n == C2_INTAKE_AGAIN) errno = EAGAIN;
    return -1;
}

/* ---- TLS ---- */

struct tls_source {
    record_recv *recv;
    void *session;
    ssize_t code; /* of its failure */
};

static int64_t read_tls(void *ctx, uint8_t *to, size_t room)
{
    struct tls_source *source = ctx;
    ssize_t n = source->recv(source->session, to, room);

    if (n >= 0) return n;
    source->code = n;
    return n == TLS_AGAIN ? C2_INTAKE_AGAIN : C2_INTAKE_FAILED;
}

/* A function of the library that this one stands before. */
static void *next_symbol(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

ssize_t gnutls_record_recv(void *session, void *to, size_t room) /* style: and this */
{
    static _Thread_local struct {
        record_recv *recv;
        transport_get_int2 *fds;
    } library;

    if (!library.recv) { /* ISO C knows no conversion of pointers to functions */
        void *symbols[2] = {next_symbol("gnutls_record_recv"), next_symbol("gnutls_transport_get_int2")};
        _Static_assert(sizeof(library) == sizeof(symbols), "a function's address is a pointer");
        memcpy(&library, symbols, sizeof(library));
    }
    struct tls_source source = {library.recv, session, TLS_AGAIN};
    int in = -1, out = -1;
    library.fds(session, &in, &out); /* what it reads from may be another thing than a descriptor */
    int64_t got = ask(out, session, read_tls, &source, to, room);
    if (got == C2_CONNS_NOT_OURS) return library.recv(session, to, room);
    if (got == C2_INTAKE_AGAIN) return TLS_AGAIN;
    return got >= 0 ? (ssize_t)got : source.code;
}
