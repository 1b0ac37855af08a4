/* SPDX-License-Identifier: BSD-3-Clause */
/* A table of who failed last. */
#include "access/slow.h"

#include <stdlib.h>

#include "base/hash.h"

#define ENTRIES_MAX 4096    /* who fails last is known: 128 KiB. The one that is quiet for longest goes */
#define KEPT_MS     1800000 /* longer than the longest wait */

struct entry {
    struct c2_hash128 who;
    int64_t last_ms;
    int failures; /* 0: free */
};
struct c2_slow {
    const struct c2_clock *clock;
    int nfree;
    int64_t most_ms;
    struct entry entries[ENTRIES_MAX];
    size_t n;
};

struct c2_slow *c2_slow_new(const struct c2_clock *clock, int nfree, int64_t most_ms)
{
    struct c2_slow *slow = calloc(1, sizeof(*slow));

    if (!slow) return NULL;
    slow->clock = clock;
    slow->nfree = nfree;
    slow->most_ms = most_ms;
    return slow;
}

void c2_slow_free(struct c2_slow *slow)
{
    free(slow);
}

static const struct entry *find(const struct c2_slow *slow, struct c2_str who)
{
    struct c2_hash128 hash = c2_hash128_of(who.p, who.n);

    for (size_t i = 0; i < slow->n; i++)
        if (slow->entries[i].who.low == hash.low && slow->entries[i].who.high == hash.high)
            return &slow->entries[i];
    return NULL;
}

static bool is_old(const struct c2_slow *slow, const struct entry *entry)
{
    return c2_mono_ms(slow->clock) - entry->last_ms > KEPT_MS;
}

int64_t c2_slow_wait(const struct c2_slow *slow, struct c2_str who)
{
    const struct entry *entry = find(slow, who);

    if (!entry || entry->failures < slow->nfree || is_old(slow, entry)) return 0;
    int64_t wait = c2_min_i64(slow->most_ms, (int64_t)1000 << c2_min_i64(entry->failures - slow->nfree, 20));
    return c2_max_i64(0, entry->last_ms + wait - c2_mono_ms(slow->clock));
}

static struct entry *place(struct c2_slow *slow)
{
    struct entry *oldest = &slow->entries[0];

    if (slow->n < ENTRIES_MAX) return &slow->entries[slow->n++];
    for (size_t i = 0; i < slow->n && oldest->failures; i++)
        if (slow->entries[i].failures == 0 || slow->entries[i].last_ms < oldest->last_ms)
            oldest = &slow->entries[i];
    return oldest;
}

void c2_slow_failed(struct c2_slow *slow, struct c2_str who)
{
    struct entry *entry = (struct entry *)(uintptr_t)find(slow, who);

    if (!entry) {
        entry = place(slow);
        *entry = (struct entry){.who = c2_hash128_of(who.p, who.n)};
    }
    entry->failures = is_old(slow, entry) ? 1 : (int)c2_min_i64(entry->failures + 1, 1000);
    entry->last_ms = c2_mono_ms(slow->clock);
}

void c2_slow_succeeded(struct c2_slow *slow, struct c2_str who)
{
    struct entry *entry = (struct entry *)(uintptr_t)find(slow, who);

    if (entry) entry->failures = 0;
}
