/* SPDX-License-Identifier: BSD-3-Clause */
/* Fuzzy matching: a whole run wins over scattered letters. */
#include "tui/fuzzy.h"

static bool word_start(struct c2_str name, size_t i)
{
    return i == 0 || strchr("/-_. ", name.p[i - 1]) != NULL;
}

int c2_tui_fuzzy(struct c2_str wanted, struct c2_str name)
{
    size_t k = 0, previous = 0;
    int score = 1;

    if (wanted.n == 0) return 1;
    if (wanted.n > name.n) return 0;
    size_t run = c2_str_find_nocase(name, wanted);
    if (run < name.n) return 1000 + (word_start(name, run) ? 500 : 0) + (wanted.n == name.n ? 100 : 0);
    for (size_t i = 0; i < name.n && k < wanted.n; i++) {
        if (c2_lower(name.p[i]) != c2_lower(wanted.p[k])) continue;
        score += word_start(name, i) ? 8 : k && previous + 1 == i ? 4 : 1;
        previous = i;
        k++;
    }
    return k == wanted.n ? score : 0;
}
