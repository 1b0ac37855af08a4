/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptions of datasets, shared by those that are alike. */
#include "subscriber/mirror/described.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"

#define ALIKE        1024 /* descriptions that a new one is compared with */
#define ALIKE_NBYTES 8192 /* of longer ones no two are expected to be alike */

static const char BEGIN[] = "\"metadata\":", URLPATH[] = "\"urlpath\"";

static const char *find(struct c2_str text, const char *wanted)
{
    return text.n ? memmem(text.p, text.n, wanted, strlen(wanted)) : NULL;
}

/* Of a text that has one "urlpath": its value, where that is plain. */
static void cut_urlpath(struct c2_line_parts *parts)
{
    struct c2_str text = parts->before;
    const char *at = find(text, URLPATH), *end = text.p + text.n;

    if (!at) return;
    const char *value = at + strlen(URLPATH);
    if (find((struct c2_str){value, (size_t)(end - value)}, URLPATH)) return;
    if (end - value < 2 || value[0] != ':' || value[1] != '"') return;
    value += 2;
    const char *quote = memchr(value, '"', (size_t)(end - value));
    if (!quote || memchr(value, '\\', (size_t)(quote - value))) return;
    parts->before.n = (size_t)(value - text.p);
    parts->urlpath = (struct c2_str){value, (size_t)(quote - value)};
    parts->after = (struct c2_str){quote, (size_t)(end - quote)};
}

/* Within a string a quote has a backslash before it, which no comma is. */
bool c2_described_split(struct c2_str line, struct c2_line_parts *out)
{
    const char *at = find(line, BEGIN);

    if (!at) return false;
    for (at--; at > line.p && *at == ' ';)
        at--;
    if (at <= line.p || *at != ',') return false;
    size_t head = (size_t)(at - line.p);
    *out = (struct c2_line_parts){.head = {line.p, head}, .before = {at, line.n - head}};
    cut_urlpath(out);
    return true;
}

bool c2_described_has(struct c2_str key)
{
    return c2_str_is(key, "metadata") || c2_str_is(key, "refusal") || c2_str_is(key, "cparams") ||
           c2_str_is(key, "frame");
}

void c2_described_unref(struct c2_described *described)
{
    if (!described || --described->refs > 0) return;
    c2_meta_fini(&described->meta);
    free(described->refusal);
    free(described);
}

static bool read_layout(struct c2_jval frame, struct c2_frame_layout *out)
{
    struct c2_frame_layout layout = {0};
    int64_t blocksize = 0;

    if (c2_jval_kind(frame) != C2_JOBJECT || !c2_jint(c2_jget(frame, "frame_len"), &layout.frame_len) ||
        !c2_jint(c2_jget(frame, "header_len"), &layout.header_len) ||
        !c2_jint(c2_jget(frame, "index_off"), &layout.index_off))
        return false;
    c2_jint(c2_jget(frame, "blocksize"), &blocksize);
    layout.blocksize = blocksize > 0 && blocksize <= INT32_MAX ? (int32_t)blocksize : 0;
    *out = layout;
    return out->header_len >= 87 && out->header_len <= C2_HEADER_NBYTES_MAX &&
           out->index_off >= out->header_len && out->frame_len > out->index_off &&
           out->frame_len - out->index_off <= C2_TRAILER_NBYTES_MAX + ((int64_t)C2_NCHUNKS_MAX * 8 + 64);
}

bool c2_described_read(struct c2_jval v, struct c2_str text, enum c2_kind kind, struct c2_described **out,
                       struct cat2_error *err)
{
    struct c2_described *d = calloc(1, sizeof(*d) + text.n + 1);
    struct c2_str refusal;

    if (!d) return c2_fail_nomem(err, "dataset");
    d->refs = 1;
    d->kind = kind;
    d->n = d->cut = text.n;
    if (text.n) memcpy(d->text, text.p, text.n);
    bool ok = c2_meta_from_json(c2_jget(v, "metadata"), kind, &d->meta, err);
    if (ok && c2_jstr(c2_jget(v, "refusal"), &refusal) && !(d->refusal = c2_str_dup(refusal)))
        ok = c2_fail_nomem(err, "dataset");
    if (!ok) {
        c2_described_unref(d);
        return false;
    }
    c2_meta_get_cparams(c2_jget(v, "cparams"), &d->meta.cparams);
    struct c2_jval attrs = c2_jget(c2_jget(c2_jget(v, "metadata"), "schunk"), "vlmeta");
    d->schema = c2_jval_kind(c2_jget(attrs, C2_TABLE_ATTR)) == C2_JOBJECT;
    d->has_frame = read_layout(c2_jget(v, "frame"), &d->layout);
    *out = d;
    return true;
}

/* What is cut out must be what the metadata calls so. */
static bool leave_urlpath(struct c2_described *d, const struct c2_line_parts *parts)
{
    size_t at = parts->before.n, n = parts->urlpath.n;

    if (!parts->urlpath.p) return true;
    if (!d->meta.urlpath || !c2_str_is(parts->urlpath, d->meta.urlpath)) return false;
    free(d->meta.urlpath);
    d->meta.urlpath = NULL;
    memmove(d->text + at, d->text + at + n, d->n - at - n + 1);
    d->n -= n;
    d->cut = at;
    return true;
}

/* {"metadata":...: the text but for its comma, in braces. */
static bool read_parts(const struct c2_line_parts *parts, enum c2_kind kind, struct c2_described **out,
                       struct cat2_error *err)
{
    struct c2_str text = {parts->before.p, parts->before.n + parts->urlpath.n + parts->after.n};
    C2_AUTO(c2_buf) object = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval value;
    struct c2_str key;

    if (!c2_buf_putc(&object, '{', err) || !c2_buf_append(&object, text.p + 1, text.n - 1, err) ||
        !c2_json_parse(c2_buf_str(&object), &json, err))
        return false;
    struct c2_jiter it = c2_jiter_of(c2_json_root(json));
    while (c2_jnext(&it, &key, &value))
        if (!c2_described_has(key)) return c2_fail(err, CAT2_EINVAL, "%.*s", C2_STR_ARG(key));
    if (!c2_described_read(c2_json_root(json), text, kind, out, err)) return false;
    if (leave_urlpath(*out, parts)) return true;
    c2_described_unref(*out);
    *out = NULL;
    return c2_fail(err, CAT2_EINVAL, "urlpath");
}

static bool is_alike(const struct c2_described *d, const struct c2_line_parts *parts, enum c2_kind kind)
{
    size_t n = parts->before.n;

    return d && d->kind == kind && d->n == n + parts->after.n && d->cut == n &&
           memcmp(d->text, parts->before.p, n) == 0 &&
           memcmp(d->text + n, parts->after.p ? parts->after.p : "", parts->after.n) == 0;
}

bool c2_described_get(struct c2_subscriber *sub, const struct c2_line_parts *parts, enum c2_kind kind,
                      struct c2_described **out, struct cat2_error *err)
{
    uint64_t hash = c2_hash64(parts->before.p, parts->before.n) +
                    c2_hash64(parts->after.p ? parts->after.p : "", parts->after.n);
    if (!sub->alike && !(sub->alike = calloc(ALIKE, sizeof(struct c2_described *))))
        return c2_fail_nomem(err, "dataset");
    struct c2_described **slot = &sub->alike[hash % ALIKE], *d = *slot;
    if (!is_alike(d, parts, kind)) {
        if (!read_parts(parts, kind, &d, err)) return false;
        if (d->n > ALIKE_NBYTES) {
            *out = d;
            return true;
        }
        c2_described_unref(*slot);
        *slot = d;
    }
    d->refs++;
    *out = d;
    return true;
}

void c2_described_forget(struct c2_subscriber *sub)
{
    for (size_t i = 0; sub->alike && i < ALIKE; i++)
        c2_described_unref(sub->alike[i]);
    free(sub->alike);
    sub->alike = NULL;
}
