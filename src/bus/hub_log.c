/* SPDX-License-Identifier: BSD-3-Clause */
/* The log of events. A topic's events are in a ring, event seq at seq modulo its size, which grows with them.
 * When all of them are too many bytes, the topic that has most loses its oldest: one publisher of much does
 * not cost others theirs. */
#include "bus/hub_log.h"

#include <stdio.h>
#include <stdlib.h>

#define RING_MIN   16  /* places: grows twofold up to C2_HUB_LOG_MAX */
#define EVENT_COST 128 /* bytes that an event takes beside its data, here and on disk */

struct c2_hub_topic {
    struct c2_hub_topic *next;
    char name[256];
    int64_t seq;    /* of the last event */
    int64_t oldest; /* kept, at least */
    size_t nbytes;  /* of those kept */
    struct c2_logged *ring;
    size_t nring;
};

void c2_hub_log_fini(struct c2_hub_log *log)
{
    for (struct c2_hub_topic *topic = log->topics, *next; topic; topic = next) {
        next = topic->next;
        for (size_t i = 0; i < topic->nring; i++)
            c2_blob_unref(topic->ring[i].data);
        free(topic->ring);
        free(topic);
    }
    log->topics = NULL;
}

struct c2_blob *c2_hub_log_blob(struct c2_str data, struct cat2_error *err)
{
    C2_AUTO(c2_buf) copy = C2_BUF_INIT(SIZE_MAX);
    struct c2_blob *blob = NULL;

    if (!c2_buf_append_str(&copy, data, err)) return NULL;
    blob = c2_blob_new(&copy);
    if (!blob) c2_fail_nomem(err, "event");
    return blob;
}

static struct c2_hub_topic *find(const struct c2_hub_log *log, struct c2_str name)
{
    struct c2_hub_topic *topic = log->topics;

    while (topic && !c2_str_is(name, topic->name))
        topic = topic->next;
    return topic;
}

bool c2_hub_log_has_room(const struct c2_hub_log *log, const char *name, struct cat2_error *err)
{
    return log->ntopics < C2_HUB_TOPICS_MAX || find(log, c2_str_of(name)) ||
           c2_fail(err, CAT2_ELIMIT, "more than %d topics", C2_HUB_TOPICS_MAX);
}

static struct c2_hub_topic *find_or_add(struct c2_hub_log *log, const char *name, struct cat2_error *err)
{
    struct c2_hub_topic *topic = find(log, c2_str_of(name));

    if (topic) return topic;
    if (!c2_hub_log_has_room(log, name, err)) return NULL;
    topic = calloc(1, sizeof(*topic));
    if (topic) topic->ring = calloc(RING_MIN, sizeof(*topic->ring));
    if (!topic || !topic->ring) {
        free(topic);
        c2_fail_nomem(err, "topic");
        return NULL;
    }
    topic->nring = RING_MIN;
    snprintf(topic->name, sizeof(topic->name), "%s", name);
    topic->next = log->topics;
    log->topics = topic;
    log->ntopics++;
    return topic;
}

static struct c2_logged *place(const struct c2_hub_topic *topic, int64_t seq)
{
    return &topic->ring[(size_t)seq % topic->nring];
}

static size_t cost(const struct c2_logged *logged)
{
    return logged->data->bytes.n + EVENT_COST;
}

static void forget(struct c2_hub_log *log, struct c2_hub_topic *topic, struct c2_logged *logged)
{
    if (logged->seq == 0) return;
    topic->nbytes -= cost(logged);
    log->nbytes -= cost(logged);
    c2_blob_unref(logged->data);
    *logged = (struct c2_logged){0};
}

/* Make room for event seq where the ring is still small. false: no memory. */
static bool grow(struct c2_hub_topic *topic, int64_t seq)
{
    size_t n = topic->nring;

    while (n < C2_HUB_LOG_MAX && seq - topic->oldest >= (int64_t)n)
        n *= 2;
    if (n == topic->nring) return true;
    struct c2_logged *ring = calloc(n, sizeof(*ring));
    if (!ring) return false;
    for (size_t i = 0; i < topic->nring; i++)
        if (topic->ring[i].seq) ring[(size_t)topic->ring[i].seq % n] = topic->ring[i];
    free(topic->ring);
    topic->ring = ring;
    topic->nring = n;
    return true;
}

/* false: there is none to lose. Event `stays` is not lost. */
static bool lose_oldest(struct c2_hub_log *log, struct c2_hub_topic *topic, const struct c2_logged *stays)
{
    while (topic->oldest <= topic->seq && place(topic, topic->oldest) != stays) {
        int64_t seq = topic->oldest++;
        struct c2_logged *oldest = place(topic, seq);
        if (oldest->seq != seq) continue;
        if (log->store && log->store->forget) log->store->forget(log->store->ctx, topic->name, seq);
        forget(log, topic, oldest);
        return true;
    }
    return false;
}

/* stays: the only one of its topic does not count. */
static struct c2_hub_topic *largest(const struct c2_hub_log *log, const struct c2_logged *stays)
{
    struct c2_hub_topic *most = NULL;

    for (struct c2_hub_topic *topic = log->topics; topic; topic = topic->next)
        if (topic->nbytes > (most ? most->nbytes : 0) && place(topic, topic->oldest) != stays) most = topic;
    return most;
}

/* Down to the limits of the topic and of all. The event that has just come stays. */
static void fit(struct c2_hub_log *log, struct c2_hub_topic *topic, const struct c2_logged *stays)
{
    while (topic->nbytes > C2_HUB_LOG_NBYTES_MAX && lose_oldest(log, topic, stays))
        ;
    for (struct c2_hub_topic *most = topic; most && log->nbytes > C2_HUB_NBYTES_MAX;) {
        most = largest(log, stays);
        size_t goal = most ? most->nbytes - most->nbytes / 8 : 0; /* a part at a time: the search is long */
        while (most && log->nbytes > C2_HUB_NBYTES_MAX && most->nbytes > goal &&
               lose_oldest(log, most, stays))
            ;
    }
}

const struct c2_logged *c2_hub_log_append(struct c2_hub_log *log, const char *name, int64_t seq,
                                          struct c2_blob *data, struct cat2_error *err)
{
    struct c2_hub_topic *topic = find_or_add(log, name, err);

    if (!topic) return NULL;
    if (topic->seq == 0) topic->oldest = seq;
    if (!grow(topic, seq)) {
        c2_fail_nomem(err, "event");
        return NULL;
    }
    struct c2_logged *logged = place(topic, seq);
    forget(log, topic, logged); /* in the store the new one has taken its place, too */
    *logged = (struct c2_logged){seq, c2_blob_ref(data)};
    topic->seq = seq;
    topic->nbytes += cost(logged);
    log->nbytes += cost(logged);
    topic->oldest = c2_max_i64(topic->oldest, seq - (int64_t)topic->nring + 1);
    fit(log, topic, logged);
    return logged;
}

int64_t c2_hub_log_last(const struct c2_hub_log *log, struct c2_str name)
{
    const struct c2_hub_topic *topic = find(log, name);

    return topic ? topic->seq : 0;
}

const struct c2_logged *c2_hub_log_after(const struct c2_hub_log *log, const char *name, int64_t seq)
{
    const struct c2_hub_topic *topic = find(log, c2_str_of(name));

    if (!topic) return NULL;
    for (int64_t at = c2_max_i64(seq + 1, topic->oldest); at <= topic->seq; at++)
        if (place(topic, at)->seq == at) return place(topic, at);
    return NULL;
}
