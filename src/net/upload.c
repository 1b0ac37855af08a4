/* SPDX-License-Identifier: BSD-3-Clause */
/* What is kept of bodies, and counted. */
#include "net/upload.h"

#include <pthread.h>
#include <stdio.h>

#define BODIES_MAX (8 << 20)  /* bytes of unanswered bodies: a thousand of the largest of most routes */
#define LARGE_MIN  (1 << 20)  /* bodies of routes that take more are counted apart */
#define LARGE_MAX  (36 << 20) /* bytes of those: four of the largest */
#define IGNORED_MAX                                                                                          \
    4096                   /* clients of 2024 send "{}" where nothing is taken: so much is read and not kept \
                            */
#define DROP_MAX (1 << 20) /* read and dropped before the answer; who sends more loses the connection */

static struct {
    pthread_mutex_t lock;
    size_t held, large; /* large: of routes that take more than LARGE_MIN */
    uint64_t too_large, no_room;
} bodies = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void count(uint64_t *counter)
{
    pthread_mutex_lock(&bodies.lock);
    ++*counter;
    pthread_mutex_unlock(&bodies.lock);
}

static bool read_length(struct c2_str text, uint64_t *out)
{
    int64_t n;

    if (!c2_str_to_i64(text, &n) || n < 0) return false;
    *out = (uint64_t)n;
    return true;
}

static size_t *budget_of(const struct c2_upload *upload, size_t *max)
{
    bool large = upload->max > LARGE_MIN;

    *max = large ? LARGE_MAX : BODIES_MAX;
    return large ? &bodies.large : &bodies.held;
}

bool c2_upload_is_any(struct c2_str length, bool chunked)
{
    uint64_t n = 0;

    return chunked || (length.p && !(read_length(length, &n) && n == 0));
}

bool c2_upload_begin(struct c2_upload *upload, struct c2_str length, bool chunked, size_t max)
{
    uint64_t n;

    upload->max = max;
    if (chunked || (read_length(length, &n) && n <= (max ? max : IGNORED_MAX))) return false;
    upload->state = C2_UPLOAD_TOO_LARGE;
    count(&bodies.too_large);
    return true;
}

/* n bytes of the budget. false: there are not so many left. */
static bool reserve(struct c2_upload *upload, size_t n)
{
    size_t most, *held = budget_of(upload, &most);

    pthread_mutex_lock(&bodies.lock);
    bool ok = n <= most - *held;
    if (ok) *held += n;
    pthread_mutex_unlock(&bodies.lock);
    if (ok) upload->held += n;
    return ok;
}

bool c2_upload_take(struct c2_upload *upload, struct c2_buf *body, const char *bytes, size_t n)
{
    struct cat2_error err;

    if (upload->state == C2_UPLOAD_FITS && upload->max == 0 && n <= IGNORED_MAX - upload->dropped) {
        upload->dropped += n;
        return true;
    }
    if (upload->state == C2_UPLOAD_FITS && n > upload->max - body->n) {
        upload->state = C2_UPLOAD_TOO_LARGE;
        count(&bodies.too_large);
    }
    if (upload->state == C2_UPLOAD_FITS) {
        if (reserve(upload, n) && c2_buf_append(body, bytes, n, &err)) return true;
        upload->state = C2_UPLOAD_NO_ROOM;
        count(&bodies.no_room);
    }
    c2_upload_end(upload);
    c2_buf_fini(body);
    upload->dropped += n;
    return upload->dropped <= DROP_MAX;
}

int c2_upload_judge(const struct c2_upload *upload, char why[C2_WHY_MAX])
{
    if (upload->state == C2_UPLOAD_FITS) return 0;
    if (upload->state == C2_UPLOAD_NO_ROOM)
        snprintf(why, C2_WHY_MAX, "too many requests with a body are under way");
    else if (upload->max == 0)
        snprintf(why, C2_WHY_MAX, "a request for it has no body, and up to %d bytes are ignored",
                 IGNORED_MAX);
    else
        snprintf(why, C2_WHY_MAX, "the body of a request for it has at most %zu bytes", upload->max);
    return upload->state == C2_UPLOAD_NO_ROOM ? 503 : 413;
}

void c2_upload_end(struct c2_upload *upload)
{
    size_t most, *held = budget_of(upload, &most);

    pthread_mutex_lock(&bodies.lock);
    *held -= upload->held;
    pthread_mutex_unlock(&bodies.lock);
    upload->held = 0;
}

void c2_upload_metrics(struct c2_metrics *m)
{
    pthread_mutex_lock(&bodies.lock);
    double held = (double)(bodies.held + bodies.large), too_large = (double)bodies.too_large,
           no_room = (double)bodies.no_room;
    pthread_mutex_unlock(&bodies.lock);
    c2_metrics_gauge(m, "caterva2_http_bodies_bytes", held,
                     "Bytes of requests' bodies in memory, of all servers of the process.");
    c2_metrics_family(m, C2_METRICS_COUNTER, "caterva2_http_bodies_refused_total",
                      "Requests whose bodies were not taken, by why.");
    c2_metrics_sample(m, too_large, C2_LABELS("why", "too large"));
    c2_metrics_sample(m, no_room, C2_LABELS("why", "budget"));
}
