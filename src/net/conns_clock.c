/* SPDX-License-Identifier: BSD-3-Clause */
/* Once a second: connections whose time is over are closed, and those whose client has sent its end. */
#include <sys/socket.h>

#include "base/log.h"
#include "net/conns_impl.h"

/* libmicrohttpd is told of a request and of the end that comes with it at once. It reads the request, and
 * does not hear of the end again. */
static bool let_ended_go(struct c2_conns *conns)
{
    struct c2_crowd_member *member = c2_crowd_idle_since(&conns->crowd, NULL, conns->looked_ms), *next;
    bool some = false;
    char byte;

    for (; member; member = next) {
        struct c2_conn *conn = (struct c2_conn *)member;
        next = c2_crowd_idle_since(&conns->crowd, member, conns->looked_ms);
        if (recvfrom(conn->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT, NULL, NULL) != 0) continue;
        c2_conn_let_go(conn);
        some = true;
    }
    return some;
}

void c2_conns_tick(void *ctx)
{
    struct c2_conns *conns = ctx;
    int64_t now = c2_conns_now_ms(conns);
    bool some = let_ended_go(conns);

    conns->looked_ms = now;
    for (;;) {
        struct c2_conn *conn = (struct c2_conn *)c2_crowds_late(conns->crowds, &conns->crowd, now);
        if (!conn) break;
        bool body = conn->member.state == C2_MEMBER_BODY;
        if (body && conn->intake.nbody - conn->nbody_was >= C2_CROWD_BODY_MIN) {
            conn->nbody_was = conn->intake.nbody;
            c2_crowds_set(conns->crowds, &conns->crowd, &conn->member, C2_MEMBER_BODY, now);
            continue;
        }
        some = true;
        conns->counts.late++;
        if (conn->member.state != C2_MEMBER_IDLE)
            c2_log_debug("http: closed a connection of %s: its request was not whole in time",
                         conn->peer.text);
        c2_conn_let_go(conn);
    }
    if (some) conns->run(conns->run_ctx);
    c2_linger_tick(&conns->lingerers);
}
