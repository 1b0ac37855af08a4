/* SPDX-License-Identifier: BSD-3-Clause */
/* Every name of a file, and of those it links to. Groups are entered under each of their names; a group that
 * holds itself ends there.
 */
#include <stdlib.h>

#include "base/name.h"
#include "hdf5/read/beneath.h"
#include "hdf5/read/group_names.h"

struct seen { /* a hash set of objects; 0: empty place */
    uint64_t *ids;
    size_t n, cap;
};
struct walk {
    struct c2_h5 *h5;
    c2_h5_visit *visit;
    void *ctx;
    size_t nentries;
    struct seen seen;
    uint64_t above[C2_TREE_DEPTH_MAX]; /* groups on the way down */
    int depth;
    struct c2_buf path, name; /* of the object at hand */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct c2_h5_link *)a)->name, ((const struct c2_h5_link *)b)->name);
}

/* ---- objects seen before ---- */

static size_t place(const struct seen *seen, uint64_t id)
{
    size_t at = (size_t)(id * 0x9e3779b97f4a7c15u >> 20) & (seen->cap - 1);

    while (seen->ids[at] && seen->ids[at] != id)
        at = (at + 1) & (seen->cap - 1);
    return at;
}

/* id is never 0: the superblock is there. */
static bool note_seen(struct seen *seen, uint64_t id, bool *before, struct cat2_error *err)
{
    if (2 * (seen->n + 1) > seen->cap) {
        struct seen grown = {calloc(seen->cap ? 2 * seen->cap : 256, sizeof(uint64_t)), seen->n,
                             seen->cap ? 2 * seen->cap : 256};
        if (!grown.ids) return c2_fail_nomem(err, "objects of an HDF5 file");
        for (size_t i = 0; i < seen->cap; i++)
            if (seen->ids[i]) grown.ids[place(&grown, seen->ids[i])] = seen->ids[i];
        free(seen->ids);
        *seen = grown;
    }
    size_t at = place(seen, id);
    *before = seen->ids[at] == id;
    if (!*before) seen->n++;
    seen->ids[at] = id;
    return true;
}

/* ---- names ---- */

#define PATH_MAX_SHOWN (C2_PATH_MAX - 64) /* longer ones are cut, and told apart by a number */
#define PART_MAX_SHOWN (C2_PART_MAX - 64)

static bool shorten(struct c2_buf *path, const struct walk *walk, size_t n, struct cat2_error *err)
{
    while (n && (path->p[n] & 0xc0) == 0x80)
        n--;
    path->n = n;
    return c2_buf_printf(path, err, "...%zu", walk->nentries);
}

static bool push_name(struct walk *walk, struct c2_str name, bool *too_long, struct cat2_error *err)
{
    size_t start = walk->path.n + (walk->path.n > 0);

    if (!c2_buf_puts(&walk->name, walk->name.n > 1 ? "/" : "", err) ||
        !c2_buf_append_str(&walk->name, name, err) || (walk->path.n && !c2_buf_putc(&walk->path, '/', err)))
        return false;
    if (!c2_name_show(name, &walk->path, err)) return false;
    size_t room = start + PART_MAX_SHOWN < PATH_MAX_SHOWN ? start + PART_MAX_SHOWN : PATH_MAX_SHOWN;
    *too_long = walk->path.n > room;
    return !*too_long || shorten(&walk->path, walk, room, err);
}

/* ---- the walk ---- */

static bool tell(struct walk *walk, enum c2_h5_kind kind, const char *refusal, uint64_t id,
                 struct cat2_error *err)
{
    struct c2_h5_entry entry = {
        .kind = kind,
        .path = c2_buf_cstr(&walk->path),
        .name = c2_buf_cstr(&walk->name),
        .refusal = refusal,
        .id = id,
    };

    if (++walk->nentries > C2_H5_ENTRIES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "more than %d names in the file", C2_H5_ENTRIES_MAX);
    if (id && !note_seen(&walk->seen, id, &entry.aliased, err)) return false;
    return walk->visit(walk->ctx, &entry, err);
}

static bool walk_group(struct walk *walk, hid_t group, uint64_t id, struct cat2_error *err);

static void go_back(struct walk *walk, size_t path, size_t name)
{
    walk->path.n = path;
    walk->name.n = name;
    if (walk->path.p) walk->path.p[path] = '\0';
    walk->name.p[name] = '\0';
}

/* Sequences of variable length: a folder of two arrays. */
static bool tell_arrays(struct walk *walk, uint64_t id, struct cat2_error *err)
{
    static const char *const ARRAYS[] = {C2_H5_OFFSETS, C2_H5_VALUES};
    size_t path = walk->path.n, name = walk->name.n;
    bool too_long, ok = tell(walk, C2_H5_GROUP, NULL, id, err);

    for (uint64_t i = 0; ok && i < C2_ARRAY_LEN(ARRAYS); i++) {
        ok = push_name(walk, c2_str_of(ARRAYS[i]), &too_long, err) &&
             (too_long ? tell(walk, C2_H5_LINK, "has too long a path", 0, err)
                       : tell(walk, C2_H5_DATASET, NULL, id ^ (i + 1) << 62, err));
        go_back(walk, path, name);
    }
    return ok;
}

static bool walk_object(struct walk *walk, hid_t object, struct cat2_error *err)
{
    H5O_info_t info;

    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) {
        H5Eclear2(H5E_DEFAULT);
        return tell(walk, C2_H5_LINK, "cannot be examined", 0, err);
    }
    uint64_t id = c2_h5_object_id(walk->h5, object, &info);
    if (info.type == H5O_TYPE_DATASET)
        return c2_h5_is_sequence(object) ? tell_arrays(walk, id, err)
                                         : tell(walk, C2_H5_DATASET, NULL, id, err);
    if (info.type != H5O_TYPE_GROUP) return tell(walk, C2_H5_TYPE, NULL, id, err);
    for (int i = 0; i < walk->depth; i++)
        if (walk->above[i] == id) return tell(walk, C2_H5_LINK, "leads back to a group above it", 0, err);
    if (walk->depth == C2_TREE_DEPTH_MAX) return tell(walk, C2_H5_LINK, "lies too deep", 0, err);
    return tell(walk, C2_H5_GROUP, NULL, id, err) && walk_group(walk, object, id, err);
}

static bool walk_link(struct walk *walk, hid_t group, const struct c2_h5_link *link, struct cat2_error *err)
{
    size_t path = walk->path.n, name = walk->name.n;
    bool too_long, ok;

    if (!push_name(walk, c2_str_of(link->name), &too_long, err)) return false;
    if (too_long) {
        ok = tell(walk, C2_H5_LINK, "has too long a name or path", 0, err);
    } else if (link->name[0] == '\0' || strcmp(link->name, ".") == 0) {
        ok = tell(walk, C2_H5_LINK, "has a name that HDF5 cannot look up", 0, err);
    } else {
        c2_h5_beneath_mark(walk->h5->beneath);
        hid_t object = H5Oopen(group, link->name, walk->h5->lapl);
        if (object < 0) {
            char why[300];
            c2_h5_why_not_followed(walk->h5, group, link->name, link->type, why, sizeof(why));
            ok = tell(walk, C2_H5_LINK, why, 0, err);
        } else {
            ok = walk_object(walk, object, err);
            H5Oclose(object);
        }
    }
    go_back(walk, path, name);
    return ok;
}

/* A group of more names than are listed has one that says so. */
static bool tell_more(struct walk *walk, struct cat2_error *err)
{
    size_t path = walk->path.n, name = walk->name.n;
    bool too_long;
    bool ok = push_name(walk, C2_STR("..."), &too_long, err) &&
              tell(walk, C2_H5_LINK, "stands for more names of its group, which are not listed", 0, err);

    go_back(walk, path, name);
    return ok;
}

static bool walk_group(struct walk *walk, hid_t group, uint64_t id, struct cat2_error *err)
{
    C2_AUTO(c2_h5_links) links = {0};
    bool ok = true, all = c2_h5_list_links(group, false, &links);
    if (!all && links.n == 0)
        return walk->depth ? tell(walk, C2_H5_LINK, "is a group that cannot be listed", 0, err)
                           : c2_h5_fail(err, CAT2_EDATA, "the root group cannot be listed");
    if (links.n) qsort(links.p, links.n, sizeof(*links.p), by_name);
    walk->above[walk->depth++] = id;
    for (size_t i = 0; ok && i < links.n; i++)
        ok = walk_link(walk, group, &links.p[i], err);
    walk->depth--;
    return ok && (all || tell_more(walk, err));
}

bool c2_h5_walk(struct c2_h5 *h5, c2_h5_visit *visit, void *ctx, struct cat2_error *err)
{
    struct walk walk = {.h5 = h5, .visit = visit, .ctx = ctx};

    c2_h5_quiet();
    c2_buf_init(&walk.path, 1 << 20);
    c2_buf_init(&walk.name, 1 << 20);
    hid_t root = H5Gopen2(h5->file, "/", H5P_DEFAULT);
    bool ok = root >= 0 || c2_h5_fail(err, CAT2_EDATA, "the root group cannot be opened");
    ok = ok && c2_buf_puts(&walk.name, "/", err) && walk_object(&walk, root, err);
    if (root >= 0) H5Gclose(root);
    free(walk.seen.ids);
    c2_buf_fini(&walk.path);
    c2_buf_fini(&walk.name);
    return ok;
}
