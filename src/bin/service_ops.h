/* SPDX-License-Identifier: BSD-3-Clause */
/* What every service tells whoever runs it: /healthz, /readyz, /metrics, the access log, and the service
 * manager (systemd's protocol, without its library). */
#ifndef C2_BIN_SERVICE_OPS_H
#define C2_BIN_SERVICE_OPS_H

#include "bin/service.h"
#include "bin/service_rest.h"

struct c2_ops {
    const struct c2_service *service;
    const struct c2_service_role *roles;
    void **states;
    size_t nroles;
    bool stopping;
    struct c2_timer *watchdog;
    struct c2_rest rest;
};
/** Add the routes, start the access log and the signs of life that the service manager waits for.
 * @errors CAT2_ENOMEM. */
bool c2_ops_start(struct c2_ops *ops, struct cat2_error *err);
/** Before the loop is freed. */
void c2_ops_stop(struct c2_ops *ops);
/** Tell whoever started us, if it listens: "READY=1". */
void c2_notify(const char *text);

#endif
