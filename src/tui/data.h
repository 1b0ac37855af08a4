/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of the subscriber, independent of the client object that received them: a dataset's metadata, and a
 * slice of its items. */
#ifndef C2_TUI_DATA_H
#define C2_TUI_DATA_H

#include "caterva2/caterva2.h"
#include "ndim/dtype.h"
#include "ndim/shape.h"
#include "tui/window.h"

struct c2_tui_info {
    char *path, *dtype, *json, *etag, *attributes;
    enum cat2_kind kind;
    int ndim;
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
    int64_t itemsize, nbytes, cbytes, nchunks;
    char *chunk_map; /* the subscriber's JSON of its chunks, NULL when it has none */
};
bool c2_tui_info_of(const cat2_dataset *dataset, struct c2_tui_info **out, struct cat2_error *err);
/** Add what the subscriber says of each chunk; one that has no such answer is left without. */
void c2_tui_info_add_chunks(struct c2_tui_info *info, cat2_client *client);
void c2_tui_info_free(struct c2_tui_info *info);

struct c2_tui_data {
    struct c2_tui_ask ask;
    cat2_array *array;
    struct c2_dtype dtype;
    double *values;  /* the items as numbers, NULL when they are none */
    double *heights; /* the same as lines draw them: of 64-bit integers the distances from one of them */
};
/** Ask the subscriber: of a long line the least and greatest items, where it can do that, else samples. */
bool c2_tui_data_fetch(cat2_dataset *dataset, const struct c2_tui_ask *ask, struct c2_tui_data **out,
                       struct cat2_error *err);
void c2_tui_data_free(struct c2_tui_data *data);
int64_t c2_tui_data_nitems(const struct c2_tui_data *data);
/** Index of an item of the asked rows and columns, -1 when the answer is smaller. */
int64_t c2_tui_data_index(const struct c2_tui_data *data, int64_t row, int64_t column);
const uint8_t *c2_tui_data_item(const struct c2_tui_data *data, int64_t i);

#endif
