/* SPDX-License-Identifier: BSD-3-Clause */
/* A publisher's answer to GET /api/direct. What is taken of it goes into requests of ours. */
#include "subscriber/fetch/direct_place.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

/* Has the operator named the store that this is a URL of? */
static bool is_allowed(const char *stores, struct c2_str url)
{
    struct c2_str rest = c2_str_of(stores), line;

    for (bool more = true; more;) {
        more = c2_str_cut(rest, '\n', &line, &rest);
        if (line.n && url.n > line.n && memcmp(url.p, line.p, line.n) == 0 && url.p[line.n] == '/')
            return true;
    }
    return false;
}

/* Nothing that could end the line of a request, or a header. */
static bool is_printable(struct c2_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] <= ' ' || text.p[i] == 0x7f) return false;
    return true;
}

static bool has_all(struct c2_jval object, struct c2_str *url, struct c2_str *etag,
                    struct c2_direct_place *out)
{
    struct c2_jval off = c2_jget(object, "offset");

    return c2_jstr(c2_jget(object, "url"), url) && c2_jstr(c2_jget(object, "etag"), etag) &&
           c2_jint(c2_jget(object, "nbytes"), &out->nbytes) &&
           c2_jint(c2_jget(object, "seconds"), &out->seconds) && out->nbytes >= 0 && out->seconds >= 0 &&
           etag->n >= 2 && etag->n < sizeof(out->etag) && etag->p[0] == '"' && is_printable(*etag) &&
           is_printable(*url) &&
           (c2_jval_kind(off) == C2_JNONE || (c2_jint(off, &out->off) && out->off >= 0));
}

/* Is the frame in the object? Without an offset it is all of it. */
static bool holds_frame(const struct c2_direct_place *place, bool has_offset, int64_t frame_len,
                        struct cat2_error *err)
{
    if (!has_offset)
        return place->nbytes == frame_len ||
               c2_fail(err, CAT2_EUPSTREAM, "the object has %" PRId64 " bytes, the frame %" PRId64,
                       place->nbytes, frame_len);
    return (frame_len <= place->nbytes && place->off <= place->nbytes - frame_len) ||
           c2_fail(err, CAT2_EUPSTREAM,
                   "the object has %" PRId64 " bytes, the frame %" PRId64 " from byte %" PRId64 " on",
                   place->nbytes, frame_len, place->off);
}

bool c2_direct_place_read(struct c2_str text, int64_t frame_len, const char *stores,
                          struct c2_direct_place *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_direct_place place = {0};
    struct c2_str url, etag;

    if (!c2_json_parse(text, &json, err)) return false;
    struct c2_jval object = c2_json_root(json);
    if (!has_all(object, &url, &etag, &place))
        return c2_fail(err, CAT2_EUPSTREAM, "the publisher does not say where its store has the data");
    if (!is_allowed(stores, url)) {
        struct c2_str bare, query;
        c2_str_cut(url, '?', &bare, &query);
        return c2_fail(err, CAT2_EUPSTREAM, "%.*s is at none of the stores that may be asked (direct-store)",
                       (int)c2_min_i64((int64_t)bare.n, 200), bare.p);
    }
    if (!holds_frame(&place, c2_jval_kind(c2_jget(object, "offset")) != C2_JNONE, frame_len, err))
        return false;
    snprintf(place.etag, sizeof(place.etag), "%.*s", C2_STR_ARG(etag));
    place.url = c2_str_dup(url);
    if (!place.url) return c2_fail_nomem(err, "direct");
    *out = place;
    return true;
}
