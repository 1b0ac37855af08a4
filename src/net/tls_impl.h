/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of TLS share. */
#ifndef C2_NET_TLS_IMPL_H
#define C2_NET_TLS_IMPL_H

#include <gnutls/gnutls.h>

#include "net/tls_socket.h"

struct c2_tls_socket {
    gnutls_session_t session;
    int fd;
    gnutls_certificate_credentials_t credentials; /* a client's */
    char host[256];                               /* a client's peer */
    bool insecure;                                /* a client that believes everybody */
    /* A server's: its certificates, and what libmicrohttpd, which has the session, may read of it. */
    struct c2_identity *identity;
    bool begun, ours, inside;
};
/* TLS 1.3, and 1.2 with forward secrecy and authenticated ciphers only. The first group is the one for which
 * clients send a key at once; another would take one more round trip. */
#define C2_TLS_PRIORITIES                                                                                    \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA:-CIPHER-ALL:+AES-256-GCM:"   \
    "+CHACHA20-POLY1305:+AES-128-GCM:-MAC-ALL:+AEAD:-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:"              \
    "+GROUP-SECP384R1:+GROUP-SECP521R1:-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:%SERVER_PRECEDENCE"

#endif
