/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptions of datasets, shared by those that are alike. */
#include "subscriber/mirror/described.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/limits.h"

#define ALIKE        1024 /* descriptions that a new one is compared with */
#define ALIKE_NBYTES 8192 /* of longer ones no two are expected to be alike */

static const char BEGIN[] = "\"metadata\":";

/* Within a string a quote has a backslash before it, which no comma is. */
size_t c2_described_at(struct c2_str line)
{
    const char *at = line.n ? memmem(line.p, line.n, BEGIN, strlen(BEGIN)) : NULL;

    if (!at) return 0;
    for (at--; at > line.p && *at == ' ';)
        at--;
    return at > line.p && *at == ',' ? (size_t)(at - line.p) : 0;
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
    d->n = text.n;
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

/* {"metadata":...: the text but for its comma, in braces. */
static bool read_text(struct c2_str text, enum c2_kind kind, struct c2_described **out,
                      struct cat2_error *err)
{
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
    return c2_described_read(c2_json_root(json), text, kind, out, err);
}

bool c2_described_get(struct c2_subscriber *sub, struct c2_str text, enum c2_kind kind,
                      struct c2_described **out, struct cat2_error *err)
{
    if (!sub->alike && !(sub->alike = calloc(ALIKE, sizeof(struct c2_described *))))
        return c2_fail_nomem(err, "dataset");
    struct c2_described **slot = &sub->alike[c2_hash64(text.p, text.n) % ALIKE];
    struct c2_described *d = *slot;
    if (!d || d->kind != kind || d->n != text.n || memcmp(d->text, text.p, text.n) != 0) {
        if (!read_text(text, kind, &d, err)) return false;
        if (text.n > ALIKE_NBYTES) {
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
