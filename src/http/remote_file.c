/* SPDX-License-Identifier: BSD-3-Clause */
/* GET with Range and If-Match (RFC 9110, 13 and 14), and what the answer says it is. */
#include "http/remote_file.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

/* "bytes 0-99/1234" */
static bool parse_content_range(struct c2_str text, int64_t *first, int64_t *last, int64_t *nbytes)
{
    struct c2_str unit, rest, from, to, range, total;

    return c2_str_cut(c2_str_trim(text), ' ', &unit, &rest) && c2_str_is(unit, "bytes") &&
           c2_str_cut(rest, '/', &range, &total) && c2_str_cut(range, '-', &from, &to) &&
           c2_str_to_i64(from, first) && c2_str_to_i64(to, last) && c2_str_to_i64(total, nbytes) &&
           0 <= *first && *first <= *last && *last < *nbytes;
}

int64_t c2_http_date(struct c2_str text)
{
    char copy[C2_REMOTE_MODIFIED_MAX];

    if (text.n >= sizeof(copy)) return -1;
    snprintf(copy, sizeof(copy), "%.*s", C2_STR_ARG(text));
    return (int64_t)curl_getdate(copy, NULL);
}

/* A header that does not fit is as good as none. */
static struct c2_str header_of(const struct c2_exchange *http, const char *name, size_t size)
{
    struct c2_str value = C2_STR("");

    return c2_exchange_header(http, name, &value) && value.n < size ? value : C2_STR("");
}

static void note_state(struct c2_range_file *file, const struct c2_exchange *http, int64_t nbytes)
{
    struct c2_str etag = header_of(http, "ETag", sizeof(file->etag));
    struct c2_str modified = header_of(http, "Last-Modified", sizeof(file->modified));

    file->nbytes = nbytes;
    snprintf(file->etag, sizeof(file->etag), "%.*s", C2_STR_ARG(etag));
    snprintf(file->modified, sizeof(file->modified), "%.*s", C2_STR_ARG(modified));
}

/* The first answer says which state of the file this is about. Of a file without a strong etag it is the time
 * that tells; If-Unmodified-Since is not sent, since there are servers that compare it with fractions of a
 * second. */
static bool same_state(struct c2_range_file *file, const struct c2_exchange *http, int64_t nbytes)
{
    if (file->nbytes < 0) {
        note_state(file, http, nbytes);
        return true;
    }
    if (nbytes != file->nbytes || !c2_str_is(header_of(http, "ETag", sizeof(file->etag)), file->etag))
        return false;
    return file->etag[0] == '"' || !file->modified[0] ||
           c2_str_is(header_of(http, "Last-Modified", sizeof(file->modified)), file->modified);
}

static bool check(struct c2_range_file *file, const struct c2_exchange *http, int64_t off, size_t n,
                  struct cat2_error *err)
{
    struct c2_str range;
    int64_t first, last, nbytes;

    if (http->status != 206)
        return c2_fail(err, CAT2_EUNSUPPORTED, "%.150s: the server serves no ranges of it", file->target);
    if (!c2_exchange_header(http, "Content-Range", &range) ||
        !parse_content_range(range, &first, &last, &nbytes) || first != off)
        return c2_fail(err, CAT2_EDATA, "%.150s: other bytes came than were asked for", file->target);
    if (!same_state(file, http, nbytes))
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
    char range[64], match[sizeof(file->etag) + 32];
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

bool c2_range_ask(struct c2_range_file *file, int64_t *date, struct cat2_error *err)
{
    C2_AUTO(c2_exchange) http = {.method = "HEAD", .target = file->target, .body = C2_BUF_INIT(4096)};
    struct c2_str length, text;
    int64_t nbytes;

    if (!c2_exchange_run(file->session, &http, err)) return false;
    if (!c2_exchange_header(&http, "Content-Length", &length) || !c2_str_to_i64(length, &nbytes) ||
        nbytes < 0)
        return c2_fail(err, CAT2_EDATA, "%.150s: the server does not say how long it is", file->target);
    note_state(file, &http, nbytes);
    *date = c2_exchange_header(&http, "Date", &text) ? c2_max_i64(0, c2_http_date(text)) : 0;
    return true;
}
