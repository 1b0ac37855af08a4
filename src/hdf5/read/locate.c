/* SPDX-License-Identifier: BSD-3-Clause */
/* Where chunks lie, and whether a dataset is still what it was. */

#include "base/endian.h"
#include "base/fs.h"
#include "base/hash.h"
#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"
#include "hdf5/read/h5_impl.h"

#define HEAD_MAX   2048      /* bytes of a frame header kept to compare others with */
#define HASHED_MAX (1 << 16) /* chunks of a dataset whose contents are compared */

/* Frames of one dataset begin alike, but for how long they are. */
static bool same_head(const struct c2_buf *head, const uint8_t *other)
{
    return memcmp(head->p, other, C2_FRAME_LEN) == 0 &&
           memcmp(head->p + C2_FRAME_LEN + 8, other + C2_FRAME_LEN + 8, C2_FRAME_CBYTES - C2_FRAME_LEN - 8) ==
               0 &&
           memcmp(head->p + C2_FRAME_CBYTES + 8, other + C2_FRAME_CBYTES + 8,
                  head->n - C2_FRAME_CBYTES - 8) == 0;
}

static bool is_findable(const struct c2_h5_dataset *ds, int64_t nchunk)
{
    return ds->facts.passes && !ds->foreign && ds->h5->fd >= 0 && nchunk >= 0 && nchunk < ds->meta.nchunks &&
           ds->meta.nchunks <= C2_H5_LINEAR_MAX && ds->head.n > C2_FRAME_METALAYERS && ds->head.n < HEAD_MAX;
}

/* The Blosc2 chunk begins after the frame's header. */
bool c2_h5_locate(struct c2_h5_dataset *ds, int64_t nchunk, int64_t *off, int32_t *n)
{
    uint8_t head[HEAD_MAX + C2_CHUNK_HEADER];
    hsize_t offset[C2_H5_DIM_MAX] = {0}, size = 0;
    haddr_t addr = HADDR_UNDEF;
    struct cat2_error ignored;
    unsigned mask = 0;

    if (!is_findable(ds, nchunk)) return false;
    c2_h5_quiet();
    c2_h5_chunk_offset(ds, nchunk, offset);
    if (H5Dget_chunk_info_by_coord(ds->id, offset, &mask, &addr, &size) < 0) {
        H5Eclear2(H5E_DEFAULT);
        return false;
    }
    size_t need = ds->head.n + C2_CHUNK_HEADER;
    if (addr == HADDR_UNDEF || addr > INT64_MAX / 2 || mask || size < need || size > C2_CHUNK_CBYTES_MAX ||
        !c2_fs_pread(ds->h5->fd, head, need, (int64_t)addr, &ignored) || !same_head(&ds->head, head))
        return false;
    uint32_t cbytes = c2_le32(head + ds->head.n + 12);
    if (cbytes < C2_CHUNK_HEADER || cbytes > size - ds->head.n) return false;
    *off = (int64_t)addr + (int64_t)ds->head.n;
    *n = (int32_t)cbytes;
    return true;
}

static void add(struct c2_hasher *hash, const void *p, size_t n)
{
    c2_hasher_add(hash, p, n);
}

static bool add_chunks(struct c2_h5_dataset *ds, struct c2_hasher *hash)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct cat2_error ignored;
    hsize_t offset[C2_H5_DIM_MAX] = {0}, n;
    uint32_t mask;

    for (int64_t i = 0; i < ds->meta.nchunks; i++) {
        c2_h5_chunk_offset(ds, i, offset);
        if (!c2_h5_stored_size(ds, offset, &n, &ignored)) return false;
        add(hash, &n, sizeof(n));
        if (n == 0) continue;
        if (!c2_h5_read_stored(ds, offset, n, &bytes, &mask, &ignored)) return false;
        add(hash, &mask, sizeof(mask));
        add(hash, bytes.p, n);
    }
    return true;
}

static bool add_items(struct c2_h5_dataset *ds, struct c2_hasher *hash)
{
    C2_AUTO(c2_h5_raw) raw;
    struct cat2_error ignored;
    bool ok = true;

    c2_h5_raw_init(&raw);
    for (int64_t i = 0; ok && i < ds->meta.nchunks; i++) {
        ok = c2_h5_fetch(ds, i, &raw, &ignored);
        if (ok) add(hash, raw.bytes.p, raw.bytes.n);
    }
    return ok;
}

uint64_t c2_h5_fingerprint(struct c2_h5_dataset *ds, int64_t *budget)
{
    C2_AUTO(c2_buf) json = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    bool in_chunks = ds->facts.layout == C2_H5_CHUNKED && !ds->facts.own_chunks;
    int64_t nbytes = in_chunks ? ds->facts.storage : ds->meta.nbytes;
    struct cat2_error ignored;
    struct c2_jw w;

    if (nbytes > *budget || ds->meta.nchunks > HASHED_MAX) return 0;
    c2_jw_init(&w, &json, C2_JSON_COMPACT, &ignored);
    if (!c2_meta_to_json(&ds->meta, true, -1, &w) || !c2_jw_finish(&w)) return 0;
    struct c2_hasher hash;
    c2_hasher_begin(&hash);
    add(&hash, json.p, json.n);
    if (ds->fill) add(&hash, ds->fill, (size_t)ds->meta.grid.typesize);
    bool ok = in_chunks ? add_chunks(ds, &hash) : add_items(ds, &hash);
    uint64_t value = c2_hasher_end(&hash);
    *budget -= nbytes;
    return ok ? value | 1 : 0;
}
