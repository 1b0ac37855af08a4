/* SPDX-License-Identifier: BSD-3-Clause */
/* One dataset of a subscriber: what it is, any part of its data, all of it as a file. */
#ifndef CATERVA2_DATASET_H
#define CATERVA2_DATASET_H

#include <caterva2/client.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cat2_dataset cat2_dataset;
typedef struct cat2_array cat2_array;

enum cat2_kind {
    CAT2_ARRAY, /* *.b2nd: n-dimensional array */
    CAT2_FRAME, /* *.b2frame: super-chunk, one axis of items */
    CAT2_FILE   /* anything else: bytes */
};

/** Read a dataset's metadata; no data is transferred.
 *
 *  @param path      "root/dir/name.b2nd"; the root must be known to the subscriber.
 *  @param dataset   Out: yours, cat2_dataset_free(). Keeps the client alive.
 *  @errors CAT2_EINVAL malformed path; CAT2_ENOTFOUND no such root or dataset; CAT2_EUPSTREAM no answer in
 * time; CAT2_EDATA unreadable metadata.
 *  @source GET /api/info/{path}; fields as in docs/protocol.md, "info". */
CAT2_API CAT2_MUST_USE bool cat2_dataset_open(cat2_client *client, const char *path, cat2_dataset **dataset,
                                              struct cat2_error *err);
/** A dataset as it was opened before, by this client or another one of the same subscriber: nothing is asked.
 * With it, threads that have a client each share what one of them has opened.
 *
 *  @param info, etag  cat2_dataset_info() and cat2_dataset_etag() of then.
 *  @param dataset     Out: yours, cat2_dataset_free(). Keeps the client alive.
 *  @errors CAT2_EINVAL malformed path; CAT2_EDATA unreadable metadata; CAT2_ENOMEM. */
CAT2_API CAT2_MUST_USE bool cat2_dataset_reopen(cat2_client *client, const char *path, const char *info,
                                                const char *etag, cat2_dataset **dataset,
                                                struct cat2_error *err);
CAT2_API void cat2_dataset_free(cat2_dataset *dataset);

/** The path it was opened with. Borrowed, as all pointers returned below: valid while dataset lives. */
CAT2_API const char *cat2_dataset_path(const cat2_dataset *dataset);
CAT2_API enum cat2_kind cat2_dataset_kind(const cat2_dataset *dataset);
/** Number of axes: 0 for a scalar, 1 for frames and files, at most CAT2_MAX_DIM. */
CAT2_API int cat2_dataset_ndim(const cat2_dataset *dataset);
/** Shape in items, slowest axis first; cat2_dataset_ndim() entries. */
CAT2_API const int64_t *cat2_dataset_shape(const cat2_dataset *dataset);
/** Chunk and block shape in items; frames and files: one entry, blocks may equal chunks. */
CAT2_API const int32_t *cat2_dataset_chunks(const cat2_dataset *dataset);
CAT2_API const int32_t *cat2_dataset_blocks(const cat2_dataset *dataset);
/** NumPy's name of the item type: "int64", ">f4", "|S6", "[('a', 'u1'), ('b', '<f8')]". */
CAT2_API const char *cat2_dataset_dtype(const cat2_dataset *dataset);
/** Bytes of one item. */
CAT2_API int64_t cat2_dataset_itemsize(const cat2_dataset *dataset);
/** Uncompressed bytes of the padded storage; compressed bytes the subscriber holds now; number of chunks. */
CAT2_API int64_t cat2_dataset_nbytes(const cat2_dataset *dataset);
CAT2_API int64_t cat2_dataset_cbytes(const cat2_dataset *dataset);
CAT2_API int64_t cat2_dataset_nchunks(const cat2_dataset *dataset);
/** Attributes (vlmeta) as a JSON object, "{}" when there are none. */
CAT2_API const char *cat2_dataset_attributes(const cat2_dataset *dataset);
/** The whole metadata as the subscriber sent it, JSON. */
CAT2_API const char *cat2_dataset_info(const cat2_dataset *dataset);
/** Generation of the data (ETag), "" when the subscriber gives none. */
CAT2_API const char *cat2_dataset_etag(const cat2_dataset *dataset);

/** Fetch a selection, blocking. Chunks the subscriber lacks are first downloaded there.
 *
 *  @param slice     NumPy basic indexing without brackets, "" for all: "1, 2:10:2, ...". Steps may be
 * negative, not 0.
 *  @param array     Out: C-ordered items of the dataset's dtype, byte order as stored; integers drop their
 * axis, so shape (10, 20) with "3" gives shape (20). Yours, cat2_array_free(). Untouched on failure.
 *  @errors CAT2_EINVAL bad slice or more axes than the dataset; CAT2_ELIMIT larger than
 * options.reply_nbytes_max; CAT2_EUPSTREAM, CAT2_EDATA, CAT2_ENOMEM.
 *  @source GET /api/fetch/{path}?slice_=; semantics: NumPy "Basic indexing". */
CAT2_API CAT2_MUST_USE bool cat2_dataset_fetch(cat2_dataset *dataset, const char *slice, cat2_array **array,
                                               struct cat2_error *err);
/** What a selection would be; nothing is asked.
 *
 *  @param ndim    Out: its number of axes.
 *  @param shape   Out: room for CAT2_MAX_DIM entries, ndim of them are set.
 *  @param nbytes  Out: bytes of its items.
 *  @errors CAT2_EINVAL bad slice or more axes than the dataset; CAT2_ELIMIT larger than
 *  options.reply_nbytes_max. */
CAT2_API CAT2_MUST_USE bool cat2_dataset_select(const cat2_dataset *dataset, const char *slice, int *ndim,
                                                int64_t *shape, int64_t *nbytes, struct cat2_error *err);
/** How items travel. Python subscribers of 2024 choose themselves. */
enum cat2_wire {
    CAT2_WIRE_AUTO,  /* few items, or from this machine: as they are; else compressed */
    CAT2_WIRE_RAW,   /* as they are */
    CAT2_WIRE_BLOSC2 /* compressed; more than a few */
};
/** As cat2_dataset_fetch(), into memory of the caller, and of the dataset's generation only. Items that
 * travel as they are arrive there without a copy in between.
 *
 *  @param out     nbytes bytes; undefined after a failure.
 *  @param nbytes  as cat2_dataset_select() says.
 *  @errors CAT2_ECHANGED the dataset is of another generation now (cat2_dataset_etag()): open it again;
 * CAT2_EINVAL another nbytes; else as cat2_dataset_fetch().
 *  @source GET /api/fetch/{path}?slice_= with If-Match. */
CAT2_API CAT2_MUST_USE bool cat2_dataset_fetch_into(cat2_dataset *dataset, const char *slice,
                                                    enum cat2_wire wire, void *out, size_t nbytes,
                                                    struct cat2_error *err);
/** A selection as a Blosc2 frame (contiguous; of an array with its metalayer "b2nd"), for programs with a
 * Blosc2 of their own. Axes of integers are dropped, as by cat2_dataset_fetch(). The frame's header and size
 * are checked, its chunks are not decoded.
 *
 *  @param frame   Out: yours, free().
 *  @param nbytes  Out: its bytes.
 *  @errors as cat2_dataset_fetch_into(); CAT2_EUNSUPPORTED a Python subscriber of 2024, which has no such
 * answer for all selections: not for steps and integers.
 *  @source GET /api/fetch/{path}?slice_=&format=b2nd */
CAT2_API CAT2_MUST_USE bool cat2_dataset_fetch_frame(cat2_dataset *dataset, const char *slice, void **frame,
                                                     size_t *nbytes, struct cat2_error *err);
/** A line of any length, reduced by the subscriber: of every `px`-th part the least and the greatest item, so
 * that no spike is lost.
 *
 *  @param slice  must leave one axis of numbers.
 *  @param px     1 to 4096 parts.
 *  @param array  Out: shape (px, 2), or (n) with all items when there are at most 2 * px; real numbers in
 *  little-endian order, dtype as cat2_array_dtype() says. Yours.
 *  @errors CAT2_ENOTFOUND the subscriber cannot do it (Python's of 2024); else as cat2_dataset_fetch().
 *  @source GET /api/line/{path}, docs/protocol.md "Views". */
CAT2_API CAT2_MUST_USE bool cat2_dataset_line(cat2_dataset *dataset, const char *slice, int px,
                                              cat2_array **array, struct cat2_error *err);
CAT2_API int cat2_array_ndim(const cat2_array *array);
CAT2_API const int64_t *cat2_array_shape(const cat2_array *array);
CAT2_API const char *cat2_array_dtype(const cat2_array *array);
CAT2_API int64_t cat2_array_itemsize(const cat2_array *array);
/** The items; cat2_array_nbytes() bytes, aligned for any item type. */
CAT2_API const void *cat2_array_data(const cat2_array *array);
CAT2_API int64_t cat2_array_nbytes(const cat2_array *array);
CAT2_API void cat2_array_free(cat2_array *array);

/** A selection as text: what NumPy's str() prints for arrays (beyond 1000 items summarised, and then only the
 * edges are fetched); for frames and files the text itself, or "Binary data" when it is not UTF-8.
 *  @param text  Out: NUL-terminated, yours, free(). */
CAT2_API CAT2_MUST_USE bool cat2_dataset_show(cat2_dataset *dataset, const char *slice, char **text,
                                              struct cat2_error *err);

/* Begin with CAT2_DOWNLOAD_OPTIONS_INIT; grows as cat2_client_options does. */
struct cat2_download_options {
    size_t size; /* sizeof(struct cat2_download_options) */
    /* Called now and then on the calling thread: bytes so far and in all (-1 unknown). false cancels:
     * CAT2_ECANCELLED. */
    bool (*progress)(void *ctx, int64_t nbytes, int64_t total);
    void *ctx;
    bool resume; /* go on with an interrupted download of the same generation */
    /* Since 0.4. FILE is a name in this open directory, and nothing of it is reached through a symbolic link;
     * -1: FILE is a path as usual. */
    int64_t directory;
    /* Since 0.4. Compare the SHA-256 of what came with that of the server (Repr-Digest); an older server
     * gives none. A file that differs is CAT2_EDATA, and is not kept. */
    bool verify;
};
#define CAT2_DOWNLOAD_OPTIONS_INIT                                                                           \
    {                                                                                                        \
        sizeof(struct cat2_download_options), NULL, NULL, true, -1, false                                    \
    }

/** Save the whole dataset as a local file: arrays and frames as Blosc2 frames, files decompressed. The data
 * is received in FILE.part, checked, and renamed: FILE is whole or as it was. An interrupted FILE.part stays
 * for the next try.
 *
 *  @param file     Local path; parent directories are made. Where it is a link, what it leads to is
 *                  replaced. A device, a FIFO or an open file (/dev/stdout) is refused.
 *  @param options  NULL: no progress, resume.
 *  @errors CAT2_ECHANGED the dataset changed meanwhile, twice; CAT2_EUPSTREAM; CAT2_EDATA; CAT2_EIO;
 * CAT2_ECANCELLED.
 *  @source GET /api/download/{path} with Range and If-Range; of a plain file GET /files/{path}.b2. */
CAT2_API CAT2_MUST_USE bool cat2_dataset_download(cat2_dataset *dataset, const char *file,
                                                  const struct cat2_download_options *options,
                                                  struct cat2_error *err);

#ifdef __cplusplus
}
#endif
#endif
