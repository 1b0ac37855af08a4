/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher says when it does not answer, in its words and with its status. */
#include <string.h>

#include "subscriber/mirror/reason.h"

#define RETRY_MAX_S 60

struct c2_str c2_reason_without_place(struct c2_str reason)
{
    const char *end = reason.n && reason.p[0] == '/' ? memmem(reason.p, reason.n, ": ", 2) : NULL;

    return end ? (struct c2_str){end + 2, reason.n - (size_t)(end + 2 - reason.p)} : reason;
}

static enum cat2_code code_of(int status)
{
    return status == 404   ? CAT2_ENOTFOUND
           : status == 412 ? CAT2_ECHANGED
           : status == 422 ? CAT2_EDATA
           : status == 501 ? CAT2_EUNSUPPORTED
                           : CAT2_EUPSTREAM;
}

int c2_reason_retry_s(const struct c2_http_reply *reply)
{
    struct c2_str text;
    int64_t seconds = 1;

    if (c2_http_header(reply, "Retry-After", &text) && !c2_str_to_i64(text, &seconds)) seconds = 1;
    return (int)c2_max_i64(1, c2_min_i64(RETRY_MAX_S, seconds));
}

static bool cut_name(struct c2_str *reason, const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || !c2_str_starts(*reason, name) || reason->n < n + 2 || memcmp(reason->p + n, ": ", 2) != 0)
        return false;
    *reason = (struct c2_str){reason->p + n + 2, reason->n - n - 2};
    return true;
}

/* Each service on the way has put the name in front, publishers that without the root. */
static struct c2_str without_name(struct c2_str reason, const char *name)
{
    const char *slash = strchr(name, '/');

    while (cut_name(&reason, name) || (slash && cut_name(&reason, slash + 1)))
        ;
    return reason;
}

bool c2_reason_of_reply(const struct c2_http_reply *reply, const char *http, const char *what,
                        const char *name, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str detail = {"", 0};
    enum cat2_code code = code_of(reply->status);
    struct cat2_error ignored;

    if (c2_json_parse(c2_buf_str(reply->body), &json, &ignored))
        c2_jstr(c2_jget(c2_json_root(json), "detail"), &detail);
    detail = c2_reason_without_place(without_name(c2_str_trim(detail), name));
    bool told = c2_str_has(detail, " (the publisher at "); /* by a service on the way */
    int n = (int)c2_min_i64(200, (int64_t)detail.n);
    if (code == CAT2_ECHANGED)
        c2_fail(err, code, "the dataset has just changed at its publisher: ask again");
    else if (detail.n == 0)
        c2_fail(err, code, "the publisher at %.80s answers %d for %s", http, reply->status, what);
    else if (told)
        c2_fail(err, code, "%.*s", n, detail.p);
    else if (code == CAT2_EUPSTREAM && reply->status != 503)
        c2_fail(err, code, "%.*s (the publisher at %.80s answers %d)", n, detail.p, http, reply->status);
    else
        c2_fail(err, code, "%.*s (the publisher at %.80s)", n, detail.p, http);
    if (code == CAT2_EDATA || reply->status == 503) err->http_status = reply->status;
    return false;
}
