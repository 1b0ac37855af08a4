/* SPDX-License-Identifier: BSD-3-Clause */
/* A selection of a dataset, decoded block by block, as items, npy, JSON or a fresh cframe. Workers only. */
#ifndef C2_SELECT_SELECT_H
#define C2_SELECT_SELECT_H

#include "base/limits.h"
#include "blosc/codec.h"
#include "blosc/frame.h"
#include "ndim/pick.h"
#include "select/kept_blocks.h"

/* A dataset as select sees it. All borrowed. */
struct c2_selectable {
    const struct c2_meta *meta;
    struct c2_chunks chunks;
    struct c2_kept_blocks *kept; /* where blocks may be found decoded, of arrays; NULL: nowhere */
    uint64_t serial;             /* of this generation, there */
};

/** Decode the selected items into `out` (bound->nitems * itemsize bytes, C order). Reads only the blocks it
 * needs.
 *  @errors CAT2_ENOTFOUND a needed piece is not cached (message names nchunk); CAT2_EDATA; CAT2_EUNSUPPORTED.
 */
bool c2_select_items(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                     uint8_t *out, struct cat2_error *err);

/** Are all its blocks kept decoded, and few? Then selecting reads nothing, unless they go in the meantime.
 * Any thread. */
bool c2_select_is_kept(const struct c2_selectable *ds, const struct c2_bound *bound);

/* Answers larger than a few chunks are produced in parts, each C-order contiguous in the result. */
struct c2_select_parts {
    struct c2_bound bound;
    int axis;     /* parts run along this axis of the selection; axes before it advance one by one */
    int64_t part; /* items of `axis` per part */
    int64_t nparts;
    int64_t part_nbytes; /* of a full part */
};
/** Plan parts of about `target` bytes (>= one row of the last axes; aligned to chunk, else block borders
 * where possible). */
void c2_select_plan(const struct c2_meta *meta, const struct c2_bound *bound, int64_t target,
                    struct c2_select_parts *out);
/** The same, with parts of up to 2 * target where no block is decoded for two parts then. */
void c2_select_plan_once(const struct c2_meta *meta, const struct c2_bound *bound, int64_t target,
                         struct c2_select_parts *out);
/** The selection of part i. */
struct c2_bound c2_select_part(const struct c2_select_parts *parts, int64_t i);

/* A frame to be made, of items that a function gives, a box at a time. */
struct c2_made {
    enum c2_kind kind;            /* ARRAY, or FRAME: one axis of items, an array to nobody */
    const struct c2_dtype *dtype; /* borrowed */
    int32_t typesize;
    int ndim;
    int64_t shape[C2_DIM_MAX];
    /** Items of a box, in C order. */
    bool (*read)(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                 uint8_t *items, struct cat2_error *err);
    void *ctx;
};
/** The frame, without attributes: fast LZ4, chunks and blocks chosen for its shape. Memory: result plus one
 * chunk. @param fd  -1: into out; otherwise streamed into the file fd and out stays empty. */
bool c2_select_made(struct c2_codec *codec, const struct c2_made *made, int fd, struct c2_buf *out,
                    struct cat2_error *err);
/** The same of a selection, as an array of shape bound->out_shape, or (kind FRAME) of the items of its one
 * axis. When the selection of an array is whole chunks of the same grid, compressed chunks are passed on
 * untouched. */
bool c2_select_cframe(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                      enum c2_kind kind, int fd, struct c2_buf *out, struct cat2_error *err);
/** The same of items in memory, an array of one axis. */
bool c2_select_cframe_of(struct c2_codec *codec, const struct c2_dtype *dtype, const uint8_t *items,
                         int64_t nitems, int fd, struct c2_buf *out, struct cat2_error *err);
/* ---- items at coordinates: select_pick.c ---- */
struct c2_picking {
    struct c2_selectable ds;
    const struct c2_pick *pick; /* borrowed */
};
/** c2_made.read of them; ctx: a struct c2_picking. Points of one block are read together. */
bool c2_select_picked(void *ctx, struct c2_codec *codec, const int64_t *first, const int64_t *count,
                      uint8_t *items, struct cat2_error *err);
/* What they need. */
struct c2_pick_plan {
    int64_t *blocks; /* owned: nchunk * grid->nblocks + nblock, rising; NULL: too many to be told apart */
    size_t nblocks;
    int64_t work; /* bytes of blocks that are decoded for them, about; some several times */
};
/** Of an array. @errors CAT2_ENOMEM, CAT2_ECANCELLED. */
bool c2_select_plan_picks(const struct c2_grid *grid, const struct c2_pick *pick, struct c2_pick_plan *out,
                          struct cat2_error *err);

/** Chunk nchunk as it is stored, guarded. *partial: there are only blocks of it here, and nothing in out. */
bool c2_select_stored(const struct c2_selectable *ds, int64_t nchunk, bool *partial, struct c2_buf *out,
                      struct cat2_error *err);
/** One Blosc2 chunk of the selected bytes (frames and files with prefer_schunk=true). ZSTD-1 shuffle,
 * dataset's typesize. */
bool c2_select_chunk(struct c2_codec *codec, const struct c2_selectable *ds, const struct c2_bound *bound,
                     struct c2_buf *out, struct cat2_error *err);
/** Header of a .npy file for descr (UTF-8) and shape, C order; at most C2_NPY_HEADER_MAX bytes. Version 1.0;
 * 2.0 from 64 KiB on; 3.0 when names are beyond ASCII. */
bool c2_npy_header(struct c2_str descr, const int64_t *shape, int ndim, struct c2_buf *out,
                   struct cat2_error *err);

#endif
