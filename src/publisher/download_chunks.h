/* SPDX-License-Identifier: BSD-3-Clause */
/* What the forms of download share. */
#ifndef C2_PUBLISHER_DOWNLOAD_CHUNKS_H
#define C2_PUBLISHER_DOWNLOAD_CHUNKS_H

#include "publisher/catalog.h"
#include "publisher/cut_item.h"
#include "publisher/publisher.h"

/** The dataset is open (entry), or not (err): hold what the request named to this generation. false:
 * answered; else *out is a reference. */
bool c2_download_open(struct c2_request *req, struct c2_entry *entry, const struct cat2_error *err,
                      struct c2_item **out);

/** Answer ?pieces=text of a dataset. */
void c2_pieces_start(struct c2_request *req, struct c2_publisher *pub, struct c2_str text, const char *path);

#endif
