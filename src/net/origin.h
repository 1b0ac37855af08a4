/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose requests are answered: under which names a service may be asked for, and what a page of another site
 * may do in a browser: read. Decided in one place for all services, before a route's handler. */
#ifndef C2_NET_ORIGIN_H
#define C2_NET_ORIGIN_H

#include "base/buf.h"

#define C2_ORIGIN_WHY_MAX 400 /* bytes of the reason of a refusal */

/* The names of a service, for all its servers. Does not change while they run. All zero: none is known. */
struct c2_hosts {
    struct c2_buf names;   /* one a line */
    bool listed;           /* --allowed-hosts was given: no others, wherever a server listens */
    bool any;              /* "*" is among them */
    char public_url[1024]; /* --public-url as given; "": it was not */
};
/** @param allowed  --allowed-hosts: names with blanks, commas or line ends between; NULL: not given.
 *  @param public_url  HOST:PORT or http[s]://HOST[:PORT][/PATH], or NULL.
 *  The name of this machine is added. @errors CAT2_EINVAL: not a name. */
bool c2_hosts_init(struct c2_hosts *hosts, const char *allowed, const char *public_url,
                   struct cat2_error *err);
void c2_hosts_fini(struct c2_hosts *hosts);

/* One server. */
struct c2_origin {
    const struct c2_hosts *hosts; /* borrowed; NULL: every name is ours */
    bool loopback;                /* it listens at a loopback address */
    char host[256];               /* of --http */
};
/* What is known of a request; headers that are not there have p NULL. */
struct c2_origin_asked {
    bool changes; /* neither GET, HEAD nor OPTIONS, or an upgrade of the connection */
    bool body;    /* has one that is not empty */
    struct c2_str host, origin, site /* Sec-Fetch-Site */, type /* of the body */;
    struct c2_str outer; /* the host that a trusted proxy was asked for */
};
/** The status of the refusal, with its reason: 421 (Host), 403 (another site); 0: none. */
int c2_origin_judge(const struct c2_origin *at, const struct c2_origin_asked *asked,
                    char why[C2_ORIGIN_WHY_MAX]);
/** The same of the body of a route that takes no forms: 415, or 0. */
int c2_origin_judge_body(const struct c2_origin_asked *asked, char why[C2_ORIGIN_WHY_MAX]);

/** Would somebody on this machine ask a server on `port` under this name (a Host header, or none)? */
bool c2_origin_means_here(const struct c2_origin *at, int port, struct c2_str host);

#endif
