/* SPDX-License-Identifier: BSD-3-Clause */
/* TLS of a process's servers: certificates with their keys, read anew while connections live. Loop thread
 * only. */
#ifndef C2_NET_TLS_H
#define C2_NET_TLS_H

#include "base/buf.h"

struct c2_metrics;
struct c2_tls;
/** Read the files: certificates (PEM, each with its chain, the server's first) and as many keys, one name a
 * line. Several are for several host names, by SNI; the first is for clients that name none of them. What
 * deserves a warning (a key that everybody may read, a certificate that ends soon) is logged.
 *  @errors CAT2_EINVAL  not as many keys as certificates, no certificate, or the key of another one;
 *  CAT2_ENOTFOUND, CAT2_EIO. */
bool c2_tls_new(const char *certificates, const char *keys, struct c2_tls **out, struct cat2_error *err);
/** The same, for connections that are made from now on. After an error all is as it was. */
bool c2_tls_reload(struct c2_tls *tls, const char *certificates, const char *keys, struct cat2_error *err);
/** After the servers that use it. */
void c2_tls_free(struct c2_tls *tls);
/** For /metrics; NULL: no value. */
void c2_tls_metrics(const struct c2_tls *tls, struct c2_metrics *m);

#endif
