/* SPDX-License-Identifier: BSD-3-Clause */
/* Parameters of the views: what they choose lies within the item, within the shape. Two bytes choose a parser
 * and a dtype or shape; texts that end in NUL follow. */
#include "reduce/order.h"
#include "reduce/plane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const dtypes[] = {
    "<f8",
    "|b1",
    ">i4",
    "<c16",
    "|S40",
    "<U7",
    "<M8[s]",
    "<f2",
    "|V3",
    ("[('a', '<f4'), ('b', '<i8'), ('s', '|S3'), ('in', [('x', '>u2'), ('y', '<c8')]), ('odd name', '|u1'), "
     "('sub', '<i2', (2,)), ('t', '<m8[ms]'), ('raw', '|V3')]")};
static const struct {
    int ndim;
    int64_t shape[5];
} shapes[] = {
    {0, {0}}, {1, {9}}, {2, {7, 1000}}, {2, {1 << 30, 1 << 30}}, {3, {4, 0, 5}}, {5, {2, 3, 300, 5, 600}}};

static void check_num(const struct c2_num *num, const struct c2_dtype *dtype)
{
    int64_t nbytes = num->kind == 'c' ? 2 * num->size : num->size;

    C2_ASSERT(num->itemsize == dtype->itemsize && num->offset >= 0 && num->offset + nbytes <= num->itemsize);
}

static void check_dtype(struct c2_str first, struct c2_str second, const char *dtype_text)
{
    C2_AUTO(c2_dtype) dtype = {0};
    struct c2_num num;
    struct cat2_error err;
    enum c2_agg agg;

    C2_ASSERT(c2_dtype_parse(c2_str_of(dtype_text), &dtype, &err));
    struct c2_order order = {.dtype = &dtype, .nrows = 3};
    if (c2_order_parse(&order, first, &err)) {
        C2_ASSERT(order.nkeys <= C2_ORDER_KEYS_MAX && c2_order_npasses(&order) >= 0);
        for (int i = 0; i < order.nkeys; i++) {
            const struct c2_order_key *key = &order.keys[i];
            C2_ASSERT(key->npieces >= 1 && key->npieces <= C2_ORDER_PIECES_MAX);
            if (!key->text)
                check_num(&key->num, &dtype);
            else
                C2_ASSERT(key->offset >= 0 && key->offset + key->type->itemsize <= dtype.itemsize);
        }
    }
    c2_order_fini(&order);
    if (!c2_num_of(&dtype, first, second, &num, &err)) return;
    check_num(&num, &dtype);
    if (c2_agg_parse(second, &num, &agg, &err))
        C2_ASSERT(c2_str_empty(second) || c2_str_is(second, c2_agg_name(agg)));
}

static void check_within(const struct c2_bound *bound, const struct c2_grid *grid)
{
    int64_t lo[C2_DIM_MAX], hi[C2_DIM_MAX];

    C2_ASSERT(bound->ndim == grid->ndim);
    c2_bound_box(bound, lo, hi);
    for (int i = 0; i < bound->ndim; i++)
        C2_ASSERT(0 <= lo[i] && lo[i] <= hi[i] && hi[i] <= grid->shape[i]);
}

static void check_plane(struct c2_str first, struct c2_str second, size_t which, const uint8_t numbers[3])
{
    int32_t chunks[5], blocks[5];
    struct c2_plane_axes axes;
    struct c2_bound bound;
    struct c2_grid grid;
    struct cat2_error err;

    for (int i = 0; i < shapes[which].ndim; i++)
        chunks[i] = blocks[i] = shapes[which].shape[i] > 0 ? 1 : 0;
    C2_ASSERT(shapes[which].shape[0] > 1 << 20 ||
              c2_grid_init(&grid, shapes[which].shape, chunks, blocks, shapes[which].ndim, 4, true, &err));
    if (shapes[which].shape[0] > 1 << 20) {
        chunks[0] = chunks[1] = blocks[0] = blocks[1] = 1 << 12;
        if (!c2_grid_init(&grid, shapes[which].shape, chunks, blocks, 2, 4, true, &err)) return;
    }
    if (!c2_plane_axes_parse(first, grid.ndim, &axes, &err)) return;
    C2_ASSERT(axes.x != axes.y && axes.x >= 0 && axes.x < grid.ndim && axes.y >= 0 && axes.y < grid.ndim);
    if (!c2_plane_bind(&grid, &axes, second, &bound, &err)) return;
    check_within(&bound, &grid);
    for (int i = 0; i < grid.ndim; i++)
        C2_ASSERT(i == axes.x || i == axes.y || bound.axes[i].count <= 1);
    int64_t far = INT64_MAX >> (numbers[1] & 63);
    if (c2_plane_tile(&bound, &axes, numbers[0] % (C2_TILE_Z_MAX + 1), far, numbers[2], &err))
        check_within(&bound, &grid);
    if (c2_plane_tile(&bound, &axes, numbers[0] % (C2_TILE_Z_MAX + 1), numbers[1], numbers[2], &err))
        check_within(&bound, &grid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_str first, second;

    if (size < 4) return 0;
    c2_str_cut((struct c2_str){(const char *)data + 4, size - 4}, '\0', &first, &second);
    check_dtype(first, second, dtypes[data[0] % C2_ARRAY_LEN(dtypes)]);
    check_plane(first, second, data[0] % C2_ARRAY_LEN(shapes), data + 1);
    return 0;
}
