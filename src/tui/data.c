/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies of answers that may travel from a worker's client to the screen. */
#include "tui/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "tui/tui_number.h"
#include "wire/url.h"

void c2_tui_info_free(struct c2_tui_info *info)
{
    if (!info) return;
    free(info->path);
    free(info->dtype);
    free(info->json);
    free(info->etag);
    free(info->attributes);
    free(info->chunk_map);
    free(info);
}

bool c2_tui_info_of(const cat2_dataset *dataset, struct c2_tui_info **out, struct cat2_error *err)
{
    struct c2_tui_info *info = calloc(1, sizeof(*info));

    if (!info) return c2_fail_nomem(err, "metadata");
    info->kind = cat2_dataset_kind(dataset);
    info->ndim = cat2_dataset_ndim(dataset);
    for (int axis = 0; axis < info->ndim; axis++) {
        info->shape[axis] = cat2_dataset_shape(dataset)[axis];
        info->chunks[axis] = cat2_dataset_chunks(dataset)[axis];
        info->blocks[axis] = cat2_dataset_blocks(dataset)[axis];
    }
    info->itemsize = cat2_dataset_itemsize(dataset);
    info->nbytes = cat2_dataset_nbytes(dataset);
    info->cbytes = cat2_dataset_cbytes(dataset);
    info->nchunks = cat2_dataset_nchunks(dataset);
    info->path = c2_str_dup(c2_str_of(cat2_dataset_path(dataset)));
    info->dtype = c2_str_dup(c2_str_of(cat2_dataset_dtype(dataset)));
    info->json = c2_str_dup(c2_str_of(cat2_dataset_info(dataset)));
    info->etag = c2_str_dup(c2_str_of(cat2_dataset_etag(dataset)));
    info->attributes = c2_str_dup(c2_str_of(cat2_dataset_attributes(dataset)));
    if (!info->path || !info->dtype || !info->json || !info->etag || !info->attributes) {
        c2_tui_info_free(info);
        return c2_fail_nomem(err, "metadata");
    }
    *out = info;
    return true;
}

void c2_tui_info_add_chunks(struct c2_tui_info *info, cat2_client *client)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(4 * C2_PATH_MAX);
    struct cat2_error ignored;

    if (info->chunk_map || !c2_buf_puts(&target, "/api/chunks/", &ignored) ||
        !c2_url_encode(c2_str_of(info->path), true, &target, &ignored) ||
        !cat2_client_get_json(client, c2_buf_cstr(&target), &info->chunk_map, &ignored))
        info->chunk_map = NULL;
}

int64_t c2_tui_data_nitems(const struct c2_tui_data *data)
{
    int64_t itemsize = cat2_array_itemsize(data->array);
    return itemsize > 0 ? cat2_array_nbytes(data->array) / itemsize : 0;
}

const uint8_t *c2_tui_data_item(const struct c2_tui_data *data, int64_t i)
{
    return (const uint8_t *)cat2_array_data(data->array) + i * cat2_array_itemsize(data->array);
}

int64_t c2_tui_data_index(const struct c2_tui_data *data, int64_t row, int64_t column)
{
    int64_t i = data->ask.turned ? column * data->ask.rows.n + row : row * data->ask.columns.n + column;
    return i < c2_tui_data_nitems(data) ? i : -1;
}

static void read_numbers(struct c2_tui_data *data)
{
    int64_t n = c2_tui_data_nitems(data);
    bool wide = strchr("iumM", data->dtype.kind) && data->dtype.itemsize == 8;
    const uint8_t *base = NULL;

    if (!c2_tui_is_number(&data->dtype)) return;
    data->values = malloc((size_t)(n + 1) * sizeof(double));
    data->heights = malloc((size_t)(n + 1) * sizeof(double));
    if (!data->heights || !data->values) {
        free(data->values);
        data->values = NULL;
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *item = c2_tui_data_item(data, i);
        data->values[i] = data->heights[i] = c2_tui_number(&data->dtype, item);
        if (!wide || isnan(data->values[i])) continue;
        if (!base) base = item;
        data->heights[i] = c2_tui_distance(&data->dtype, item, base);
    }
}

/* Takes the array, also when it fails. times: of the dataset, where a line of it has plain integers; else
 * NULL. */
static bool data_new(cat2_array *array, const struct c2_tui_ask *ask, const struct c2_dtype *times,
                     struct c2_tui_data **out, struct cat2_error *err)
{
    struct c2_tui_data *data = calloc(1, sizeof(*data));

    if (!data) {
        cat2_array_free(array);
        return c2_fail_nomem(err, "slice");
    }
    data->ask = *ask;
    data->array = array;
    if (!c2_dtype_parse(c2_str_of(cat2_array_dtype(array)), &data->dtype, err)) {
        c2_tui_data_free(data);
        return false;
    }
    if (times) {
        data->dtype.kind = times->kind;
        memcpy(data->dtype.unit, times->unit, sizeof(data->dtype.unit));
    }
    read_numbers(data);
    *out = data;
    return true;
}

bool c2_tui_data_fetch(cat2_dataset *dataset, const struct c2_tui_ask *ask, struct c2_tui_data **out,
                       struct cat2_error *err)
{
    struct c2_tui_ask asked = *ask;
    cat2_array *array = NULL;
    struct cat2_error ignored;
    C2_AUTO(c2_dtype) dtype = {0};

    asked.pairs =
        ask->whole[0] && cat2_dataset_line(dataset, ask->whole, C2_TUI_LINE_MAX / 2, &array, &ignored);
    if (!asked.pairs && !cat2_dataset_fetch(dataset, ask->slice, &array, err)) return false;
    bool times = asked.pairs && c2_dtype_parse(c2_str_of(cat2_dataset_dtype(dataset)), &dtype, &ignored) &&
                 strchr("mM", dtype.kind) && dtype.kind;
    return data_new(array, &asked, times ? &dtype : NULL, out, err);
}

void c2_tui_data_free(struct c2_tui_data *data)
{
    if (!data) return;
    cat2_array_free(data->array);
    c2_dtype_fini(&data->dtype);
    free(data->values);
    free(data->heights);
    free(data);
}
