/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders with zarr.json, or with .zgroup or .zarray. */
#include "publisher/source/zarr_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"

#define V3    "zarr.json"
#define ARRAY ".zarray"
#define GROUP ".zgroup"
#define ATTRS ".zattrs"

/* ---- places ---- */

bool c2_zs_place_of(const struct c2_container *c, const char *rel, struct c2_zs_place *out,
                    struct cat2_error *err)
{
    bool alone = !c->site->dir;
    const char *path = alone ? "" : c->prefix;
    C2_AUTO(c2_zs_place) place = {-1, C2_BUF_INIT(3 * (size_t)C2_PATH_MAX)};

    place.root = open(alone ? c->filename : c->site->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (place.root < 0) return c2_fail_errno(err, errno, "%.160s", c->filename);
    if (!c2_buf_printf(&place.path, err, "%s%s%s", path, *path && *rel ? "/" : "", rel)) return false;
    *out = place;
    place = (struct c2_zs_place){.root = -1};
    return true;
}

void c2_zs_place_fini(struct c2_zs_place *place)
{
    if (place->root >= 0) close(place->root);
    c2_buf_fini(&place->path);
}

int c2_zs_open(const struct c2_zs_place *place, const char *name, int flags)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(4 * (size_t)C2_PATH_MAX);
    struct cat2_error ignored;
    const char *own = c2_buf_cstr(&place->path);

    if (!c2_buf_printf(&path, &ignored, "%s%s%s", own, *own && *name ? "/" : "", name)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return c2_fs_open_beneath(place->root, path.n ? c2_buf_cstr(&path) : ".", flags);
}

/* ---- metadata files ---- */

uint64_t c2_zs_digest(const struct stat *st, int64_t *mtime_ns, int64_t *ctime_ns)
{
    struct c2_file_key key;

    c2_file_key_of(st, &key);
    *mtime_ns = c2_max_i64(*mtime_ns, key.mtime_ns);
    *ctime_ns = c2_max_i64(*ctime_ns, key.ctime_ns);
    key.dev = 0; /* of network file systems it changes when they are mounted anew */
    return c2_hash64(&key, sizeof(key)) | 1;
}

void c2_zs_node_fini(struct c2_zs_node *node)
{
    c2_buf_fini(&node->json);
    c2_buf_fini(&node->attrs);
}

/* A file of that name that could be read, and says nothing of Zarr, is somebody else's. */
static bool says_zarr(int dirfd, const char *name)
{
    C2_AUTO(c2_fd) file = {c2_fs_open_beneath(dirfd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_ZS_JSON_NBYTES);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct cat2_error ignored;
    int64_t version;

    if (file.fd < 0 || !c2_fs_read(file.fd, C2_ZS_JSON_NBYTES, &text, &ignored)) return true;
    return c2_zs_parse(c2_buf_str(&text), &json, &ignored) &&
           c2_jint(c2_jget(c2_json_root(json), "zarr_format"), &version);
}

bool c2_zs_is_store(int fd)
{
    static const char *const NAMES[] = {V3, ARRAY, GROUP};
    struct stat st;

    for (size_t i = 0; i < C2_ARRAY_LEN(NAMES); i++)
        if (fstatat(fd, NAMES[i], &st, 0) == 0 && S_ISREG(st.st_mode) && says_zarr(fd, NAMES[i])) return true;
    return false;
}

bool c2_zs_is_passing(const struct cat2_error *err)
{
    return err->code == CAT2_ENOMEM || err->code == CAT2_ECANCELLED || c2_is_busy(err);
}

static bool read_text(int fd, const char *name, const struct stat *before, struct c2_buf *out,
                      struct cat2_error *err)
{
    int64_t ignored = 0;
    struct stat after;

    if (!c2_fs_read(fd, C2_ZS_JSON_NBYTES, out, err)) return false;
    if (fstat(fd, &after) != 0) return c2_fail_errno(err, errno, "%s", name);
    return c2_zs_digest(before, &ignored, &ignored) == c2_zs_digest(&after, &ignored, &ignored) ||
           c2_fail_busy(err, name);
}

/* *found false: there is no such file. What it says is part of the node's digest, as is that it is not there.
 * out NULL: it is not read. */
static bool read_file(const struct c2_zs_place *place, const char *name, struct c2_zs_node *node,
                      struct c2_buf *out, bool *found, struct cat2_error *err)
{
    struct stat st;
    C2_AUTO(c2_fd) file = {c2_zs_open(place, name, O_RDONLY | O_NONBLOCK)};
    uint64_t parts[2] = {node->digest, 0};

    *found = file.fd >= 0;
    if (file.fd < 0 && errno != ENOENT && errno != ENOTDIR) return c2_fail_errno(err, errno, "%s", name);
    if (file.fd >= 0) {
        if (fstat(file.fd, &st) != 0 || !S_ISREG(st.st_mode))
            return c2_fail(err, CAT2_EDATA, "%s is no regular file", name);
        if (st.st_size > C2_ZS_JSON_NBYTES)
            return c2_fail(err, CAT2_ELIMIT, "%s has more than %d MiB", name, C2_ZS_JSON_NBYTES >> 20);
        if (out && !read_text(file.fd, name, &st, out, err)) return false;
        parts[1] = c2_zs_digest(&st, &node->mtime_ns, &node->ctime_ns);
    }
    node->digest = c2_hash64(parts, sizeof(parts));
    return true;
}

/* What the files are, and with texts what they say. Of version 3 nothing of that is understood yet. */
static bool read_files(const struct c2_zs_place *place, struct c2_zs_node *node, bool texts,
                       struct cat2_error *err)
{
    struct c2_buf *json = texts ? &node->json : NULL, *attrs = texts ? &node->attrs : NULL;
    bool found, ignored;

    if (!read_file(place, V3, node, json, &found, err)) return false;
    node->version = found ? 3 : 2;
    if (found) return true;
    if (!read_file(place, ARRAY, node, json, &found, err)) return false;
    if (found) node->type = C2_ZS_ARRAY;
    if (!found && !read_file(place, GROUP, node, json, &found, err)) return false;
    if (found && node->type != C2_ZS_ARRAY) node->type = C2_ZS_GROUP;
    return read_file(place, ATTRS, node, attrs, &ignored, err);
}

static bool read_v3(struct c2_zs_node *node, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    bool is_array;

    node->type = C2_ZS_GROUP;
    if (!c2_zs_parse(c2_buf_str(&node->json), &json, err)) return c2_fail_within(err, V3);
    if (!c2_zs_node_kind(c2_json_root(json), &is_array, err)) return false;
    if (is_array) node->type = C2_ZS_ARRAY;
    return true;
}

bool c2_zs_node_read(const struct c2_zs_place *place, struct c2_zs_node *out, struct cat2_error *err)
{
    *out =
        (struct c2_zs_node){.json = C2_BUF_INIT(C2_ZS_JSON_NBYTES), .attrs = C2_BUF_INIT(C2_ZS_JSON_NBYTES)};
    return read_files(place, out, true, err) && (out->version == 2 || read_v3(out, err));
}

bool c2_zs_node_digest(const struct c2_zs_place *place, uint64_t *out, struct cat2_error *err)
{
    struct c2_zs_node node = {0};

    if (!read_files(place, &node, false, err)) return false;
    *out = node.digest;
    return true;
}

bool c2_zs_node_array(const struct c2_zs_node *node, struct c2_zs_array *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;

    if (node->version == 2)
        return c2_zs_array_v2(c2_buf_str(&node->json), c2_buf_str(&node->attrs), out, err);
    return c2_zs_parse(c2_buf_str(&node->json), &json, err) && c2_zs_array_v3(c2_json_root(json), out, err);
}

bool c2_zs_node_attrs(const struct c2_zs_node *node, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    const struct c2_buf *text = node->version == 2 ? &node->attrs : &node->json;

    if (text->n == 0) return c2_buf_puts(out, "{}", err);
    if (!c2_zs_parse(c2_buf_str(text), &json, err)) return false;
    struct c2_jval root = c2_json_root(json);
    return c2_zs_group_attrs(node->version == 2 ? root : c2_jget(root, "attributes"), out, err);
}
