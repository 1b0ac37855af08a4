/* SPDX-License-Identifier: BSD-3-Clause */
/* Owned texts. */
#include "base/texts.h"

#include "base/bisect.h"

bool c2_texts_add(struct c2_texts *texts, struct c2_str text, size_t max, const char *what,
                  struct cat2_error *err)
{
    if (!c2_vec_room(texts, max, what, err)) return false;
    char *copy = c2_str_dup(text);
    if (!copy) return c2_fail_nomem(err, what);
    texts->p[texts->n++] = copy;
    return true;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void c2_texts_sort(struct c2_texts *texts)
{
    if (texts->n) qsort(texts->p, texts->n, sizeof(*texts->p), by_bytes);
}

bool c2_texts_have(const struct c2_texts *texts, const char *text)
{
    size_t at;

    c2_bisect(at, texts->n, strcmp(texts->p[at], text) < 0);
    return at < texts->n && strcmp(texts->p[at], text) == 0;
}

void c2_texts_fini(struct c2_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++)
        free(texts->p[i]);
    c2_vec_fini(texts);
}
