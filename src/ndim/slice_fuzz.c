/* SPDX-License-Identifier: BSD-3-Clause */
/* A slice printed and parsed again binds alike; what is bound lies inside the shape. The text follows one
 * byte that chooses a shape. */
#include <inttypes.h>

#include "ndim/slice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    int ndim;
    int64_t shape[C2_DIM_MAX];
} shapes[] = {{0, {0}},
              {1, {0}},
              {1, {1}},
              {1, {10}},
              {1, {INT64_MAX}},
              {2, {3, INT64_MAX}},
              {3, {4, 0, 5}},
              {3, {7, 1, 9}},
              {2, {INT64_MAX, INT64_MAX}},
              {4, {2, 3, 4, 5}},
              {16, {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}}};

static bool put_bound(bool has, int64_t v, const char *after, struct c2_buf *out, struct cat2_error *err)
{
    return (!has || c2_buf_printf(out, err, "%" PRId64, v)) && c2_buf_puts(out, after, err);
}

static bool print_slice(const struct c2_slice *slice, struct c2_buf *out, struct cat2_error *err)
{
    for (int i = 0; i < slice->nsels; i++) {
        const struct c2_sel *sel = &slice->sels[i];
        bool ok = i == 0 || c2_buf_puts(out, ",", err);
        if (sel->kind == C2_SEL_ELLIPSIS)
            ok = ok && c2_buf_puts(out, "...", err);
        else if (sel->kind == C2_SEL_INDEX)
            ok = ok && put_bound(true, sel->start, "", out, err);
        else
            ok = ok && put_bound(sel->has_start, sel->start, ":", out, err) &&
                 put_bound(sel->has_stop, sel->stop, ":", out, err) &&
                 put_bound(sel->has_step, sel->step, "", out, err);
        if (!ok) return false;
    }
    return true;
}

static void check_bound(const struct c2_bound *bound, const int64_t *shape)
{
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];
    int out_ndim = 0;

    c2_bound_box(bound, lo, hi);
    for (int axis = 0; axis < bound->ndim; axis++) {
        const struct c2_axis_sel *sel = &bound->axes[axis];
        C2_ASSERT(sel->count >= 0 && sel->count <= shape[axis] && sel->step != 0);
        C2_ASSERT(0 <= lo[axis] && lo[axis] <= hi[axis] && hi[axis] <= shape[axis]);
        C2_ASSERT(sel->count == 0 || lo[axis] < hi[axis]);
        if (!sel->dropped) C2_ASSERT(bound->out_shape[out_ndim++] == sel->count);
        if (sel->count < 2) continue;
        struct c2_bound part = c2_bound_part(bound, axis, 1, sel->count - 1);
        C2_ASSERT(part.nitems <= bound->nitems && !part.whole);
    }
    C2_ASSERT(out_ndim == bound->out_ndim);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    struct c2_slice first, second;
    struct c2_bound a, b;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20);

    if (size == 0) return 0;
    size_t which = data[0] % C2_ARRAY_LEN(shapes);
    const int64_t *shape = shapes[which].shape;
    if (!c2_slice_parse((struct c2_str){(const char *)data + 1, size - 1}, &first, &err)) return 0;
    C2_ASSERT(print_slice(&first, &text, &err));
    C2_ASSERT(c2_slice_parse(c2_buf_str(&text), &second, &err));
    bool ok = c2_slice_bind(&first, shape, shapes[which].ndim, &a, &err);
    C2_ASSERT(c2_slice_bind(&second, shape, shapes[which].ndim, &b, &err) == ok);
    if (!ok) return 0;
    C2_ASSERT(a.nitems == b.nitems && a.out_ndim == b.out_ndim && a.whole == b.whole);
    for (int axis = 0; axis < a.ndim; axis++)
        C2_ASSERT(a.axes[axis].start == b.axes[axis].start && a.axes[axis].step == b.axes[axis].step &&
                  a.axes[axis].count == b.axes[axis].count && a.axes[axis].dropped == b.axes[axis].dropped);
    check_bound(&a, shape);
    return 0;
}
