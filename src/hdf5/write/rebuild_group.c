/* SPDX-License-Identifier: BSD-3-Clause */
/* Files, groups, named datatypes and links from descriptions. */
#include <unistd.h>

#include "hdf5/write/rebuild_impl.h"

#define NODES_MAX    (1 << 21) /* values of a description */
#define SEARCHES_MAX (1 << 28) /* every name of an order is looked for among the links */

void c2_h5w_like_fini(struct c2_h5w_like *like)
{
    c2_mp_fini(&like->mp);
    c2_buf_fini(&like->bytes);
    *like = (struct c2_h5w_like){0};
}

bool c2_h5w_like_parse(struct c2_bytes description, struct c2_h5w_like *out, struct cat2_error *err)
{
    C2_AUTO(c2_h5w_like) like = {.bytes = C2_BUF_INIT(C2_VLMETA_NBYTES_MAX)};
    int64_t version;

    if (!c2_buf_append(&like.bytes, description.p, description.n, err) ||
        !c2_mp_parse(c2_buf_bytes(&like.bytes), NODES_MAX, &like.mp, err))
        return false;
    like.root = like.mp.nodes;
    if (like.root->kind != C2_MP_MAP || !c2_mp_int(c2_mp_get(like.root, "version"), 0, INT64_MAX, &version))
        return c2_fail(err, CAT2_EDATA, "it is no map with a version");
    if (version != C2_H5_DESCRIPTION_VERSION)
        return c2_fail(err, CAT2_EUNSUPPORTED, "it is of version %lld", (long long)version);
    for (uint32_t i = 0; i < like.mp.n; i++)
        like.refers |= c2_mp_is(&like.mp.nodes[i], "reference") || c2_mp_is(&like.mp.nodes[i], "region");
    *out = like;
    like = (struct c2_h5w_like){0};
    return true;
}

static bool is_part(struct c2_str name)
{
    return name.n > 0 && !memchr(name.p, '/', name.n) && !c2_str_is(name, ".");
}

bool c2_h5w_like_name(const struct c2_h5w_like *like, struct c2_str *out)
{
    return c2_mp_name(c2_mp_get(like->root, "name"), out) && is_part(*out);
}

/* ---- groups ---- */

static unsigned order_flags(const struct c2_mp_node *map, const char *key)
{
    int64_t flags;

    if (!c2_mp_int(c2_mp_get(map, key), 0, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED, &flags)) return 0;
    return flags & H5P_CRT_ORDER_INDEXED ? (unsigned)flags | H5P_CRT_ORDER_TRACKED : (unsigned)flags;
}

static bool set_group(hid_t plist, const struct c2_mp_node *map)
{
    return plist >= 0 && H5Pset_obj_track_times(plist, false) >= 0 &&
           H5Pset_link_creation_order(plist, order_flags(map, "link_order")) >= 0 &&
           H5Pset_attr_creation_order(plist, order_flags(map, "attribute_order")) >= 0;
}

bool c2_h5w_create_like(const char *filename, const struct c2_h5w_like *like,
                        const struct c2_h5w_teller *teller, struct c2_h5w **out, struct cat2_error *err)
{
    C2_AUTO(c2_hid) plist = {-1};
    const struct c2_mp_node *block = like ? c2_mp_get(like->root, "user_block") : NULL;
    size_t n = block && block->kind == C2_MP_BYTES ? block->bytes.n : 0;

    if (!like || !like->root) return c2_h5w_create(filename, out, err);
    plist.id = H5Pcreate(H5P_FILE_CREATE);
    if (!set_group(plist.id, like->root)) return c2_h5w_fail(err, "%s", filename ? filename : "memory");
    bool whole =
        n >= 512 && n <= C2_H5_USERBLOCK_MAX && (n & (n - 1)) == 0 && H5Pset_userblock(plist.id, n) >= 0;
    if (block && !whole) c2_rebuild_lost(teller, "the user block: it has no length that HDF5 allows");
    if (!c2_h5w_create_with(filename, plist.id, out, err)) return false;
    if (whole && !c2_buf_append(&(*out)->user_block, block->bytes.p, n, err)) return false;
    return true;
}

bool c2_h5w_group_like(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                       struct cat2_error *err)
{
    C2_AUTO(c2_hid) plist = {H5Pcreate(H5P_GROUP_CREATE)}, group = {-1};

    if (!*path) return true;
    if (!set_group(plist.id, like->root)) return c2_h5w_fail(err, "making the group");
    group.id = H5Gcreate2(w->file, path, w->lcpl, plist.id, H5P_DEFAULT);
    return group.id >= 0 || c2_h5w_fail(err, "making the group");
}

static int kind_of(struct c2_h5w *w, const char *path)
{
    H5O_info_t info;
    bool there = H5Oget_info_by_name2(w->file, c2_h5w_path(path), &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0;

    H5Eclear2(H5E_DEFAULT);
    return there ? (int)info.type : -1;
}

bool c2_h5w_is_there(struct c2_h5w *w, const char *path)
{
    return kind_of(w, path) >= 0;
}

bool c2_h5w_is_group(struct c2_h5w *w, const char *path)
{
    return kind_of(w, path) == H5O_TYPE_GROUP;
}

/* ---- the maps of a group: names to anything ---- */

struct children {
    const struct c2_mp_node *at, *end;
    struct c2_buf name;
};

static struct children children_of(const struct c2_h5w_like *like, const char *key)
{
    const struct c2_mp_node *map = c2_mp_get(like->root, key);
    bool is_map = map && map->kind == C2_MP_MAP;

    return (struct children){is_map ? map + 1 : NULL, is_map ? c2_mp_next(map) : NULL, C2_BUF_INIT(65536)};
}

static void children_auto(struct children *children)
{
    c2_buf_fini(&children->name);
}

/* The next one of a good name; its value. */
static const struct c2_mp_node *next_child(struct children *c)
{
    struct cat2_error ignored;
    struct c2_str name;

    while (c->at && c->at < c->end) {
        const struct c2_mp_node *key = c->at, *value = c2_mp_next(key);
        c->at = c2_mp_next(value);
        c2_buf_clear(&c->name);
        if (c2_mp_name(key, &name) && is_part(name) && c2_buf_append_str(&c->name, name, &ignored))
            return value;
    }
    return NULL;
}

#define EACH_CHILD(children, like, key)                                                                      \
    __attribute__((cleanup(children_auto))) struct children children = children_of(like, key);               \
    for (const struct c2_mp_node *value; (value = next_child(&(children)));)

static bool open_group(struct c2_h5w *w, const char *path, struct c2_hid *out, struct cat2_error *err)
{
    out->id = H5Gopen2(w->file, c2_h5w_path(path), H5P_DEFAULT);
    return out->id >= 0 || c2_h5w_fail(err, "opening the group");
}

/* ---- named datatypes ---- */

bool c2_h5w_types(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                  const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    C2_AUTO(c2_hid) group = {-1};

    if (!c2_mp_get(like->root, "types")) return true;
    if (!open_group(w, path, &group, err)) return false;
    EACH_CHILD(children, like, "types")
    {
        C2_AUTO(c2_hid) type = {-1}, plist = {H5Pcreate(H5P_DATATYPE_CREATE)};
        bool ok = c2_rebuild_type(w, c2_mp_get(value, "type"), 0, &type, err);
        if (ok && H5Tcommitted(type.id) > 0) ok = c2_fail(err, CAT2_EDATA, "it is another named one");
        if (ok)
            ok = (H5Pset_attr_creation_order(plist.id, order_flags(value, "attribute_order")) >= 0 &&
                  H5Tcommit2(group.id, c2_buf_cstr(&children.name), type.id, w->lcpl, plist.id,
                             H5P_DEFAULT) >= 0) ||
                 c2_h5w_fail(err, "making it");
        if (!ok)
            c2_rebuild_lost(teller, "named datatype '%.60s': %s", c2_buf_cstr(&children.name), err->message);
    }
    return true;
}

static bool type_attributes(struct c2_h5w *w, hid_t type, const struct c2_mp_node *map, const char *name,
                            const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    const struct c2_h5w_like like = {.root = map};
    struct c2_h5w_attrs attrs = {.w = w, .object = type};
    struct c2_str shown;
    bool made;

    for (const struct c2_mp_node *at = NULL; (at = c2_h5w_like_attribute(&like, at, &shown));)
        if (!c2_h5w_attrs_like(&attrs, at, (struct c2_bytes){NULL, 0}, &made, err)) {
            if (err->code == CAT2_ENOMEM) return false;
            c2_rebuild_lost(teller, "attribute '%.*s' of named datatype '%.60s': %s",
                            (int)c2_min_i64((int64_t)shown.n, 60), shown.p, name, err->message);
        }
    return true;
}

bool c2_h5w_types_attributes(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                             const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    C2_AUTO(c2_hid) group = {-1};

    if (!c2_mp_get(like->root, "types")) return true;
    if (!open_group(w, path, &group, err)) return false;
    EACH_CHILD(children, like, "types")
    {
        if (!c2_mp_get(value, "attributes")) continue;
        C2_AUTO(c2_hid) type = {H5Topen2(group.id, c2_buf_cstr(&children.name), H5P_DEFAULT)};
        H5Eclear2(H5E_DEFAULT);
        if (type.id >= 0 && !type_attributes(w, type.id, value, c2_buf_cstr(&children.name), teller, err))
            return false;
    }
    return true;
}

/* ---- links ---- */

static bool text_at(const struct c2_mp_node *list, uint32_t i, struct c2_buf *out)
{
    struct cat2_error ignored;
    struct c2_str text;

    c2_buf_clear(out);
    return c2_mp_name(c2_mp_item(list, i), &text) && text.n > 0 && c2_buf_append_str(out, text, &ignored);
}

static void not_made(const struct c2_h5w_teller *teller, const char *name, struct cat2_error *err)
{
    c2_h5w_fail(err, "link '%.60s'", name);
    c2_rebuild_lost(teller, "%s", err->message);
}

bool c2_h5w_hard_links(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                       const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    C2_AUTO(c2_hid) group = {-1};
    C2_AUTO(c2_buf) target = C2_BUF_INIT(65536);

    if (!c2_mp_get(like->root, "links")) return true;
    if (!open_group(w, path, &group, err)) return false;
    EACH_CHILD(children, like, "links")
    {
        if (!c2_mp_is(c2_mp_item(value, 0), "hard")) continue;
        if (!text_at(value, 1, &target) ||
            H5Lcreate_hard(w->file, c2_buf_cstr(&target), group.id, c2_buf_cstr(&children.name), w->lcpl,
                           H5P_DEFAULT) < 0)
            not_made(teller, c2_buf_cstr(&children.name), err);
    }
    return true;
}

static bool make_link(struct c2_h5w *w, hid_t group, const char *name, const struct c2_mp_node *value)
{
    C2_AUTO(c2_buf) first = C2_BUF_INIT(65536), second = C2_BUF_INIT(65536);

    if (!text_at(value, 1, &first)) return false;
    if (c2_mp_is(c2_mp_item(value, 0), "soft"))
        return H5Lcreate_soft(c2_buf_cstr(&first), group, name, w->lcpl, H5P_DEFAULT) >= 0;
    return c2_mp_is(c2_mp_item(value, 0), "external") && text_at(value, 2, &second) &&
           H5Lcreate_external(c2_buf_cstr(&first), c2_buf_cstr(&second), group, name, w->lcpl, H5P_DEFAULT) >=
               0;
}

/* Links keep the order in which they were made: taken out and made again, each comes to its place. */
static void make_again(struct c2_h5w *w, hid_t group, const char *name)
{
    H5L_info_t info;

    if (H5Lget_info(group, name, &info, H5P_DEFAULT) < 0 || info.type != H5L_TYPE_HARD) return;
    C2_AUTO(c2_hid) object = {H5Oopen(group, name, H5P_DEFAULT)};
    if (object.id < 0 || H5Ldelete(group, name, H5P_DEFAULT) < 0) return;
    H5Olink(object.id, group, name, w->lcpl, H5P_DEFAULT);
}

static void put_in_order(struct c2_h5w *w, hid_t group, const struct c2_h5w_like *like)
{
    const struct c2_mp_node *order = c2_mp_get(like->root, "order"), *at = order;
    const struct c2_mp_node *links = c2_mp_get(like->root, "links");
    C2_AUTO(c2_buf) name = C2_BUF_INIT(65536);
    struct cat2_error ignored;
    struct c2_str text;

    for (uint32_t i = 0, n = c2_mp_count(order); i < n; i++) {
        at = i ? c2_mp_next(at) : c2_mp_first(order);
        c2_buf_clear(&name);
        if (!c2_mp_name(at, &text) || !is_part(text) || !c2_buf_append_str(&name, text, &ignored)) continue;
        const struct c2_mp_node *link = c2_mp_get(links, c2_buf_cstr(&name));
        if (link && !c2_mp_is(c2_mp_item(link, 0), "hard"))
            make_link(w, group, c2_buf_cstr(&name), link);
        else
            make_again(w, group, c2_buf_cstr(&name));
        H5Eclear2(H5E_DEFAULT);
    }
}

bool c2_h5w_links(struct c2_h5w *w, const char *path, const struct c2_h5w_like *like,
                  const struct c2_h5w_teller *teller, struct cat2_error *err)
{
    C2_AUTO(c2_hid) group = {-1};
    H5L_info_t info;

    if (!c2_mp_get(like->root, "links") && !c2_mp_get(like->root, "order")) return true;
    if (!open_group(w, path, &group, err)) return false;
    const struct c2_mp_node *links = c2_mp_get(like->root, "links");
    uint64_t names = c2_mp_count(c2_mp_get(like->root, "order"));
    if (names * (links && links->kind == C2_MP_MAP ? links->n : 0) > SEARCHES_MAX)
        c2_rebuild_lost(teller, "the order of its links: there are too many");
    else if (order_flags(like->root, "link_order"))
        put_in_order(w, group.id, like);
    EACH_CHILD(children, like, "links")
    {
        const char *name = c2_buf_cstr(&children.name);
        if (c2_mp_is(c2_mp_item(value, 0), "hard")) continue;
        if (H5Lget_info(group.id, name, &info, H5P_DEFAULT) >= 0 && info.type != H5L_TYPE_HARD)
            continue; /* in its order */
        H5Eclear2(H5E_DEFAULT);
        if (!make_link(w, group.id, name, value)) not_made(teller, name, err);
    }
    return true;
}
