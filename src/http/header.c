/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers among raw lines. */
#include "http/header.h"

bool c2_header_of(struct c2_str headers, const char *name, struct c2_str *out)
{
    struct c2_str rest = headers, line, key, value;

    while (rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        if (c2_str_cut(line, ':', &key, &value) && c2_str_eq_nocase(key, c2_str_of(name))) {
            *out = c2_str_trim(value);
            return true;
        }
    }
    return false;
}
