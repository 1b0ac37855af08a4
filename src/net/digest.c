/* SPDX-License-Identifier: BSD-3-Clause */
/* The header by which a digest is asked for. */
#include "net/digest.h"

/* "sha-256=10, sha-512=3": a preference of 0 is none. */
bool c2_digest_wanted(const struct c2_request *req)
{
    struct c2_str rest, part, name, value;
    int64_t preference;

    if (!c2_request_header(req, "Want-Repr-Digest", &rest)) return false;
    for (bool more = true; more;) {
        more = c2_str_cut(rest, ',', &part, &rest);
        bool valued = c2_str_cut(c2_str_trim(part), '=', &name, &value);
        if (!c2_str_eq_nocase(c2_str_trim(name), C2_STR("sha-256"))) continue;
        return !valued || (c2_str_to_i64(c2_str_trim(value), &preference) && preference > 0);
    }
    return false;
}
