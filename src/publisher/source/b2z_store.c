/* SPDX-License-Identifier: BSD-3-Clause */
/* Blosc2 stores: every frame is an entry of the ZIP file, or is among the bytes of the entry embed.b2e, whose
 * attributes tell where. */
#include "publisher/source/b2z_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/limits.h"
#include "blosc/codec.h"

#define EMBEDDED     "embed.b2e"
#define EMBEDDED_MAX (64 << 20)   /* bytes of small frames in one store: each is at most some kilobytes */
#define ATTRS        "__vlmeta__" /* the name of the frame with a group's attributes */

/* An entry of an object, in one state of it. */
struct remote_entry {
    struct c2_object_bytes *object; /* counted */
    struct c2_object_pin pin;
    int64_t at;
};

static bool remote_read(void *self, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    const struct remote_entry *entry = self;

    return c2_object_bytes_read(entry->object, &entry->pin, entry->at + off, n, to, err);
}

static void remote_free(void *self)
{
    c2_object_bytes_free(((struct remote_entry *)self)->object);
    free(self);
}

static bool open_remote(const struct c2_zip_file *file, int64_t at, int64_t n, const char *name,
                        struct c2_frame **out, struct cat2_error *err)
{
    struct remote_entry *entry = malloc(sizeof(*entry));

    if (!entry) return c2_fail_nomem(err, "dataset");
    *entry = (struct remote_entry){c2_object_bytes_ref(file->object), *file->pin, at};
    return c2_frame_open_bytes(&(struct c2_frame_bytes){remote_read, remote_free, entry}, n, name, out, err);
}

static bool open_entry(const struct c2_zip_file *file, const char *name, const struct c2_zip_entry *entry,
                       struct c2_frame **out, struct cat2_error *err)
{
    int64_t at;

    if (!c2_zip_place(file, entry, &at, err)) return false;
    if (file->object) return open_remote(file, at, entry->n, name, out, err);
    int copy = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    return copy >= 0 ? c2_frame_open_part(copy, at, entry->n, name, out, err)
                     : c2_fail_errno(err, errno, "%.160s", name);
}

/* ---- what is among the bytes of another ---- */

static bool decode(struct c2_frame *frame, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);

    if (!codec) return c2_fail_nomem(err, "codec");
    for (int64_t i = 0; i < meta->nchunks; i++) {
        int64_t n = c2_min_i64(meta->chunksize, meta->nbytes - (int64_t)out->n);
        size_t at = out->n;
        c2_buf_clear(&chunk);
        if (n <= 0 || !c2_frame_chunk(frame, i, &chunk, err) || !c2_buf_resize(out, at + (size_t)n, err) ||
            !c2_codec_decode(codec, meta, c2_buf_bytes(&chunk), out->p + at, err))
            return n <= 0 ? c2_fail(err, CAT2_EDATA, EMBEDDED " has too many chunks") : false;
    }
    return true;
}

static bool open_embedded(const struct c2_zip_file *file, const char *name, const struct c2_b2z_leaf *leaf,
                          struct c2_frame **out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *whole = NULL;
    C2_AUTO(c2_buf) all = C2_BUF_INIT(EMBEDDED_MAX), part = C2_BUF_INIT(EMBEDDED_MAX);
    int64_t end;

    if (!open_entry(file, name, leaf->entry, &whole, err) || !decode(whole, &all, err)) return false;
    if (leaf->off < 0 || !c2_add_i64(leaf->off, leaf->n, &end) || end > (int64_t)all.n)
        return c2_fail(err, CAT2_EDATA, "%.100s: it is not in " EMBEDDED, leaf->path);
    return c2_buf_append(&part, all.p + leaf->off, (size_t)leaf->n, err) &&
           c2_frame_open_buf(&part, name, out, err);
}

bool c2_b2z_open(const struct c2_zip_file *file, const char *name, const struct c2_b2z_leaf *leaf,
                 struct c2_frame **out, struct cat2_error *err)
{
    return leaf->n < 0 ? open_entry(file, name, leaf->entry, out, err)
                       : open_embedded(file, name, leaf, out, err);
}

/* ---- what there is ---- */

/* A path that is none of ours is not listed: what it is called cannot be asked for. */
static bool add(struct c2_b2z *store, struct c2_str key, const char *suffix, struct c2_b2z_leaf leaf,
                struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct cat2_error ignored;

    if (key.n > C2_PATH_MAX) return true;
    if (!c2_buf_append_str(&path, key, err) || !c2_buf_puts(&path, suffix, err)) return false;
    if (!c2_path_check(c2_buf_str(&path), &ignored) || !c2_str_is_utf8(c2_buf_str(&path))) return true;
    leaf.path = c2_str_dup(c2_buf_str(&path));
    if (leaf.path && c2_vec_push(store, C2_ZIP_ENTRIES_MAX, "datasets of a store", err, leaf)) return true;
    free(leaf.path);
    return leaf.path ? false : c2_fail_nomem(err, "store");
}

static bool is_attrs(struct c2_str key)
{
    return c2_str_is(c2_path_last(key), ATTRS);
}

static bool add_embedded(const struct c2_zip_file *file, const char *name, const struct c2_zip_entry *entry,
                         struct c2_b2z *store, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval place;
    struct c2_str key;

    if (!open_entry(file, name, entry, &frame, err)) return false;
    const struct c2_buf *attrs = &c2_frame_meta(frame)->vlmeta;
    if (attrs->n == 0 || !c2_json_parse(c2_buf_str(attrs), &json, err)) return attrs->n == 0;
    struct c2_jiter it = c2_jiter_of(c2_jget(c2_jget(c2_json_root(json), "estore_metadata"), "embed_map"));
    while (c2_jnext(&it, &key, &place)) {
        struct c2_b2z_leaf leaf = {.entry = entry};
        C2_AUTO_PTR(c2_frame) *one = NULL;
        if (c2_str_starts(key, "/")) key = (struct c2_str){key.p + 1, key.n - 1};
        if (is_attrs(key) || !c2_jint(c2_jget(place, "offset"), &leaf.off) ||
            !c2_jint(c2_jget(place, "length"), &leaf.n) || leaf.n < 0)
            continue;
        leaf.path = (char *)(uintptr_t) "";
        if (!open_embedded(file, name, &leaf, &one, err)) return false;
        bool array = c2_frame_meta(one)->kind == C2_KIND_ARRAY;
        if (!add(store, key, array ? C2_ARRAY_SUFFIX : C2_FRAME_SUFFIX, leaf, err)) return false;
    }
    return true;
}

static bool add_entry(const struct c2_zip_entry *entry, struct c2_b2z *store, struct cat2_error *err)
{
    static const struct {
        const char *there, *here;
    } SUFFIXES[] = {{".b2nd", C2_ARRAY_SUFFIX}, {".b2f", C2_FRAME_SUFFIX}};
    struct c2_str key = c2_str_of(entry->name);

    for (size_t i = 0; i < C2_ARRAY_LEN(SUFFIXES); i++) {
        if (!c2_str_ends(key, SUFFIXES[i].there)) continue;
        key.n -= strlen(SUFFIXES[i].there);
        return is_attrs(key) ||
               add(store, key, SUFFIXES[i].here, (struct c2_b2z_leaf){.entry = entry, .n = -1}, err);
    }
    return true;
}

/* ---- tables ---- */

static bool is_table(const struct c2_zip_file *file, const char *name, const struct c2_b2z_leaf *leaf,
                     bool *is, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str kind;

    *is = false;
    if (!c2_str_is(c2_path_last(c2_str_of(leaf->path)), "_meta" C2_FRAME_SUFFIX)) return true;
    if (!c2_b2z_open(file, name, leaf, &frame, err)) return false;
    const struct c2_buf *attrs = &c2_frame_meta(frame)->vlmeta;
    if (attrs->n && !c2_json_parse(c2_buf_str(attrs), &json, err)) return false;
    *is = json && c2_jstr(c2_jget(c2_json_root(json), "kind"), &kind) && c2_str_is(kind, "ctable");
    return true;
}

/* The table is called as the group of its arrays. */
static bool add_table(struct c2_b2z *store, const struct c2_b2z_leaf *told, struct cat2_error *err)
{
    struct c2_b2z_leaf leaf = {.entry = told->entry, .off = told->off, .n = told->n};
    struct c2_str path = c2_str_of(told->path), group = c2_path_parent(path);
    size_t prefix = path.n - c2_path_last(path).n, before = store->n;

    leaf.table = c2_str_dup((struct c2_str){path.p, prefix});
    if (!leaf.table) return c2_fail_nomem(err, "store");
    for (size_t i = 0; i < before; i++)
        if (strncmp(store->p[i].path, leaf.table, prefix) == 0) store->p[i].inner = true;
    bool ok = group.n ? add(store, group, C2_ARRAY_SUFFIX, leaf, err)
                      : add(store, C2_STR(C2_TABLE_ALONE), "", leaf, err);
    if (store->n == before) free(leaf.table);
    return ok;
}

static bool find_tables(const struct c2_zip_file *file, const char *name, struct c2_b2z *store,
                        struct cat2_error *err)
{
    bool is = false, ok = true;

    for (size_t i = 0, n = store->n; ok && i < n; i++) {
        ok = store->p[i].inner || is_table(file, name, &store->p[i], &is, err);
        if (ok && is)
            ok = add_table(store,
                           &(struct c2_b2z_leaf){.path = store->p[i].path,
                                                 .entry = store->p[i].entry,
                                                 .off = store->p[i].off,
                                                 .n = store->p[i].n},
                           err);
        is = false;
    }
    return ok;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct c2_b2z_leaf *)a)->path, ((const struct c2_b2z_leaf *)b)->path);
}

bool c2_b2z_read(const struct c2_zip_file *file, const char *name, struct c2_b2z *out, struct cat2_error *err)
{
    C2_AUTO(c2_b2z) store = {0};

    if (!c2_zip_read(file, &store.zip, err)) return false;
    for (size_t i = 0; i < store.zip.n; i++)
        if (!add_entry(&store.zip.p[i], &store, err)) return false;
    const struct c2_zip_entry *embedded = c2_zip_find(&store.zip, EMBEDDED);
    if (embedded && !add_embedded(file, name, embedded, &store, err)) return false;
    if (!find_tables(file, name, &store, err)) return false;
    if (store.n) qsort(store.p, store.n, sizeof(*store.p), by_path);
    for (size_t i = 1; i < store.n; i++)
        if (by_path(&store.p[i - 1], &store.p[i]) == 0)
            return c2_fail(err, CAT2_EDATA, "is a store that has %.100s twice", store.p[i].path);
    *out = store;
    store = (struct c2_b2z){0};
    return true;
}

void c2_b2z_fini(struct c2_b2z *store)
{
    for (size_t i = 0; i < store->n; i++) {
        free(store->p[i].path);
        free(store->p[i].table);
    }
    c2_vec_fini(store);
    c2_zip_fini(&store->zip);
}

const struct c2_b2z_leaf *c2_b2z_find(const struct c2_b2z *store, const char *path)
{
    struct c2_b2z_leaf wanted = {.path = (char *)(uintptr_t)path};

    return store->n ? bsearch(&wanted, store->p, store->n, sizeof(*store->p), by_path) : NULL;
}

/* ---- attributes ---- */

static bool is_group(const struct c2_b2z *store, const char *path)
{
    size_t n = strlen(path);
    bool is = n == 0;

    for (size_t i = 0; i < store->n && !is; i++)
        is = !store->p[i].inner && strncmp(store->p[i].path, path, n) == 0 && store->p[i].path[n] == '/';
    return is;
}

bool c2_b2z_attrs(const struct c2_zip_file *file, const char *name, const struct c2_b2z *store,
                  const char *path, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_b2z_leaf *leaf = c2_b2z_find(store, path);
    C2_AUTO(c2_buf) key = C2_BUF_INIT(2 * C2_PATH_MAX);
    C2_AUTO_PTR(c2_frame) *frame = NULL;

    if (!leaf && !is_group(store, path)) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    if (!c2_buf_printf(&key, err, "%s%s" ATTRS ".b2f", path, *path ? "/" : "")) return false;
    const struct c2_zip_entry *entry = leaf ? NULL : c2_zip_find(&store->zip, c2_buf_cstr(&key));
    if (!leaf && !entry) return c2_buf_puts(out, "{}", err);
    if (!(leaf ? c2_b2z_open(file, name, leaf, &frame, err) : open_entry(file, name, entry, &frame, err)))
        return false;
    const struct c2_buf *attrs = &c2_frame_meta(frame)->vlmeta;
    return attrs->n ? c2_buf_append(out, attrs->p, attrs->n, err) : c2_buf_puts(out, "{}", err);
}
