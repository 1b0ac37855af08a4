#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Write src/ndim/print_unicode.c: the characters that Python's repr() escapes, by the Unicode tables of the Python that runs this."""
import pathlib
import unicodedata

HEAD = """/* SPDX-License-Identifier: BSD-3-Clause */
/* Which characters repr() escapes: unassigned, private, controls and blanks of Unicode {version}.
 * Written by tools/make_unprintable.py. */
#include "ndim/print_impl.h"

#include "base/bisect.h"

/* Characters from the 1st up to the 2nd cannot be printed, from the 2nd up to the 3rd can, and so on. */
static const uint32_t turns[] = {{
{rows}
}};

bool c2_printable(uint32_t c)
{{
    size_t at;

    c2_bisect(at, C2_ARRAY_LEN(turns), turns[at] <= c);
    return at % 2 == 0;
}}
"""


def main():
    turns, printable = [], True
    for c in range(0x110000):
        if chr(c).isprintable() != printable:
            turns.append(c)
            printable = not printable
    words = [f"{c:#x}," for c in turns]
    words[-1] = words[-1].rstrip(",")
    rows, row = [], "   "
    for word in words:
        if len(row) + 1 + len(word) > 110:
            rows.append(row)
            row = "   "
        row += " " + word
    rows.append(row)
    text = HEAD.format(version=unicodedata.unidata_version, rows="\n".join(rows))
    (pathlib.Path(__file__).parent.parent / "src/ndim/print_unicode.c").write_text(text)


if __name__ == "__main__":
    main()
