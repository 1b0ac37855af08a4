/* SPDX-License-Identifier: BSD-3-Clause */
/* TIFF of numbers: a page for each plane, without compression, in the order of bytes of the array. */
#include "bin/cat2cli_save.h"

#include <inttypes.h>

#include "base/limits.h"
#include "ndim/dtype.h"

#define PAGES_MAX 1000000 /* of one file: readers walk along them one by one */
#define HEAD      16      /* before the shared values */
#define SHARED    16      /* bits and format of up to four samples, two bytes each */

struct tiff {
    FILE *to;
    bool big;     /* offsets of eight bytes: BigTIFF, for more than four GiB */
    bool swapped; /* numbers are not in this machine's order; nor is what is written then */
    int64_t width, height, npages;
    int samples;      /* numbers of a pixel */
    int bits, format; /* of a number: 1 unsigned, 2 signed, 3 real */
};

static void put(const struct tiff *t, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) {
        bool little = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != t->swapped;
        putc((int)(value >> (8 * (little ? i : n - 1 - i)) & 0xff), t->to);
    }
}

static int offset_size(const struct tiff *t)
{
    return t->big ? 8 : 4;
}

static int ntags(const struct tiff *t)
{
    return t->samples == 4 ? 11 : 10;
}

/* One number; kind 3: of two bytes, 4: of as many as an offset has here. It stands to the left. */
static void put_tag(const struct tiff *t, int tag, int kind, uint64_t value)
{
    int size = offset_size(t), n = kind == 3 ? 2 : size;

    put(t, (uint64_t)tag, 2);
    put(t, kind == 4 && t->big ? 16 : (uint64_t)kind, 2);
    put(t, 1, size);
    put(t, value, n);
    put(t, 0, size - n);
}

/* The same one of two bytes for each sample; where they have no room they are at `shared`. */
static void put_each(const struct tiff *t, int tag, int value, uint64_t shared)
{
    int size = offset_size(t);

    put(t, (uint64_t)tag, 2);
    put(t, 3, 2);
    put(t, (uint64_t)t->samples, size);
    if (2 * t->samples > size) {
        put(t, shared, size);
        return;
    }
    for (int i = 0; i < size / 2; i++)
        put(t, i < t->samples ? (uint64_t)value : 0, 2);
}

/* The tags of the page whose pixels begin at `at`; the next page's tags are at `next`, 0: it is the last. */
static void put_page(const struct tiff *t, uint64_t at, uint64_t next)
{
    uint64_t nbytes = (uint64_t)(t->width * t->height) * (uint64_t)(t->samples * t->bits / 8);

    put(t, (uint64_t)ntags(t), t->big ? 8 : 2);
    put_tag(t, 256, 4, (uint64_t)t->width);
    put_tag(t, 257, 4, (uint64_t)t->height);
    put_each(t, 258, t->bits, HEAD);
    put_tag(t, 259, 3, 1);                       /* no compression */
    put_tag(t, 262, 3, t->samples >= 3 ? 2 : 1); /* RGB, or black is zero */
    put_tag(t, 273, 4, at);
    put_tag(t, 277, 3, (uint64_t)t->samples);
    put_tag(t, 278, 4, (uint64_t)t->height);
    put_tag(t, 279, 4, nbytes);
    if (t->samples == 4) put_tag(t, 338, 3, 2); /* the fourth is opacity */
    put_each(t, 339, t->format, HEAD + SHARED / 2);
    put(t, next, offset_size(t));
}

static void put_head(const struct tiff *t, uint64_t first)
{
    bool little = (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) != t->swapped;

    fputs(little ? "II" : "MM", t->to);
    put(t, t->big ? 43 : 42, 2);
    if (t->big) {
        put(t, 8, 2);
        put(t, 0, 2);
    }
    put(t, first, offset_size(t));
    for (int i = t->big ? 16 : 8; i < HEAD; i++)
        putc(0, t->to);
    for (int i = 0; i < SHARED / 2; i++)
        put(t, (uint64_t)(i < SHARED / 4 ? t->bits : t->format), 2);
}

static bool understand(struct tiff *t, const cat2_array *array, const struct c2_dtype *dtype,
                       struct cat2_error *err)
{
    int ndim = cat2_array_ndim(array);
    const int64_t *shape = cat2_array_shape(array);

    if (dtype->nfields || !strchr("biuf", dtype->kind) || dtype->itemsize > 8)
        return c2_fail(err, CAT2_EUNSUPPORTED, "a TIFF has integers and real numbers, no %.60s",
                       cat2_array_dtype(array));
    bool colours = ndim >= 3 && dtype->kind == 'u' && dtype->itemsize <= 2 &&
                   (shape[ndim - 1] == 3 || shape[ndim - 1] == 4);
    int axes = ndim - colours;
    if (axes < 2 || cat2_array_nbytes(array) == 0)
        return c2_fail(err, CAT2_EINVAL, "a TIFF needs at least two axes that are not empty: this has %d",
                       ndim);
    t->swapped = c2_dtype_swapped(dtype);
    t->samples = colours ? (int)shape[ndim - 1] : 1;
    t->width = shape[axes - 1];
    t->height = shape[axes - 2];
    t->bits = (int)dtype->itemsize * 8;
    t->format = dtype->kind == 'f' ? 3 : dtype->kind == 'i' ? 2 : 1;
    t->npages = 1;
    for (int i = 0; i < axes - 2; i++)
        t->npages *= shape[i];
    if (t->width > INT32_MAX || t->height > INT32_MAX || t->npages > PAGES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "a TIFF has at most %d pages of sides below 2^31", PAGES_MAX);
    return true;
}

bool c2_tiff_write(const cat2_array *array, FILE *to, struct cat2_error *err)
{
    C2_AUTO(c2_dtype) dtype = {0};
    struct tiff t = {.to = to};

    if (!c2_dtype_parse(c2_str_of(cat2_array_dtype(array)), &dtype, err) ||
        !understand(&t, array, &dtype, err))
        return false;
    uint64_t nbytes = (uint64_t)cat2_array_nbytes(array), n = (uint64_t)t.npages, first = HEAD + SHARED;
    t.big = nbytes + n * 200 > UINT32_MAX;
    uint64_t page = (uint64_t)(t.big ? 16 + 20 * ntags(&t) : 6 + 12 * ntags(&t)), pixels = first + n * page;
    put_head(&t, first);
    for (uint64_t i = 0; i < n; i++)
        put_page(&t, pixels + i * (nbytes / n), i + 1 < n ? first + page * (i + 1) : 0);
    return fwrite(cat2_array_data(array), 1, nbytes, to) == nbytes ||
           c2_fail(err, CAT2_EIO, "the TIFF could not be written");
}
