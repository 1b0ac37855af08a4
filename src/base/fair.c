/* SPDX-License-Identifier: BSD-3-Clause */
/* Each class has a clock: where its next task starts, if every class had been served alike. The class whose
 * clock is behind all others is next. One that was idle begins at the present, so it has saved up nothing. */
#include "base/fair.h"

#include <string.h>

#define COST_MAX (INT64_MAX / 1024) /* so that clocks do not overflow: they are set back before */

static uint8_t class_of(uint64_t client)
{
    client *= UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(client >> 56);
}

void c2_fair_push(struct c2_fair *fair, struct c2_task *task)
{
    uint8_t i = class_of(task->client);
    struct c2_fair_class *class = &fair->classes[i];

    task->next = NULL;
    fair->n++;
    class->n++;
    if (class->first) {
        class->last->next = task;
        class->last = task;
        return;
    }
    class->first = class->last = task;
    if (class->start < fair->now) class->start = fair->now;
    fair->active[fair->nactive++] = i;
}

/* No class has tasks: all clocks may begin anew. */
static void set_back(struct c2_fair *fair)
{
    if (fair->n || fair->now < COST_MAX) return;
    fair->now = 0;
    for (size_t i = 0; i < C2_FAIR_CLASSES; i++)
        fair->classes[i].start = 0;
}

static void leave(struct c2_fair *fair, size_t at)
{
    memmove(&fair->active[at], &fair->active[at + 1], (size_t)(fair->nactive - at - 1));
    fair->nactive--;
}

struct c2_task *c2_fair_pop_if(struct c2_fair *fair, bool (*may)(void *ctx, const struct c2_task *task),
                               void *ctx)
{
    size_t at = fair->nactive;

    for (size_t i = 0; i < fair->nactive; i++) {
        const struct c2_fair_class *class = &fair->classes[fair->active[i]];
        bool earlier = at == fair->nactive || class->start < fair->classes[fair->active[at]].start;
        if (earlier && (!may || may(ctx, class->first))) at = i;
    }
    if (at == fair->nactive) return NULL;
    struct c2_fair_class *class = &fair->classes[fair->active[at]];
    struct c2_task *task = class->first;
    int64_t cost = task->cost < COST_MAX / 1024 ? task->cost : COST_MAX / 1024;
    fair->now = class->start;
    class->start += cost > 0 ? cost : 1;
    class->first = task->next;
    class->n--;
    fair->n--;
    if (!class->first) leave(fair, at);
    set_back(fair);
    return task;
}

struct c2_task *c2_fair_pop(struct c2_fair *fair)
{
    return c2_fair_pop_if(fair, NULL, NULL);
}

size_t c2_fair_nof(const struct c2_fair *fair, uint64_t client)
{
    return fair->classes[class_of(client)].n;
}

bool c2_fair_remove(struct c2_fair *fair, struct c2_task *task)
{
    uint8_t i = class_of(task->client);
    struct c2_fair_class *class = &fair->classes[i];
    struct c2_task *before = NULL, *here = class->first;

    while (here && here != task) {
        before = here;
        here = here->next;
    }
    if (!here) return false;
    *(before ? &before->next : &class->first) = task->next;
    if (class->last == task) class->last = before;
    class->n--;
    fair->n--;
    for (size_t at = 0; !class->first && at < fair->nactive; at++)
        if (fair->active[at] == i) {
            leave(fair, at);
            break;
        }
    return true;
}
