/* SPDX-License-Identifier: BSD-3-Clause */
/* What a publisher says when it does not answer, in its words and with its status. */
#include <stdio.h>
#include <string.h>

#include "subscriber/mirror/reason.h"

#define RETRY_MAX_S 60
#define PLACE_MAX   80 /* bytes of an address */

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

/* What a service on the way said of the publisher, which ends its text: from " (the publisher at " on. That
 * it is an address in one pair of parentheses tells it from words of a publisher. */
static struct c2_str place_of(struct c2_str detail)
{
    static const char begin[] = " (the publisher at ", answers[] = " answers ";
    const struct c2_str none = {"", 0};
    struct c2_str place, rest;
    size_t at = detail.n;
    int64_t status;

    if (detail.n == 0 || detail.p[detail.n - 1] != ')') return none;
    while (at > 0 && detail.p[at - 1] != '(')
        at--;
    if (at < 2 || !c2_str_starts((struct c2_str){detail.p + at - 2, detail.n - at + 2}, begin)) return none;
    place = (struct c2_str){detail.p + at - 2, detail.n - at + 2};
    struct c2_str inner = {place.p + sizeof(begin) - 1, place.n - sizeof(begin)}, address = inner;
    const char *says = memmem(inner.p, inner.n, answers, sizeof(answers) - 1);
    if (says) {
        address.n = (size_t)(says - inner.p);
        rest = (struct c2_str){says + sizeof(answers) - 1, inner.n - address.n - (sizeof(answers) - 1)};
        if (!c2_str_to_i64(rest, &status)) return none;
    }
    bool ok = address.n > 0 && address.n <= PLACE_MAX && memchr(address.p, ':', address.n);
    for (size_t i = 0; i < address.n; i++)
        if (address.p[i] <= ' ' || address.p[i] == ')') ok = false;
    return ok ? place : none;
}

bool c2_reason_of_reply(const struct c2_http_reply *reply, const char *http, const char *what,
                        const char *name, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str detail = {"", 0};
    enum cat2_code code = code_of(reply->status);
    struct cat2_error ignored;
    char ours[PLACE_MAX + 40];

    if (c2_json_parse(c2_buf_str(reply->body), &json, &ignored))
        c2_jstr(c2_jget(c2_json_root(json), "detail"), &detail);
    detail = c2_reason_without_place(without_name(c2_str_trim(detail), name));
    struct c2_str place = place_of(detail); /* told by a service on the way */
    detail = c2_str_trim((struct c2_str){detail.p, detail.n - place.n});
    if (place.n == 0 && code == CAT2_EUPSTREAM && reply->status != 503)
        snprintf(ours, sizeof(ours), " (the publisher at %.80s answers %d)", http, reply->status);
    else if (place.n == 0)
        snprintf(ours, sizeof(ours), " (the publisher at %.80s)", http);
    if (place.n == 0) place = c2_str_of(ours);
    /* The caller puts the name in front, which keeps at most half of the line. */
    size_t front = (size_t)c2_min_i64((int64_t)strlen(name), (int64_t)sizeof(err->message) / 2) + 2;
    size_t room = sizeof(err->message) - 1 - front - place.n;
    if (code == CAT2_ECHANGED)
        c2_fail(err, code, "the dataset has just changed at its publisher: ask again");
    else if (detail.n == 0)
        c2_fail(err, code, "the publisher at %.80s answers %d for %s", http, reply->status, what);
    else
        c2_fail(err, code, "%.*s%.*s",
                (int)c2_utf8_whole(detail, (size_t)c2_min_i64((int64_t)room, (int64_t)detail.n)), detail.p,
                C2_STR_ARG(place));
    if (code == CAT2_EDATA || reply->status == 503) err->http_status = reply->status;
    return false;
}
