/* SPDX-License-Identifier: BSD-3-Clause */
/* Asking for the states of objects that the list does not tell. An object that the store does not tell of is
 * listed as one that cannot be read. A store that tells of none is away: then the look fails, and what was
 * found before stays. */
#include "publisher/source/objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log_share.h"

#define YOUNG_MS     120000 /* indexes of nginx have minutes */
#define WRITTEN_MS   2000   /* etags of nginx have seconds: such a file may still be written */
#define ASKERS_MAX   8      /* threads that ask for states at a look, a connection each */
#define ASK_ALONE    4      /* states that are not worth threads */
#define CONTROLS_MAX 4      /* objects that are asked for once more to see whether the store is there */
#define SILENT_MAX   64     /* objects without an answer, before any has one: then the store is away, */
#define SILENT_MS    60000  /* or so long */
#define CONTROLS_MS  20000  /* for all controls, but for the answer to the last */

/* ---- what an answer says ---- */

enum answer {
    TOLD,   /* its state, or why it cannot be read */
    GONE,   /* there is none */
    SILENT, /* it failed, did not answer, or refused the keys: the object's fault, or the store's */
    FAILED  /* neither's */
};

static char status_texts[600][48];

static void fill_texts(void)
{
    for (int i = 400; i < 600; i++)
        snprintf(status_texts[i], sizeof(status_texts[i]), "is answered by the server with status %d", i);
}

/* Of static storage. */
static const char *reason_of(const struct cat2_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int status = err->http_status;

    pthread_once(&once, fill_texts);
    if (status == 401 || status == 403) return "is refused by the server";
    if (status / 100 == 3) return "is elsewhere, says the server: that is not followed";
    if (400 <= status && status < 600) return status_texts[status];
    return err->code == CAT2_EDATA ? "has no length, says the server" : "is not answered by the server";
}

static void mark(struct c2_stored_object *object, const struct cat2_error *err)
{
    const char *why = reason_of(err);

    if (object->unusable != why)
        c2_log_some(C2_WARN, "an object is listed, but cannot be read: %s", err->message);
    object->unusable = why;
    object->young = true; /* another time it may be given */
    object->doubted = false;
}

/* S3 answers so for each object when keys are missing, wrong or too old (400: they have expired). */
static bool is_of_keys(int status)
{
    return status == 400 || status == 401 || status == 403;
}

/* Stores that are busy say 429, those of S3 also 503: that is no object's fault. Failing ones answer 5xx, for
 * each object. */
static enum answer take_refusal(const struct c2_object_source *source, struct c2_stored_object *object,
                                const struct cat2_error *err)
{
    bool s3 = c2_object_store_place(source->store)->s3;
    int status = err->http_status;

    if (err->code == CAT2_ENOTFOUND) return GONE;
    if (err->code == CAT2_ECANCELLED || err->code == CAT2_ENOMEM) return FAILED;
    if (status == 429 || (s3 && status == 503)) return FAILED;
    if (status >= 500 || (status == 0 && err->code != CAT2_EDATA)) return SILENT;
    if (s3 && is_of_keys(status)) return SILENT;
    mark(object, err);
    return TOLD;
}

/* Stores for objects replace them whole, and their etags are of the contents. */
static void judge_age(struct c2_object_source *source, struct c2_stored_object *object, int64_t date_s,
                      int64_t time_s)
{
    bool coarse = !c2_object_store_place(source->store)->s3 && time_s >= 0;
    int64_t age_ms = 1000 * (date_s - time_s);

    object->young = coarse && (date_s == 0 || age_ms < YOUNG_MS);
    object->doubted = coarse && date_s > 0 && age_ms < WRITTEN_MS;
}

static enum answer ask(struct c2_object_source *source, struct c2_stored_object *object,
                       struct cat2_error *err)
{
    int64_t date_s, time_s;

    if (!c2_object_store_ask(source->store, object->path, &object->state, &date_s, err))
        return take_refusal(source, object, err);
    time_s = c2_http_date(c2_str_of(object->state.modified));
    object->asked = true;
    object->unusable = NULL;
    if (time_s >= 0) object->mtime_ms = time_s * 1000;
    if (time_s < 0 && object->state.etag[0] != '"')
        object->unusable = "has neither etag nor time on its server";
    judge_age(source, object, date_s, time_s);
    return TOLD;
}

bool c2_object_ask(struct c2_object_source *source, struct c2_stored_object *object, struct cat2_error *err)
{
    if (!c2_object_store_renew_keys(source->store, err)) return false;
    enum answer answer = ask(source, object, err);
    return answer == TOLD || (answer == GONE && c2_fail(err, CAT2_ENOTFOUND, "Not Found"));
}

/* ---- all of a look ---- */

struct silent {
    struct c2_stored_object *object;
    struct cat2_error err;
};
/* Threads that share the objects of a look. What is asked first is spread over all of them: the names of
 * those that fail may follow each other. Each look begins elsewhere. */
struct asking {
    struct c2_object_source *source;
    struct c2_stored_object **wanted;
    bool *gone;
    size_t n, first, step;
    int64_t begun_ms;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock;                                  /* guards the rest */
    const struct c2_stored_object *controls[CONTROLS_MAX]; /* their states are known */
    struct silent later[SILENT_MAX];                       /* before there was a control */
    size_t ncontrols, nlater, nanswered, nsilent;
    struct cat2_error silence; /* the first */
    struct cat2_error err;
};

static size_t gcd(size_t a, size_t b)
{
    while (b) {
        size_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* With a step that has no factor in common with n, n steps come to each of them. */
static void spread(struct asking *a)
{
    static atomic_size_t nlooks;

    a->step = a->n * 618 / 1000 + 1;
    while (a->n && gcd(a->step, a->n) != 1)
        a->step++;
    a->first = a->n ? atomic_fetch_add(&nlooks, 1) * SILENT_MAX % a->n : 0;
    a->begun_ms = c2_now_ms();
}

static void fail(struct asking *a, const struct cat2_error *err)
{
    pthread_mutex_lock(&a->lock);
    if (!a->failed) a->err = *err;
    a->failed = true;
    pthread_mutex_unlock(&a->lock);
}

static void add_control(struct asking *a, const struct c2_stored_object *object)
{
    if (a->ncontrols < CONTROLS_MAX && object->asked && !object->unusable && !object->kept)
        a->controls[a->ncontrols++] = object;
}

/* Does the store tell of an object whose state is known? Where there is none, any answer says that it does.
 */
static bool is_there(struct asking *a)
{
    int64_t end = c2_now_ms() + CONTROLS_MS;
    const struct c2_stored_object *controls[CONTROLS_MAX];
    size_t n;
    struct c2_object_state state;
    struct cat2_error err;
    int64_t date_s;

    pthread_mutex_lock(&a->lock);
    n = a->ncontrols;
    memcpy(controls, a->controls, sizeof(controls));
    bool answered = a->nanswered > 0;
    pthread_mutex_unlock(&a->lock);
    if (n == 0) return answered;
    for (size_t i = 0; i < n && c2_now_ms() < end; i++)
        if (c2_object_store_ask(a->source->store, controls[i]->path, &state, &date_s, &err)) return true;
    return false;
}

static bool is_known(const struct c2_stored_object *object)
{
    return object->unusable || (object->asked && !object->doubted);
}

/* What is known of an object, also why it cannot be read, holds on. Of another one the store's silence is
 * told when it is the object's; whose it is may be seen later only. */
static void take_silence(struct asking *a, size_t i, const struct cat2_error *err)
{
    struct c2_stored_object *object = a->wanted[i];

    pthread_mutex_lock(&a->lock);
    if (a->nsilent++ == 0) a->silence = *err;
    bool known = is_known(object), later = !known && a->ncontrols == 0 && a->nlater < SILENT_MAX;
    if (later) a->later[a->nlater++] = (struct silent){object, *err};
    pthread_mutex_unlock(&a->lock);
    if (known || later) return;
    if (is_there(a))
        mark(object, err);
    else
        fail(a, err);
}

/* Nothing was answered for long: no more is asked than whose fault it is. What is known holds on. Of another
 * one nothing is known, and without a control nothing will be. */
static bool is_left_out(struct asking *a, const struct c2_stored_object *object)
{
    pthread_mutex_lock(&a->lock);
    bool quiet = a->nanswered == 0 &&
                 (a->nsilent >= SILENT_MAX || (a->nsilent && c2_now_ms() - a->begun_ms > SILENT_MS));
    bool away = quiet && a->ncontrols == 0 && !is_known(object);
    struct cat2_error err = a->silence;
    pthread_mutex_unlock(&a->lock);
    if (away) fail(a, &err);
    return quiet && (away || is_known(object));
}

static void *ask_some(void *ctx)
{
    struct asking *a = ctx;
    struct cat2_error err;
    size_t i;

    while (!a->failed && (i = atomic_fetch_add(&a->next, 1)) < a->n) {
        i = (a->first + i * a->step) % a->n;
        if (is_left_out(a, a->wanted[i])) continue;
        enum answer answer = ask(a->source, a->wanted[i], &err);
        a->gone[i] = answer == GONE;
        if (answer == FAILED) fail(a, &err);
        if (answer == SILENT) take_silence(a, i, &err);
        if (answer != TOLD && answer != GONE) continue;
        pthread_mutex_lock(&a->lock);
        a->nanswered++;
        if (answer == TOLD) add_control(a, a->wanted[i]);
        pthread_mutex_unlock(&a->lock);
    }
    return NULL;
}

static bool ask_all(struct asking *a, struct cat2_error *err)
{
    pthread_t threads[ASKERS_MAX - 1];
    size_t n = 0;

    pthread_mutex_init(&a->lock, NULL);
    spread(a);
    while (a->n > ASK_ALONE && n < C2_ARRAY_LEN(threads) &&
           pthread_create(&threads[n], NULL, ask_some, a) == 0)
        n++;
    ask_some(a);
    while (n > 0)
        pthread_join(threads[--n], NULL);
    if (!a->failed && a->nlater && !is_there(a)) fail(a, &a->later[0].err);
    for (size_t i = 0; !a->failed && i < a->nlater; i++)
        mark(a->later[i].object, &a->later[i].err);
    pthread_mutex_destroy(&a->lock);
    if (a->failed) *err = a->err;
    return !a->failed;
}

/* Those that went between the list and the question. */
static void drop(struct c2_stored_objects *objects, const struct asking *a)
{
    size_t kept = 0, at = 0;

    for (size_t i = 0; i < objects->list.n; i++) {
        struct c2_stored_object *object = &objects->list.p[i];
        bool asked = at < a->n && a->wanted[at] == object;
        if (asked && a->gone[at++])
            free(object->path);
        else
            objects->list.p[kept++] = *object;
    }
    objects->list.n = kept;
}

static bool must_ask(const struct c2_stored_object *object)
{
    return !object->kept && (!object->asked || object->doubted || object->young);
}

bool c2_objects_ask(struct c2_object_source *source, struct c2_stored_objects *objects,
                    struct cat2_error *err)
{
    struct asking a = {.source = source};
    size_t n = objects->list.n + 1;

    a.wanted = malloc(n * sizeof(struct c2_stored_object *));
    a.gone = calloc(n, sizeof(*a.gone));
    bool ok = (a.wanted && a.gone) || c2_fail_nomem(err, "list of objects");
    for (size_t i = 0; ok && i < objects->list.n; i++) {
        struct c2_stored_object *object = &objects->list.p[i];
        if (must_ask(object))
            a.wanted[a.n++] = object;
        else
            add_control(&a, object);
    }
    ok = ok && ask_all(&a, err);
    if (ok) drop(objects, &a);
    free(a.wanted);
    free(a.gone);
    return ok;
}
