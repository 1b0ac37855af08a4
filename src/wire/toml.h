/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration files through toml++ (the one C++ file). Values know their line. */
#ifndef C2_WIRE_TOML_H
#define C2_WIRE_TOML_H

#include "base/buf.h"

struct c2_toml;

/** Parse the text of a file; errors read "FILE:LINE:COLUMN: reason". `file` is for messages. */
bool c2_toml_parse(struct c2_str text, const char *file, struct c2_toml **out, struct cat2_error *err);
void c2_toml_free(struct c2_toml *toml);
C2_DEFINE_AUTO_PTR(c2_toml, c2_toml_free);

enum c2_toml_kind {
    C2_TOML_STRING,
    C2_TOML_INT,
    C2_TOML_FLOAT,
    C2_TOML_BOOL,
    C2_TOML_TABLE,
    C2_TOML_ARRAY,
    C2_TOML_DATE,
    C2_TOML_STRINGS /* an array of strings without newlines, not empty */
};
struct c2_toml_value {
    enum c2_toml_kind kind;
    int line;
    struct c2_str text; /* STRING: borrowed from the document; STRINGS: one a line, for this visit only */
    int64_t number;     /* INT, BOOL (0/1) */
    double real;        /* FLOAT, INT */
};
/** Visit every leaf (non-table) and empty table in file order with its full key path: keys[0..nkeys). Return
 * false to stop. */
typedef bool c2_toml_visit(void *ctx, const struct c2_str *keys, size_t nkeys,
                           const struct c2_toml_value *value, struct cat2_error *err);
bool c2_toml_walk(const struct c2_toml *toml, c2_toml_visit *visit, void *ctx, struct cat2_error *err);

#endif
