/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects of a store as datasets: frames are served as they are, all else as plain files. Nothing tells of
 * changes: the list is looked at once in a while, and between the looks it is what the last one found. An
 * object's generation is its etag. Lists of buckets have it; of what a site lists it is asked when it is new,
 * when the index says something else of it than before, and while it is young: times in indexes and etags are
 * coarse. */
#include "publisher/source/objects.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/bisect.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log_share.h"
#include "publisher/source/object_blocks.h"

#define DIRECT_S 900  /* that the URL of an object holds: some fetches, and little use to who finds it */
#define LOOK_MS  1000 /* of one look: who lists as well in that time gets the same */

static struct c2_object_source *of(struct c2_source *base)
{
    return (struct c2_object_source *)base;
}

static struct c2_stored_objects *present(struct c2_object_source *source)
{
    pthread_mutex_lock(&source->lock);
    struct c2_stored_objects *objects = c2_stored_objects_ref(source->objects);
    pthread_mutex_unlock(&source->lock);
    return objects;
}

/* Every list that a subscriber asks for is a look. */
static bool is_recent(struct c2_object_source *source)
{
    pthread_mutex_lock(&source->lock);
    bool recent = source->objects && c2_now_ms() - source->looked_ms < LOOK_MS;
    pthread_mutex_unlock(&source->lock);
    return recent;
}

/* ---- generations ---- */

/* The etag stands for the contents, if it is a strong one; else all that is known does. */
static bool generation_of(struct c2_object_source *source, const struct c2_stored_object *object,
                          struct c2_generation *out, struct cat2_error *err)
{
    const struct c2_object_state *state = &object->state;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(C2_REMOTE_ETAG_MAX + C2_REMOTE_MODIFIED_MAX + 64);
    bool strong = state->etag[0] == '"';
    char validator[56];

    if (!c2_buf_printf(&text, err, "%s\n%s\n%lld", state->etag, strong ? "" : state->modified,
                       (long long)state->nbytes))
        return false;
    struct c2_hash128 hash = c2_hash128_of(text.p, text.n);
    snprintf(validator, sizeof(validator), "object-%016llx%016llx", (unsigned long long)hash.high,
             (unsigned long long)hash.low);
    *out = (struct c2_generation){.unusable = object->unusable};
    return c2_gens_of_part(source->gens, object->path, validator, object->mtime_ms * 1000000, state->nbytes,
                           out, err);
}

bool c2_object_is(struct c2_object_source *source, const char *path, const char *validator)
{
    C2_AUTO_PTR(c2_stored_objects) *objects = present(source);
    struct c2_stored_object *object = c2_stored_objects_find(objects, path), copy;
    struct c2_generation gen;
    struct cat2_error ignored;

    if (!object) return false;
    pthread_mutex_lock(&source->lock);
    copy = *object;
    pthread_mutex_unlock(&source->lock);
    return generation_of(source, &copy, &gen, &ignored) && strcmp(gen.validator, validator) == 0;
}

/* A read found another state: the next c2_object_find() asks. */
static void doubt(struct c2_object_source *source, const char *path)
{
    C2_AUTO_PTR(c2_stored_objects) *objects = present(source);
    struct c2_stored_object *object = c2_stored_objects_find(objects, path);

    pthread_mutex_lock(&source->lock);
    if (object) object->doubted = true;
    pthread_mutex_unlock(&source->lock);
}

bool c2_object_range(struct c2_object_source *source, const char *path, const struct c2_object_state *state,
                     int64_t off, size_t n, void *to, struct cat2_error *err)
{
    if (c2_object_store_read(source->store, path, state, off, n, to, err)) return true;
    if (err->code == CAT2_ENOTFOUND) err->code = CAT2_ECHANGED; /* it was there */
    if (err->code == CAT2_ECHANGED) doubt(source, path);
    return false;
}

/* Only with a strong ETag: what is read there can be held to this state then. */
bool c2_object_direct(struct c2_object_source *source, const char *path, const struct c2_object_state *state,
                      struct c2_item_direct *out, struct cat2_error *err)
{
    if (state->etag[0] != '"')
        return c2_fail(err, CAT2_ENOTFOUND, "%.120s: the store gives it no strong ETag", path);
    *out = (struct c2_item_direct){
        .url = C2_BUF_INIT(65536), .etag = state->etag, .nbytes = state->nbytes, .seconds = DIRECT_S};
    return c2_object_store_direct(source->store, path, DIRECT_S, &out->url, err);
}

/* ---- looking ---- */

struct look {
    struct c2_object_source *source;
    struct c2_stored_objects *before, *now;
};

/* Its path is owned now, or freed. */
static bool push(struct c2_stored_objects *objects, const struct c2_stored_object *object,
                 struct cat2_error *err)
{
    if (c2_vec_push(&objects->list, C2_OBJECTS_MAX, "objects", err, *object)) return true;
    free(object->path);
    return false;
}

/* With a path of its own. */
static bool add(struct c2_stored_objects *objects, const struct c2_stored_object *like,
                struct cat2_error *err)
{
    struct c2_stored_object object = *like;

    object.path = c2_str_dup(c2_str_of(like->path));
    return object.path ? push(objects, &object, err) : c2_fail_nomem(err, "list of objects");
}

static bool note(void *ctx, struct c2_str path, const struct c2_object_state *state, int64_t mtime_ms,
                 uint64_t line, struct cat2_error *err)
{
    struct look *look = ctx;
    struct c2_stored_object object = {
        .path = c2_str_dup(path), .line = line, .mtime_ms = mtime_ms, .asked = state};

    if (!object.path) return c2_fail_nomem(err, "list of objects");
    if (state) object.state = *state;
    const struct c2_stored_object *was = c2_stored_objects_find(look->before, object.path);
    if (was && !state) {
        char *own = object.path;
        pthread_mutex_lock(&look->source->lock);
        if ((was->asked || was->unusable) && was->line == line) object = *was;
        pthread_mutex_unlock(&look->source->lock);
        object.path = own;
        object.kept = false;
    }
    return push(look->now, &object, err);
}

/* What was known beneath it stays as it is. It is logged when it was not so at the last look. */
static bool keep(void *ctx, const char *dir, const struct cat2_error *why, struct cat2_error *err)
{
    struct look *look = ctx;
    const struct c2_stored_objects *before = look->before;
    size_t at = 0, n = before ? before->list.n : 0, nkept = 0;

    c2_bisect(at, n, strcmp(before->list.p[at].path, dir) < 0);
    for (; at < n && c2_str_starts(c2_str_of(before->list.p[at].path), dir); at++, nkept++) {
        pthread_mutex_lock(&look->source->lock);
        struct c2_stored_object copy = before->list.p[at];
        pthread_mutex_unlock(&look->source->lock);
        copy.kept = true;
        if (!add(look->now, &copy, err)) return false;
    }
    if (!before || !c2_texts_have(&before->refused, dir))
        c2_log_some(C2_WARN, "%s: %s",
                    nkept ? "what was listed in a directory stays, as it may not be listed now"
                          : "what is in a directory is not published, as it may not be listed",
                    why->message);
    return c2_texts_add(&look->now->refused, c2_str_of(dir), C2_OBJECT_DIRS_MAX, "directories", err);
}

/* What there was, but for the objects that notifications named: those are asked for. */
static bool list_named(struct look *look, const struct c2_texts *named, struct cat2_error *err)
{
    struct c2_stored_objects *before = look->before;

    if (!c2_object_store_renew_keys(look->source->store, err)) return false;
    for (size_t i = 0; i < before->list.n; i++) {
        pthread_mutex_lock(&look->source->lock);
        struct c2_stored_object copy = before->list.p[i];
        pthread_mutex_unlock(&look->source->lock);
        if (!add(look->now, &copy, err)) return false;
    }
    for (size_t i = 0; i < named->n; i++) {
        struct c2_stored_object fresh = {.path = named->p[i]},
                                *was = c2_stored_objects_find(before, named->p[i]);
        if (was)
            look->now->list.p[was - before->list.p].asked = false;
        else if (!add(look->now, &fresh, err))
            return false;
    }
    c2_stored_objects_sort(look->now);
    return c2_objects_ask(look->source, look->now, err);
}

static bool list_all(struct look *look, struct cat2_error *err)
{
    struct c2_object_source *source = look->source;

    if (!c2_object_store_renew_keys(source->store, err) ||
        !c2_object_store_list(source->store, note, keep, look, err))
        return false;
    c2_stored_objects_sort(look->now);
    c2_texts_sort(&look->now->refused);
    return c2_objects_ask(source, look->now, err);
}

static bool tell(struct c2_object_source *source, const struct c2_stored_objects *objects,
                 c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct c2_generation gen;

    for (size_t i = 0; i < objects->list.n; i++) {
        pthread_mutex_lock(&source->lock);
        struct c2_stored_object copy = objects->list.p[i];
        pthread_mutex_unlock(&source->lock);
        if (!generation_of(source, &copy, &gen, err) || !sink(ctx, copy.path, &gen, err)) return false;
    }
    return true;
}

/* Everything, or what was named. What was named and not asked for is found by listing everything the next
 * time. */
static bool do_look(struct look *look, struct c2_texts *named, struct cat2_error *err)
{
    bool ok = named->n && look->before ? list_named(look, named, err) : list_all(look, err);

    if (!ok && named->n) c2_object_named_all(look->source);
    c2_texts_fini(named);
    return ok;
}

static bool objects_walk(struct c2_source *base, c2_source_sink *sink, void *ctx, struct cat2_error *err)
{
    struct c2_object_source *source = of(base);
    C2_AUTO_PTR(c2_stored_objects) *before = present(source);
    C2_AUTO_PTR(c2_stored_objects) *now = calloc(1, sizeof(*now));
    struct look look = {source, before, now};
    struct c2_texts named = {0};

    if (!now) return c2_fail_nomem(err, "list of objects");
    atomic_init(&now->refs, 1);
    bool all = c2_object_named_take(source, &named);
    if (before && !all && !named.n && is_recent(source)) return tell(source, before, sink, ctx, err);
    bool whole = named.n == 0 || !before; /* another look may have ended since */
    if (!do_look(&look, &named, err)) return false;
    pthread_mutex_lock(&source->lock);
    struct c2_stored_objects *old = source->objects;
    source->objects = c2_stored_objects_ref(now);
    source->looked_ms = c2_now_ms();
    if (whole) source->listed_ms = source->looked_ms;
    pthread_mutex_unlock(&source->lock);
    c2_stored_objects_unref(old);
    return tell(source, now, sink, ctx, err);
}

/* ---- one object ---- */

/* All but the path, which others read without the lock. */
static void set(struct c2_stored_object *object, const struct c2_stored_object *from)
{
    object->state = from->state;
    object->mtime_ms = from->mtime_ms;
    object->line = from->line;
    object->asked = from->asked;
    object->doubted = from->doubted;
    object->young = from->young;
    object->unusable = from->unusable;
}

/* Asked outside of the lock; what was found is noted, if there was no other look meanwhile. */
static bool ask_anew(struct c2_object_source *source, struct c2_stored_object *object,
                     struct c2_stored_object *copy, struct cat2_error *err)
{
    if (!c2_object_ask(source, copy, err)) return false;
    pthread_mutex_lock(&source->lock);
    set(object, copy);
    pthread_mutex_unlock(&source->lock);
    return true;
}

bool c2_object_find(struct c2_object_source *source, const char *path, struct c2_stored_object *out,
                    struct c2_generation *gen, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_stored_objects) *objects = present(source);
    struct c2_stored_object *object = c2_stored_objects_find(objects, path);

    if (!objects) return c2_fail_busy(err, path);
    if (!object) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    pthread_mutex_lock(&source->lock);
    *out = *object;
    pthread_mutex_unlock(&source->lock);
    if (out->doubted && !ask_anew(source, object, out, err)) return false;
    out->path = NULL;
    struct c2_stored_object named = *out;
    named.path = object->path;
    return generation_of(source, &named, gen, err);
}

bool c2_object_is_listed(struct c2_object_source *source, const char *path)
{
    C2_AUTO_PTR(c2_stored_objects) *objects = present(source);

    return c2_stored_objects_find(objects, path) != NULL;
}

static bool objects_stat(struct c2_source *base, const char *path, struct c2_generation *out,
                         struct cat2_error *err)
{
    struct c2_stored_object object;

    return c2_object_find(of(base), path, &object, out, err);
}

/* ---- life ---- */

static bool objects_hear_all(struct c2_source *base, const char **why)
{
    (void)base;
    *why = "it is not on this machine";
    return false;
}

static void objects_cancel(struct c2_source *base)
{
    pthread_mutex_lock(&of(base)->lock);
    of(base)->listener.loop = NULL;
    pthread_mutex_unlock(&of(base)->lock);
    if (of(base)->store) c2_object_store_cancel(of(base)->store);
}

static void objects_free(struct c2_source *base)
{
    c2_object_source_unref(of(base));
}

static const struct c2_source_ops OPS = {.walk = objects_walk,
                                         .stat = objects_stat,
                                         .open = c2_object_open,
                                         .watch = c2_object_watch,
                                         .notice = c2_object_notice,
                                         .cancel = objects_cancel,
                                         .free = objects_free,
                                         .hears_all = objects_hear_all};

bool c2_source_objects_new(const char *url, const struct c2_object_store_settings *settings,
                           struct c2_gens *gens, struct c2_source **out, struct cat2_error *err)
{
    struct c2_object_source *source = calloc(1, sizeof(*source));

    if (!source) return c2_fail_nomem(err, "source");
    source->base = (struct c2_source){.ops = &OPS, .gens = c2_gens_ref(gens)};
    source->gens = c2_gens_ref(gens);
    atomic_init(&source->refs, 1);
    pthread_mutex_init(&source->lock, NULL);
    if (!c2_object_blocks_new(&source->blocks, err) ||
        !c2_object_store_new(url, settings, &source->store, err)) {
        c2_source_free(&source->base);
        return false;
    }
    *out = &source->base;
    return true;
}
