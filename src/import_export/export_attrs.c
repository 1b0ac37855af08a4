/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes on their way into HDF5: those that the description knows in its order and with its types, then
 * the others. */
#include <stdlib.h>

#include "hdf5/common/description.h"
#include "import_export/export_impl.h"
#include "wire/packed.h"

struct value {
    struct c2_str name;
    struct c2_bytes msgpack;
    bool used;
};
struct attributes {
    struct c2_exporter *ex;
    const struct c2_export_item *item;
    struct c2_h5w_attrs *attrs;
    struct c2_buf *owned; /* one a frame's attribute */
    int nowned;
    C2_VEC(struct value);
};

static void attributes_auto(struct attributes *a)
{
    for (int i = 0; i < a->nowned; i++)
        c2_buf_fini(&a->owned[i]);
    free(a->owned);
    c2_vec_fini(a);
    c2_h5w_attrs_free(a->attrs);
}

void c2_export_note(struct c2_exporter *ex, enum c2_note what, const char *path, const char *text)
{
    if (what == C2_NOTE_SKIPPED) ex->counts->skipped++;
    if (what == C2_NOTE_LOST) ex->counts->lost++;
    ex->options->note(ex->options->ctx, what, path, text);
}

static void lost(void *ctx, const char *what)
{
    const struct c2_export_telling *telling = ctx;

    c2_export_note(telling->ex, C2_NOTE_LOST, telling->item->source, what);
}

struct c2_h5w_teller c2_export_teller(struct c2_export_telling *telling)
{
    return (struct c2_h5w_teller){lost, telling};
}

/* ---- the description ---- */

static bool large_description(const struct c2_frame *frame, struct c2_buf *out, struct cat2_error *err)
{
    for (int i = 0; i < c2_frame_nvlmeta(frame); i++) {
        struct c2_str name;
        c2_buf_clear(out);
        if (!c2_frame_vlmeta(frame, i, &name, out, err)) return false;
        if (c2_str_is(name, C2_H5_DESCRIPTION_LARGE)) return true;
    }
    c2_buf_clear(out);
    return true;
}

bool c2_export_like(struct c2_exporter *ex, const struct c2_export_item *item, const struct c2_frame *frame,
                    struct c2_h5w_like *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) large = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    struct c2_bytes bytes = {NULL, 0};

    if (!c2_frame_metalayer(frame, C2_H5_DESCRIPTION, &bytes)) {
        if (!large_description(frame, &large, err)) return false;
        bytes = c2_buf_bytes(&large);
    }
    if (bytes.n == 0 || c2_h5w_like_parse(bytes, out, err)) return true;
    if (err->code == CAT2_ENOMEM) return false;
    c2_fail_within(err, "its description of HDF5 is ignored");
    if (!item->told) c2_export_note(ex, C2_NOTE_LOST, item->source, err->message);
    return true;
}

/* ---- attributes ---- */

static bool add_value(void *ctx, struct c2_str name, struct c2_bytes msgpack, struct cat2_error *err)
{
    struct attributes *a = ctx;

    if (c2_str_is(name, C2_H5_DESCRIPTION_LARGE)) return true;
    return c2_vec_push(a, C2_VEC_NO_MAX, "attributes", err, (struct value){name, msgpack, false});
}

static bool collect(struct attributes *a, const struct c2_frame *frame, struct cat2_error *err)
{
    a->owned = calloc((size_t)c2_frame_nvlmeta(frame) + 1, sizeof(*a->owned));
    if (!a->owned) return c2_fail_nomem(err, "attributes");
    for (int i = 0; i < c2_frame_nvlmeta(frame); i++) {
        struct c2_buf *value = &a->owned[i];
        struct c2_str name;
        c2_buf_init(value, C2_VLMETA_NBYTES_MAX);
        a->nowned++;
        if (!c2_frame_vlmeta(frame, i, &name, value, err)) return false;
        struct c2_bytes bytes = c2_buf_bytes(value);
        bool ok = c2_str_is(name, C2_LONG_ATTRIBUTES) && c2_packed_is_text_map(bytes)
                      ? c2_packed_each(bytes, add_value, a, err)
                      : add_value(a, name, bytes, err);
        if (!ok) return false;
    }
    return true;
}

static struct value *find(struct attributes *a, struct c2_str name)
{
    for (size_t i = 0; i < a->n; i++)
        if (!a->p[i].used && c2_str_eq(a->p[i].name, name)) return &a->p[i];
    return NULL;
}

static void tell(struct attributes *a, enum c2_note what, struct c2_str name, const char *how,
                 const char *why)
{
    struct cat2_error text;

    c2_fail(&text, CAT2_EUNSUPPORTED, "attribute '%.*s'%s: %s", (int)c2_min_i64((int64_t)name.n, 60), name.p,
            how, why);
    c2_export_note(a->ex, what, a->item->source, text.message);
}

/* One that HDF5 cannot hold is noted and left out. */
static bool add_plain(struct attributes *a, const struct value *value, struct cat2_error *err)
{
    if (c2_h5w_attrs_add(a->attrs, value->name, value->msgpack, err)) {
        a->ex->counts->attributes++;
        return true;
    }
    if (err->code == CAT2_ENOMEM) return false;
    tell(a, C2_NOTE_SKIPPED, value->name, "", err->message);
    return true;
}

/* Where the description does not fit what the array has now, the array's value is written as any other; a
 * reference made of text would mislead: better none. */
static bool add_described(struct attributes *a, const struct c2_h5w_like *like, struct cat2_error *err)
{
    struct c2_str shown;

    for (const struct c2_mp_node *at = NULL; (at = c2_h5w_like_attribute(like, at, &shown));) {
        struct value *value = find(a, shown);
        bool made = false;
        if (c2_h5w_attrs_like(a->attrs, at, value ? value->msgpack : (struct c2_bytes){NULL, 0}, &made,
                              err)) {
            a->ex->counts->attributes += made;
            if (value) value->used = true;
            continue;
        }
        if (err->code == CAT2_ENOMEM) return false;
        bool refers = c2_h5w_attribute_refers(at);
        if (value && refers) value->used = true;
        tell(a, C2_NOTE_LOST, shown, value && !refers ? ": its type" : "", err->message);
    }
    return true;
}

/* Imports of earlier versions have the references of dimension scales as text. */
static bool add_scales(struct attributes *a, struct cat2_error *err)
{
    bool reserved, any = false;

    for (size_t i = 0; i < a->n; i++)
        any = any || c2_h5w_is_scale_name(a->p[i].name);
    for (size_t i = 0; any && i < a->n; i++) {
        struct value *value = &a->p[i];
        if (value->used) continue;
        bool ok = c2_h5w_attrs_scale(a->attrs, value->name, value->msgpack, &reserved, err);
        if (ok && !reserved) continue;
        value->used = true;
        a->ex->counts->attributes += ok;
        if (!ok && err->code == CAT2_ENOMEM) return false;
        if (!ok) tell(a, C2_NOTE_SKIPPED, value->name, ", which libraries read as references", err->message);
    }
    return true;
}

bool c2_export_attributes(struct c2_exporter *ex, const struct c2_frame *frame,
                          const struct c2_export_item *item, const struct c2_h5w_like *like,
                          struct cat2_error *err)
{
    __attribute__((cleanup(attributes_auto))) struct attributes a = {.ex = ex, .item = item};

    if (c2_frame_nvlmeta(frame) == 0 && !like->root) return true;
    if (!collect(&a, frame, err) || !c2_h5w_attrs_open(ex->file, item->target, &a.attrs, err)) return false;
    if (like->root && !add_described(&a, like, err)) return false;
    if (!add_scales(&a, err)) return false;
    for (size_t i = 0; i < a.n; i++)
        if (!a.p[i].used && !add_plain(&a, &a.p[i], err)) return false;
    struct c2_h5w_attrs *attrs = a.attrs;
    a.attrs = NULL;
    return c2_h5w_attrs_close(attrs, err);
}

/* Must they wait until all objects are there? */
bool c2_export_attributes_wait(const struct c2_frame *frame, const struct c2_h5w_like *like, bool *wait,
                               struct cat2_error *err)
{
    *wait = like->refers;
    for (int i = 0; !*wait && i < c2_frame_nvlmeta(frame); i++) {
        C2_AUTO(c2_buf) value = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
        struct c2_str name;
        if (!c2_frame_vlmeta(frame, i, &name, &value, err)) return false;
        *wait = c2_h5w_is_scale_name(name);
    }
    return true;
}
