/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes from HDF5 to vlmeta. */
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/write/h5w.h"
#include "import_export/import_impl.h"
#include "wire/msgpack.h"
#include "wire/packed.h"

#define NAME_MAX_IN_FRAME 31

struct reading {
    struct c2_importer *im;
    const struct c2_import_item *item;
    struct c2_import_attrs *attrs;
};

void c2_import_attrs_fini(struct c2_import_attrs *attrs)
{
    for (size_t i = 0; i < attrs->n; i++) {
        free(attrs->p[i].name);
        c2_buf_fini(&attrs->p[i].value);
    }
    c2_vec_fini(attrs);
    c2_buf_fini(&attrs->description);
    *attrs = (struct c2_import_attrs){0};
}

static bool add(struct c2_import_attrs *attrs, const char *name, struct c2_bytes value,
                struct cat2_error *err)
{
    if (!c2_vec_room(attrs, C2_VEC_NO_MAX, "attributes", err)) return false;
    struct c2_import_attr *attr = &attrs->p[attrs->n];
    *attr = (struct c2_import_attr){.name = c2_str_dup(c2_str_of(name))};
    c2_buf_init(&attr->value, C2_VLMETA_NBYTES_MAX);
    attrs->n++;
    if (!attr->name) return c2_fail_nomem(err, "attributes");
    return c2_buf_append(&attr->value, value.p, value.n, err);
}

static const char *path_of(const struct c2_import_item *item)
{
    return *item->path ? item->path : "/";
}

static void leave_out(struct reading *r, const char *name, const char *why)
{
    struct cat2_error text;

    c2_fail(&text, CAT2_EUNSUPPORTED, "attribute '%.60s': %.150s", name, why);
    c2_import_note(r->im, C2_NOTE_SKIPPED, path_of(r->item), text.message);
}

static bool take(void *ctx, const struct c2_h5_attr *attr, struct cat2_error *err)
{
    struct reading *r = ctx;

    if (attr->refusal || attr->msgpack.n > C2_VLMETA_NBYTES_MAX) {
        struct cat2_error text;
        c2_fail(&text, CAT2_EUNSUPPORTED, "attribute '%.60s' is in the description only: %.120s", attr->name,
                attr->refusal ? attr->refusal : "it is too large");
        c2_import_note(r->im, C2_NOTE_CHANGED, path_of(r->item), text.message);
        return true;
    }
    return add(r->attrs, attr->name, attr->msgpack, err);
}

static struct c2_import_attr *find(struct c2_import_attrs *attrs, struct c2_str name)
{
    for (size_t i = 0; i < attrs->n; i++)
        if (c2_str_is(name, attrs->p[i].name)) return &attrs->p[i];
    return NULL;
}

static void drop(struct c2_import_attrs *attrs, struct c2_import_attr *attr)
{
    size_t i = (size_t)(attr - attrs->p);

    free(attr->name);
    c2_buf_fini(&attr->value);
    memmove(attr, attr + 1, (attrs->n - i - 1) * sizeof(*attr));
    attrs->n--;
}

/* A text that is JSON becomes the value it tells; any other text stays. */
static void parse_json(struct c2_import_attr *attr)
{
    struct c2_packed_shape shape;
    struct cat2_error ignored;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX + 1), value = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    C2_AUTO_PTR(c2_json) *json = NULL;

    if (!c2_packed_look(c2_buf_bytes(&attr->value), &shape, &ignored) || shape.kind != C2_PACKED_TEXT ||
        shape.ndim != 0 || !c2_packed_values(c2_buf_bytes(&attr->value), &shape, &text, &ignored) ||
        !c2_json_parse(c2_str_of(c2_buf_cstr(&text)), &json, &ignored) ||
        !c2_msgpack_from_json(c2_json_root(json), &value, &ignored))
        return;
    c2_buf_fini(&attr->value);
    attr->value = c2_buf_steal(&value);
    attr->was_json = true;
}

/* As the export wrote them: see hdf5/write.h. */
static bool restore_json(struct c2_import_attrs *attrs, struct cat2_error *err)
{
    struct c2_import_attr *names = find(attrs, C2_STR(C2_H5W_JSON)), *attr;
    struct c2_packed_shape shape;
    C2_AUTO(c2_buf) list = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX + C2_VLMETA_MAX);

    if (!names) return true;
    if (!c2_packed_look(c2_buf_bytes(&names->value), &shape, err)) return false;
    if (shape.kind != C2_PACKED_TEXT) return true; /* somebody else's */
    if (!c2_packed_values(c2_buf_bytes(&names->value), &shape, &list, err)) return false;
    const char *at = c2_buf_cstr(&list);
    for (size_t i = 0; i < shape.nvalues; i++, at += strlen(at) + 1)
        if ((attr = find(attrs, c2_str_of(at))) && attr != names) parse_json(attr);
    drop(attrs, names);
    attrs->had_json = true;
    return true;
}

static bool pack_text(struct c2_buf *out, struct c2_str text, struct cat2_error *err)
{
    uint8_t head[5] = {0xdb};

    c2_put_be32(head + 1, (uint32_t)text.n);
    return c2_buf_append(out, head, sizeof(head), err) && c2_buf_append_str(out, text, err);
}

/* Python's reader of attributes stumbles over lists of no items; over tuples of none it does not. A value
 * that is nothing but short lists is told by its bytes. */
static bool mark_empty_lists(struct c2_import_attrs *attrs, struct cat2_error *err)
{
    for (size_t i = 0; i < attrs->n; i++) {
        C2_AUTO(c2_buf) marked = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
        struct c2_buf *value = &attrs->p[i].value;
        size_t at = 0;
        while (at < value->n && (value->p[at] & 0xf0) == 0x90)
            at++;
        if (at < value->n) continue;
        for (at = 0; at < value->n; at++)
            if (!(value->p[at] == 0x90 ? c2_buf_puts(&marked, "\x91\xa9__tuple__", err)
                                       : c2_buf_putc(&marked, (char)value->p[at], err)))
                return false;
        c2_buf_fini(value);
        *value = c2_buf_steal(&marked);
    }
    return true;
}

/* Names that no frame can have, in one map. */
static bool gather_long(struct c2_import_attrs *attrs, struct cat2_error *err)
{
    C2_AUTO(c2_buf) map = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX);
    uint8_t head[5] = {0xdf};
    uint32_t n = 0;

    if (!c2_buf_append(&map, head, sizeof(head), err)) return false;
    for (size_t i = 0; i < attrs->n;) {
        struct c2_import_attr *attr = &attrs->p[i];
        if (strlen(attr->name) <= NAME_MAX_IN_FRAME) {
            i++;
            continue;
        }
        if (!pack_text(&map, c2_str_of(attr->name), err) ||
            !c2_buf_append(&map, attr->value.p, attr->value.n, err))
            return false;
        n++;
        drop(attrs, attr);
    }
    c2_put_be32(map.p + 1, n);
    return n == 0 || add(attrs, C2_LONG_ATTRIBUTES, c2_buf_bytes(&map), err);
}

/* ---- the description ---- */

struct describing {
    struct c2_importer *im;
    const struct c2_import_item *item;
    struct c2_import_attrs *attrs;
};

static const char *path_in_file(void *ctx, uint64_t id)
{
    const struct describing *d = ctx;
    const struct c2_import_item *home = c2_import_home(d->im->tree, id);

    return home ? home->name : NULL;
}

static enum c2_h5_carried carried(void *ctx, const char *shown, struct c2_bytes *msgpack)
{
    const struct describing *d = ctx;
    const struct c2_import_attr *attr = find(d->attrs, c2_str_of(shown));

    if (!attr) return d->attrs->had_json && strcmp(shown, C2_H5W_JSON) == 0 ? C2_H5_NOT_OURS : C2_H5_ABSENT;
    *msgpack = c2_buf_bytes(&attr->value);
    return attr->was_json ? C2_H5_NOT_OURS : C2_H5_CARRIED;
}

static void lost(void *ctx, const char *what)
{
    const struct describing *d = ctx;

    c2_import_note(d->im, C2_NOTE_LOST, path_of(d->item), what);
}

const char *c2_import_own_name(const struct c2_import_item *item)
{
    const char *name = c2_path_name(item->name);

    return *item->path && strcmp(c2_path_name(item->path), name) != 0 ? name : NULL;
}

/* What cannot be described is carried without: that is told. */
static bool describe(struct c2_importer *im, const struct c2_import_item *item, const char *own_name,
                     bool other_chunks, struct c2_import_attrs *attrs, struct cat2_error *err)
{
    struct describing d = {im, item, attrs};
    struct c2_h5_describing how = {.path = path_in_file,
                                   .carried = carried,
                                   .lost = lost,
                                   .ctx = &d,
                                   .own_name = own_name,
                                   .other_chunks = other_chunks};

    c2_buf_init(&attrs->description, C2_VLMETA_NBYTES_MAX);
    if (c2_h5_describe(im->h5, item->name, &how, &attrs->description, err)) return true;
    if (err->code == CAT2_ENOMEM) return false;
    c2_fail_within(err, "its description");
    lost(&d, err->message);
    return true;
}

bool c2_import_describe(struct c2_importer *im, const struct c2_import_item *item,
                        const struct c2_import_attrs *attrs, struct c2_frame_writer *w,
                        struct cat2_error *err)
{
    struct c2_bytes description = c2_buf_bytes(&attrs->description);

    (void)im;
    (void)item;
    return description.n == 0 || description.n > C2_H5_DESCRIPTION_LAYER ||
           c2_frame_writer_metalayer(w, C2_STR(C2_H5_DESCRIPTION), description, err);
}

bool c2_import_attrs_read(struct c2_importer *im, const struct c2_import_item *item, const char *own_name,
                          bool other_chunks, struct c2_import_attrs *out, struct cat2_error *err)
{
    C2_AUTO(c2_import_attrs) attrs = {0};
    struct reading r = {im, item, &attrs};

    if (!c2_h5_attrs(im->h5, item->name, take, &r, err) || !restore_json(&attrs, err)) return false;
    im->counts->attributes += (int64_t)attrs.n;
    if (!mark_empty_lists(&attrs, err) || !describe(im, item, own_name, other_chunks, &attrs, err) ||
        !gather_long(&attrs, err))
        return false;
    if (attrs.description.n > C2_H5_DESCRIPTION_LAYER &&
        !add(&attrs, C2_H5_DESCRIPTION_LARGE, c2_buf_bytes(&attrs.description), err))
        return false;
    *out = attrs;
    attrs = (struct c2_import_attrs){0};
    return true;
}

bool c2_import_attrs_write(struct c2_importer *im, const struct c2_import_item *item,
                           const struct c2_import_attrs *attrs, struct c2_frame_writer *w,
                           struct cat2_error *err)
{
    struct reading r = {im, item, NULL};

    for (size_t i = 0; i < attrs->n; i++) {
        const struct c2_import_attr *attr = &attrs->p[i];
        if (c2_frame_writer_vlmeta(w, c2_str_of(attr->name), c2_buf_bytes(&attr->value), err)) continue;
        if (err->code != CAT2_ELIMIT) return false;
        leave_out(&r, attr->name, err->message);
        im->counts->attributes--;
    }
    return true;
}
