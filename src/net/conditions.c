/* SPDX-License-Identifier: BSD-3-Clause */
/* Conditional requests (RFC 9110, 13.1): all services decide about them here. */
#include "net/server_impl.h"

/* Quoted; unquoted, as Python's clients send it; or "*". Weak ones are equal to nothing by strong comparison,
 * which all but If-None-Match need (RFC 9110, 8.8.3.2). */
static bool is_listed(struct c2_str header, const char *etag_quoted, bool weak)
{
    struct c2_str etag = c2_str_of(etag_quoted), rest = header, part;

    if (c2_str_is(c2_str_trim(header), "*")) return true;
    for (bool more = true; more;) {
        more = c2_str_cut(rest, ',', &part, &rest);
        part = c2_str_trim(part);
        if (c2_str_starts(part, "W/")) {
            if (!weak) continue;
            part = (struct c2_str){part.p + 2, part.n - 2};
        }
        if (c2_str_eq(part, etag)) return true;
        bool quoted = etag.n > 1 && etag.p[0] == '"';
        if (quoted && c2_str_eq(part, (struct c2_str){etag.p + 1, etag.n - 2})) return true;
    }
    return false;
}

bool c2_request_range(const struct c2_request *req, const char *etag_quoted, struct c2_str *out)
{
    struct c2_str condition;

    if (c2_request_is_head(req) || !c2_request_header(req, "Range", out)) return false;
    return !c2_request_header(req, "If-Range", &condition) ||
           (etag_quoted && c2_str_is(condition, etag_quoted));
}

bool c2_reply_if_other(struct c2_request *req, const char *etag_quoted, const char *also)
{
    struct c2_str header;

    bool ok = c2_request_all_of(req, "If-Match", &header);
    if (ok &&
        (!header.p || is_listed(header, etag_quoted, false) || (also && is_listed(header, also, false))))
        return false;
    c2_reply_detail(req, 412, "what is there is of another generation: %s", etag_quoted);
    return true;
}

bool c2_reply_if_known(struct c2_request *req, const char *etag_quoted)
{
    struct c2_str header;

    if (!c2_request_all_of(req, "If-None-Match", &header) || !header.p ||
        !is_listed(header, etag_quoted, true))
        return false;
    c2_reply_header(req, "ETag", etag_quoted);
    c2_reply_empty(req, 304);
    return true;
}

bool c2_reply_if_settled(struct c2_request *req, const char *etag_quoted)
{
    return c2_reply_if_other(req, etag_quoted, NULL) || c2_reply_if_known(req, etag_quoted);
}
