/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequences of variable length: a dataset of them is shown as a folder of two arrays, "offsets" (where each
 * sequence begins among all values, and at last how many there are) and "values". libhdf5 reads sequences
 * whole; marks, one every so often, tell where to begin. */
#include <stdlib.h>

#include "base/bisect.h"
#include "base/endian.h"
#include "hdf5/read/type_impl.h"

#define MARK_ITEMS  256
#define MARK_NBYTES (1 << 20) /* of values */
#define MARKS_MAX   (1 << 22) /* 64 MiB of them: a thousand million sequences */

struct mark {
    int64_t item, value; /* this sequence begins at that value */
};
struct c2_h5_sequence {
    enum c2_h5_seq_array which;
    struct {
        C2_VEC(struct mark);
    } marks;
    int64_t nitems, nvalues;
    size_t size;     /* bytes of a value in memory, array and all */
    size_t elements; /* of a value: of the array type */
};

void c2_h5_sequence_free(struct c2_h5_sequence *seq)
{
    if (!seq) return;
    c2_vec_fini(&seq->marks);
    free(seq);
}

/* ---- names ---- */

bool c2_h5_is_sequence(hid_t object)
{
    hid_t type = H5Dget_type(object);
    bool is = type >= 0 && H5Tget_class(type) == H5T_VLEN;

    if (type >= 0) H5Tclose(type);
    H5Eclear2(H5E_DEFAULT);
    return is;
}

static enum c2_h5_seq_array which_array(const char *name, size_t *above)
{
    const char *last = strrchr(name, '/');

    if (!last || last == name) return C2_H5_SEQ_NONE;
    *above = (size_t)(last - name);
    if (strcmp(last + 1, C2_H5_OFFSETS) == 0) return C2_H5_SEQ_OFFSETS;
    return strcmp(last + 1, C2_H5_VALUES) == 0 ? C2_H5_SEQ_VALUES : C2_H5_SEQ_NONE;
}

/* A dataset holds no names in HDF5: what is asked for beneath one can only be one of its arrays of sequences.
 */
hid_t c2_h5_object_open(struct c2_h5 *h5, const char *name, enum c2_h5_seq_array *which)
{
    hid_t id = H5Oopen(h5->file, name, h5->lapl);
    size_t above;

    *which = C2_H5_SEQ_NONE;
    if (id >= 0) return id;
    enum c2_h5_seq_array wanted = which_array(name, &above);
    if (wanted == C2_H5_SEQ_NONE) return -1;
    char *parent = c2_str_dup((struct c2_str){name, above});
    if (!parent) return -1;
    id = H5Oopen(h5->file, parent, h5->lapl);
    free(parent);
    if (id >= 0 && (H5Iget_type(id) != H5I_DATASET || !c2_h5_is_sequence(id))) {
        H5Oclose(id);
        return -1;
    }
    *which = wanted;
    return id;
}

/* ---- where each one begins ---- */

struct counting {
    struct c2_h5_dataset *ds;
    int64_t item, value, last_item, last_value;
};

static bool add_mark(struct counting *c, struct cat2_error *err)
{
    struct c2_h5_sequence *seq = c->ds->sequence;

    if (!c2_vec_push(&seq->marks, MARKS_MAX, "offsets of sequences", err, (struct mark){c->item, c->value}))
        return false;
    c->last_item = c->item;
    c->last_value = c->value;
    return true;
}

static bool count(void *ctx, const uint8_t *items, size_t n, size_t *heap, struct cat2_error *err)
{
    struct counting *c = ctx;
    struct c2_h5_dataset *ds = c->ds;
    struct c2_h5_sequence *seq = ds->sequence;
    bool widths = seq->which == C2_H5_SEQ_VALUES && ds->type.variable;

    for (size_t i = 0; i < n; i++) {
        hvl_t it;
        memcpy(&it, items + i * sizeof(it), sizeof(it));
        int64_t since = (c->value - c->last_value) * (int64_t)seq->size;
        if ((seq->marks.n == 0 || c->item - c->last_item >= MARK_ITEMS || since >= MARK_NBYTES) &&
            !add_mark(c, err))
            return false;
        if (it.len > INT64_MAX / 2 / seq->size) return c2_fail(err, CAT2_EDATA, "a sequence without end");
        *heap += it.len * seq->size;
        if (widths && it.p &&
            !c2_h5_measure_part(ds->h5, &ds->type.part, it.p, it.len * seq->elements, heap, err))
            return false;
        c->item++;
        c->value += it.p ? (int64_t)it.len : 0;
    }
    return true;
}

/* The vlen type in memory, and what its values are shown as. */
static bool read_type(struct c2_h5_dataset *ds, hid_t base, struct cat2_error *err)
{
    struct c2_h5_sequence *seq = ds->sequence;
    bool offsets = seq->which == C2_H5_SEQ_OFFSETS;

    if (!c2_h5_type_of(base, offsets, &ds->type, err)) return false;
    ds->mem = H5Tvlen_create(ds->type.array);
    seq->size = ds->mem >= 0 ? H5Tget_size(ds->type.array) : 0;
    if (seq->size == 0) return c2_h5_fail(err, CAT2_EDATA, "the datatype cannot be described");
    seq->elements = 1;
    for (int i = 0; i < ds->type.ndim; i++)
        seq->elements *= (size_t)ds->type.dims[i];
    if (!offsets) return true;
    c2_h5_type_fini(&ds->type);
    ds->type.dtype = (struct c2_dtype){.kind = 'i', .order = '<', .itemsize = 8};
    return true;
}

bool c2_h5_sequence_open(struct c2_h5_dataset *ds, enum c2_h5_seq_array which, struct cat2_error *err)
{
    struct counting c = {.ds = ds};
    hid_t type = H5Dget_type(ds->id), base = type >= 0 ? H5Tget_super(type) : -1;
    bool ok = base >= 0 || c2_h5_fail(err, CAT2_EDATA, "the datatype cannot be read");

    ds->sequence = calloc(1, sizeof(*ds->sequence));
    if (ok && !ds->sequence) ok = c2_fail_nomem(err, "sequences");
    if (ok) {
        ds->sequence->which = which;
        ok = read_type(ds, base, err) && c2_h5_scan(ds, 0, INT64_MAX, sizeof(hvl_t), count, &c, err);
    }
    if (base >= 0) H5Tclose(base);
    if (type >= 0) H5Tclose(type);
    if (!ok) return false;
    ds->sequence->nitems = c.item;
    ds->sequence->nvalues = c.value;
    return c2_h5_type_lay_out(&ds->type, (hsize_t)c.value, err);
}

int64_t c2_h5_sequence_length(const struct c2_h5_dataset *ds)
{
    const struct c2_h5_sequence *seq = ds->sequence;

    return seq->which == C2_H5_SEQ_OFFSETS ? seq->nitems + 1 : seq->nvalues;
}

/* ---- reading ---- */

struct cutting {
    struct c2_h5_dataset *ds;
    int64_t item, value; /* at hand */
    int64_t start, end;  /* what is wanted: offsets or values */
    uint8_t *out;
};

static void put_offset(const struct cutting *c)
{
    if (c->item >= c->start && c->item < c->end)
        c2_put_le64(c->out + (c->item - c->start) * 8, (uint64_t)c->value);
}

static bool put_values(struct cutting *c, const hvl_t *it, struct cat2_error *err)
{
    struct c2_h5_dataset *ds = c->ds;
    const struct c2_h5_sequence *seq = ds->sequence;
    int64_t lo = c2_max_i64(c->start, c->value), hi = c2_min_i64(c->end, c->value + (int64_t)it->len);

    if (lo >= hi) return true;
    const uint8_t *from = (const uint8_t *)it->p + (size_t)(lo - c->value) * seq->size;
    size_t n = (size_t)(hi - lo), shown = (size_t)ds->meta.dtype.itemsize * seq->elements;
    uint8_t *to = c->out + (size_t)(lo - c->start) * shown;
    if (ds->type.variable)
        return c2_h5_show_part(ds->h5, &ds->type.part, &ds->meta.dtype, from, n * seq->elements, to, err);
    memcpy(to, from, n * seq->size);
    return true;
}

static bool cut(void *ctx, const uint8_t *items, size_t n, size_t *heap, struct cat2_error *err)
{
    struct cutting *c = ctx;
    bool offsets = c->ds->sequence->which == C2_H5_SEQ_OFFSETS;

    for (size_t i = 0; i < n; i++) {
        hvl_t it;
        memcpy(&it, items + i * sizeof(it), sizeof(it));
        if (!it.p) it.len = 0;
        *heap += it.len * c->ds->sequence->size;
        if (offsets)
            put_offset(c);
        else if (!put_values(c, &it, err))
            return false;
        c->item++;
        c->value += (int64_t)it.len;
    }
    return true;
}

/* The marks around what is wanted: the last that is not behind its start, the first not before its end. */
static void find_marks(const struct c2_h5_sequence *seq, int64_t start, int64_t end, struct mark *first,
                       int64_t *last_item)
{
    bool offsets = seq->which == C2_H5_SEQ_OFFSETS;
    size_t lo;

    c2_bisect(lo, seq->marks.n, (offsets ? seq->marks.p[lo].item : seq->marks.p[lo].value) <= start);
    if (lo) lo--;
    *first = seq->marks.p[lo];
    *last_item = seq->nitems;
    for (size_t i = lo + 1; i < seq->marks.n; i++)
        if ((offsets ? seq->marks.p[i].item : seq->marks.p[i].value) >= end) {
            *last_item = seq->marks.p[i].item;
            break;
        }
}

bool c2_h5_sequence_read(struct c2_h5_dataset *ds, int64_t start, int64_t n, uint8_t *out,
                         struct cat2_error *err)
{
    struct c2_h5_sequence *seq = ds->sequence;
    struct cutting c = {.ds = ds, .start = start, .end = start + n, .out = out};
    struct mark first;
    int64_t last_item;

    memset(out, 0, (size_t)n * (size_t)ds->meta.dtype.itemsize * seq->elements);
    if (seq->marks.n > 0 && n > 0) {
        find_marks(seq, start, start + n, &first, &last_item);
        c.item = first.item;
        c.value = first.value;
        if (!c2_h5_scan(ds, first.item, last_item, sizeof(hvl_t), cut, &c, err)) return false;
    }
    if (seq->which == C2_H5_SEQ_OFFSETS) {
        if (c.item == seq->nitems) put_offset(&c);
        return true;
    }
    return c.value >= start + n ||
           c2_fail(err, CAT2_ECHANGED, "the sequences changed since they were opened");
}
