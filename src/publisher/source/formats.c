/* SPDX-License-Identifier: BSD-3-Clause */
/* The formats of containers, a row each. */
#include "publisher/source/container.h"

extern const struct c2_format c2_format_hdf5, c2_format_b2z, c2_format_zarr;

const struct c2_format *c2_formats[C2_FORMATS_MAX + 1] = {
    &c2_format_hdf5,
    &c2_format_b2z,
    &c2_format_zarr,
};

enum c2_claim c2_formats_probe(const struct c2_candidate *candidate, const struct c2_format **format,
                               const char **why)
{
    enum c2_claim best = C2_CLAIM_NONE;

    *format = NULL;
    *why = NULL;
    for (const struct c2_format *const *at = c2_formats; *at; at++) {
        const char *reason = NULL;
        if (candidate->is_dir && !(*at)->has_folders) continue;
        enum c2_claim claim = (*at)->probe(candidate, &reason);
        if (claim > best) *format = *at;
        if (claim > best || !*why) *why = reason;
        if (claim > best) best = claim;
    }
    return best;
}

bool c2_formats_have_folders(void)
{
    for (const struct c2_format *const *at = c2_formats; *at; at++)
        if ((*at)->has_folders) return true;
    return false;
}
