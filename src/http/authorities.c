/* SPDX-License-Identifier: BSD-3-Clause */
/* The authorities of this system, wherever it keeps them: libcurl and GnuTLS look only where the distribution
 * they were built on has them, and the Python distribution carries both to others. */
#include "http/authorities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

#define CA_NBYTES_MAX (4 << 20) /* Mozilla's whole list has 230 KiB */

bool c2_authorities_init(struct c2_authorities *authorities, const char *ca, bool insecure,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(CA_NBYTES_MAX);

    if (ca && insecure)
        return c2_fail(err, CAT2_EINVAL, "--ca and --insecure: certificates are either checked or not");
    *authorities = (struct c2_authorities){.insecure = insecure};
    if (!ca) return true;
    if (!c2_fs_read_file("--ca", ca, CA_NBYTES_MAX, &text, err)) return false;
    if (!c2_str_has(c2_buf_str(&text), "-----BEGIN CERTIFICATE"))
        return c2_fail(err, CAT2_EINVAL, "--ca %.150s: there is no certificate in PEM format in it", ca);
    if (strlen(ca) >= sizeof(authorities->ca)) return c2_fail(err, CAT2_EINVAL, "--ca: the name is too long");
    snprintf(authorities->ca, sizeof(authorities->ca), "%s", ca);
    return true;
}

const char *c2_authorities_file(const struct c2_authorities *authorities)
{
    static const char *const places[] = {
        "/etc/ssl/certs/ca-certificates.crt", /* Debian, Arch, Alpine */
        "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, Red Hat */
        "/etc/ssl/ca-bundle.pem",             /* SUSE */
        "/etc/ssl/cert.pem",
    };
    const char *named = getenv("SSL_CERT_FILE");

    if (authorities && authorities->ca[0]) return authorities->ca;
    if (named && *named) return named;
    for (size_t i = 0; i < C2_ARRAY_LEN(places); i++)
        if (access(places[i], R_OK) == 0) return places[i];
    return NULL;
}
