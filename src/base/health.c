/* SPDX-License-Identifier: BSD-3-Clause */
/* A short list under a lock; setting what is set looks at it without. */
#include "base/health.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* The conditions of the process. */
static struct c2_condition conditions[C2_HEALTH_MAX];
static size_t nconditions; /* both guarded by the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic size_t any; /* as many: nothing to clear is the common case */

static size_t find(const char *name)
{
    size_t i = 0;

    while (i < nconditions && strcmp(conditions[i].name, name) != 0)
        i++;
    return i;
}

/* true: it changed whether the condition is there. */
static bool change(const char *name, const char *reason)
{
    size_t i = find(name);
    bool was = i < nconditions;

    if (!reason && was) {
        memmove(&conditions[i], &conditions[i + 1], (--nconditions - i) * sizeof(*conditions));
    } else if (reason && i < C2_HEALTH_MAX) {
        conditions[i].name = name;
        snprintf(conditions[i].reason, sizeof(conditions[i].reason), "%s", reason);
        nconditions += !was;
    }
    atomic_store(&any, nconditions);
    return was != (reason != NULL);
}

void c2_health_set(const char *name, const char *reason)
{
    if (!reason && atomic_load(&any) == 0) return;
    pthread_mutex_lock(&lock);
    bool changed = change(name, reason);
    pthread_mutex_unlock(&lock);
    if (changed && reason)
        c2_log_warn("degraded condition=%s: %s", name, reason);
    else if (changed)
        c2_log_info("no longer degraded condition=%s", name);
}

size_t c2_health_list(struct c2_condition out[C2_HEALTH_MAX])
{
    pthread_mutex_lock(&lock);
    size_t n = nconditions;
    memcpy(out, conditions, n * sizeof(*out));
    pthread_mutex_unlock(&lock);
    return n;
}

bool c2_health_is_set(const char *name)
{
    pthread_mutex_lock(&lock);
    bool is = find(name) < nconditions;
    pthread_mutex_unlock(&lock);
    return is;
}

void c2_conditions_add(struct c2_conditions *reasons, const char *name, const char *fmt, ...)
{
    va_list args;

    if (reasons->n == C2_HEALTH_MAX) return;
    struct c2_condition *it = &reasons->list[reasons->n++];
    it->name = name;
    va_start(args, fmt);
    vsnprintf(it->reason, sizeof(it->reason), fmt, args);
    va_end(args);
}
