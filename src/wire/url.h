/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs, percent-encoding, query strings, host:port. */
#ifndef C2_WIRE_URL_H
#define C2_WIRE_URL_H

#include "base/buf.h"

/** Decode %XX once; with plus_is_blank also '+' -> ' ' (queries). A '%' not followed by two hex digits stays
 * as it is. */
bool c2_url_decode(struct c2_str in, bool plus_is_blank, struct c2_buf *out, struct cat2_error *err);
/** Encode everything but unreserved characters and '/' ; keep_slash=false encodes '/' too. */
bool c2_url_encode(struct c2_str in, bool keep_slash, struct c2_buf *out, struct cat2_error *err);

/** Encode only what would end the path or change it ('%' '?' '#' '\\', control characters): for clients that
 * quote the rest themselves. */
bool c2_url_encode_least(struct c2_str in, struct c2_buf *out, struct cat2_error *err);

/** One "k=v" of a query string: *rest starts as the query and shrinks; pieces are still encoded. false at the
 * end. */
bool c2_query_next(struct c2_str *rest, struct c2_str *key, struct c2_str *value);

/** The beginning of addresses that others are told: "http://host:port", "https://host[:port][/path]";
 * "host:port" is taken for http. Appended without a slash at its end. @errors CAT2_EINVAL. */
bool c2_base_url(struct c2_str text, struct c2_buf *out, struct cat2_error *err);

/** The path of a site that is not at the top of its host: "/data", "/a/b/"; "" and "/" are the top. Appended
 * without a slash at its end; "" at the top. Plain names only. @errors CAT2_EINVAL. */
bool c2_base_path(struct c2_str text, struct c2_buf *out, struct cat2_error *err);
/** What follows "http://" or "https://", for messages; all of it without either. */
const char *c2_url_no_scheme(const char *url);

/** "HOST", "HOST:PORT", "[V6]", "[V6]:PORT": host without brackets; port empty: it is not said. false: what
 * stands around the brackets is neither. Nothing else is checked. */
bool c2_cut_port(struct c2_str text, struct c2_str *host, struct c2_str *port, bool *v6);

struct c2_endpoint {
    char host[256]; /* without brackets; "*" = every address */
    int port;       /* 0 = chosen by the kernel */
    bool v6;        /* was written [v6]:port */
};
/** "host:port", "[v6]:port", "*:port". */
bool c2_endpoint_parse(struct c2_str text, struct c2_endpoint *out, struct cat2_error *err);
/** Where a service is asked: "host:port" or "http://host:port" by HTTP, "https://host:port" by TLS (*tls); a
 * slash may follow. For "*" (what a service is told to listen at; settings are shared) this machine.
 *  @param out  "host:port". @errors CAT2_EINVAL. */
bool c2_service_address(struct c2_str text, char *out, size_t size, bool *tls, struct cat2_error *err);
/** Does it mean this machine and no other, as it is written: localhost, 127.*, ::1? */
bool c2_endpoint_is_local(const struct c2_endpoint *e);
/** Back to text, brackets included. */
bool c2_endpoint_format(const struct c2_endpoint *e, struct c2_buf *out, struct cat2_error *err);

#endif
