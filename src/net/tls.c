/* SPDX-License-Identifier: BSD-3-Clause */
/* libmicrohttpd speaks TLS by GnuTLS and takes its certificates once. Here each new connection is given those
 * that are valid now, and one that begins with plain HTTP is told so. */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/exposition.h"
#include "base/fs.h"
#include "base/log.h"
#include "net/server_impl.h"
#include "net/tls_impl.h"

#define PEM_NBYTES_MAX (1 << 20) /* of a file: a chain has a few kilobytes */
#define PAIRS_MAX      64        /* certificates of one process; all are looked through for each connection */
#define SOON_S         (30 * 86400)

#define NOT_TLS "{\"detail\":\"TLS is spoken at this port: the address begins with https://, not http://\"}"

/* Certificates that were read at one time. Held by the connections that use them. */
struct c2_identity {
    int refs;
    gnutls_certificate_credentials_t credentials;
    int64_t expires_s;
};
struct c2_tls {
    pthread_mutex_t lock; /* guards now, and refs of each: fronts have threads */
    struct c2_identity *now;
};

/* Bytes came or left since c2_tls_is_stuck() was asked, of any server of the loop of this thread. */
static _Thread_local bool moved;

/* ---- reading ---- */

static void identity_unref(struct c2_identity *identity)
{
    if (!identity || --identity->refs > 0) return;
    if (identity->credentials) gnutls_certificate_free_credentials(identity->credentials);
    free(identity);
}
C2_DEFINE_AUTO_PTR(c2_identity, identity_unref);

static bool read_pem(const char *file, bool key, struct c2_buf *out, struct cat2_error *err)
{
    const char *what = key ? "certificate-key" : "certificate";
    struct stat st;

    if (!c2_fs_read_file(what, file, PEM_NBYTES_MAX, out, err)) return false;
    if (key && stat(file, &st) == 0 && (st.st_mode & S_IROTH))
        c2_log_warn("%s %s may be read by everybody on this machine: chmod o-r", what, file);
    return true;
}

/* When the first of a chain ends. */
static int64_t end_of_chain(gnutls_certificate_credentials_t credentials, unsigned pair)
{
    gnutls_x509_crt_t *chain;
    unsigned n = 0;
    int64_t first = INT64_MAX;

    if (gnutls_certificate_get_x509_crt(credentials, pair, &chain, &n) < 0) return first;
    for (unsigned i = 0; i < n; i++) {
        first = c2_min_i64(first, (int64_t)gnutls_x509_crt_get_expiration_time(chain[i]));
        gnutls_x509_crt_deinit(chain[i]);
    }
    gnutls_free(chain);
    return first;
}

static void say_when_it_ends(const char *file, int64_t expires_s)
{
    char day[32];
    time_t end = (time_t)expires_s, now = time(NULL);
    struct tm utc;

    if (end - now > SOON_S || !gmtime_r(&end, &utc)) return;
    strftime(day, sizeof(day), "%Y-%m-%d %H:%M UTC", &utc);
    if (end <= now)
        c2_log_error("certificate %s ended at %s: clients refuse it", file, day);
    else
        c2_log_warn("certificate %s ends at %s", file, day);
}

/* Which of the two files is at fault. */
static bool fail_pair(struct cat2_error *err, int code, const char *certificate, const char *key,
                      const gnutls_datum_t *pem)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0;

    if (code == GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        return c2_fail(err, CAT2_EINVAL, "certificate-key %.100s is not the key of certificate %.100s", key,
                       certificate);
    int of_certificate = gnutls_x509_crt_list_import2(&list, &n, pem, GNUTLS_X509_FMT_PEM, 0);
    for (unsigned i = 0; of_certificate >= 0 && i < n; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    if (of_certificate < 0)
        return c2_fail(err, CAT2_EINVAL, "certificate %.120s is none in PEM format: %.80s", certificate,
                       gnutls_strerror(of_certificate));
    if (code == GNUTLS_E_DECRYPTION_FAILED)
        return c2_fail(err, CAT2_EINVAL,
                       "certificate-key %.120s has a passphrase, which nobody is there to type", key);
    return c2_fail(err, CAT2_EINVAL, "certificate-key %.120s is none in PEM format: %.80s", key,
                   gnutls_strerror(code));
}

static bool add_pair(struct c2_identity *identity, unsigned pair, const char *certificate, const char *key,
                     struct cat2_error *err)
{
    C2_AUTO(c2_buf) public = C2_BUF_INIT(PEM_NBYTES_MAX);
    C2_AUTO(c2_buf) secret = C2_BUF_INIT(PEM_NBYTES_MAX);

    if (!read_pem(certificate, false, &public, err) || !read_pem(key, true, &secret, err)) return false;
    gnutls_datum_t public_pem = {public.p, (unsigned)public.n}, secret_pem = {secret.p, (unsigned)secret.n};
    int code = gnutls_certificate_set_x509_key_mem2(identity->credentials, &public_pem, &secret_pem,
                                                    GNUTLS_X509_FMT_PEM, NULL, 0);
    if (secret.p) explicit_bzero(secret.p, secret.n);
    if (code < 0) return fail_pair(err, code, certificate, key, &public_pem);
    int64_t expires_s = end_of_chain(identity->credentials, pair);
    say_when_it_ends(certificate, expires_s);
    identity->expires_s = c2_min_i64(identity->expires_s, expires_s);
    return true;
}

static bool take_line(struct c2_str *rest, char out[PATH_MAX], struct cat2_error *err)
{
    struct c2_str line;

    c2_str_cut(*rest, '\n', &line, rest);
    if (line.n >= PATH_MAX) return c2_fail(err, CAT2_EINVAL, "the name of a certificate's file is too long");
    snprintf(out, PATH_MAX, "%.*s", C2_STR_ARG(line));
    return true;
}

static bool read_files(const char *certificates, const char *keys, struct c2_identity **out,
                       struct cat2_error *err)
{
    struct c2_str certificate_names = c2_str_of(certificates), key_names = c2_str_of(keys);
    C2_AUTO_PTR(c2_identity) *identity = calloc(1, sizeof(*identity));
    char certificate[PATH_MAX], key[PATH_MAX];

    if (!identity || gnutls_certificate_allocate_credentials(&identity->credentials) < 0)
        return c2_fail_nomem(err, "certificates");
    identity->refs = 1;
    identity->expires_s = INT64_MAX;
    for (unsigned i = 0; certificate_names.n || key_names.n; i++) {
        if (i == PAIRS_MAX) return c2_fail(err, CAT2_ELIMIT, "more than %d certificates", PAIRS_MAX);
        if (!take_line(&certificate_names, certificate, err) || !take_line(&key_names, key, err))
            return false;
        if (!certificate[0])
            return c2_fail(err, CAT2_EINVAL, "certificate-key %.150s has no certificate", key);
        if (!key[0])
            return c2_fail(err, CAT2_EINVAL, "certificate %.150s has no certificate-key", certificate);
        if (!add_pair(identity, i, certificate, key, err)) return false;
    }
    *out = identity;
    identity = NULL;
    return true;
}

bool c2_tls_reload(struct c2_tls *tls, const char *certificates, const char *keys, struct cat2_error *err)
{
    struct c2_identity *identity;

    if (!read_files(certificates, keys, &identity, err)) return false;
    pthread_mutex_lock(&tls->lock);
    identity_unref(tls->now);
    tls->now = identity;
    pthread_mutex_unlock(&tls->lock);
    return true;
}

bool c2_tls_new(const char *certificates, const char *keys, struct c2_tls **out, struct cat2_error *err)
{
    struct c2_tls *tls = calloc(1, sizeof(*tls));

    if (!tls) return c2_fail_nomem(err, "certificates");
    pthread_mutex_init(&tls->lock, NULL);
    if (!c2_tls_reload(tls, certificates, keys, err)) {
        pthread_mutex_destroy(&tls->lock);
        free(tls);
        return false;
    }
    *out = tls;
    return true;
}

void c2_tls_free(struct c2_tls *tls)
{
    if (!tls) return;
    identity_unref(tls->now);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

void c2_tls_metrics(const struct c2_tls *tls, struct c2_metrics *m)
{
    c2_metrics_family(m, C2_METRICS_GAUGE, "caterva2_tls_certificate_expiry_timestamp_seconds",
                      "When the first certificate of the server, or of its chain, ends.");
    if (tls) c2_metrics_sample(m, (double)tls->now->expires_s, NULL);
}

/* ---- connections ---- */

/* A client that begins with a letter does not speak TLS. false: say nothing to it. */
static bool say_not_tls(int fd)
{
    char head[4096];

    while (recv(fd, head, sizeof(head), MSG_DONTWAIT) == (ssize_t)sizeof(head))
        ; /* what is left unread would make the kernel drop the answer */
    snprintf(head, sizeof(head),
             "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
             "Connection: close\r\n\r\n%s",
             sizeof(NOT_TLS) - 1, NOT_TLS);
    return send(fd, head, strlen(head), MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

/* GnuTLS reads here. */
static ssize_t pull(gnutls_transport_ptr_t ptr, void *to, size_t n)
{
    struct c2_tls_socket *tls = ptr;
    uint8_t first;

    if (tls->ours && !tls->inside) { /* libmicrohttpd: see c2_tls_take_over() */
        errno = EAGAIN;
        return -1;
    }
    if (!tls->begun) {
        ssize_t got = recv(tls->fd, &first, 1, MSG_PEEK);
        if (got == 1 && first >= 'A' && first <= 'Z') return say_not_tls(tls->fd) ? 0 : -1;
        if (got <= 0) return got;
        tls->begun = true;
    }
    ssize_t got = recv(tls->fd, to, n, 0);
    if (got >= 0) moved = true;
    return got;
}

/* GnuTLS writes here. */
static ssize_t push(gnutls_transport_ptr_t ptr, const giovec_t *parts, int n)
{
    struct msghdr message = {.msg_iov = (struct iovec *)parts, .msg_iovlen = (size_t)n};
    ssize_t put = sendmsg((int)(intptr_t)ptr, &message, MSG_NOSIGNAL);

    if (put > 0) moved = true;
    return put;
}

void c2_tls_note(struct c2_tls *tls)
{
    if (tls) moved = true;
}

bool c2_tls_is_stuck(struct c2_tls *tls)
{
    bool stuck = tls && !moved;

    if (tls) moved = false;
    return stuck;
}

struct c2_tls_socket *c2_tls_take_over(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct c2_tls_socket *tls = info ? info->socket_context : NULL;

    C2_ASSERT(tls);
    tls->ours = true;
    return tls;
}

static bool begin(struct c2_tls *certificates, struct c2_tls_socket *tls)
{
    pthread_mutex_lock(&certificates->lock);
    tls->identity = certificates->now;
    tls->identity->refs++;
    pthread_mutex_unlock(&certificates->lock);
    /* recv_exported.c looks for the descriptor where libmicrohttpd put it. */
    gnutls_transport_set_ptr2(tls->session, tls, (gnutls_transport_ptr_t)(intptr_t)tls->fd);
    gnutls_transport_set_vec_push_function(tls->session, push);
    gnutls_transport_set_pull_function(tls->session, pull);
    return gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, tls->identity->credentials) >= 0;
}

static void end(struct c2_tls *certificates, struct c2_tls_socket *tls)
{
    if (!tls) return;
    pthread_mutex_lock(&certificates->lock);
    identity_unref(tls->identity);
    pthread_mutex_unlock(&certificates->lock);
    free(tls);
}

/* Without memory for it, a connection has no certificates, and its handshake fails. */
void c2_tls_notify(struct c2_tls *certificates, struct MHD_Connection *connection, void **socket_context,
                   enum MHD_ConnectionNotificationCode what)
{
    if (!certificates) return;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        end(certificates, *socket_context);
        *socket_context = NULL;
        return;
    }
    gnutls_session_t session =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    struct c2_tls_socket *tls = calloc(1, sizeof(*tls));
    if (!tls) return;
    tls->session = session;
    tls->fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *socket_context = tls;
    if (!begin(certificates, tls)) c2_log_error("a connection has no certificate");
}

/* libmicrohttpd wants to know a certificate, or how to come by one. It asks nobody: see c2_tls_notify(). */
static int on_certificate_wanted(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
                                 gnutls_pcert_st **certificates, unsigned *ncertificates,
                                 gnutls_ocsp_data_st **ocsp, unsigned *nocsp, gnutls_privkey_t *key,
                                 unsigned *flags)
{
    (void)session, (void)info, (void)certificates, (void)ncertificates;
    (void)ocsp, (void)nocsp, (void)key, (void)flags;
    return -1;
}

void c2_tls_options(struct c2_tls *tls, struct MHD_OptionItem items[C2_TLS_OPTIONS_MAX])
{
    size_t n = 0;

    if (tls) {
        items[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, on_certificate_wanted};
        items[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, C2_TLS_PRIORITIES};
    }
    items[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
    C2_ASSERT(n < C2_TLS_OPTIONS_MAX);
}
