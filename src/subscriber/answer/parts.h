/* SPDX-License-Identifier: BSD-3-Clause */
/* Parts of answers that are sent as they are made. Requests for the same answer that are under way at the
 * same time share their parts: each is made once, and held once. Loop thread. */
#ifndef C2_SUBSCRIBER_ANSWER_PARTS_H
#define C2_SUBSCRIBER_ANSWER_PARTS_H

#include "subscriber/answer/view_impl.h"
#include "subscriber/fetch/ahead.h"

#define C2_PARTS_AHEAD 3

struct c2_flow;
struct c2_flow_part {
    struct c2_flow_part *next; /* of its group */
    struct c2_part_group *group;
    int64_t i;
    enum { C2_PART_WAITS, C2_PART_MAKING, C2_PART_READY, C2_PART_FAILED } stage;
    int nholders;          /* flows that are to send it */
    struct c2_flow *maker; /* while it is made: the flow whose view makes it */
    struct c2_read read;
    struct c2_spill_wait wait; /* for room */
    struct c2_held held;       /* READY */
    struct cat2_error err;     /* FAILED */
};
/* One answer on its way to one client. */
struct c2_flow {
    struct c2_flow *next; /* of its group */
    struct c2_part_group *group;
    struct c2_view *view;
    struct c2_request *req;
    struct c2_flow_part *slots[C2_PARTS_AHEAD]; /* part i in slot i % C2_PARTS_AHEAD */
    int64_t next_start, next_send;
    struct c2_ahead ahead;
    enum { C2_FLOW_HEAD, C2_FLOW_PARTS, C2_FLOW_TAIL, C2_FLOW_END } stage;
    size_t sent; /* of head, the part at hand, or tail */
    int busy;    /* parts that its view is making: it stays until then */
    bool begun;  /* the status was sent */
    bool gone;   /* the client left, or was told what is wrong */
    /** A part is ready, or has failed. Implemented by who sends; it frees the flow when that is over. */
    void (*progress)(struct c2_flow *flow, struct c2_flow_part *part);
    void (*unbusy)(struct c2_flow *flow); /* busy has become 0 */
};
/** Among those who ask for the same. @errors CAT2_ENOMEM. */
bool c2_flow_join(struct c2_flow *flow, struct cat2_error *err);
/** It holds no part any more. */
void c2_flow_leave(struct c2_flow *flow);
/** Make part next_start, or share it: into its slot. progress() is told later. @errors CAT2_ENOMEM. */
bool c2_flow_start_part(struct c2_flow *flow, struct cat2_error *err);
void c2_flow_drop_part(struct c2_flow *flow, int64_t i);

#endif
