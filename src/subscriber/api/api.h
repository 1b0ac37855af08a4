/* SPDX-License-Identifier: BSD-3-Clause */
/* Handlers of the REST face, one a file; api.c has their table. */
#ifndef C2_SUBSCRIBER_API_API_H
#define C2_SUBSCRIBER_API_API_H

#include "subscriber/mirror/mirror.h"

void c2_api_add_routes(struct c2_subscriber *sub);
void c2_handle_attrs(struct c2_request *req, void *state);
void c2_handle_fetch(struct c2_request *req, void *state);
void c2_handle_download(struct c2_request *req, void *state);
void c2_handle_files(struct c2_request *req, void *state);
/* ---- formats of fetch ---- */
void c2_fetch_png(struct c2_request *req, struct c2_ds *ds);
void c2_fetch_csv(struct c2_request *req, struct c2_ds *ds);

void c2_handle_colormaps(struct c2_request *req, void *state);
void c2_handle_tile(struct c2_request *req, void *state);
void c2_handle_line(struct c2_request *req, void *state);
void c2_handle_table(struct c2_request *req, void *state);
void c2_handle_tree(struct c2_request *req, void *state);
void c2_handle_chunks(struct c2_request *req, void *state);
void c2_handle_stats(struct c2_request *req, void *state);

#endif
