/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks cut to the blocks asked for, shared by the two forms of download. */
#ifndef C2_PUBLISHER_DOWNLOAD_H
#define C2_PUBLISHER_DOWNLOAD_H

#include "publisher/catalog.h"
#include "publisher/publisher.h"
#include "publisher/source/source.h"
#include "wire/pieces.h"

struct c2_cut {
    bool whole; /* data is the chunk */
    struct c2_buf prefix, data;
    struct c2_buf blocks; /* int32_t each */
};
void c2_cut_init(struct c2_cut *cut);
void c2_cut_fini(struct c2_cut *cut);
/* What of a chunk is wanted. */
struct c2_cut_want {
    const struct c2_span *spans; /* of blocks; borrowed */
    size_t nspans;               /* 0: the whole chunk */
    bool bytes;                  /* one span, of bytes: the blocks under it */
};
/** Read chunk nchunk and keep what is wanted of it. Worker. @errors CAT2_ENOTFOUND no such chunk or block;
 * CAT2_ECHANGED; those of reading. */
bool c2_cut_read(struct c2_item *item, int64_t nchunk, const struct c2_cut_want *want, struct c2_cut *out,
                 struct cat2_error *err);

/** The dataset is open (entry), or not (err): hold what the request named to this generation. false:
 * answered; else *out is a reference. */
bool c2_download_open(struct c2_request *req, struct c2_entry *entry, const struct cat2_error *err,
                      struct c2_item **out);

/** Answer ?pieces=text of a dataset. */
void c2_pieces_start(struct c2_request *req, struct c2_publisher *pub, struct c2_str text, const char *path);

#endif
