/* SPDX-License-Identifier: BSD-3-Clause */
/* What notifications of a store name is looked at at once, object by object. They may be lost: everything is
 * listed once in a while all the same. */
#include "base/clock.h"
#include "base/log_share.h"
#include "publisher/source/object_events.h"
#include "publisher/source/objects.h"

#define NAMED_MAX                                                                                            \
    500               /* at a time: a question each; more of them are found by listing, a request for 1000   \
                       */
#define LIST_MS 60000 /* so old may a whole list be */

static struct c2_object_source *of(struct c2_source *base)
{
    return (struct c2_object_source *)base;
}

/* ---- who is told ---- */

bool c2_object_watch(struct c2_source *base, struct c2_loop *loop, c2_source_changed *changed, void *ctx,
                     struct cat2_error *err)
{
    (void)err;
    pthread_mutex_lock(&of(base)->lock);
    of(base)->listener = (struct c2_object_listener){.loop = loop, .changed = changed, .ctx = ctx};
    pthread_mutex_unlock(&of(base)->lock);
    return true;
}

/* Loop thread, as is whatever ends the listening. */
static void on_told(void *ctx)
{
    struct c2_object_source *source = ctx;
    struct c2_object_listener *listener = &source->listener;

    pthread_mutex_lock(&source->lock);
    listener->called = false;
    bool listens = listener->loop;
    pthread_mutex_unlock(&source->lock);
    if (listens) listener->changed(listener->ctx, NULL);
    c2_object_source_unref(source);
}

void c2_object_tell(struct c2_object_source *source)
{
    struct c2_object_listener *listener = &source->listener;

    pthread_mutex_lock(&source->lock);
    if (listener->loop && !listener->called) {
        listener->called = true;
        c2_loop_post(listener->loop, &listener->call, on_told, c2_object_source_ref(source));
    }
    pthread_mutex_unlock(&source->lock);
}

/* ---- what is named ---- */

void c2_object_named_all(struct c2_object_source *source)
{
    pthread_mutex_lock(&source->lock);
    source->named_all = true;
    pthread_mutex_unlock(&source->lock);
}

bool c2_object_named_take(struct c2_object_source *source, struct c2_texts *out)
{
    pthread_mutex_lock(&source->lock);
    bool old = !source->objects || c2_now_ms() - source->listed_ms >= LIST_MS;
    bool all = source->named_all || (source->named.n && old);
    *out = source->named;
    source->named = (struct c2_texts){0};
    source->named_all = false;
    pthread_mutex_unlock(&source->lock);
    if (all) c2_texts_fini(out);
    return all;
}

static bool on_event(void *ctx, struct c2_str bucket, struct c2_str key, struct cat2_error *err)
{
    struct c2_object_source *source = ctx;
    const struct c2_object_store_place *place = c2_object_store_place(source->store);
    size_t prefix = strlen(place->prefix);
    struct cat2_error ignored;

    if (!c2_str_is(bucket, place->bucket) || !c2_str_starts(key, place->prefix)) return true;
    struct c2_str path = {key.p + prefix, key.n - prefix};
    if (!c2_str_is_utf8(path) || !c2_path_check(path, &ignored)) return true; /* it would not be listed */
    pthread_mutex_lock(&source->lock);
    bool known = false;
    for (size_t i = 0; i < source->named.n && !known; i++)
        known = c2_str_is(path, source->named.p[i]);
    bool ok = known || source->named_all || c2_texts_add(&source->named, path, NAMED_MAX, "objects", err);
    if (!ok) source->named_all = true;
    pthread_mutex_unlock(&source->lock);
    return true;
}

/* An empty one: some may be missing. */
void c2_object_notice(struct c2_source *base, struct c2_str event)
{
    struct c2_object_source *source = of(base);
    struct cat2_error why;

    if (!c2_object_store_place(source->store)->s3) return;
    if (event.n == 0) {
        c2_object_named_all(source);
    } else if (!c2_s3_events(event, on_event, source, &why)) {
        c2_log_some(C2_WARN, "%.100s: %s", c2_object_store_place(source->store)->name, why.message);
        return;
    }
    pthread_mutex_lock(&source->lock);
    bool news = source->named.n || source->named_all;
    pthread_mutex_unlock(&source->lock);
    if (news) c2_object_tell(source);
}
