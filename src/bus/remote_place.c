/* SPDX-License-Identifier: BSD-3-Clause */
/* Which of several places the remote bus is at. One that goes away is left for the next. One that is named
 * before the place it is at is tried beside it, and taken when it opens. One that is to be avoided is left,
 * and asked only where all are. */
#include <stdio.h>

#include "base/log.h"
#include "bus/remote_impl.h"
#include "net/address.h"

#define LOOK_MS     1000  /* until a place that is named before is tried; twice as long each time */
#define LOOK_MAX_MS 30000 /* one that comes back after long is found again within it */
#define STEADY_MS   60000 /* a place that stayed so long may be tried soon again when it is lost */

/* As its address is written; a connection tells more. */
static bool looks_here(const char *broker)
{
    struct c2_hostport place;
    struct cat2_error ignored;

    if (!c2_hostport_parse(c2_str_of(broker), &place, &ignored)) return false;
    return place.is_address ? c2_address_is_here(place.address) : c2_hostport_is_localhost(&place);
}

static void end_trial(struct c2_remote *r)
{
    c2_ws_abort(r->trial);
    r->trial = NULL;
}

/* What is known of the last place is not known of this one. */
void c2_remote_go_to(struct c2_remote *r, int at)
{
    if (r->tried >= at) end_trial(r); /* it is not named before this one */
    r->at = at;
    r->visit++;
    r->broker = r->places[at].broker;
    r->tls = r->places[at].tls;
    r->here = looks_here(r->broker);
    r->hashed = r->known_ours = r->rest_hashed = r->silent = false;
    r->doubts = 0;
}

bool c2_remote_read_places(struct c2_remote *r, struct c2_str lines, struct cat2_error *err)
{
    struct c2_str line;

    do {
        struct c2_remote_place *place = &r->places[r->nplaces++];
        bool more = c2_str_cut(lines, '\n', &line, &lines);
        if (!c2_service_address(line, place->broker, sizeof(place->broker), &place->tls, err)) return false;
        if (!more) return true;
    } while (r->nplaces < C2_BUS_PLACES_MAX);
    return c2_fail(err, CAT2_EINVAL, "more than %d of them", C2_BUS_PLACES_MAX);
}

/* ---- which ---- */

/* After this one, in turn. Where all others are to be avoided it is this one, unless that is as well. */
static int next_of(const struct c2_remote *r, int at)
{
    for (int i = 1; i <= r->nplaces; i++)
        if (!r->places[(at + i) % r->nplaces].avoided) return (at + i) % r->nplaces;
    return (at + 1) % r->nplaces;
}

/* Before the place it is at, after the last one that was tried, in turn; -1: none. */
static int to_try(const struct c2_remote *r)
{
    for (int i = 1; i <= r->at; i++)
        if (!r->places[(r->tried + i) % r->at].avoided) return (r->tried + i) % r->at;
    return -1;
}

void c2_remote_go_on(struct c2_remote *r, bool was_up)
{
    if (r->nplaces < 2) return;
    if (was_up && c2_loop_now_ms(r->loop) - r->opened_ms >= STEADY_MS) r->nlooks = 0;
    c2_remote_go_to(r, next_of(r, r->at));
}

/* ---- going there ---- */

/* From a place that is there; calls on it fail. */
static void leave(struct c2_remote *r)
{
    struct cat2_error err;

    c2_fail(&err, CAT2_EUPSTREAM, "broker %.100s was left for another one", r->broker);
    c2_timer_stop(r->timer);
    r->timer = NULL;
    c2_ws_abort(r->ws);
    r->ws = NULL;
    r->up = false;
    c2_remote_end_calls(r, &err);
}

static void on_trial_open(void *ctx, struct c2_ws *ws)
{
    struct c2_remote *r = ctx;

    c2_log_info("broker %s is there again: it is named before %s", r->places[r->tried].broker, r->broker);
    r->trial = NULL;
    leave(r);
    c2_remote_go_to(r, r->tried);
    r->ws = ws;
    c2_remote_opened(r, ws);
}

static void on_trial_close(void *ctx, struct c2_ws *ws, int code, const char *reason)
{
    struct c2_remote *r = ctx;

    if (ws != r->trial) { /* it was taken */
        c2_remote_closed(r, ws, code, reason);
        return;
    }
    r->trial = NULL;
    c2_remote_look(r);
}

static void try_one(struct c2_remote *r)
{
    static const struct c2_ws_events events = {on_trial_open, c2_remote_on_text, on_trial_close, NULL};
    int at = to_try(r);
    char url[400];

    if (at < 0 || r->trial) return;
    r->tried = at;
    c2_remote_url(&r->places[at], url);
    r->trial = c2_ws_connect(r->loop, url, c2_http_keys(r->http), c2_http_authorities(r->http), &events, r);
    if (!r->trial) c2_remote_look(r);
}

static void on_look(void *ctx)
{
    struct c2_remote *r = ctx;
    int next = next_of(r, r->at);

    r->look = NULL;
    if (r->places[r->at].avoided && !r->places[next].avoided) {
        c2_log_info("broker %s is left for %s", r->broker, r->places[next].broker);
        leave(r);
        c2_remote_go_to(r, next);
        c2_remote_connect(r);
    } else if (r->up || r->silent) { /* else the next place is tried already */
        try_one(r);
    }
}

static void look_later(struct c2_remote *r, int64_t ms)
{
    c2_timer_stop(r->look);
    r->look = r->freed ? NULL : c2_timer_start(r->loop, ms, 0, on_look, r);
}

void c2_remote_look(struct c2_remote *r)
{
    if (r->at == 0 || r->freed) return;
    look_later(r, c2_min_i64(LOOK_MAX_MS, (int64_t)LOOK_MS << c2_min_i64(r->nlooks, 10)));
    r->nlooks++;
}

void c2_remote_look_stop(struct c2_remote *r)
{
    c2_timer_stop(r->look);
    r->look = NULL;
    end_trial(r);
}

void c2_remote_avoid(struct c2_remote *r, int at, bool avoid)
{
    if (at >= r->nplaces || r->places[at].avoided == avoid) return;
    r->places[at].avoided = avoid;
    if (avoid && r->tried == at) end_trial(r);
    if (r->places[r->at].avoided || at < r->at) look_later(r, 0);
}
