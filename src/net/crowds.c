/* SPDX-License-Identifier: BSD-3-Clause */
/* One lock for all of them: what is done under it takes less than a microsecond. */
#include "net/crowds.h"

#include <stdlib.h>

void c2_crowds_lock(const struct c2_crowds *crowds)
{
    if (crowds->room > 1) pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&crowds->lock);
}

void c2_crowds_unlock(const struct c2_crowds *crowds)
{
    if (crowds->room > 1) pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&crowds->lock);
}

bool c2_crowds_init(struct c2_crowds *crowds, int n)
{
    *crowds = (struct c2_crowds){.all = calloc((size_t)n, sizeof(struct c2_crowd *)), .room = n};
    pthread_mutex_init(&crowds->lock, NULL);
    return crowds->all != NULL;
}

void c2_crowds_fini(struct c2_crowds *crowds)
{
    pthread_mutex_destroy(&crowds->lock);
    free(crowds->all);
}

bool c2_crowds_add(struct c2_crowds *crowds, struct c2_crowd *crowd, size_t max)
{
    if (!c2_crowd_init(crowd, max)) return false;
    c2_crowds_lock(crowds);
    crowds->max = max;
    crowds->all[crowds->n++] = crowd;
    c2_crowds_unlock(crowds);
    return true;
}

void c2_crowds_remove(struct c2_crowds *crowds, struct c2_crowd *crowd)
{
    c2_crowds_lock(crowds);
    for (int i = 0; i < crowds->n; i++)
        if (crowds->all[i] == crowd) {
            crowds->all[i] = crowds->all[--crowds->n];
            break;
        }
    c2_crowds_unlock(crowds);
    c2_crowd_fini(crowd);
}

/* The lock is held. */
static size_t members(const struct c2_crowds *crowds)
{
    size_t n = 0;

    for (int i = 0; i < crowds->n; i++)
        n += crowds->all[i]->n;
    return n;
}

size_t c2_crowds_n(const struct c2_crowds *crowds)
{
    c2_crowds_lock(crowds);
    size_t n = members(crowds);
    c2_crowds_unlock(crowds);
    return n;
}

size_t c2_crowds_count(const struct c2_crowds *crowds, const uint8_t address[16])
{
    size_t n = 0;

    c2_crowds_lock(crowds);
    for (int i = 0; i < crowds->n; i++)
        n += c2_crowd_count(crowds->all[i], address);
    c2_crowds_unlock(crowds);
    return n;
}

bool c2_crowds_join(struct c2_crowds *crowds, struct c2_crowd *crowd, struct c2_crowd_member *member,
                    const uint8_t address[16], int64_t now_ms)
{
    c2_crowds_lock(crowds);
    bool ok = members(crowds) < crowds->max && c2_crowd_join(crowd, member, address, now_ms);
    c2_crowds_unlock(crowds);
    return ok;
}

void c2_crowds_leave(struct c2_crowds *crowds, struct c2_crowd *crowd, struct c2_crowd_member *member)
{
    c2_crowds_lock(crowds);
    c2_crowd_leave(crowd, member);
    c2_crowds_unlock(crowds);
}

void c2_crowds_set(struct c2_crowds *crowds, struct c2_crowd *crowd, struct c2_crowd_member *member,
                   enum c2_member_state state, int64_t now_ms)
{
    c2_crowds_lock(crowds);
    c2_crowd_set(crowd, member, state, now_ms);
    c2_crowds_unlock(crowds);
}

struct c2_crowd_member *c2_crowds_yielding(struct c2_crowds *crowds, struct c2_crowd *crowd,
                                           const uint8_t *address)
{
    c2_crowds_lock(crowds);
    struct c2_crowd_member *member = c2_crowd_yielding(crowd, address);
    c2_crowds_unlock(crowds);
    return member;
}

struct c2_crowd_member *c2_crowds_late(struct c2_crowds *crowds, const struct c2_crowd *crowd, int64_t now_ms)
{
    c2_crowds_lock(crowds);
    struct c2_crowd_member *member = c2_crowd_late(crowd, now_ms);
    c2_crowds_unlock(crowds);
    return member;
}

struct c2_crowd *c2_crowds_whose(const struct c2_crowds *crowds, const uint8_t *address, int64_t before_ms)
{
    const struct c2_crowd_member *chosen = NULL;
    struct c2_crowd *best = NULL;
    size_t most = 0;

    for (int i = 0; i < crowds->n; i++) {
        const struct c2_crowd_member *member = c2_crowd_yielding(crowds->all[i], address);
        size_t n = address ? c2_crowd_count(crowds->all[i], address) : crowds->all[i]->n;
        bool better = member && (!chosen || member->proven < chosen->proven ||
                                 (member->proven == chosen->proven && n > most));
        if (!better) continue;
        chosen = member;
        best = crowds->all[i];
        most = n;
    }
    return chosen && chosen->since_ms <= before_ms ? best : NULL;
}
