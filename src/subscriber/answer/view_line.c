/* SPDX-License-Identifier: BSD-3-Clause */
/* Views that hold much memory while they are made wait for a place, each client in its turn; heavy ones in a
 * line of their own. */
#include "base/hash.h"
#include "subscriber/answer/view_impl.h"

#define OF_A_CLIENT      6   /* of the places: two are left to others */
#define LINE_MAX         512 /* that wait; more are told to come back */
#define LINE_OF_A_CLIENT 64
#define SOME_MEMORY      (2 << 20)          /* that every view may take while a worker makes it */
#define HEAVY_COST       ((int64_t)1 << 30) /* bytes decoded, about: passes over a table, a plugin's doings */

uint64_t c2_view_client(const struct c2_request *req)
{
    uint8_t client[16];

    c2_peer_client(c2_request_peer(req)->address, client);
    return c2_hash64(client, sizeof(client));
}

static int places_of(const struct c2_views *views, uint64_t client)
{
    int n = 0;

    for (int i = 0; i < views->running; i++)
        n += views->clients[i] == client;
    return n;
}

static bool may_begin(void *ctx, const struct c2_task *turn)
{
    return places_of(ctx, turn->client) < OF_A_CLIENT;
}

static void take_place(struct c2_views *views, struct c2_view *view)
{
    views->clients[views->running++] = view->turn.client;
    views->heavy |= view->ticket.heavy;
    view->ticket.placed = true;
    view->ticket.client = view->turn.client;
}

/* Its memory and its time are those of any other request. */
static bool needs_no_place(const struct c2_view *view)
{
    if (!view->type->in_line) return view->memory <= SOME_MEMORY;
    return view->cost >= 0 && view->cost <= 2 * (int64_t)C2_POOL_SMALL;
}

static void stand(struct c2_views *views, struct c2_view *view)
{
    view->turn.cost = view->ticket.heavy ? HEAVY_COST : view->cost >= 0 ? view->cost : C2_POOL_SMALL;
    view->stage = C2_VIEW_IN_LINE;
    c2_fair_push(view->ticket.heavy ? &views->heavies : &views->line, &view->turn);
}

enum c2_line_place c2_line_enter(struct c2_view *view, void (*begin)(struct c2_view *view))
{
    struct c2_views *views = view->ds->sub->views;
    uint64_t client = view->turn.client;

    view->ticket.heavy = view->type->is_heavy && view->type->is_heavy(view);
    if (!view->ticket.heavy && needs_no_place(view)) return C2_LINE_BEGIN;
    bool place = views->running < C2_VIEW_AT_ONCE_MAX && places_of(views, client) < OF_A_CLIENT;
    if (place && !(view->ticket.heavy && views->heavy)) {
        take_place(views, view);
        return C2_LINE_BEGIN;
    }
    size_t ours = c2_fair_nof(&views->line, client) + c2_fair_nof(&views->heavies, client);
    if (views->line.n + views->heavies.n >= LINE_MAX || ours >= LINE_OF_A_CLIENT) {
        views->refused++;
        return C2_LINE_FULL;
    }
    view->begin = begin;
    stand(views, view);
    return C2_LINE_WAIT;
}

void c2_line_leave(struct c2_view *view)
{
    struct c2_views *views = view->ds->sub->views;

    if (view->stage != C2_VIEW_IN_LINE) return;
    c2_fair_remove(view->ticket.heavy ? &views->heavies : &views->line, &view->turn);
    view->stage = C2_VIEW_NEW;
}

static struct c2_view *next(struct c2_views *views)
{
    struct c2_task *turn = views->heavy ? NULL : c2_fair_pop_if(&views->heavies, may_begin, views);

    if (!turn) turn = c2_fair_pop_if(&views->line, may_begin, views);
    return (struct c2_view *)turn; /* its first member */
}

void c2_line_give_place(struct c2_views *views, const struct c2_line_ticket *ticket)
{
    int i = 0;

    if (!ticket->placed) return;
    while (i < views->running && views->clients[i] != ticket->client)
        i++;
    C2_ASSERT(i < views->running);
    views->clients[i] = views->clients[--views->running];
    if (ticket->heavy) views->heavy = false;
    for (struct c2_view *view; views->running < C2_VIEW_AT_ONCE_MAX && (view = next(views));) {
        view->stage = C2_VIEW_NEW;
        /* What it waited for may have been found by another. */
        view->ticket.heavy = view->type->is_heavy && view->type->is_heavy(view);
        if (view->ticket.heavy && views->heavy) {
            stand(views, view);
            continue;
        }
        take_place(views, view);
        view->begin(view);
    }
}
