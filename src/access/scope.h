/* SPDX-License-Identifier: BSD-3-Clause */
/* What a holder of a key may do: scopes, and the roots that it is for. Pure. */
#ifndef C2_ACCESS_SCOPE_H
#define C2_ACCESS_SCOPE_H

#include "base/buf.h"
#include "base/limits.h"
#include "net/server.h"

#define C2_SCOPES_ALL (~0U)
/** As one bit of a mask. */
static inline unsigned c2_scope_bit(enum c2_scope scope)
{
    return 1U << scope;
}
/** "read,follow": names with commas or blanks between. follow, write and publish include read, admin all.
 * @errors CAT2_EINVAL names the word that is none. */
bool c2_scopes_parse(struct c2_str text, unsigned *out, struct cat2_error *err);
/** A list that parses to the mask; "" for none. */
void c2_scopes_format(unsigned scopes, char out[64]);
const char *c2_scope_name(enum c2_scope scope); /* "read" */

/** Patterns of root names (*, ?, [a-z]) with commas or blanks between, to one a line.
 *  @errors CAT2_EINVAL none, too long, or not the name of a root. */
bool c2_grants_parse(struct c2_str text, struct c2_buf *out, struct cat2_error *err);
/** Does one of the lines match? */
bool c2_grants_have(const char *lines, struct c2_str root);

#endif
