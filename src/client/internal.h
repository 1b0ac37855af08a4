/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of libcaterva2 share: the client object and the decoding of answers. */
#ifndef C2_CLIENT_INTERNAL_H
#define C2_CLIENT_INTERNAL_H

#include "base/buf.h"
#include "blosc/codec.h"
#include "blosc/meta.h"
#include "caterva2/caterva2.h"
#include "http/session.h"
#include "ndim/slice.h"

struct cat2_client {
    int refs;
    struct c2_session session;
    struct cat2_client_options options;
    struct c2_codec *codec;
};

struct cat2_strings {
    size_t n;
    char **list;
    bool *flags;
};

struct cat2_dataset {
    cat2_client *client;
    char *path;
    char *info; /* JSON as received */
    char *dtype_name;
    char *etag;
    bool accepts_ranges; /* and steps slices: the server is one of ours, or a later Python one */
    struct c2_meta meta;
};

struct cat2_array {
    struct c2_bound bound; /* out_ndim, out_shape are its shape */
    char *dtype_name;
    int64_t itemsize, nbytes;
    uint8_t *data;
};

/** Put the name of what failed in front of a message that does not hold it. Always false. */
bool c2_client_named(const char *name, struct cat2_error *err);
/** prefix + encoded path, e.g. "/api/info/" + "foo/a b.b2nd". */
bool c2_client_target(const char *prefix, const char *path, struct c2_buf *out, struct cat2_error *err);

/** A slice of the dataset, bound to its shape; errors show both. */
bool c2_client_slice(const cat2_dataset *dataset, const char *slice, struct c2_bound *out,
                     struct cat2_error *err);
/* Memory that is filled from its start to its end. */
struct c2_pages {
    void *memory;
    size_t n;
    size_t ready;     /* so many bytes have pages */
    bool small_pages; /* huge ones were slow to come by */
};
/** Have the kernel make pages for the first `upto` bytes and some more. Cheaper than faults; never fails. */
void c2_pages_make(struct c2_pages *pages, size_t upto);

/* One fetch: what, into what memory (bound.nitems * itemsize bytes), and how. */
struct c2_fetch {
    cat2_dataset *dataset;
    struct c2_bound bound;
    uint8_t *out;
    enum cat2_wire wire;
    bool pinned; /* of the dataset's generation only: CAT2_ECHANGED */
};
bool c2_client_run_fetch(const struct c2_fetch *fetch, struct cat2_error *err);
/** Items of one bound selection into out. */
static inline bool c2_client_fetch(cat2_dataset *dataset, const struct c2_bound *bound, uint8_t *out,
                                   struct cat2_error *err)
{
    return c2_client_run_fetch(&(struct c2_fetch){dataset, *bound, out, CAT2_WIRE_AUTO, false}, err);
}
/** The data inside a pickle of bytes or of an array: the pickle is walked, never run. Exactly n bytes or
 * CAT2_EDATA. */
bool c2_pickle_data(struct c2_bytes pickle, size_t n, struct c2_bytes *out, struct cat2_error *err);

/** What cat2_dataset_download() refuses before it asks or makes anything. */
bool c2_download_may(cat2_dataset *dataset, const char *file, struct cat2_error *err);

/** err for callers that passed NULL. */
static inline struct cat2_error *c2_err_or(struct cat2_error *err, struct cat2_error *mine)
{
    *mine = (struct cat2_error){0};
    if (err) *err = *mine;
    return err ? err : mine;
}

/** The fields of `given` that a caller of this `size` knows, over those of `ours`, which has `known` bytes.
 *  @errors CAT2_EINVAL no size, or more than is known here. */
bool c2_options_take(const void *given, size_t size, void *ours, size_t known, struct cat2_error *err);

#endif
