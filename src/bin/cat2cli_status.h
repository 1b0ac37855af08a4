/* SPDX-License-Identifier: BSD-3-Clause */
/* cat2cli status: what services tell of themselves (/metrics), for people. */
#ifndef C2_BIN_CAT2CLI_STATUS_H
#define C2_BIN_CAT2CLI_STATUS_H

#include "bin/cat2cli.h"

#define C2_STATUS_SERVICES_MAX 64 /* addresses that are asked, one after another */

/* What one service told. Numbers it did not tell are 0; text is "". */
struct c2_service_status {
    const char *address;
    char error[300]; /* why it told nothing; "" */
    bool is_other;   /* it answers, but has no metrics of ours */
    bool ready, degraded;
    bool without_broker; /* it needs one, and is not connected */
    char program[32], version[32];
    char conditions[200]; /* why it is not ready, or degraded: names with ", " between */
    double uptime_s, requests, failures, resident, sent;
    bool is_subscriber;
    double cache, quota, wanted, missed, evictions, evicted, upstream_errors, event_streams;
    char *metrics; /* the whole text; NULL */
};
/* A root, as a subscriber or a publisher among those asked sees it. */
struct c2_root_status {
    char name[256], http[300]; /* http "": not known */
    int reachable, current;    /* 1 yes, 0 no, -1 nobody told */
    double unannounced;        /* changes that the broker does not know yet; -1: nobody told */
};
/** Ask it. timeouts are the client's. */
void c2_status_ask(cat2_client *client, struct c2_service_status *out);
void c2_status_fini(struct c2_service_status *status);
/** The next sample of `name` after *at: the value of one of its labels, without escapes ("" if it has none),
 * and its own. *at begins as the metrics, and goes on. false: there are no more. */
bool c2_status_next(const char **at, const char *name, const char *label, char *out, size_t room,
                    double *value);

/** `cat2cli status`: all is printed; false, with a reason, if something is down. */
bool c2_cli_status(const char *const *addresses, int n, const struct cat2_client_options *access, bool json,
                   struct cat2_error *err);

#endif
