/* SPDX-License-Identifier: BSD-3-Clause */
/* A bus that is the hub in this very process. */
#ifndef C2_BUS_LOCAL_H
#define C2_BUS_LOCAL_H
#include "bus/hub.h"
#include "net/loop.h"
/** hub is borrowed; always connected. Callbacks are deferred on the loop. */
bool c2_bus_local_new(struct c2_loop *loop, struct c2_hub *hub, struct c2_bus **out, struct cat2_error *err);
#endif
