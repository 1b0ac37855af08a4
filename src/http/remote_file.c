/* SPDX-License-Identifier: BSD-3-Clause */
/* GET with Range and If-Match (RFC 9110, 13 and 14), and what the answer says it is. */
#include "http/remote_file.h"

#include <stdio.h>

/* "bytes 0-99/1234" */
static bool parse_content_range(struct c2_str text, int64_t *first, int64_t *last, int64_t *nbytes)
{
    struct c2_str unit, rest, from, to, range, total;

    return c2_str_cut(c2_str_trim(text), ' ', &unit, &rest) && c2_str_is(unit, "bytes") &&
           c2_str_cut(rest, '/', &range, &total) && c2_str_cut(range, '-', &from, &to) &&
           c2_str_to_i64(from, first) && c2_str_to_i64(to, last) && c2_str_to_i64(total, nbytes) &&
           0 <= *first && *first <= *last && *last < *nbytes;
}

/* The first answer says which state of the file this is about. */
static bool same_state(struct c2_range_file *file, struct c2_str etag, int64_t nbytes)
{
    if (file->nbytes >= 0) return nbytes == file->nbytes && c2_str_is(etag, file->etag);
    file->nbytes = nbytes;
    snprintf(file->etag, sizeof(file->etag), "%.*s", C2_STR_ARG(etag));
    return true;
}

static bool check(struct c2_range_file *file, const struct c2_exchange *http, int64_t off, size_t n,
                  struct cat2_error *err)
{
    struct c2_str range, etag = C2_STR("");
    int64_t first, last, nbytes;

    if (http->status != 206)
        return c2_fail(err, CAT2_EUNSUPPORTED, "%.150s: the server serves no ranges of it", file->target);
    c2_exchange_header(http, "ETag", &etag);
    if (etag.n >= sizeof(file->etag)) etag = C2_STR("");
    if (!c2_exchange_header(http, "Content-Range", &range) ||
        !parse_content_range(range, &first, &last, &nbytes) || first != off)
        return c2_fail(err, CAT2_EDATA, "%.150s: other bytes came than were asked for", file->target);
    if (!same_state(file, etag, nbytes))
        return c2_fail(err, CAT2_ECHANGED, "%.150s changed while it was read", file->target);
    if (last - first + 1 != (int64_t)n || http->body.n != n)
        return c2_fail(err, CAT2_EDATA, "%.150s: %zu bytes came from %lld on, not %zu", file->target,
                       http->body.n, (long long)off, n);
    return true;
}

/* A longer answer than was asked for is not read to its end. */
static bool take(void *ctx, struct c2_exchange *http, struct c2_bytes bytes, struct cat2_error *err)
{
    const struct c2_range_file *file = ctx;

    if (http->status != 206)
        return c2_fail(err, CAT2_EUNSUPPORTED, "%.150s: the server serves no ranges of it", file->target);
    return c2_buf_append(&http->body, bytes.p, bytes.n, err);
}

bool c2_range_read(struct c2_range_file *file, int64_t off, size_t n, struct c2_buf *out,
                   struct cat2_error *err)
{
    char range[64], match[sizeof(file->etag) + 16];
    const char *headers[] = {range, file->etag[0] == '"' ? match : NULL, NULL};
    C2_AUTO(c2_exchange)
    http = {
        .target = file->target, .headers = headers, .body = C2_BUF_INIT(n + 4096), .sink = take, .ctx = file};

    if (n == 0) return true;
    snprintf(range, sizeof(range), "Range: bytes=%lld-%lld", (long long)off, (long long)off + (int64_t)n - 1);
    snprintf(match, sizeof(match), "If-Match: %s", file->etag);
    return c2_exchange_run(file->session, &http, err) && check(file, &http, off, n, err) &&
           c2_buf_append(out, http.body.p, n, err);
}
