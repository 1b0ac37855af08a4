/* SPDX-License-Identifier: BSD-3-Clause */
/* File descriptors are counted out: what a process may open is its limit (RLIMIT_NOFILE), and what its parts
 * may hold at a time is shared out at the start, so that the sum never exceeds it. */
#ifndef C2_BASE_FDS_H
#define C2_BASE_FDS_H

#include "base/exposition.h"

/* What a process is going to do. */
struct c2_fds_use {
    int nroots;   /* that it publishes */
    bool caches;  /* it keeps cache files */
    int nthreads; /* each may have a few files open for a moment */
    int nfronts;  /* I/O threads */
};
struct c2_fds_plan {
    int limit;       /* of the process */
    int connections; /* of clients, all servers together */
    int upstream;    /* connections to publishers and broker */
    int caches;      /* cache files open at a time */
    int items;       /* published datasets open at a time, all roots together */
    int kept;        /* of those, how many of each root stay open for the next request */
    bool tight;      /* the limit is too low even for the least of each */
};

/** Raise the limit to what the system allows (the hard limit); what it is then. */
int c2_fds_raise(void);
/** Share out `limit`. Pure. */
struct c2_fds_plan c2_fds_share(int limit, const struct c2_fds_use *use);
/** How many are open in this process now; -1: cannot be told. */
int c2_fds_open(void);
/** Both, for /metrics: process_open_fds, process_max_fds. */
void c2_fds_metrics(struct c2_metrics *m);

#endif
