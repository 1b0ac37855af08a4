/* SPDX-License-Identifier: BSD-3-Clause */
/* What a group holds that is no file of its directory: further names, links, named datatypes; and the order
 * in which all was made. */
#include <stdlib.h>

#include "hdf5/read/describe_impl.h"
#include "hdf5/read/group_names.h"

/* Is this name the one under which the object is imported? */
static bool is_home(struct c2_describer *d, hid_t group, const struct c2_h5_link *child, const char **path)
{
    char above[C2_PATH_MAX + 1];
    ssize_t n = H5Iget_name(group, above, sizeof(above));

    *path = d->how->path(d->how->ctx, child->id);
    if (!*path || n < 1 || (size_t)n >= sizeof(above)) return *path != NULL;
    size_t len = strcmp(above, "/") == 0 ? 0 : (size_t)n;
    return strncmp(*path, above, len) == 0 && (*path)[len] == '/' &&
           strcmp(*path + len + 1, child->name) == 0;
}

static void put_pair(struct c2_describer *d, const char *kind, const char *value, const char *more)
{
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);

    c2_mpw_text(&d->w, kind);
    c2_mpw_name(&d->w, c2_str_of(value));
    if (more) c2_mpw_name(&d->w, c2_str_of(more));
    c2_mpw_close(&d->w, list, more ? 3 : 2);
}

/* ["soft", path] or ["external", file, path]. */
static bool soft_link(struct c2_describer *d, hid_t group, const struct c2_h5_link *child)
{
    H5L_info_t info;
    const char *file, *path;
    unsigned flags;

    if (H5Lget_info(group, child->name, &info, H5P_DEFAULT) < 0 || info.u.val_size == 0 ||
        info.u.val_size > 65536)
        return false;
    char *value = calloc(1, info.u.val_size + 1);
    bool ok = value && H5Lget_val(group, child->name, value, info.u.val_size, H5P_DEFAULT) >= 0;
    if (ok) c2_mpw_name(&d->w, c2_str_of(child->name));
    if (ok && child->type == H5L_TYPE_SOFT) {
        put_pair(d, "soft", value, NULL);
    } else if (ok) {
        ok = H5Lunpack_elink_val(value, info.u.val_size, &flags, &file, &path) >= 0;
        put_pair(d, "external", ok ? file : "", ok ? path : "");
    }
    free(value);
    H5Eclear2(H5E_DEFAULT);
    return ok;
}

static bool put_link(struct c2_describer *d, hid_t group, const struct c2_h5_link *child, size_t *n)
{
    const char *path;
    size_t before = d->w.out->n;

    if (child->type == H5L_TYPE_HARD) {
        if (is_home(d, group, child, &path) || !path) return true; /* what is not imported was told already */
        c2_mpw_name(&d->w, c2_str_of(child->name));
        put_pair(d, "hard", path, NULL);
        ++*n;
    } else if ((child->type == H5L_TYPE_SOFT || child->type == H5L_TYPE_EXTERNAL) &&
               soft_link(d, group, child)) {
        ++*n;
    } else {
        d->w.out->n = before;
        c2_describe_lost(d, "link '%.80s': its kind is not kept", child->name);
    }
    return d->w.ok;
}

/* A datatype under its name: [name, {type, attributes}]. */
static bool put_type(struct c2_describer *d, hid_t group, const struct c2_h5_link *child, size_t *count,
                     struct cat2_error *err)
{
    H5O_info_t info;
    const char *path;
    size_t before = d->w.out->n, n = 1;
    unsigned order = 0;

    if (child->type != H5L_TYPE_HARD ||
        H5Oget_info_by_name2(group, child->name, &info, H5O_INFO_BASIC, d->h5->lapl) < 0 ||
        info.type != H5O_TYPE_NAMED_DATATYPE || !is_home(d, group, child, &path))
        return true;
    C2_AUTO(c2_hid) type = {H5Topen2(group, child->name, H5P_DEFAULT)};
    C2_AUTO(c2_hid) plist = {type.id < 0 ? -1 : H5Tget_create_plist(type.id)};
    if (plist.id >= 0 && H5Pget_attr_creation_order(plist.id, &order) < 0) order = 0;
    C2_AUTO(c2_hid)
    plain = {type.id < 0 ? -1 : H5Tcopy(type.id)}; /* the copy is not committed: told as what it is */
    c2_mpw_name(&d->w, c2_str_of(child->name));
    size_t map = c2_mpw_open(&d->w, C2_MP_MAP);
    c2_mpw_text(&d->w, "type");
    bool ok = plain.id >= 0 ? c2_describe_its_type(d, plain.id, err)
                            : c2_h5_fail(err, CAT2_EDATA, "it cannot be opened");
    if (ok && order) {
        c2_mpw_text(&d->w, "attribute_order");
        c2_mpw_uint(&d->w, order);
        n++;
    }
    ok = ok && c2_describe_attributes(d, type.id, order & H5P_CRT_ORDER_TRACKED, &n, err);
    if (!ok && err->code != CAT2_ENOMEM && err->code != CAT2_ELIMIT) {
        d->w.out->n = before;
        c2_describe_lost(d, "named datatype '%.80s': %s", child->name, err->message);
        return true;
    }
    c2_mpw_close(&d->w, map, n);
    ++*count;
    return ok && d->w.ok;
}

static bool put_order(struct c2_describer *d, const struct c2_h5_links *children, size_t *n)
{
    c2_mpw_text(&d->w, "order");
    size_t list = c2_mpw_open(&d->w, C2_MP_LIST);

    for (size_t i = 0; i < children->n; i++)
        c2_mpw_name(&d->w, c2_str_of(children->p[i].name));
    c2_mpw_close(&d->w, list, children->n);
    ++*n;
    return d->w.ok;
}

bool c2_describe_links(struct c2_describer *d, hid_t group, bool in_order, size_t *n, struct cat2_error *err)
{
    C2_AUTO(c2_h5_links) children = {0};
    size_t before, map, count;

    if (!c2_h5_list_links(group, in_order, &children))
        c2_describe_lost(d, "its links: they cannot all be listed");
    if (in_order && children.n && !put_order(d, &children, n)) return false;
    for (int types = 0; types < 2; types++) {
        before = d->w.out->n;
        count = 0;
        c2_mpw_text(&d->w, types ? "types" : "links");
        map = c2_mpw_open(&d->w, C2_MP_MAP);
        for (size_t i = 0; i < children.n; i++)
            if (!(types ? put_type(d, group, &children.p[i], &count, err)
                        : put_link(d, group, &children.p[i], &count)))
                return false;
        if (!d->w.ok) return false;
        c2_mpw_close(&d->w, map, count);
        if (count)
            ++*n;
        else
            d->w.out->n = before;
    }
    return true;
}
