/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays as NumPy's str() lays them out: words in lines of 75 columns, brackets, "..." where it is cut. */
#include "ndim/print.h"

#include "ndim/print_impl.h"

#define LINE_WIDTH 75
#define THRESHOLD  1000
#define EDGE       3

bool c2_print_summarised(const int64_t *shape, int ndim)
{
    int64_t size = 1;

    for (int axis = 0; axis < ndim; axis++)
        if (shape[axis] == 0) return false;
    for (int axis = 0; axis < ndim; axis++)
        if (!c2_mul_i64(size, shape[axis], &size) || size > THRESHOLD) return true;
    return false;
}

struct page {
    const struct c2_words *words;
    int ndim;
    bool cut[C2_DIM_MAX];
    int64_t shown[C2_DIM_MAX]; /* items of each axis that are here */
    const uint8_t *item;
    int64_t itemsize;
    struct c2_buf *out;
    struct cat2_error *err;
};

static bool blanks(struct page *page, int n)
{
    return n <= 0 || c2_buf_printf(page->out, page->err, "%*s", n, "");
}

/* One word onto the line, or onto the next when it does not fit; *at is the column reached. */
static bool put_word(struct page *page, struct c2_str word, int indent, int width, int *at)
{
    int n = (int)c2_utf8_count(word);

    if (*at + n > width && *at > indent) {
        while (page->out->n && page->out->p[page->out->n - 1] == ' ')
            page->out->n--;
        if (!c2_buf_putc(page->out, '\n', page->err) || !blanks(page, indent)) return false;
        *at = indent;
    }
    *at += n;
    return c2_buf_append_str(page->out, word, page->err);
}

static bool put_row(struct page *page, int axis, int indent, int width)
{
    int at = indent;
    bool ok = true;

    for (int64_t i = 0; ok && i < page->shown[axis]; i++) {
        C2_AUTO(c2_buf) word = C2_BUF_INIT(1 << 28);
        if (page->cut[axis] && i == EDGE) {
            ok = put_word(page, C2_STR("..."), indent, width - 1, &at) && blanks(page, 1);
            at++;
        }
        ok = ok && c2_words_put(page->words, page->item, &word, page->err) &&
             put_word(page, c2_buf_str(&word), indent, width - 1, &at);
        page->item += page->itemsize;
        if (ok && i + 1 < page->shown[axis]) ok = blanks(page, 1);
        at++;
    }
    return ok;
}

/* indent: columns before the items of this axis, its own bracket included. */
static bool put_axis(struct page *page, int axis, int indent, int width)
{
    int left = page->ndim - axis;
    bool ok = c2_buf_putc(page->out, '[', page->err);

    if (left == 1) return ok && put_row(page, axis, indent, width) && c2_buf_putc(page->out, ']', page->err);
    for (int64_t i = 0; ok && i < page->shown[axis]; i++) {
        if (i) ok = blanks(page, indent);
        if (page->cut[axis] && i == EDGE) {
            ok = ok && c2_buf_puts(page->out, "...", page->err);
            for (int k = 1; ok && k < left; k++)
                ok = c2_buf_putc(page->out, '\n', page->err);
            ok = ok && blanks(page, indent);
        }
        ok = ok && put_axis(page, axis + 1, indent + 1, width - 1);
        for (int k = 1; ok && k < left && i + 1 < page->shown[axis]; k++)
            ok = c2_buf_putc(page->out, '\n', page->err);
    }
    return ok && c2_buf_putc(page->out, ']', page->err);
}

bool c2_print_array(const struct c2_dtype *dtype, const int64_t *shape, int ndim, const uint8_t *items,
                    struct c2_buf *out, struct cat2_error *err)
{
    struct page page = {.ndim = ndim, .item = items, .itemsize = dtype->itemsize, .out = out, .err = err};
    C2_AUTO_PTR(c2_words) *words = NULL;
    bool summarised = c2_print_summarised(shape, ndim);
    int64_t nitems = 1;

    for (int axis = 0; axis < ndim; axis++) {
        page.cut[axis] = summarised && shape[axis] > 2 * EDGE;
        page.shown[axis] = page.cut[axis] ? 2 * EDGE : shape[axis];
        if (!c2_mul_i64(nitems, page.shown[axis], &nitems))
            return c2_fail(err, CAT2_ELIMIT, "array is too large to print");
    }
    if (ndim == 0 && dtype->nfields == 0) return c2_print_scalar(dtype, items, out, err);
    if (nitems == 0) return c2_buf_puts(out, "[]", err);
    if (!c2_words_new(dtype, items, nitems, &words, err)) return false;
    page.words = words;
    if (ndim == 0) c2_words_alone(words);
    if (ndim == 0) return c2_words_put(words, items, out, err);
    return put_axis(&page, 0, 1, LINE_WIDTH);
}
