/* SPDX-License-Identifier: BSD-3-Clause */
/* Names that somebody may have meant. */
#include "bin/options_nearest.h"

#define WORD_MAX 80 /* longer words are no slip of a name */

/* How many letters to change, add, leave out or swap with their neighbour make b of a. */
static size_t distance(struct c2_str a, struct c2_str b)
{
    size_t rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.n; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.n];
}

void c2_nearest_consider(struct c2_nearest *nearest, const char *name)
{
    struct c2_str text = c2_str_of(name);

    if (nearest->typed.n > WORD_MAX || text.n > WORD_MAX || nearest->typed.n < 2) return;
    size_t d = distance(nearest->typed, text);
    bool near = 3 * d <= (text.n > nearest->typed.n ? text.n : nearest->typed.n) + 1;
    if (!near || (nearest->name && d >= nearest->distance)) return;
    nearest->name = name;
    nearest->distance = d;
}
