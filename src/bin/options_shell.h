/* SPDX-License-Identifier: BSD-3-Clause */
/* A line as a shell takes it apart, as far as completion needs it: words without their quotes, and how the
 * last one, at the cursor, has to go on. Nothing is expanded but ~/ at a word's beginning. */
#ifndef C2_BIN_OPTIONS_SHELL_H
#define C2_BIN_OPTIONS_SHELL_H

#include "base/buf.h"

#define C2_LINE_NBYTES_MAX                                                                                   \
    (128 << 10)          /* of a command line to complete; the kernel allows one word as much                \
                          */
#define C2_WORDS_MAX 512 /* of it */

enum c2_shell_state { C2_SHELL_PLAIN, C2_SHELL_SINGLE, C2_SHELL_DOUBLE };
struct c2_shell_line {
    struct c2_buf text;              /* of all words, with NULs between */
    const char *words[C2_WORDS_MAX]; /* the last is the one at the cursor, "" where it begins there */
    size_t nwords;
    const char *raw;           /* where the last word begins in the line */
    const char *open;          /* what follows its open quote; NULL where none is open */
    enum c2_shell_state state; /* at the cursor */
    bool redirected;           /* the last word is a file after < or > */
    bool unclear;              /* it has a $ or ` whose value only the shell knows */
};
/** line ends at the cursor. fish: in single quotes \' and \\ are one character. @errors CAT2_ELIMIT. */
bool c2_shell_split(struct c2_str line, bool fish, struct c2_shell_line *out, struct cat2_error *err);
void c2_shell_line_fini(struct c2_shell_line *line);
C2_DEFINE_AUTO(c2_shell_line);
/** Text to type in this state, so that the shell takes it as it is. */
bool c2_shell_quote(struct c2_str text, enum c2_shell_state state, struct c2_buf *out,
                    struct cat2_error *err);
/** What readline will replace: the part of the last word behind the last of `breaks` that is not quoted, or
 * behind the open quote. */
const char *c2_shell_replaced(const struct c2_shell_line *line, struct c2_str whole, const char *breaks);

#endif
