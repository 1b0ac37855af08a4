/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes from HDF5 to vlmeta. */
#include <stdlib.h>

#include "base/endian.h"
#include "hdf5/write.h"
#include "hdf5/write_msgpack.h"
#include "import_export/import_impl.h"
#include "wire/msgpack.h"

#define NAME_MAX_IN_FRAME 31

struct reading {
    struct c2_importer *im;
    const struct c2_import_item *item;
    struct c2_import_attrs *attrs;
};

void c2_import_attrs_fini(struct c2_import_attrs *attrs)
{
    for (size_t i = 0; i < attrs->n; i++) {
        free(attrs->list[i].name);
        c2_buf_fini(&attrs->list[i].value);
    }
    free(attrs->list);
    *attrs = (struct c2_import_attrs){0};
}

static bool add(struct c2_import_attrs *attrs, const char *name, struct c2_bytes value,
                struct cat2_error *err)
{
    struct c2_import_attr *grown = realloc(attrs->list, (attrs->n + 1) * sizeof(*grown));

    if (!grown) return c2_fail_nomem(err, "attributes");
    attrs->list = grown;
    struct c2_import_attr *attr = &grown[attrs->n];
    *attr = (struct c2_import_attr){.name = c2_str_dup(c2_str_of(name))};
    c2_buf_init(&attr->value, C2_VLMETA_NBYTES_MAX);
    attrs->n++;
    if (!attr->name) return c2_fail_nomem(err, "attributes");
    return c2_buf_append(&attr->value, value.p, value.n, err);
}

static void leave_out(struct reading *r, const char *name, const char *why)
{
    struct cat2_error text;

    c2_fail(&text, CAT2_EUNSUPPORTED, "attribute '%.60s': %.150s", name, why);
    c2_import_note(r->im, C2_NOTE_SKIPPED, *r->item->path ? r->item->path : "/", text.message);
}

static bool take(void *ctx, const struct c2_h5_attr *attr, struct cat2_error *err)
{
    struct reading *r = ctx;

    if (attr->refusal || attr->msgpack.n > C2_VLMETA_NBYTES_MAX) {
        leave_out(r, attr->name, attr->refusal ? attr->refusal : "it is too large");
        return true;
    }
    return add(r->attrs, attr->name, attr->msgpack, err);
}

static struct c2_import_attr *find(struct c2_import_attrs *attrs, struct c2_str name)
{
    for (size_t i = 0; i < attrs->n; i++)
        if (c2_str_is(name, attrs->list[i].name)) return &attrs->list[i];
    return NULL;
}

static void drop(struct c2_import_attrs *attrs, struct c2_import_attr *attr)
{
    size_t i = (size_t)(attr - attrs->list);

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
        struct c2_buf *value = &attrs->list[i].value;
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
        struct c2_import_attr *attr = &attrs->list[i];
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

bool c2_import_attrs_read(struct c2_importer *im, const struct c2_import_item *item,
                          struct c2_import_attrs *out, struct cat2_error *err)
{
    C2_AUTO(c2_import_attrs) attrs = {0};
    struct reading r = {im, item, &attrs};

    if (!c2_h5_attrs(im->h5, item->name, take, &r, err) || !restore_json(&attrs, err)) return false;
    im->counts->attributes += (int64_t)attrs.n;
    if (!mark_empty_lists(&attrs, err) || !gather_long(&attrs, err)) return false;
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
        const struct c2_import_attr *attr = &attrs->list[i];
        if (c2_frame_writer_vlmeta(w, c2_str_of(attr->name), c2_buf_bytes(&attr->value), err)) continue;
        if (err->code != CAT2_ELIMIT) return false;
        leave_out(&r, attr->name, err->message);
        im->counts->attributes--;
    }
    return true;
}
