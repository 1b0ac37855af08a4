/* SPDX-License-Identifier: BSD-3-Clause */
/* What tests/system compares with NumPy: one request after another from stdin, answers to stdout, all in the
 * machine's byte order.
 *
 *   request  u8 command, u32 n, then n bytes      P print, J JSON, N name, D descr, S select
 *   answer   u8 1 or 0 (refused: the reason), u32 n, then n bytes
 * Every payload begins with text dtype, text slice (u32 n, bytes), u8 ndim, i64 shape, i32 chunks, i32
 * blocks. */
#include <stdio.h>
#include <stdlib.h>

#include "ndim/grid.h"
#include "ndim/print.h"

#define PAYLOAD_MAX (256 << 20)

struct request {
    struct c2_cursor in;
    struct c2_str dtype, slice;
    int ndim;
    int64_t shape[C2_DIM_MAX];
    int32_t chunks[C2_DIM_MAX], blocks[C2_DIM_MAX];
};

static void take(struct c2_cursor *in, void *to, size_t n)
{
    C2_ASSERT(c2_cursor_left(in) >= n);
    memcpy(to, in->p, n);
    in->p += n;
}

static struct c2_str take_text(struct c2_cursor *in)
{
    uint32_t n;

    take(in, &n, sizeof(n));
    C2_ASSERT(c2_cursor_left(in) >= n);
    struct c2_str text = {in->p, n};
    in->p += n;
    return text;
}

static struct request read_request(struct c2_str payload)
{
    struct request r = {.in = c2_cursor_of(payload)};
    uint8_t ndim;

    r.dtype = take_text(&r.in);
    r.slice = take_text(&r.in);
    take(&r.in, &ndim, 1);
    C2_ASSERT(ndim <= C2_DIM_MAX);
    r.ndim = ndim;
    take(&r.in, r.shape, ndim * sizeof(r.shape[0]));
    take(&r.in, r.chunks, ndim * sizeof(r.chunks[0]));
    take(&r.in, r.blocks, ndim * sizeof(r.blocks[0]));
    return r;
}

/* Every chunk in turn is gathered from the array and its touched blocks are scattered into the result. */
static bool select_items(const struct c2_grid *grid, const struct c2_bound *bound, const uint8_t *array,
                         uint8_t *out, struct cat2_error *err)
{
    uint8_t *chunk = malloc((size_t)(grid->chunk_items * grid->typesize) + 1);
    int32_t *blocks = malloc((size_t)(grid->nblocks + 1) * sizeof(*blocks));
    struct c2_grid_walk walk;
    int64_t nchunk, before = -1, walked = 0;

    c2_grid_walk_init(&walk, grid, bound);
    while (chunk && blocks && c2_grid_walk_next(&walk, &nchunk)) {
        C2_ASSERT(nchunk > before && nchunk < grid->nchunks);
        before = nchunk;
        walked++;
        c2_grid_gather(grid, array, nchunk, chunk);
        int64_t n = c2_grid_blocks(grid, bound, nchunk, blocks);
        C2_ASSERT(n > 0 && n <= grid->nblocks);
        for (int64_t i = 0; i < n; i++) {
            C2_ASSERT(blocks[i] < grid->nblocks && (i == 0 || blocks[i] > blocks[i - 1]));
            c2_grid_scatter(grid, bound, nchunk, blocks[i],
                            chunk + blocks[i] * grid->block_items * grid->typesize, out);
        }
    }
    bool ok = chunk && blocks;
    C2_ASSERT(!ok || walked == c2_grid_count(grid, bound));
    free(chunk);
    free(blocks);
    return ok || c2_fail_nomem(err, "driver");
}

static bool slice_array(const struct request *r, const struct c2_dtype *dtype, struct c2_buf *out,
                        struct cat2_error *err)
{
    struct c2_slice slice;
    struct c2_bound bound;
    struct c2_grid grid;
    uint8_t ndim;

    if (!c2_slice_parse(r->slice, &slice, err) || !c2_slice_bind(&slice, r->shape, r->ndim, &bound, err) ||
        !c2_grid_init(&grid, r->shape, r->chunks, r->blocks, r->ndim, (int32_t)dtype->itemsize, true, err))
        return false;
    ndim = (uint8_t)bound.out_ndim;
    if (!c2_buf_append(out, &ndim, 1, err) ||
        !c2_buf_append(out, bound.out_shape, ndim * sizeof(bound.out_shape[0]), err))
        return false;
    size_t head = out->n, nbytes = (size_t)(bound.nitems * grid.typesize);
    if (!c2_buf_resize(out, head + nbytes, err)) return false;
    memset(out->p + head, 0xA5, nbytes);
    return select_items(&grid, &bound, (const uint8_t *)r->in.p, out->p + head, err);
}

static bool answer(char command, struct c2_str payload, struct c2_buf *out, struct cat2_error *err)
{
    struct request r = read_request(payload);
    C2_AUTO(c2_dtype) dtype = {0};

    if (!c2_dtype_parse(r.dtype, &dtype, err)) return false;
    const uint8_t *items = (const uint8_t *)r.in.p;
    switch (command) {
    case 'P':
        return c2_print_array(&dtype, r.shape, r.ndim, items, out, err);
    case 'J':
        return c2_print_json_item(&dtype, items, out, err);
    case 'N':
        return c2_dtype_name(&dtype, out, err);
    case 'D':
        return c2_dtype_descr(&dtype, out, err);
    default:
        return slice_array(&r, &dtype, out, err);
    }
}

static bool serve_one(void)
{
    C2_AUTO(c2_buf) payload = C2_BUF_INIT(PAYLOAD_MAX);
    C2_AUTO(c2_buf) out = C2_BUF_INIT(PAYLOAD_MAX);
    struct cat2_error err = {0};
    uint32_t n;
    char command;

    if (fread(&command, 1, 1, stdin) != 1 || fread(&n, sizeof(n), 1, stdin) != 1) return false;
    C2_ASSERT(c2_buf_resize(&payload, n, &err) && fread(payload.p, 1, n, stdin) == n);
    bool ok = answer(command, c2_buf_str(&payload), &out, &err);
    if (!ok) {
        c2_buf_clear(&out);
        C2_ASSERT(c2_buf_puts(&out, err.message, &err));
    }
    n = (uint32_t)out.n;
    fputc(ok, stdout);
    fwrite(&n, sizeof(n), 1, stdout);
    return n == 0 || fwrite(out.p, 1, n, stdout) == n;
}

int main(void)
{
    while (serve_one())
        fflush(stdout);
    return 0;
}
