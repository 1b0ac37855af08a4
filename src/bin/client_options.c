/* SPDX-License-Identifier: BSD-3-Clause */
/* What cat2cli and cat2tui ask libcaterva2 for. */
#include "bin/client_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/url.h"

#define USUAL_PORT "8002" /* of a subscriber */

/* A host alone is asked at the usual port. */
static const char *with_port(const char *text)
{
    static char address[300];
    struct c2_str name = c2_str_trim(c2_str_of(text));
    struct c2_endpoint endpoint;
    struct cat2_error ignored;

    name = c2_str_no_slashes(name);
    int n = snprintf(address, sizeof(address), "%.*s:" USUAL_PORT, C2_STR_ARG(name));
    bool alone = name.n && !strstr(text, "://") && !c2_endpoint_parse(name, &endpoint, &ignored) &&
                 (!memchr(name.p, ':', name.n) || name.p[name.n - 1] == ']');
    return alone && n > 0 && (size_t)n < sizeof(address) &&
                   c2_endpoint_parse(c2_str_of(address), &endpoint, &ignored)
               ? address
               : text;
}

const char *c2_client_host(const struct c2_options *options)
{
    static char address[C2_SERVICE_URL_MAX];

    return with_port(c2_options_service(options, "host", "subscriber", address));
}

/* Of the configuration file, not of the command line. */
static bool is_configured(const struct c2_options *options, const char *name, const char *value)
{
    char key[300];
    const char *id = c2_options_id(options);

    snprintf(key, sizeof(key), "client.%s%s%s", id ? id : "", id ? "." : "", name);
    const char *conf = c2_options_conf(options, key);
    return conf && strcmp(conf, value) == 0;
}

/* Over http, and not to this machine. */
static bool is_open(const char *host)
{
    struct c2_endpoint at;
    struct cat2_error ignored;
    char address[300];
    bool tls;

    return c2_service_address(c2_str_of(host), address, sizeof(address), &tls, &ignored) && !tls &&
           c2_endpoint_parse(c2_str_of(address), &at, &ignored) && !c2_endpoint_is_local(&at);
}

void c2_client_access(const struct c2_options *options, struct cat2_client_options *out)
{
    const char *file = c2_options_text(options, "key-file"), *key = getenv("CATERVA2_KEY");
    const char *host = c2_client_host(options);

    *out = (struct cat2_client_options)CAT2_CLIENT_OPTIONS_INIT;
    out->ca = c2_options_text(options, "ca");
    out->insecure = c2_options_flag(options, "insecure");
    if (file && key && *key && is_configured(options, "key-file", file)) file = NULL;
    out->key_file = file;
    if (out->insecure) fprintf(stderr, "warning: --insecure: the certificate of %s is not checked\n", host);
    if ((file || (key && *key)) && is_open(host))
        fprintf(stderr, "warning: the key is sent to %s by http, which anybody on the way can read\n", host);
}
