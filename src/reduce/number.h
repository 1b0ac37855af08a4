/* SPDX-License-Identifier: BSD-3-Clause */
/* Items of any dtype as numbers: where in the item the number stands, how it is read, and what it is called
 * when it is sent. All but 64-bit integers go through double, which holds them exactly; those go through
 * int64_t in an order-preserving form. */
#ifndef C2_REDUCE_NUMBER_H
#define C2_REDUCE_NUMBER_H

#include "ndim/dtype.h"

#define C2_NUM_FILLS_MAX 4 /* CF has two attributes for them */

enum c2_part { C2_PART_ABS, C2_PART_RE, C2_PART_IM, C2_PART_PHASE };
struct c2_num {
    char kind; /* b i u f c of the source; M and m are i */
    int size;  /* bytes of the source's number (of a complex one's half) */
    bool swapped;
    enum c2_part part;
    int64_t offset, itemsize; /* of the number in the item, of the item */
    bool wide;                /* 64-bit integer: load and store by the _i64 functions */
    char out_kind;            /* i u f of what is sent */
    int out_size;
    struct c2_fill {
        double real;
        bool whole; /* an integer that such an item can be */
        uint64_t bits;
    } fill[C2_NUM_FILLS_MAX]; /* numbers that stand for none: they are read as NaN */
    int nfills;
};
/** The numbers of a dtype.
 *  @param field  "" none, else "a" or "a.b" of a structured dtype.
 *  @param part   "", "abs", "re", "im", "phase".
 *  @errors CAT2_EINVAL it has no numbers, no such field, no such part. */
bool c2_num_of(const struct c2_dtype *dtype, struct c2_str field, struct c2_str part, struct c2_num *out,
               struct cat2_error *err);
/** Numbers that stand for none, "-1,9999"; "" there are none. With some, integers are sent as reals.
 *  @errors CAT2_EINVAL. */
bool c2_num_fills(struct c2_num *num, struct c2_str list, struct cat2_error *err);
bool c2_num_is_real(const struct c2_num *num); /* floats, halves of complex */
/** The typestr of what is sent: "<f4", "|u1". */
void c2_num_typestr(const struct c2_num *num, char out[8]);

/** n items, one after the other. A wide number through double may lose its last digits. */
void c2_num_load(const struct c2_num *num, const uint8_t *items, int64_t n, double *out);
/** Wide only. Unsigned ones come with the top bit turned round, so that they compare as signed ones do. */
void c2_num_load_i64(const struct c2_num *num, const uint8_t *items, int64_t n, int64_t *out);
/** Little-endian, out_size bytes each. */
void c2_num_store(const struct c2_num *num, const double *from, int64_t n, uint8_t *out);
void c2_num_store_i64(const struct c2_num *num, const int64_t *from, int64_t n, uint8_t *out);
/** Back from the order-preserving form. */
double c2_num_wide_real(const struct c2_num *num, int64_t v);

#endif
