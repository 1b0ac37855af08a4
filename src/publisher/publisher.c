/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a publisher. */
#include "publisher/publisher.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "publisher/publisher_impl.h"

#define STORE_POLL_MS                                                                                        \
    60000 /* between looks at a store of objects: each is a request per 1000 objects, which may cost */
#define SAVE_MS 500 /* changes of so long are written to the state together */

static void on_source_change(void *ctx, const char *rel)
{
    c2_look_note(ctx, rel);
}

static void on_save_time(void *ctx)
{
    struct cat2_error err;
    bool more;

    (void)c2_publisher_save(ctx, &more, &err); /* or the next time; the state says why not */
}

/* Generations are saved again, and what is not remembered as announced is announced again. */
static void on_tend_time(void *ctx)
{
    c2_state_tend(((struct c2_publisher *)ctx)->parts.state, NULL, NULL);
}

static bool start(struct c2_publisher *pub, const struct c2_publisher_options *options,
                  struct c2_source *source, struct cat2_error *err)
{
    pub->name = c2_str_dup(c2_str_of(options->name));
    pub->dirfd = open(options->statedir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (!pub->name) return c2_fail_nomem(err, "publisher");
    if (!c2_state_put(pub->parts.state, "about", C2_STR("root"), c2_str_of(pub->name), err) ||
        !c2_announcer_start(pub, options, err))
        return false;
    if (!c2_source_watch(source, pub->parts.loop, on_source_change, pub, err)) return false;
    pub->source = source;
    c2_poll_start(pub, options->poll_ms == 0 && c2_is_object_store(options->root) ? STORE_POLL_MS
                                                                                  : options->poll_ms);
    c2_look_start(pub);
    pub->save_timer = c2_timer_start(pub->parts.loop, SAVE_MS, SAVE_MS, on_save_time, pub);
    pub->tender = c2_timer_start(pub->parts.loop, C2_STATE_TEND_MS, C2_STATE_TEND_MS, on_tend_time, pub);
    if (!pub->save_timer || !pub->tender) return c2_fail_nomem(err, "publisher");
    c2_server_routes(pub->parts.server, c2_publisher_routes, c2_publisher_nroutes, pub);
    return true;
}

const struct c2_state_kind c2_publisher_state = {
    .program = "cat2pub",
    .costs = "the token of the root, and what is known of earlier contents: all files are hashed and "
             "announced anew, and subscribers may fetch again what they have",
};

bool c2_publisher_new(const struct c2_publisher_parts *parts, const struct c2_publisher_options *options,
                      struct c2_publisher **out, struct cat2_error *err)
{
    struct c2_source *source;
    struct c2_publisher *pub = calloc(1, sizeof(*pub));

    if (!pub) return c2_fail_nomem(err, "publisher");
    pub->parts = *parts;
    pub->direct = options->direct;
    pub->dirfd = -1;
    pub->gens = c2_gens_new();
    bool ok = pub->gens || c2_fail_nomem(err, "publisher");
    if (!ok || !c2_gens_load(pub->gens, parts->state, err) ||
        !c2_source_new(options->root, options->statedir, options->no_h5_folders, options->store, pub->gens,
                       &source, err)) {
        c2_gens_unref(pub->gens);
        free(pub);
        return false;
    }
    if (!c2_catalog_new(parts->loop, parts->pool, source, &pub->catalog, err)) {
        c2_source_free(source);
        c2_gens_unref(pub->gens);
        free(pub);
        return false;
    }
    c2_catalog_limit(pub->catalog, options->items_max, options->items_kept);
    if (!start(pub, options, source, err)) {
        c2_publisher_free(pub);
        return false;
    }
    *out = pub;
    return true;
}

void c2_publisher_notice(struct c2_publisher *pub, struct c2_str event)
{
    if (!pub->stopped) c2_source_notice(pub->source, event);
}

void c2_publisher_stop(struct c2_publisher *pub)
{
    struct cat2_error err;
    bool more = true, saved = true;

    if (pub->stopped) return;
    pub->stopped = true;
    c2_poll_stop(pub);
    if (pub->looker.root) c2_look_stop(pub);
    c2_timer_stop(pub->save_timer);
    c2_timer_stop(pub->tender);
    while (saved && more)
        saved = c2_publisher_save(pub, &more, &err);
    if (!saved) c2_log_warn("generations are not saved: %s", err.message);
    c2_announcer_stop(pub);
    c2_catalog_close(pub->catalog);
    pub->catalog = NULL;
}

void c2_publisher_free(struct c2_publisher *pub)
{
    if (!pub) return;
    c2_publisher_stop(pub);
    c2_gens_unref(pub->gens);
    free(pub->name);
    if (pub->dirfd >= 0) close(pub->dirfd);
    free(pub);
}
