/* SPDX-License-Identifier: BSD-3-Clause */
/* diff: two datasets, or what is in two folders; item by item, a bounded part of them at a time. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/limits.h"
#include "bin/cat2cli_entries.h"
#include "ndim/item.h"
#include "ndim/print.h"
#include "ndim/shape.h"

#define PART_NBYTES (16 << 20) /* of each dataset, at a time */

struct diff {
    const struct c2_cli *cli;
    bool differs;
    struct c2_buf json;
    struct c2_jw w;
};

/* One difference of `path`, in words; for programs as an object. */
static void say(struct diff *d, const char *path, const char *what, const char *detail)
{
    d->differs = true;
    if (d->cli->json) {
        c2_jw_begin_object(&d->w);
        c2_jw_put_cstr(&d->w, "path", path);
        c2_jw_put_cstr(&d->w, "differs", what);
        c2_jw_put_cstr(&d->w, "detail", detail);
        c2_jw_end_object(&d->w);
        return;
    }
    c2_cli_put(d->cli, c2_str_of(path));
    fputs(": ", stdout);
    c2_cli_put_in(d->cli, C2_CLI_REMOVED, c2_str_of(what));
    fputs(*detail ? ": " : "", stdout);
    c2_cli_put(d->cli, c2_str_of(detail));
    putchar('\n');
}

/* ---- items ---- */

struct items {
    int64_t ndiffering, first; /* first: index in C order */
    double most;               /* the greatest difference of numbers */
};

static bool is_number(const struct c2_dtype *dtype)
{
    return dtype->nfields == 0 && strchr("iuf", dtype->kind) && dtype->itemsize <= 16;
}

static double number_of(const struct c2_dtype *dtype, const uint8_t *item)
{
    bool swapped = c2_dtype_swapped(dtype);

    if (dtype->kind == 'f') return c2_item_real(item, dtype->itemsize, swapped);
    return dtype->kind == 'i' ? (double)c2_item_int(item, dtype->itemsize, swapped)
                              : (double)c2_item_uint(item, dtype->itemsize, swapped);
}

static void compare_items(struct items *items, const struct c2_dtype *dtype, const uint8_t *a,
                          const uint8_t *b, int64_t n, int64_t at)
{
    size_t size = (size_t)dtype->itemsize;

    for (int64_t i = 0; i < n; i++, a += size, b += size) {
        if (memcmp(a, b, size) == 0) continue;
        if (items->ndiffering++ == 0) items->first = at + i;
        if (!is_number(dtype)) continue;
        double by = fabs(number_of(dtype, a) - number_of(dtype, b));
        if (by > items->most) items->most = by;
    }
}

/* Rows [first, first + n) along the first axis, as a slice. */
static bool fetch_rows(cat2_dataset *dataset, int64_t first, int64_t n, cat2_array **out,
                       struct cat2_error *err)
{
    char slice[64] = "";

    if (cat2_dataset_ndim(dataset)) snprintf(slice, sizeof(slice), "%" PRId64 ":%" PRId64, first, first + n);
    return cat2_dataset_fetch(dataset, slice, out, err);
}

static bool compare_data(cat2_dataset *a, cat2_dataset *b, struct items *items, struct cat2_error *err)
{
    C2_AUTO(c2_dtype) dtype = {0};
    int ndim = cat2_dataset_ndim(a);
    const int64_t *shape = cat2_dataset_shape(a);
    int64_t rows = ndim ? shape[0] : 1, row_items = 1;
    double row_nbytes = (double)cat2_dataset_itemsize(a);

    if (!c2_dtype_parse(c2_str_of(cat2_dataset_dtype(a)), &dtype, err)) return false;
    for (int axis = 1; axis < ndim; axis++) {
        row_items *= shape[axis];
        row_nbytes *= (double)shape[axis];
    }
    int64_t each = c2_max_i64(1, row_nbytes > 0 ? (int64_t)(PART_NBYTES / row_nbytes) : rows);
    for (int64_t row = 0; row < rows && row_items; row += each) {
        cat2_array *x = NULL, *y = NULL;
        int64_t n = c2_min_i64(each, rows - row);
        bool ok = fetch_rows(a, row, n, &x, err) && fetch_rows(b, row, n, &y, err);
        if (ok)
            compare_items(items, &dtype, cat2_array_data(x), cat2_array_data(y), n * row_items,
                          row * row_items);
        cat2_array_free(x);
        cat2_array_free(y);
        if (!ok) return false;
    }
    return true;
}

/* "[3, 5]" of an item's number in C order. */
static void index_text(const cat2_dataset *dataset, int64_t i, char *out, size_t room)
{
    int64_t index[CAT2_MAX_DIM];
    int ndim = cat2_dataset_ndim(dataset);
    size_t n = 0;

    for (int axis = ndim - 1; axis >= 0; axis--) {
        index[axis] = i % cat2_dataset_shape(dataset)[axis];
        i /= cat2_dataset_shape(dataset)[axis];
    }
    out[0] = '\0';
    for (int axis = 0; axis < ndim && n < room; axis++)
        n += (size_t)snprintf(out + n, room - n, "%s%" PRId64, axis ? ", " : "", index[axis]);
}

static bool say_items(struct diff *d, const char *path, cat2_dataset *a, const struct items *items)
{
    char text[700], at[400], by[64] = "";

    if (!items->ndiffering) return true;
    index_text(a, items->first, at, sizeof(at));
    if (items->most > 0) snprintf(by, sizeof(by), ", by %g at most", items->most);
    snprintf(text, sizeof(text), "%" PRId64 " of them, the first at [%s]%s", items->ndiffering, at, by);
    say(d, path, "items differ", text);
    return true;
}

/* ---- datasets ---- */

static bool compare_attributes(struct diff *d, const char *path, cat2_dataset *a, cat2_dataset *b,
                               struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *left = NULL, *right = NULL;
    const cat2_dataset *sides[] = {a, b};

    if (strcmp(cat2_dataset_attributes(a), cat2_dataset_attributes(b)) == 0) return true;
    if (!c2_json_parse(c2_str_of(cat2_dataset_attributes(a)), &left, err) ||
        !c2_json_parse(c2_str_of(cat2_dataset_attributes(b)), &right, err))
        return c2_fail_within(err, "%.120s, attributes", path);
    struct c2_jval all[] = {c2_json_root(left), c2_json_root(right)}, value;
    for (int side = 0; side < 2; side++) {
        struct c2_jiter it = c2_jiter_of(all[side]);
        struct c2_str key;
        while (c2_jnext(&it, &key, &value)) {
            C2_AUTO(c2_buf) mine = C2_BUF_INIT(C2_JSON_NBYTES_MAX), theirs = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
            C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_JSON_NBYTES_MAX), text = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
            if (!c2_buf_append_str(&name, key, err)) return false;
            struct c2_jval other = c2_jget(all[!side], c2_buf_cstr(&name));
            bool missing = c2_jval_kind(other) == C2_JNONE;
            if ((side && !missing) || !c2_json_print(value, C2_JSON_PYTHON, &mine, err)) continue;
            if (!missing && !c2_json_print(other, C2_JSON_PYTHON, &theirs, err)) return false;
            if (!missing && c2_str_eq(c2_buf_str(&mine), c2_buf_str(&theirs))) continue;
            if (!c2_buf_printf(
                    &text, err, missing ? "%s is only in %s" : "%s is %s and %s", c2_buf_cstr(&name),
                    missing ? cat2_dataset_path(sides[side]) : c2_buf_cstr(&mine), c2_buf_cstr(&theirs)))
                return false;
            say(d, path, "attributes differ", c2_buf_cstr(&text));
        }
    }
    return true;
}

static bool compare_opened(struct diff *d, const char *path, cat2_dataset *a, cat2_dataset *b,
                           struct cat2_error *err)
{
    const char *left = cat2_dataset_dtype(a), *right = cat2_dataset_dtype(b);
    char text[900], shapes[2][C2_SHAPE_ROOM];
    struct items items = {};

    c2_shape_text(cat2_dataset_shape(a), cat2_dataset_ndim(a), shapes[0]);
    c2_shape_text(cat2_dataset_shape(b), cat2_dataset_ndim(b), shapes[1]);
    if (strcmp(shapes[0], shapes[1]) != 0) {
        snprintf(text, sizeof(text), "%s and %s", shapes[0], shapes[1]);
        say(d, path, "shapes differ", text);
    }
    if (strcmp(left, right) != 0) {
        snprintf(text, sizeof(text), "%.400s and %.400s", left, right);
        say(d, path, "dtypes differ", text);
    }
    if (!compare_attributes(d, path, a, b, err)) return false;
    if (strcmp(shapes[0], shapes[1]) != 0 || strcmp(left, right) != 0) return true;
    return compare_data(a, b, &items, err) && say_items(d, path, a, &items);
}

/* path: what the pair is called. */
static bool compare_datasets(struct diff *d, const char *path, const char *a, const char *b,
                             struct cat2_error *err)
{
    cat2_dataset *left = NULL, *right = NULL;

    bool ok = cat2_dataset_open(d->cli->client, a, &left, err) &&
              cat2_dataset_open(d->cli->client, b, &right, err) && compare_opened(d, path, left, right, err);
    cat2_dataset_free(left);
    cat2_dataset_free(right);
    return ok;
}

/* ---- folders ---- */

static bool compare_folders(struct diff *d, const struct c2_listed *a, const struct c2_listed *b,
                            struct cat2_error *err)
{
    C2_AUTO(c2_entries) left = {0}, right = {0};
    const struct c2_entries_ask ask = {.deep = true};

    if (!c2_entries_beneath(d->cli, a->path, &ask, &left, err) ||
        !c2_entries_beneath(d->cli, b->path, &ask, &right, err))
        return false;
    for (size_t i = 0, j = 0; i < left.n || j < right.n;) {
        const char *x = i < left.n ? c2_listed_beneath(left.p[i].path, a->path) : NULL;
        const char *y = j < right.n ? c2_listed_beneath(right.p[j].path, b->path) : NULL;
        int order = !x ? 1 : !y ? -1 : strcmp(x, y);
        if (order < 0) say(d, x, "only in", a->path);
        if (order > 0) say(d, y, "only in", b->path);
        if (order == 0) {
            const struct c2_listed *p = &left.p[i], *q = &right.p[j];
            if (p->error || q->error)
                say(d, x, "cannot be compared", p->error ? p->error : q->error);
            else if (!compare_datasets(d, x, p->path, q->path, err))
                return false;
        }
        i += order <= 0;
        j += order >= 0;
    }
    return true;
}

static bool compare(struct diff *d, const struct c2_listed *a, const struct c2_listed *b,
                    struct cat2_error *err)
{
    if (c2_listed_is_dataset(a) && c2_listed_is_dataset(b))
        return compare_datasets(d, a->path, a->path, b->path, err);
    if (!c2_listed_is_dataset(a) && !c2_listed_is_dataset(b)) return compare_folders(d, a, b, err);
    return c2_fail(err, CAT2_EINVAL, "%.100s is a dataset and %.100s a folder: they cannot be compared",
                   c2_listed_is_dataset(a) ? a->path : b->path, c2_listed_is_dataset(a) ? b->path : a->path);
}

bool c2_cmd_diff(void *ctx, struct cat2_error *err)
{
    struct c2_cli *cli = ctx;
    C2_AUTO(c2_entries) sides = {0};
    struct diff d = {.cli = cli, .json = C2_BUF_INIT((size_t)1 << 31)};

    for (int i = 0; i < 2; i++) {
        if (!c2_entries_named(cli, cli->args[i], &sides, err)) return false;
        if (sides.n != (size_t)i + 1)
            return c2_fail(err, CAT2_EINVAL, "%.150s names several things: diff compares two", cli->args[i]);
    }
    c2_jw_init(&d.w, &d.json, C2_JSON_PYTHON, err);
    c2_jw_begin_array(&d.w);
    bool ok = compare(&d, &sides.p[0], &sides.p[1], err);
    c2_jw_end_array(&d.w);
    ok = ok && c2_jw_finish(&d.w) && (!cli->json || c2_cli_put_json(&d.json, err));
    c2_buf_fini(&d.json);
    if (d.differs) cli->status = C2_CLI_DIFFER;
    return ok;
}
