/* SPDX-License-Identifier: BSD-3-Clause */
/* All but the search for the address with most members takes the same time however many there are. */
#include "net/crowd.h"
#include "base/list.h"
#include "net/peer.h"

#include <stdlib.h>
#include <string.h>

#define NKEYS 4096 /* chains: four addresses in each when every member has its own */

struct c2_crowd_address {
    struct c2_crowd_address *chain;       /* of by_key */
    struct c2_crowd_address *prev, *next; /* of by_count */
    uint8_t key[16];
    size_t n;
    struct c2_crowd_list yields[2]; /* the one that waits longest in front; [1]: of the proven ones */
};

/* ---- lists ---- */

static struct c2_crowd_links *waiting_of(struct c2_crowd_member *member)
{
    return &member->waiting;
}
static struct c2_crowd_links *yields_of(struct c2_crowd_member *member)
{
    return &member->yields;
}
typedef struct c2_crowd_links *links_of(struct c2_crowd_member *member);

static void append(struct c2_crowd_list *list, struct c2_crowd_member *member, links_of *of)
{
    *of(member) = (struct c2_crowd_links){list->last, NULL};
    if (list->last)
        of(list->last)->next = member;
    else
        list->first = member;
    list->last = member;
    list->n++;
}

static void take_out(struct c2_crowd_list *list, struct c2_crowd_member *member, links_of *of)
{
    struct c2_crowd_links *links = of(member);

    if (links->prev)
        of(links->prev)->next = links->next;
    else
        list->first = links->next;
    if (links->next)
        of(links->next)->prev = links->prev;
    else
        list->last = links->prev;
    list->n--;
}

static bool may_yield(enum c2_member_state state)
{
    return state == C2_MEMBER_IDLE || state == C2_MEMBER_HEAD;
}

/* ---- addresses ---- */

static size_t slot_of(const uint8_t key[16])
{
    uint64_t high, low;

    memcpy(&high, key, 8);
    memcpy(&low, key + 8, 8);
    return (size_t)(((high ^ (low * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu) >> 40) % NKEYS;
}

static struct c2_crowd_address *find(const struct c2_crowd *crowd, const uint8_t key[16])
{
    struct c2_crowd_address *a = crowd->by_key[slot_of(key)];

    while (a && memcmp(a->key, key, 16) != 0)
        a = a->chain;
    return a;
}

static void link_by_count(struct c2_crowd *crowd, struct c2_crowd_address *a)
{
    c2_list_push(crowd->by_count[a->n], a);
    if (a->n > crowd->top) crowd->top = a->n;
}

static void unlink_by_count(struct c2_crowd *crowd, struct c2_crowd_address *a)
{
    c2_list_remove(crowd->by_count[a->n], a);
}

static struct c2_crowd_address *find_or_add(struct c2_crowd *crowd, const uint8_t address[16])
{
    uint8_t key[16];

    c2_peer_client(address, key);
    struct c2_crowd_address *a = find(crowd, key);
    if (a || !(a = calloc(1, sizeof(*a)))) return a;
    memcpy(a->key, key, sizeof(key));
    a->chain = crowd->by_key[slot_of(key)];
    crowd->by_key[slot_of(key)] = a;
    link_by_count(crowd, a);
    return a;
}

static void forget(struct c2_crowd *crowd, struct c2_crowd_address *a)
{
    c2_chain_remove(crowd->by_key[slot_of(a->key)], a, chain);
    free(a);
}

/* ---- members ---- */

bool c2_crowd_init(struct c2_crowd *crowd, size_t max)
{
    *crowd = (struct c2_crowd){.max = max, .idle_ms = C2_CROWD_IDLE_MS};
    crowd->by_key = calloc(NKEYS, sizeof(struct c2_crowd_address *));
    crowd->by_count = calloc(max + 1, sizeof(struct c2_crowd_address *));
    if (crowd->by_key && crowd->by_count) return true;
    c2_crowd_fini(crowd);
    return false;
}

void c2_crowd_fini(struct c2_crowd *crowd)
{
    free(crowd->by_key);
    free(crowd->by_count);
    *crowd = (struct c2_crowd){0};
}

bool c2_crowd_join(struct c2_crowd *crowd, struct c2_crowd_member *member, const uint8_t address[16],
                   int64_t now_ms)
{
    struct c2_crowd_address *a = crowd->n < crowd->max ? find_or_add(crowd, address) : NULL;

    if (!a) return false;
    unlink_by_count(crowd, a);
    a->n++;
    link_by_count(crowd, a);
    *member = (struct c2_crowd_member){.address = a, .state = C2_MEMBER_IDLE, .since_ms = now_ms};
    append(&crowd->waiting[C2_MEMBER_IDLE], member, waiting_of);
    append(&a->yields[0], member, yields_of);
    crowd->n++;
    return true;
}

void c2_crowd_leave(struct c2_crowd *crowd, struct c2_crowd_member *member)
{
    struct c2_crowd_address *a = member->address;

    take_out(&crowd->waiting[member->state], member, waiting_of);
    if (may_yield(member->state)) take_out(&a->yields[member->proven], member, yields_of);
    unlink_by_count(crowd, a);
    crowd->n--;
    if (--a->n > 0)
        link_by_count(crowd, a);
    else
        forget(crowd, a);
}

void c2_crowd_set(struct c2_crowd *crowd, struct c2_crowd_member *member, enum c2_member_state state,
                  int64_t now_ms)
{
    struct c2_crowd_address *a = member->address;

    take_out(&crowd->waiting[member->state], member, waiting_of);
    if (may_yield(member->state)) take_out(&a->yields[member->proven], member, yields_of);
    member->state = state;
    member->since_ms = now_ms;
    member->proven = member->served && state == C2_MEMBER_IDLE;
    append(&crowd->waiting[state], member, waiting_of);
    if (may_yield(state)) append(&a->yields[member->proven], member, yields_of);
}

size_t c2_crowd_count(const struct c2_crowd *crowd, const uint8_t address[16])
{
    uint8_t key[16];

    c2_peer_client(address, key);
    const struct c2_crowd_address *a = find(crowd, key);
    return a ? a->n : 0;
}

size_t c2_crowd_count_of(const struct c2_crowd_member *member)
{
    return member->address->n;
}

static struct c2_crowd_member *yielding_of(const struct c2_crowd_address *a)
{
    return a->yields[a->yields[0].n < a->yields[1].n].first;
}

struct c2_crowd_member *c2_crowd_yielding(struct c2_crowd *crowd, const uint8_t *address)
{
    uint8_t key[16];

    if (address) {
        c2_peer_client(address, key);
        const struct c2_crowd_address *a = find(crowd, key);
        return a ? yielding_of(a) : NULL;
    }
    if (!crowd->waiting[C2_MEMBER_IDLE].first && !crowd->waiting[C2_MEMBER_HEAD].first) return NULL;
    while (crowd->top > 0 && !crowd->by_count[crowd->top]) /* what has left since */
        crowd->top--;
    for (size_t n = crowd->top; n > 0; n--)
        for (const struct c2_crowd_address *a = crowd->by_count[n]; a; a = a->next) {
            struct c2_crowd_member *member = yielding_of(a);
            if (member) return member;
        }
    return NULL;
}

struct c2_crowd_member *c2_crowd_idle_since(const struct c2_crowd *crowd, const struct c2_crowd_member *after,
                                            int64_t ms)
{
    struct c2_crowd_member *member = after ? after->waiting.prev : crowd->waiting[C2_MEMBER_IDLE].last;

    return member && member->since_ms >= ms ? member : NULL;
}

struct c2_crowd_member *c2_crowd_late(const struct c2_crowd *crowd, int64_t now_ms)
{
    const int64_t times[] = {crowd->idle_ms, C2_CROWD_HEAD_MS, C2_CROWD_BODY_MS};

    for (int state = C2_MEMBER_IDLE; state <= C2_MEMBER_BODY; state++) {
        struct c2_crowd_member *first = crowd->waiting[state].first;
        if (first && now_ms - first->since_ms >= times[state]) return first;
    }
    return NULL;
}
