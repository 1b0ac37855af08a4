/* SPDX-License-Identifier: BSD-3-Clause */
/* A dataset opened for reading: its metadata, kept as received and as parsed. */
#include <stdlib.h>

#include "base/limits.h"
#include "client/internal.h"

void cat2_dataset_free(cat2_dataset *dataset)
{
    if (!dataset) return;
    free(dataset->path);
    free(dataset->info);
    free(dataset->dtype_name);
    free(dataset->etag);
    c2_meta_fini(&dataset->meta);
    cat2_client_free(dataset->client);
    free(dataset);
}

static bool parse_info(cat2_dataset *dataset, struct c2_str info, struct c2_str etag, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_DTYPE_TEXT_MAX * 2);
    struct c2_str word;

    if (!c2_json_parse(info, &json, err)) return false;
    struct c2_jval root = c2_json_root(json);
    if (c2_jstr(c2_jget(root, "kind"), &word) && c2_str_is(word, "group") &&
        c2_jval_kind(c2_jget(root, "cparams")) == C2_JNONE) /* else it is a file, too, which holds datasets */
        return c2_fail(err, CAT2_ENOTFOUND, "it is a folder, not a dataset");
    struct c2_jval ranges = c2_jval_kind(c2_jget(root, "accept_ranges"))
                                ? c2_jget(root, "accept_ranges")
                                : c2_jget(c2_jget(root, "schunk"), "accept_ranges");
    if (!c2_jbool(ranges, &dataset->accepts_ranges)) /* of before, which a word has replaced */
        dataset->accepts_ranges = c2_jstr(ranges, &word) && c2_str_is(word, "bytes");
    bool array = c2_jval_kind(c2_jget(root, "shape")) == C2_JARRAY; /* what is in a file may have no suffix */
    enum c2_kind kind = array ? C2_KIND_ARRAY : c2_kind_of(c2_str_of(dataset->path));
    if (!c2_meta_from_json(root, kind, &dataset->meta, err)) return false;
    if (!c2_dtype_name(&dataset->meta.dtype, &name, err)) return false;
    dataset->info = c2_str_dup(info);
    dataset->etag = c2_str_dup(etag);
    dataset->dtype_name = c2_str_dup(c2_buf_str(&name));
    return (dataset->info && dataset->etag && dataset->dtype_name) || c2_fail_nomem(err, "dataset");
}

static bool dataset_new(cat2_client *client, const char *path, struct c2_str info, struct c2_str etag,
                        cat2_dataset **out, struct cat2_error *err)
{
    cat2_dataset *dataset = calloc(1, sizeof(*dataset));

    if (!dataset) return c2_fail_nomem(err, "dataset");
    dataset->client = client;
    client->refs++;
    dataset->path = c2_str_dup(c2_str_of(path));
    if (!dataset->path || !parse_info(dataset, info, etag, err)) {
        if (err->code == CAT2_OK) c2_fail_nomem(err, "dataset");
        cat2_dataset_free(dataset);
        return c2_fail_within(err, "%.120s", path);
    }
    *out = dataset;
    return true;
}

bool cat2_dataset_open(cat2_client *client, const char *path, cat2_dataset **out, struct cat2_error *err)
{
    struct cat2_error mine;
    struct c2_str etag = {"", 0};
    C2_AUTO(c2_buf) target = C2_BUF_INIT(4 * C2_PATH_MAX);
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(C2_JSON_NBYTES_MAX)};

    err = c2_err_or(err, &mine);
    if (!c2_path_check(c2_str_of(path), err) || !c2_client_target("/api/info/", path, &target, err))
        return c2_client_named(path, err);
    http.target = c2_buf_cstr(&target);
    if (!c2_exchange_run(&client->session, &http, err)) return c2_client_named(path, err);
    c2_exchange_header(&http, "etag", &etag);
    return dataset_new(client, path, c2_buf_str(&http.body), etag, out, err);
}

bool cat2_dataset_reopen(cat2_client *client, const char *path, const char *info, const char *etag,
                         cat2_dataset **out, struct cat2_error *err)
{
    struct cat2_error mine;

    err = c2_err_or(err, &mine);
    if (!c2_path_check(c2_str_of(path), err)) return c2_client_named(path, err);
    return dataset_new(client, path, c2_str_of(info), c2_str_of(etag), out, err);
}

const char *cat2_dataset_path(const cat2_dataset *dataset)
{
    return dataset->path;
}
enum cat2_kind cat2_dataset_kind(const cat2_dataset *dataset)
{
    return (enum cat2_kind)dataset->meta.kind;
}
int cat2_dataset_ndim(const cat2_dataset *dataset)
{
    return dataset->meta.grid.ndim;
}
const int64_t *cat2_dataset_shape(const cat2_dataset *dataset)
{
    return dataset->meta.grid.shape;
}
const int32_t *cat2_dataset_chunks(const cat2_dataset *dataset)
{
    return dataset->meta.grid.chunks;
}
const int32_t *cat2_dataset_blocks(const cat2_dataset *dataset)
{
    return dataset->meta.grid.blocks;
}
const char *cat2_dataset_dtype(const cat2_dataset *dataset)
{
    return dataset->dtype_name;
}
int64_t cat2_dataset_itemsize(const cat2_dataset *dataset)
{
    return dataset->meta.dtype.itemsize;
}
int64_t cat2_dataset_nbytes(const cat2_dataset *dataset)
{
    return dataset->meta.nbytes;
}
int64_t cat2_dataset_cbytes(const cat2_dataset *dataset)
{
    return dataset->meta.cbytes;
}
int64_t cat2_dataset_nchunks(const cat2_dataset *dataset)
{
    return dataset->meta.nchunks;
}
const char *cat2_dataset_attributes(const cat2_dataset *dataset)
{
    return dataset->meta.vlmeta.n ? c2_buf_cstr(&dataset->meta.vlmeta) : "{}";
}
const char *cat2_dataset_info(const cat2_dataset *dataset)
{
    return dataset->info;
}
const char *cat2_dataset_etag(const cat2_dataset *dataset)
{
    return dataset->etag;
}

int cat2_array_ndim(const cat2_array *array)
{
    return array->bound.out_ndim;
}
const int64_t *cat2_array_shape(const cat2_array *array)
{
    return array->bound.out_shape;
}
const char *cat2_array_dtype(const cat2_array *array)
{
    return array->dtype_name;
}
int64_t cat2_array_itemsize(const cat2_array *array)
{
    return array->itemsize;
}
const void *cat2_array_data(const cat2_array *array)
{
    return array->data;
}
int64_t cat2_array_nbytes(const cat2_array *array)
{
    return array->nbytes;
}

void cat2_array_free(cat2_array *array)
{
    if (!array) return;
    free(array->dtype_name);
    free(array->data);
    free(array);
}
