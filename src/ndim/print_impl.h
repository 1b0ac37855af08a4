/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the printer share: numbers as digits, items as words. */
#ifndef C2_NDIM_PRINT_IMPL_H
#define C2_NDIM_PRINT_IMPL_H

#include "ndim/item.h"
#include "ndim/print.h"

/* A real number of 2, 4, 8 or 16 bytes (12 too), as long double with the size it had. */
struct c2_real {
    long double v;
    int64_t size;
    uint16_t half; /* the bits of one of 2 bytes */
};
struct c2_real c2_read_real(const uint8_t *item, int64_t size, bool swapped);
/** Cut to `precision` digits after the point (positional) or after the first digit (scientific), correctly
 * rounded. */
void c2_real_digits_cut(struct c2_real x, int precision, bool scientific, struct c2_digits *out);
/** str() of a scalar: 1.0, 1e+16, nan. `bare`: without ".0", as inside complex numbers. */
bool c2_print_real_scalar(struct c2_real x, bool bare, struct c2_buf *out, struct cat2_error *err);

/** ISO text of a datetime64, "NaT" too. */
bool c2_print_moment(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                     struct cat2_error *err);
/** Text of S (repr: b'...'), U and V items; quoted: U as repr. */
bool c2_print_text(const struct c2_dtype *dtype, const uint8_t *item, bool quoted, struct c2_buf *out,
                   struct cat2_error *err);
/** May repr() show this character, or must it escape it? */
bool c2_printable(uint32_t c);
bool c2_print_scalar(const struct c2_dtype *dtype, const uint8_t *item, struct c2_buf *out,
                     struct cat2_error *err);

/* How the items of one array are laid out as words. */
struct c2_words;
bool c2_words_new(const struct c2_dtype *dtype, const uint8_t *items, int64_t nitems, struct c2_words **out,
                  struct cat2_error *err);
void c2_words_free(struct c2_words *words);
C2_DEFINE_AUTO_PTR(c2_words, c2_words_free);
/** The words of a 0-d array: nothing to align with. */
void c2_words_alone(struct c2_words *words);
bool c2_words_put(const struct c2_words *words, const uint8_t *item, struct c2_buf *out,
                  struct cat2_error *err);

#endif
