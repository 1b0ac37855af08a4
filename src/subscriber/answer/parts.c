/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of flows with the same key, and their parts. */
#include "subscriber/answer/parts.h"

#include <stdlib.h>

#include "base/limits.h"
#include "base/list.h"

struct c2_part_group {
    struct c2_part_group *next;
    struct c2_views *views;
    struct c2_buf key; /* empty: of one flow alone */
    struct c2_flow *flows;
    struct c2_flow_part *parts;
};

/* ---- groups ---- */

static struct c2_part_group *find_group(struct c2_views *views, const struct c2_buf *key)
{
    struct c2_part_group *group = key->n ? views->groups : NULL;

    while (group && (group->key.n != key->n || memcmp(group->key.p, key->p, key->n) != 0))
        group = group->next;
    return group;
}

static struct c2_part_group *new_group(struct c2_views *views, const struct c2_buf *key)
{
    struct c2_part_group *group = calloc(1, sizeof(*group));
    struct cat2_error err;

    if (!group) return NULL;
    c2_buf_init(&group->key, key->max);
    if (!c2_buf_append(&group->key, key->p, key->n, &err)) {
        free(group);
        return NULL;
    }
    group->views = views;
    group->next = views->groups;
    views->groups = group;
    return group;
}

bool c2_flow_join(struct c2_flow *flow, struct cat2_error *err)
{
    struct c2_views *views = flow->view->ds->sub->views;
    struct c2_part_group *group = find_group(views, &flow->view->key);

    if (!group) group = new_group(views, &flow->view->key);
    if (!group) return c2_fail_nomem(err, "answer");
    flow->group = group;
    flow->next = group->flows;
    group->flows = flow;
    return true;
}

void c2_flow_leave(struct c2_flow *flow)
{
    struct c2_part_group *group = flow->group;

    if (!group) return;
    for (int i = 0; i < C2_PARTS_AHEAD; i++)
        if (flow->slots[i]) c2_flow_drop_part(flow, flow->slots[i]->i);
    c2_chain_remove(group->flows, flow, next);
    flow->group = NULL;
    if (group->flows) return;
    C2_ASSERT(!group->parts);
    c2_chain_remove(group->views->groups, group, next);
    c2_buf_fini(&group->key);
    free(group);
}

/* ---- parts ---- */

static void free_part(struct c2_flow_part *part)
{
    c2_chain_remove(part->group->parts, part, next);
    c2_spill_leave(part->group->views->spill, &part->wait);
    c2_held_release(&part->held);
    free(part);
}

static bool part_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct c2_flow_part *part = ctx;
    struct c2_view *view = part->maker->view;
    C2_AUTO(c2_buf) out = C2_BUF_INIT((size_t)C2_CHUNK_CBYTES_MAX);

    if (!view->type->run(view, reading, part->i, &out, err)) return false;
    c2_held_fill(&part->held, &out);
    return true;
}

static bool part_wanted(void *ctx)
{
    const struct c2_flow_part *part = ctx;

    return part->nholders > 0;
}

static void tell(struct c2_flow_part *part)
{
    struct c2_flow *next;

    for (struct c2_flow *flow = part->group->flows; flow; flow = next) {
        next = flow->next;
        if (flow->slots[part->i % C2_PARTS_AHEAD] == part) flow->progress(flow, part);
    }
}

static void begin_part(void *ctx);

static void part_done(void *ctx, const struct cat2_error *err)
{
    struct c2_flow_part *part = ctx;
    struct c2_flow *maker = part->maker;
    bool left = atomic_load(&maker->view->asker.cancel.now);

    part->maker = NULL;
    part->stage = err ? C2_PART_FAILED : C2_PART_READY;
    if (err) {
        part->err = *err;
        c2_held_release(&part->held);
    } else {
        c2_views_used(part->group->views, (size_t)part->held.n);
    }
    part->nholders++; /* until all are told */
    if (err && err->code == CAT2_ECANCELLED && left && part->nholders > 1)
        begin_part(part); /* others want it, who are still here */
    else
        tell(part);
    if (--part->nholders == 0 && part->stage != C2_PART_MAKING) free_part(part);
    if (--maker->busy == 0) maker->unbusy(maker);
}

/* Somebody who waits for it, and is still here. */
static struct c2_flow *find_maker(const struct c2_flow_part *part)
{
    struct c2_flow *flow = part->group->flows;

    while (flow && (flow->gone || flow->slots[part->i % C2_PARTS_AHEAD] != part ||
                    atomic_load(&flow->view->asker.cancel.now)))
        flow = flow->next;
    return flow;
}

/* Bytes that it will have, about. */
static size_t estimate(const struct c2_view *view)
{
    return (size_t)(view->parts.part_nbytes * c2_max_i64(1, view->type->growth));
}

static void begin_part(void *ctx)
{
    static const struct c2_reader reader = {.work = part_work, .done = part_done, .wanted = part_wanted};
    struct c2_flow_part *part = ctx;
    struct c2_spill *spill = part->group->views->spill;
    struct c2_flow *maker = find_maker(part);
    struct c2_bound bound;

    part->stage = C2_PART_WAITS;
    if (!maker) return; /* those who hold it are leaving */
    if (!c2_spill_reserve(spill, estimate(maker->view), &part->held)) {
        c2_spill_wait(spill, &part->wait, begin_part, part);
        return;
    }
    part->stage = C2_PART_MAKING;
    part->maker = maker;
    maker->busy++;
    struct c2_pieces pieces = c2_view_pieces(maker->view, part->i, &bound);
    c2_read(&part->read, maker->view->ds, &pieces, &reader, part);
}

static struct c2_flow_part *find_part(struct c2_part_group *group, int64_t i)
{
    struct c2_flow_part *part = group->key.n ? group->parts : NULL;

    while (part && (part->i != i || part->stage == C2_PART_FAILED))
        part = part->next;
    return part;
}

bool c2_flow_start_part(struct c2_flow *flow, struct cat2_error *err)
{
    struct c2_part_group *group = flow->group;
    struct c2_flow_part *part = find_part(group, flow->next_start);
    bool fresh = !part;

    if (fresh) part = calloc(1, sizeof(*part));
    if (!part) return c2_fail_nomem(err, "answer");
    flow->slots[flow->next_start % C2_PARTS_AHEAD] = part;
    part->nholders++;
    group->views->shared += !fresh;
    int64_t i = flow->next_start++;
    if (!fresh) {
        if (part->stage == C2_PART_WAITS && !part->wait.waits) begin_part(part); /* all others had left */
        return true;
    }
    part->i = i; /* it stays: workers read it */
    part->group = group;
    part->next = group->parts;
    group->parts = part;
    begin_part(part);
    return true;
}

void c2_flow_drop_part(struct c2_flow *flow, int64_t i)
{
    struct c2_flow_part *part = flow->slots[i % C2_PARTS_AHEAD];

    flow->slots[i % C2_PARTS_AHEAD] = NULL;
    if (--part->nholders == 0 && part->stage != C2_PART_MAKING) free_part(part);
}
