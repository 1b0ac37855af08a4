/* SPDX-License-Identifier: BSD-3-Clause */
/* GnuTLS over a socket: records both ways, a client's handshake. */
#include "net/tls_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/authorities.h"
#include "net/tls_impl.h"

#define RECORD_MAX 16384 /* bytes that a record of TLS may hold */

int c2_tls_socket_fd(const struct c2_tls_socket *tls)
{
    return tls->fd;
}

/* What a call of GnuTLS returned, as recv(2) and send(2) say it. */
static ssize_t as_errno(ssize_t code)
{
    if (code >= 0) return code;
    if (code == GNUTLS_E_PREMATURE_TERMINATION) return 0; /* the peer left without a word */
    errno = code == GNUTLS_E_AGAIN ? EAGAIN : code == GNUTLS_E_INTERRUPTED ? EINTR : EPROTO;
    return -1;
}

ssize_t c2_tls_recv(struct c2_tls_socket *tls, void *to, size_t n)
{
    tls->inside = true;
    ssize_t got = gnutls_record_recv(tls->session, to, n);
    tls->inside = false;
    return as_errno(got);
}

ssize_t c2_tls_send(struct c2_tls_socket *tls, const void *from, size_t n)
{
    return as_errno(gnutls_record_send(tls->session, from, n));
}

ssize_t c2_tls_sendv(struct c2_tls_socket *tls, const struct iovec *parts, int n)
{
    uint8_t record[RECORD_MAX];
    size_t used = 0;

    for (int i = 0; i < n && used < sizeof(record); i++) {
        size_t room = sizeof(record) - used, more = parts[i].iov_len < room ? parts[i].iov_len : room;
        memcpy(record + used, parts[i].iov_base, more);
        used += more;
    }
    return c2_tls_send(tls, record, used);
}

void c2_tls_bye(struct c2_tls_socket *tls)
{
    gnutls_bye(tls->session, GNUTLS_SHUT_WR);
}

/* ---- a client's end ---- */

static bool is_address(const char *host)
{
    unsigned char bytes[16];

    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* Whom it believes. */
static bool set_authorities(struct c2_tls_socket *tls, const struct c2_authorities *authorities,
                            struct cat2_error *err)
{
    const char *file = c2_authorities_file(authorities);

    if (gnutls_certificate_allocate_credentials(&tls->credentials) < 0)
        return c2_fail_nomem(err, "certificates");
    if (tls->insecure) return true;
    int n = file ? gnutls_certificate_set_x509_trust_file(tls->credentials, file, GNUTLS_X509_FMT_PEM)
                 : gnutls_certificate_set_x509_system_trust(tls->credentials);
    if (n > 0) return true;
    return c2_fail(
        err, CAT2_EIO,
        "%.120s: no certificates of authorities: %.60s (--ca names a file; Debian's are in ca-certificates)",
        file ? file : "the system's store", n < 0 ? gnutls_strerror(n) : "it is empty");
}

bool c2_tls_client_new(int fd, const char *host, const struct c2_authorities *authorities,
                       struct c2_tls_socket **out, struct cat2_error *err)
{
    struct c2_tls_socket *tls = calloc(1, sizeof(*tls));

    if (!tls) return c2_fail_nomem(err, "connection");
    tls->fd = fd;
    tls->insecure = authorities && authorities->insecure;
    snprintf(tls->host, sizeof(tls->host), "%s", host);
    bool ok = gnutls_init(&tls->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) >= 0 ||
              c2_fail_nomem(err, "connection");
    ok = ok && set_authorities(tls, authorities, err);
    ok = ok && ((gnutls_priority_set_direct(tls->session, C2_TLS_PRIORITIES, NULL) >= 0 &&
                 gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->credentials) >= 0 &&
                 (is_address(host) ||
                  gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, host, strlen(host)) >= 0)) ||
                c2_fail(err, CAT2_EINVAL, "TLS to %.100s cannot be set up", host));
    if (!ok) {
        c2_tls_client_free(tls);
        return false;
    }
    if (!tls->insecure) gnutls_session_set_verify_cert(tls->session, tls->host, 0);
    gnutls_transport_set_int(tls->session, fd);
    *out = tls;
    return true;
}

static bool fail_handshake(const struct c2_tls_socket *tls, int code, struct cat2_error *err)
{
    unsigned status = gnutls_session_get_verify_cert_status(tls->session);
    gnutls_datum_t text = {0};

    if (code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
        gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text, 0) >= 0) {
        struct c2_str why = c2_str_trim((struct c2_str){(const char *)text.data, text.size});
        (void)c2_fail(err, CAT2_EUPSTREAM, "certificate of %.60s: %.*s (--ca names a file of authorities)",
                      tls->host, (int)c2_min_i64(110, (int64_t)why.n), why.p);
        gnutls_free(text.data);
        return false;
    }
    if (code == GNUTLS_E_FATAL_ALERT_RECEIVED)
        return c2_fail(err, CAT2_EUPSTREAM, "TLS to %.60s: it says '%.60s'", tls->host,
                       gnutls_alert_get_name(gnutls_alert_get(tls->session)));
    return c2_fail(err, CAT2_EUPSTREAM, "TLS to %.60s: %.100s%s", tls->host, gnutls_strerror(code),
                   code == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR
                       ? ""
                       : " (perhaps no TLS is spoken there: http://, not https://)");
}

enum c2_tls_step c2_tls_handshake(struct c2_tls_socket *tls, struct cat2_error *err)
{
    int code;

    do {
        code = gnutls_handshake(tls->session);
    } while (code == GNUTLS_E_INTERRUPTED ||
             (code < 0 && code != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(code)));
    if (code == GNUTLS_E_SUCCESS) return C2_TLS_DONE;
    if (code == GNUTLS_E_AGAIN)
        return gnutls_record_get_direction(tls->session) ? C2_TLS_WANTS_WRITE : C2_TLS_WANTS_READ;
    fail_handshake(tls, code, err);
    return C2_TLS_FAILED;
}

void c2_tls_client_free(struct c2_tls_socket *tls)
{
    if (!tls) return;
    if (tls->session) gnutls_deinit(tls->session);
    if (tls->credentials) gnutls_certificate_free_credentials(tls->credentials);
    free(tls);
}
