/* SPDX-License-Identifier: BSD-3-Clause */
/* The folder of a Zarr store: its groups and arrays, and the files of an array. Links are followed as those
 * of plain files are: while they stay beneath the root. Any thread. */
#ifndef C2_PUBLISHER_SOURCE_ZARR_STORE_H
#define C2_PUBLISHER_SOURCE_ZARR_STORE_H

#include "publisher/source/container.h"
#include "publisher/source/zarr_array.h"

/* A folder in a store, by the names on disk. */
struct c2_zs_place {
    int root;           /* beneath which it lies */
    struct c2_buf path; /* from there */
};
/** The store itself, or with rel ("" none) a folder in it. @errors CAT2_ENOTFOUND. */
bool c2_zs_place_of(const struct c2_container *c, const char *rel, struct c2_zs_place *out,
                    struct cat2_error *err);
void c2_zs_place_fini(struct c2_zs_place *place);
C2_DEFINE_AUTO(c2_zs_place);
/** Open what is at NAME in it ("" itself): -1 and errno. */
int c2_zs_open(const struct c2_zs_place *place, const char *name, int flags);

enum c2_zs_type { C2_ZS_NONE, C2_ZS_GROUP, C2_ZS_ARRAY };
/* The metadata files of a folder, as they are. */
struct c2_zs_node {
    enum c2_zs_type type; /* NONE: there are none */
    int version;
    struct c2_buf json, attrs;  /* zarr.json; or .zarray, or .zgroup, and .zattrs */
    uint64_t digest;            /* of what stat() says of them */
    int64_t mtime_ns, ctime_ns; /* the latest */
};
void c2_zs_node_fini(struct c2_zs_node *node);
C2_DEFINE_AUTO(c2_zs_node);
/** Does the open folder have metadata of a store, which say so? What cannot be read counts as such. */
bool c2_zs_is_store(int fd);
/** @errors CAT2_EDATA they cannot be read; c2_is_busy(): they change just now. */
bool c2_zs_node_read(const struct c2_zs_place *place, struct c2_zs_node *out, struct cat2_error *err);
/** The digest alone, which takes no reading: of what is the same, it is the same. @errors as above. */
bool c2_zs_node_digest(const struct c2_zs_place *place, uint64_t *out, struct cat2_error *err);
/** Is it a failure of the moment, which says nothing of the store? */
bool c2_zs_is_passing(const struct cat2_error *err);
/** What an array's metadata says. */
bool c2_zs_node_array(const struct c2_zs_node *node, struct c2_zs_array *out, struct cat2_error *err);
/** Append the attributes of a group. */
bool c2_zs_node_attrs(const struct c2_zs_node *node, struct c2_buf *out, struct cat2_error *err);
/** What stat() says of a file, as a number that is never 0; *ctime_ns, *mtime_ns become the later ones. */
uint64_t c2_zs_digest(const struct stat *st, int64_t *mtime_ns, int64_t *ctime_ns);

/* An array at `rel` ("" the store itself), by its name on disk; why: its metadata cannot be read. */
typedef bool c2_zs_found(void *ctx, const char *rel, const char *why, struct cat2_error *err);
/** All arrays, also those whose metadata cannot be read. What is in an array is not looked into. */
bool c2_zs_walk(const struct c2_container *c, c2_zs_found *found, void *ctx, struct cat2_error *err);

#endif
