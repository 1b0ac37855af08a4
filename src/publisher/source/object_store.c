/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions that are lent to one request at a time, and what is tried again. */
#include "publisher/source/object_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/s3_presign.h"
#include "wire/url.h"

#define SESSIONS_MAX 16    /* connections: as many as a subscriber has to a publisher */
#define CONNECT_MS   10000 /* for a connection */
#define ANSWER_MS    30000 /* without a byte */
#define TRIES        4     /* of one request, with pauses between: 1.4 s in all, and the answers' time */
#define PAUSE_MS     200   /* after the first, then twice as long */
#define QUESTION_MS  10000 /* after which a question is not asked again: many may wait for it */

struct lease {
    struct c2_session session;
    struct c2_s3_keys keys; /* of this request */
    bool made, lent;
};
struct c2_object_store {
    struct c2_object_store_place place;
    char *profile;        /* or NULL */
    char *region;         /* given, or NULL */
    pthread_mutex_t lock; /* guards the rest; nothing is asked under it */
    pthread_cond_t change;
    struct c2_s3_keys keys;
    struct lease leases[SESSIONS_MAX];
    atomic_bool cancelled;
};

const struct c2_object_store_place *c2_object_store_place(const struct c2_object_store *store)
{
    return &store->place;
}

static bool go_on(void *ctx)
{
    return !atomic_load(&((struct c2_object_store *)ctx)->cancelled);
}

/* Wait for a change, at most so long. Locked. */
static void wait_ms(struct c2_object_store *store, int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += ms / 1000;
    at.tv_nsec += ms % 1000 * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(&store->change, &store->lock, &at);
}

/* ---- sessions ---- */

/* Locked. One that has a connection, or a new one. */
static struct lease *find_free(struct c2_object_store *store)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (!store->leases[i].lent) return &store->leases[i];
    return NULL;
}

static struct lease *borrow(struct c2_object_store *store, struct cat2_error *err)
{
    int64_t end = c2_now_ms() + ANSWER_MS, left;
    struct lease *lease;

    pthread_mutex_lock(&store->lock);
    while (!(lease = find_free(store)) && go_on(store) && (left = end - c2_now_ms()) > 0)
        wait_ms(store, left);
    if (lease) {
        lease->lent = true;
        lease->keys = store->keys;
    }
    pthread_mutex_unlock(&store->lock);
    bool ok = lease && (lease->made || c2_session_init(&lease->session, err));
    if (lease) lease->made = ok;
    if (!lease) c2_fail(err, CAT2_EUPSTREAM, "all %d connections were in use for too long", SESSIONS_MAX);
    return lease;
}

static void give_back(struct c2_object_store *store, struct lease *lease)
{
    pthread_mutex_lock(&store->lock);
    lease->lent = false;
    pthread_cond_signal(&store->change);
    pthread_mutex_unlock(&store->lock);
}

/* ---- requests ---- */

struct request {
    const char *target;
    struct c2_range_file file; /* of a range, and of a question */
    int64_t off, date;
    size_t n;
    int64_t tries_ms; /* no more tries after so long; 0: only their number counts */
    struct c2_buf *out;
    bool (*ask)(struct request *request, struct c2_session *session, struct cat2_error *err);
};

static bool ask_page(struct request *request, struct c2_session *session, struct cat2_error *err)
{
    C2_AUTO(c2_exchange) http = {.target = request->target, .body = C2_BUF_INIT(C2_OBJECT_PAGE_MAX)};

    if (!c2_exchange_run(session, &http, err)) return false;
    c2_buf_fini(request->out);
    *request->out = c2_buf_steal(&http.body);
    return true;
}

static bool ask_range(struct request *request, struct c2_session *session, struct cat2_error *err)
{
    c2_buf_clear(request->out);
    request->file.session = session;
    return c2_range_read(&request->file, request->off, request->n, request->out, err);
}

static bool ask_state(struct request *request, struct c2_session *session, struct cat2_error *err)
{
    request->file.session = session;
    return c2_range_ask(&request->file, &request->date, err);
}

/* The store is busy or away: another time it may not be. */
static bool is_passing(const struct cat2_error *err)
{
    int status = err->http_status;

    if (status) return status == 429 || status == 500 || (502 <= status && status <= 504);
    return err->code == CAT2_EUPSTREAM;
}

/* What it is about, the status, and the store's reason. A refusal is the store's, not a fault of the request.
 */
static bool name_failure(const struct c2_object_store *store, const char *path, struct cat2_error *err)
{
    const struct cat2_error was = *err;
    enum cat2_code code = was.code == CAT2_EINVAL ? CAT2_EUPSTREAM : was.code;
    char where[130], number[16] = "";

    if (was.code == CAT2_ECANCELLED || was.code == CAT2_ENOMEM) return false;
    if (was.http_status == 416) code = CAT2_ECHANGED; /* it is shorter by now */
    if (was.http_status) snprintf(number, sizeof(number), "%d ", was.http_status);
    if (strstr(was.message, number)) number[0] = '\0';
    snprintf(where, sizeof(where), "%s%s", store->place.name, path);
    c2_fail(err, code, "%s: %s%s", where, number, was.message);
    err->http_status = was.http_status;
    return false;
}

static bool try_once(struct c2_object_store *store, struct request *request, struct cat2_error *err)
{
    struct lease *lease = borrow(store, err);

    if (!lease) return false;
    struct c2_session *session = &lease->session;
    session->sign = &lease->keys;
    bool ok = lease->made && request->ask(request, session, err);
    c2_s3_keys_wipe(&lease->keys);
    give_back(store, lease);
    return ok;
}

static bool run(struct c2_object_store *store, const char *path, struct request *request,
                struct cat2_error *err)
{
    int64_t begun = c2_now_ms();

    for (int i = 0; go_on(store); i++) {
        *err = (struct cat2_error){0};
        if (try_once(store, request, err)) return true;
        bool late = request->tries_ms && c2_now_ms() - begun >= request->tries_ms;
        if (!is_passing(err) || late || i + 1 == TRIES) return name_failure(store, path, err);
        pthread_mutex_lock(&store->lock);
        int64_t end = c2_now_ms() + (PAUSE_MS << i), left;
        while (go_on(store) && (left = end - c2_now_ms()) > 0)
            wait_ms(store, left);
        pthread_mutex_unlock(&store->lock);
    }
    return c2_fail(err, CAT2_ECANCELLED, "cancelled");
}

static void state_to(const struct c2_object_state *state, struct c2_range_file *file)
{
    file->nbytes = state->nbytes;
    memcpy(file->etag, state->etag, sizeof(file->etag));
    memcpy(file->modified, state->modified, sizeof(file->modified));
}

bool c2_object_store_read(struct c2_object_store *store, const char *path,
                          const struct c2_object_state *state, int64_t off, size_t n, void *to,
                          struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(8 * C2_OBJECT_NAME_MAX), out = C2_BUF_INIT(n);

    if (!c2_object_store_target(&store->place, path, &target, err)) return false;
    struct request request = {
        .target = c2_buf_cstr(&target), .off = off, .n = n, .out = &out, .ask = ask_range};
    request.file.target = request.target;
    state_to(state, &request.file);
    if (!run(store, path, &request, err)) return false;
    if (n) memcpy(to, out.p, n);
    return true;
}

bool c2_object_store_ask(struct c2_object_store *store, const char *path, struct c2_object_state *out,
                         int64_t *date, struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(8 * C2_OBJECT_NAME_MAX);

    if (!c2_object_store_target(&store->place, path, &target, err)) return false;
    struct request request = {.target = c2_buf_cstr(&target), .ask = ask_state, .tries_ms = QUESTION_MS};
    request.file.target = request.target;
    if (!run(store, path, &request, err)) return false;
    out->nbytes = request.file.nbytes;
    memcpy(out->etag, request.file.etag, sizeof(out->etag));
    memcpy(out->modified, request.file.modified, sizeof(out->modified));
    *date = request.date;
    return true;
}

bool c2_object_store_direct(struct c2_object_store *store, const char *path, int seconds, struct c2_buf *url,
                            struct cat2_error *err)
{
    C2_AUTO(c2_buf) target = C2_BUF_INIT(8 * C2_OBJECT_NAME_MAX);
    struct c2_s3_keys keys;

    if (!c2_object_store_target(&store->place, path, &target, err)) return false;
    pthread_mutex_lock(&store->lock);
    keys = store->keys;
    pthread_mutex_unlock(&store->lock);
    const struct c2_s3_presign of = {store->place.base, c2_buf_cstr(&target), time(NULL), seconds};
    bool ok = store->place.s3 && keys.id[0]
                  ? c2_s3_presign(&of, &keys, url, err)
                  : c2_buf_printf(url, err, "%s%s", store->place.base, c2_buf_cstr(&target));
    c2_s3_keys_wipe(&keys);
    return ok;
}

bool c2_object_store_page(struct c2_object_store *store, const char *target, const char *path,
                          struct c2_buf *out, struct cat2_error *err)
{
    struct request request = {.target = target, .out = out, .ask = ask_page};

    return run(store, path, &request, err);
}

/* ---- life ---- */

bool c2_object_store_renew_keys(struct c2_object_store *store, struct cat2_error *err)
{
    struct c2_s3_keys keys = {0};

    if (!store->place.s3) return true;
    if (!c2_s3_keys_find(store->profile, &keys, err)) return false;
    if (store->region) snprintf(keys.region, sizeof(keys.region), "%s", store->region);
    if (!keys.region[0]) snprintf(keys.region, sizeof(keys.region), "us-east-1");
    pthread_mutex_lock(&store->lock);
    store->keys = keys;
    pthread_mutex_unlock(&store->lock);
    c2_s3_keys_wipe(&keys);
    return true;
}

static bool find_place(struct c2_object_store *store, const char *url,
                       const struct c2_object_store_settings *settings, struct cat2_error *err)
{
    struct c2_s3_keys *keys = &store->keys;
    const char *endpoint = settings->endpoint;

    if (settings->region && strlen(settings->region) >= sizeof(keys->region))
        return c2_fail(err, CAT2_EINVAL, "the region of S3 is too long");
    store->place.s3 = c2_str_starts(c2_str_of(url), "s3://");
    if (!c2_object_store_renew_keys(store, err)) return false;
    if (!endpoint && keys->endpoint[0]) endpoint = keys->endpoint;
    if (!c2_object_store_place_of(url, endpoint, keys->region, settings->addressing, &store->place, err))
        return false;
    if (!store->place.s3) return true;
    if (keys->id[0])
        c2_log_info("%s at %s, region %s, with the keys of %s", store->place.name, store->place.base,
                    keys->region, keys->origin);
    else
        c2_log_info("%s at %s, region %s, without keys: there are none", store->place.name, store->place.base,
                    keys->region);
    return true;
}

static void prepare_sessions(struct c2_object_store *store, const struct c2_authorities *authorities)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct c2_session *session = &store->leases[i].session;
        *session = (struct c2_session){.agent = "caterva2/" C2_VERSION,
                                       .connect_timeout_ms = CONNECT_MS,
                                       .answer_timeout_ms = ANSWER_MS,
                                       .go_on = go_on,
                                       .go_on_ctx = store,
                                       .no_link_local = !store->place.link_local};
        if (authorities) session->authorities = *authorities;
        snprintf(session->base, sizeof(session->base), "%s", store->place.base);
    }
}

bool c2_object_store_new(const char *url, const struct c2_object_store_settings *settings,
                         struct c2_object_store **out, struct cat2_error *err)
{
    static const struct c2_object_store_settings NOTHING;
    struct c2_object_store *store = calloc(1, sizeof(*store));

    if (!store) return c2_fail_nomem(err, "store");
    if (!settings) settings = &NOTHING;
    pthread_mutex_init(&store->lock, NULL);
    pthread_cond_init(&store->change, NULL);
    if (settings->profile) store->profile = c2_str_dup(c2_str_of(settings->profile));
    if (settings->region) store->region = c2_str_dup(c2_str_of(settings->region));
    if (!find_place(store, url, settings, err)) {
        c2_object_store_free(store);
        return false;
    }
    prepare_sessions(store, settings->authorities);
    *out = store;
    return true;
}

void c2_object_store_cancel(struct c2_object_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->cancelled = true;
    pthread_cond_broadcast(&store->change);
    pthread_mutex_unlock(&store->lock);
}

void c2_object_store_free(struct c2_object_store *store)
{
    if (!store) return;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (store->leases[i].made) c2_session_fini(&store->leases[i].session);
    c2_s3_keys_wipe(&store->keys);
    pthread_cond_destroy(&store->change);
    pthread_mutex_destroy(&store->lock);
    free(store->profile);
    free(store->region);
    free(store);
}
