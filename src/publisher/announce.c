/* SPDX-License-Identifier: BSD-3-Clause */
/* Changes on their way to the bus. What was announced is remembered in the state only after the bus took it;
 * the rest is the difference between catalog and memory, so nothing is lost while the broker, or we, are
 * away. */
#include <stdlib.h>

#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "publisher/publisher_impl.h"

#define SAVE_MAX 2000 /* at once: the loop is not to wait for the disk for long */

static const char ETAGS[] = "etags";

struct c2_announcement {
    struct c2_announcement *next;
    struct c2_publisher *pub; /* NULL: stopped meanwhile */
    char *path;
    char etag[64]; /* "": a removal */
};

static void announce_all(struct c2_publisher *pub);

static void on_soon(void *ctx)
{
    struct c2_publisher *pub = ctx;

    pub->announce_soon = false;
    pub->timer = NULL;
    if (!pub->stopped) announce_all(pub);
}

static void later(struct c2_publisher *pub, int64_t delay_ms)
{
    if (pub->announce_soon || pub->stopped) return;
    pub->timer = c2_timer_start(pub->parts.loop, delay_ms, 0, on_soon, pub);
    pub->announce_soon = pub->timer != NULL;
}

/* Etag to announce, "" for a removal; false: nothing to say, or not known yet. A broken dataset is announced
 * as removed: readers of the plain dialect could do nothing else with it, others ask what it is. */
static bool pending(const struct c2_entry *entry, const char **etag)
{
    if (entry->publishing) return false;
    if (entry->gone || entry->failed) {
        *etag = "";
        return entry->announced[0] != '\0' ||
               (entry->gone ? entry->was_broken || entry->told : entry->listed && entry->broken_new);
    }
    *etag = entry->gen.etag;
    return entry->listed && entry->json && !entry->sketched && strcmp(entry->announced, entry->gen.etag) != 0;
}

bool c2_announcer_owes(const struct c2_entry *entry)
{
    const char *etag;

    return pending(entry, &etag);
}

static bool make_event(const struct c2_entry *entry, const char *etag, struct c2_buf *out,
                       struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, out, C2_JSON_COMPACT, err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", entry->path);
    if (etag[0]) {
        c2_jw_put_raw(&w, "metadata", c2_shared_str(entry->json));
        c2_jw_put_cstr(&w, "etag", etag);
        c2_jw_put_cstr(&w, "validator", entry->gen.validator);
    }
    c2_jw_end_object(&w);
    return c2_jw_finish(&w);
}

static bool remember(struct c2_publisher *pub, struct c2_entry *entry, const struct c2_announcement *it,
                     struct cat2_error *err)
{
    struct c2_str path = c2_str_of(it->path);

    if (it->etag[0] ? !c2_state_put(pub->parts.state, ETAGS, path, c2_str_of(it->etag), err)
                    : !c2_state_del(pub->parts.state, ETAGS, path, err))
        return false;
    memcpy(entry->announced, it->etag, sizeof(entry->announced));
    entry->broken_new = entry->was_broken = entry->told = false;
    pub->nannounced++;
    c2_log_info("%s %s", it->etag[0] ? "announced update" : "announced removal", it->path);
    return true;
}

static void unlink_announcement(struct c2_publisher *pub, struct c2_announcement *it)
{
    c2_chain_remove(pub->announcing, it, next);
    pub->nannouncing--;
}

static void on_published(void *ctx, const struct cat2_error *err)
{
    struct c2_announcement *it = ctx;
    struct c2_publisher *pub = it->pub;
    struct cat2_error own;

    if (pub) {
        struct c2_entry *entry = c2_catalog_find(pub->catalog, it->path);
        unlink_announcement(pub, it);
        if (entry) entry->publishing = false;
        if (!err && entry && !remember(pub, entry, it, &own)) err = &own;
        if (err) c2_log_warn("%s is not announced yet: %s", it->path, err->message);
        if (entry && c2_announcer_owes(entry)) c2_catalog_owe(pub->catalog, entry); /* still, or again */
        if (entry && c2_entry_is_over(entry)) c2_catalog_drop(pub->catalog, entry);
        later(pub, err ? C2_ANNOUNCE_RETRY_MS : 0);
    }
    free(it->path);
    free(it);
}

static bool announce(struct c2_publisher *pub, struct c2_entry *entry, const char *etag,
                     struct cat2_error *err)
{
    C2_AUTO(c2_buf) event = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct c2_announcement *it;

    if (!make_event(entry, etag, &event, err)) return false;
    it = calloc(1, sizeof(*it));
    if (it) it->path = c2_str_dup(c2_str_of(entry->path));
    if (!it || !it->path) {
        free(it);
        return c2_fail_nomem(err, "announcement");
    }
    memcpy(it->etag, etag, strlen(etag) + 1);
    it->pub = pub;
    it->next = pub->announcing;
    pub->announcing = it;
    pub->nannouncing++;
    entry->publishing = true;
    pub->parts.bus->ops->publish(pub->parts.bus, pub->name, c2_buf_str(&event), on_published, it);
    return true;
}

bool c2_publisher_save(struct c2_publisher *pub, bool *more, struct cat2_error *err)
{
    return c2_gens_save(pub->gens, pub->parts.state, SAVE_MAX, more, err);
}

/* The next entry with something to announce, NULL: none. */
static struct c2_entry *next_pending(struct c2_publisher *pub, const char **etag)
{
    struct c2_entry *entry;

    while ((entry = c2_catalog_next_owing(pub->catalog)) != NULL)
        if (pending(entry, etag)) return entry;
    return NULL;
}

static void announce_all(struct c2_publisher *pub)
{
    struct c2_bus *bus = pub->parts.bus;
    struct c2_entry *entry;
    struct cat2_error err;
    const char *etag;
    bool more;

    if (!pub->walked || !bus->ops->connected(bus)) return;
    bool saved = c2_publisher_save(pub, &more, &err); /* an etag that is announced is remembered */
    if (!saved) c2_log_warn("generations are not saved: %s", err.message);
    if (!saved || more) {
        later(pub, saved ? 0 : C2_ANNOUNCE_RETRY_MS);
        return;
    }
    while (pub->nannouncing < C2_PUBLISHING_MAX && (entry = next_pending(pub, &etag)) != NULL) {
        if (announce(pub, entry, etag, &err)) continue;
        c2_log_warn("%s is not announced yet: %s", entry->path, err.message);
        c2_catalog_owe(pub->catalog, entry);
        later(pub, C2_ANNOUNCE_RETRY_MS);
        return;
    }
}

/* ---- what makes us look ---- */

static void on_entry(void *ctx, struct c2_entry *entry)
{
    struct c2_publisher *pub = ctx;

    if (!c2_announcer_owes(entry)) return;
    c2_catalog_owe(pub->catalog, entry);
    later(pub, 0);
}

static void on_connect(void *ctx)
{
    later(ctx, 0);
}

static void on_walked(void *ctx, const struct cat2_error *err)
{
    struct c2_publisher *pub = ctx;

    if (err) return; /* stopped, or tried again with the next change */
    pub->walked = true;
    if (!pub->stopped) later(pub, 0);
}

static void on_registered(void *ctx, const struct cat2_error *err)
{
    struct c2_publisher *pub = ctx;

    pub->registered = pub->registered || !err;
    if (pub->stopped) return;
    if (err && err->http_status == 409 && pub->refused) {
        pub->refused(pub->refused_ctx, err);
        return;
    }
    if (err) c2_log_warn("the broker does not know us yet: %s", err->message);
    void (*answered)(void *) = pub->answered;
    pub->answered = NULL;
    if (answered) answered(pub->refused_ctx);
}

/* What shows to the broker that the root is ours, as long as the state lives. */
static bool read_token(struct c2_publisher *pub, char token[33], struct cat2_error *err)
{
    C2_AUTO(c2_buf) known = C2_BUF_INIT(1000);

    if (c2_state_get(pub->parts.state, "about", C2_STR("token"), &known, err) && known.n == 32) {
        memcpy(token, c2_buf_cstr(&known), 33);
        return true;
    }
    if (known.n == 0 && err->code != CAT2_ENOTFOUND) return false;
    c2_random_hex32(token);
    return c2_state_put(pub->parts.state, "about", C2_STR("token"), c2_str_of(token), err);
}

static bool restore(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_publisher *pub = ctx;
    char path[C2_PATH_MAX + 1], etag[64];

    if (key.n >= sizeof(path) || value.n >= sizeof(etag)) return true; /* none of ours: announced anew */
    memcpy(path, key.p, key.n);
    path[key.n] = '\0';
    memcpy(etag, value.p, value.n);
    etag[value.n] = '\0';
    return c2_catalog_remember(pub->catalog, path, etag) || c2_fail_nomem(err, "known datasets");
}

bool c2_announcer_start(struct c2_publisher *pub, const struct c2_publisher_options *options,
                        struct cat2_error *err)
{
    struct c2_bus *bus = pub->parts.bus;
    struct c2_root root = {0};
    char token[33];

    if (strlen(pub->name) >= sizeof(root.name) || strlen(options->http) >= sizeof(root.http))
        return c2_fail(err, CAT2_EINVAL, "root name or address is too long");
    memcpy(root.name, pub->name, strlen(pub->name));
    memcpy(root.http, options->http, strlen(options->http));
    root.tls = options->tls;
    pub->refused = options->refused;
    pub->answered = options->answered;
    pub->refused_ctx = options->refused_ctx;
    if (!read_token(pub, token, err)) return false;
    if (!c2_state_each(pub->parts.state, ETAGS, C2_STR(""), restore, pub, err)) return false;
    c2_catalog_on_change(pub->catalog, on_entry, pub);
    if (!bus->ops->on_connect(bus, on_connect, pub)) return c2_fail_nomem(err, "bus");
    bus->ops->register_root(bus, &root, token, on_registered, pub);
    c2_catalog_rescan(pub->catalog, on_walked, pub);
    return true;
}

void c2_announcer_stop(struct c2_publisher *pub)
{
    for (struct c2_announcement *it = pub->announcing; it; it = it->next)
        it->pub = NULL;
    pub->announcing = NULL;
    if (pub->announce_soon) c2_timer_stop(pub->timer);
    pub->announce_soon = false;
    pub->timer = NULL;
}
