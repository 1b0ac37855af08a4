/* SPDX-License-Identifier: BSD-3-Clause */
/* How a service is seen from outside, for all its servers: beneath which path, through which proxies, and
 * what pages of other sites may do with its answers. Does not change while they run. All zero is a service
 * at the top of its host, without proxies, read by the pages of all sites, in frames of none. */
#ifndef C2_NET_EXPOSURE_H
#define C2_NET_EXPOSURE_H

#include "base/buf.h"
#include "net/subnet.h"

struct c2_exposure_settings {
    const char *base_path;       /* --base-path, or NULL: that of public_url */
    const char *public_url;      /* --public-url, or NULL */
    const char *trusted_proxies; /* networks, or NULL: none */
    const char *cors_origins;    /* origins, "*" or "none"; NULL: "*" */
    const char *frame_ancestors; /* 'self', 'none', origins, "*"; NULL: 'self' */
};
struct c2_exposure {
    char base_path[C2_PART_MAX + 1];   /* in front of paths where a proxy passes it on; "": at the top */
    char public_path[C2_PART_MAX + 1]; /* in front of paths in the addresses that browsers show */
    bool has_public_url;
    struct c2_subnets proxies;
    bool cors_named;           /* only the pages of `origins` may read answers */
    struct c2_buf origins;     /* one a line */
    char ancestors[1024];      /* of frames: the list of frame-ancestors */
    char content_policy[1200]; /* of what is not a page of ours */
};
/** @errors CAT2_EINVAL names the option. */
bool c2_exposure_init(struct c2_exposure *exposure, const struct c2_exposure_settings *settings,
                      struct cat2_error *err);
void c2_exposure_fini(struct c2_exposure *exposure);
/** May a page of this origin read answers? For sites that name origins. */
bool c2_exposure_allows(const struct c2_exposure *exposure, struct c2_str origin);
/** How many bytes at the start of a request's target are the base path. */
size_t c2_exposure_outer(const struct c2_exposure *exposure, const char *target);

extern const struct c2_exposure c2_exposure_default;

#endif
