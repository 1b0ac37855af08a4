/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP client on the loop: pooled connections, many requests in parallel. Loop thread only. */
#ifndef C2_NET_HTTP_CLIENT_H
#define C2_NET_HTTP_CLIENT_H

#include "http/multi.h"
#include "net/loop.h"

struct c2_http;
/** @param total_max  connections at a time, idle ones too; further requests wait in line. */
bool c2_http_new(struct c2_loop *loop, int per_host_max, int total_max, struct c2_http **out,
                 struct cat2_error *err);
/** Keys that requests carry (http/keyring.h); borrowed, NULL: none. */
void c2_http_use_keys(struct c2_http *http, const struct c2_keyring *keys);
const struct c2_keyring *c2_http_keys(const struct c2_http *http);
/** Whose certificates are believed; borrowed, NULL: those the system trusts. */
void c2_http_set_authorities(struct c2_http *http, const struct c2_authorities *authorities);
const struct c2_authorities *c2_http_authorities(const struct c2_http *http);
void c2_http_free(struct c2_http *http); /* calls done() of what is under way with CAT2_ECANCELLED */

/** Which addresses may be asked; of calls that are not `known`. */
void c2_http_judge_by(struct c2_http *http, c2_http_judge *judge, void *ctx);

struct c2_http_flight;
/** Never calls back before it returns. NULL (and done() deferred with the error) only when out of memory. */
struct c2_http_flight *c2_http_start(struct c2_http *http, const struct c2_http_call *call);
/** done() is not called any more. */
void c2_http_cancel(struct c2_http_flight *flight);

#endif
