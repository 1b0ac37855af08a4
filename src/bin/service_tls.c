/* SPDX-License-Identifier: BSD-3-Clause */
/* The certificates of a service, and those it believes, as its options name them. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "bin/service.h"
#include "net/tls.h"

static bool named(const struct c2_options *options, const char **certificates, const char **keys,
                  struct cat2_error *err)
{
    *certificates = c2_options_text(options, "certificate");
    *keys = c2_options_text(options, "certificate-key");
    if (*certificates && !*keys)
        return c2_fail(err, CAT2_EINVAL, "--certificate %.150s needs --certificate-key, the file of its key",
                       *certificates);
    if (*keys && !*certificates)
        return c2_fail(err, CAT2_EINVAL, "--certificate-key %.150s needs --certificate, the file it is for",
                       *keys);
    return true;
}

bool c2_service_tls(const struct c2_options *options, struct c2_tls **out, struct cat2_error *err)
{
    const char *certificates, *keys;

    *out = NULL;
    return named(options, &certificates, &keys, err) &&
           (!certificates || c2_tls_new(certificates, keys, out, err));
}

void c2_service_tls_reload(struct c2_tls *tls, const struct c2_options *options)
{
    const char *certificates, *keys;
    struct cat2_error err;
    bool ok = named(options, &certificates, &keys, &err);

    if (ok && !certificates != !tls) {
        c2_log_error("TLS is %s, which takes a restart", tls ? "still spoken" : "not spoken yet");
        return;
    }
    if (!tls && ok) return;
    if (ok && c2_tls_reload(tls, certificates, keys, &err))
        c2_log_info("certificates are read anew; they are for new connections");
    else
        c2_log_error("certificates are not reloaded, those of before stay: %s", err.message);
}

bool c2_service_authorities(const struct c2_options *options, struct c2_authorities *out,
                            struct cat2_error *err)
{
    if (!c2_authorities_init(out, c2_options_text(options, "ca"), c2_options_flag(options, "insecure"), err))
        return false;
    if (out->insecure)
        c2_log_warn(
            "--insecure: certificates of other services are NOT checked; anybody on the way can read and "
            "change what they send. This is for tests");
    return true;
}
