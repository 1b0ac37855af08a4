/* SPDX-License-Identifier: BSD-3-Clause */
/* The filters that are decoded here, given to libhdf5 too: what only it can read (heaps behind texts of
 * variable length, conversions, virtual datasets) then needs no plugin. To add one: a case in
 * c2_h5_undo_filter() and a line in CLASSES. */
#include <stdlib.h>

#include "hdf5/h5_impl.h"

#define GUESS_MIN 65536

/* How much a stored chunk may decode to: said by some filters, tried by doubling for the rest. */
static size_t first_guess(int id, size_t nvalues, const unsigned *values, size_t nbytes)
{
    size_t said = id == C2_H5_FILTER_LZF && nvalues > 2 ? values[2] : 0;

    if (said > C2_CHUNK_NBYTES_MAX) said = C2_CHUNK_NBYTES_MAX;
    if (said >= nbytes && said > 0) return said;
    return 4 * nbytes < GUESS_MIN ? GUESS_MIN : 4 * nbytes;
}

static bool decode(int id, size_t nvalues, const unsigned *values, struct c2_buf *in, struct c2_buf *out)
{
    C2_AUTO_PTR(c2_codec) *codec = id == C2_H5_FILTER_BLOSC2 ? c2_codec_new() : NULL;
    struct c2_h5_filter filter;
    struct cat2_error ignored;

    c2_h5_filter_init(&filter, id, nvalues, values);
    if (id == C2_H5_FILTER_BLOSC2 && !codec) return false;
    for (size_t room = first_guess(id, nvalues, values, in->n); room <= C2_CHUNK_CBYTES_MAX; room *= 2) {
        c2_buf_clear(out);
        if (!c2_buf_reserve(out, room, &ignored)) return false;
        if (c2_h5_undo_filter(&filter, codec, in, out, &ignored)) return true;
    }
    return false;
}

/* What libhdf5 calls: 0 for failure, else the bytes that are now in *buf. Nothing is encoded. */
static size_t run(int id, unsigned flags, size_t nvalues, const unsigned *values, size_t nbytes,
                  size_t *buf_size, void **buf)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
    struct c2_buf in = {.p = *buf, .n = nbytes, .cap = nbytes, .max = nbytes}; /* lent */

    if (!(flags & H5Z_FLAG_REVERSE) || nbytes == 0 || !decode(id, nvalues, values, &in, &out) || out.n == 0)
        return 0;
    if (out.n > *buf_size) {
        void *grown = H5allocate_memory(out.n, false);
        if (!grown) return 0;
        H5free_memory(*buf);
        *buf = grown;
        *buf_size = out.n;
    }
    memcpy(*buf, out.p, out.n);
    return out.n;
}

#define FILTER(name, id)                                                                                     \
    static size_t name(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes,               \
                       size_t *buf_size, void **buf)                                                         \
    {                                                                                                        \
        return run(id, flags, nvalues, values, nbytes, buf_size, buf);                                       \
    }
FILTER(run_lzf, C2_H5_FILTER_LZF)
FILTER(run_blosc2, C2_H5_FILTER_BLOSC2)

#define CLASS(id, name, call)                                                                                \
    {                                                                                                        \
        H5Z_CLASS_T_VERS, id, 1, 1, name, NULL, NULL, call                                                   \
    }
static const H5Z_class2_t CLASSES[] = {
    CLASS(C2_H5_FILTER_LZF, "lzf", run_lzf),
    CLASS(C2_H5_FILTER_BLOSC2, "blosc2", run_blosc2),
};

bool c2_h5_register_filters(struct cat2_error *err)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(CLASSES); i++)
        if (H5Zregister(&CLASSES[i]) < 0)
            return c2_h5_fail(err, CAT2_EIO, "filter %s cannot be registered", CLASSES[i].name);
    return true;
}
