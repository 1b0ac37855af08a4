/* SPDX-License-Identifier: BSD-3-Clause */
/* Texts that are owned, such as the names in a folder. All zero is none. */
#ifndef C2_BASE_TEXTS_H
#define C2_BASE_TEXTS_H

#include "base/str.h"
#include "base/vec.h"

struct c2_texts {
    C2_VEC(char *);
};
/** A copy of it comes last. @param max, what  as of c2_vec_push(). @errors CAT2_ELIMIT, CAT2_ENOMEM. */
bool c2_texts_add(struct c2_texts *texts, struct c2_str text, size_t max, const char *what,
                  struct cat2_error *err);
/** In the order of their bytes. */
void c2_texts_sort(struct c2_texts *texts);
/** Is it one of them? They are sorted. */
bool c2_texts_have(const struct c2_texts *texts, const char *text);
void c2_texts_fini(struct c2_texts *texts);

#endif
