/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens in a scene: declarations before the first step, then deeds. README.md has the words. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "fake.h"
#include "scene.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/mirror.h"

/* Do the words from i on match? "*" is any one word, "..." the rest. */
static bool like(const struct words *w, int i, const char *pattern)
{
    struct c2_str rest = c2_str_of(pattern), word;

    for (bool more = true; more; i++) {
        more = c2_str_cut(rest, ' ', &word, &rest);
        if (c2_str_is(word, "...")) return true;
        if (i >= w->n) return false;
        if (!c2_str_is(word, "*") && !c2_str_is(word, w->at[i])) return false;
    }
    return i == w->n;
}

static struct program *need_program(struct scene *s, const char *name)
{
    struct program *p = program_find(s, name);

    if (!p) scene_fail(s, "there is no program '%s'", name);
    return p;
}

/* ---- declarations ---- */

static bool declare_publisher(struct scene *s, const struct words *w)
{
    if (w->n < 2 || program_find(s, w->at[1]))
        return scene_fail(s, "publisher NAME [DATASET shape= chunks=]");
    struct program *p = program_add(s, PUBLISHER, w->at[1]);
    return w->n == 2 || dataset_write(s, p, w->at[2], w, 3);
}

static bool subscriber_option(struct scene *s, struct program *p, const char *word)
{
    bool quota = strncmp(word, "quota=", 6) == 0, ok = true;

    if (quota || strncmp(word, "scrub=", 6) == 0)
        ok = scene_number(s, word + 6, quota ? &p->quota : &p->scrub_ms);
    else if (strncmp(word, "upstream=", 9) == 0)
        snprintf(p->upstream, sizeof(p->upstream), "%s", word + 9);
    else if (strcmp(word, "follows") == 0)
        p->follows = true;
    else if (strcmp(word, "republishes") == 0)
        p->republishes = true;
    else
        ok = scene_fail(s, "'%s' is nothing that a subscriber has", word);
    return ok;
}

static bool add_subscriber(struct scene *s, const char *name, const struct words *w, int i)
{
    if (program_find(s, name)) return scene_fail(s, "there are two of the name %s", name);
    struct program *p = program_add(s, SUBSCRIBER, name);
    bool ok = true;
    for (; ok && i < w->n; i++)
        ok = subscriber_option(s, p, w->at[i]);
    return ok;
}

/* NAME1, NAME2, ... */
static bool declare_crowd(struct scene *s, const struct words *w)
{
    int64_t n;
    char name[64];
    bool ok = scene_number(s, w->at[1], &n) && (n <= CROWD_MAX || scene_fail(s, "more than %d", CROWD_MAX));

    for (int64_t i = 1; ok && i <= n; i++) {
        snprintf(name, sizeof(name), "%.40s%d", w->at[2], (int)i);
        ok = add_subscriber(s, name, w, 3);
    }
    return ok;
}

static bool set_latency(struct scene *s, const struct words *w, int i)
{
    int64_t ms;

    if (!scene_number(s, w->at[i + 3], &ms)) return false;
    c2_fake_set_latency(c2_fake_host(w->at[i + 1]), c2_fake_host(w->at[i + 2]), ms);
    return true;
}

static bool write_dataset(struct scene *s, const struct words *w, const char *name, const char *path, int i)
{
    struct program *p = need_program(s, name);

    if (!p) return false;
    if (p->kind != PUBLISHER) return scene_fail(s, "%s publishes nothing", p->name);
    return dataset_write(s, p, path, w, i);
}

static bool declare_dataset(struct scene *s, const struct words *w)
{
    char name[64];
    char *slash = strchr(w->at[1], '/');

    if (!slash) return scene_fail(s, "dataset ROOT/PATH shape= chunks=");
    snprintf(name, sizeof(name), "%.*s", (int)(slash - w->at[1]), w->at[1]);
    return write_dataset(s, w, name, slash + 1, 2);
}

bool scene_declare(struct scene *s, const struct words *w)
{
    int64_t n;

    if (like(w, 0, "publisher * ...")) return declare_publisher(s, w);
    if (like(w, 0, "subscriber * ...")) return add_subscriber(s, w->at[1], w, 2);
    if (like(w, 0, "subscribers * * ...")) return declare_crowd(s, w);
    if (like(w, 0, "dataset * ...")) return declare_dataset(s, w);
    if (like(w, 0, "latency * * *")) return set_latency(s, w, 0);
    if (like(w, 0, "broker only *"))
        return !s->nats || scene_fail(s, "it is of a broker alone: %s", w->at[2]);
    if (like(w, 0, "websocket queue *")) {
        if (!scene_number(s, w->at[2], &n)) return false;
        c2_fake_queue_max = (size_t)n;
        return true;
    }
    if (like(w, 0, "absent *")) {
        struct program *p = need_program(s, w->at[1]);
        if (p) p->stopped = true; /* is not started with the others */
        return p != NULL;
    }
    return scene_fail(s, "'%s ...' is no declaration", w->at[0]);
}

/* ---- deeds ---- */

static bool start(struct scene *s, struct program *p, bool empty)
{
    if (p->running) return scene_fail(s, "%s runs already", p->name);
    if (empty) c2_fs_remove_tree(p->statedir);
    if (empty) c2_nats_store_free(p->streams);
    if (empty) p->streams = NULL;
    return program_start(p);
}

static bool stop(struct scene *s, struct program *p, void (*how)(struct program *p))
{
    if (!p->running) return scene_fail(s, "%s does not run", p->name);
    how(p);
    return true;
}

/* Many events at once, as if the publisher had told them. */
static bool hear(struct scene *s, struct program *p, const char *count, const char *topic)
{
    struct cat2_error err;
    int64_t n;

    if (!scene_number(s, count, &n)) return false;
    if (p->kind != BROKER || !p->running) return scene_fail(s, "%s is no running broker", p->name);
    for (int64_t i = 0; i < n && s->nats; i++)
        c2_nats_hear(p->host, topic, C2_STR("{\"path\":\"nothing\"}"));
    for (int64_t i = 0; i < n && !s->nats; i++)
        if (!c2_hub_publish(c2_broker_hub(p->broker), topic, C2_STR("{\"path\":\"nothing\"}"), NULL, &err))
            return scene_fail(s, "%s", err.message);
    return true;
}

/* One byte of what a subscriber has cached is another from now on. */
static bool rot(struct scene *s, struct program *p, const char *name, const char *place)
{
    struct c2_ds *ds = p->kind == SUBSCRIBER && p->running ? scene_dataset(p, name) : NULL;
    C2_AUTO(c2_buf) rel = C2_BUF_INIT(C2_PATH_MAX);
    struct cat2_error err;
    uint8_t byte;
    int64_t at;

    if (!scene_number(s, place, &at)) return false;
    if (!ds || !ds->cf || !c2_ds_cache_name(ds, &rel, &err))
        return scene_fail(s, "%s has nothing of %s", p->name, name);
    int fd = openat(p->subscriber->cachefd, c2_buf_cstr(&rel), O_RDWR | O_CLOEXEC);
    bool ok = fd >= 0 && pread(fd, &byte, 1, at) == 1;
    byte ^= 1;
    ok = ok && pwrite(fd, &byte, 1, at) == 1;
    if (fd >= 0) close(fd);
    return ok || scene_fail(s, "byte %s of %s cannot be changed", place, c2_buf_cstr(&rel));
}

/* "N times" at word i, or once. */
static bool times(struct scene *s, struct program *p, const struct words *w, int i)
{
    int64_t n = 1;

    if (i < w->n && !scene_number(s, w->at[i], &n)) return false;
    p->host->nfaults = (int)n;
    return true;
}

/* Deeds of one host. false: no such deed (*found), or it failed. */
static bool deed(struct scene *s, struct program *p, const struct words *w, int i)
{
    int64_t n = 0;

    if (like(w, i, "hears * events of *")) return hear(s, p, w->at[i + 1], w->at[i + 4]);
    if (like(w, i, "starts")) return start(s, p, false);
    if (like(w, i, "starts empty")) return start(s, p, true);
    if (like(w, i, "dies")) return stop(s, p, program_kill);
    if (like(w, i, "stops")) return stop(s, p, program_stop);
    if (like(w, i, "moves")) return p->running ? scene_fail(s, "%s runs", p->name) : program_move(p);
    if (like(w, i, "hangs") || like(w, i, "wakes")) {
        c2_fake_hang(p->host, scene_is(w, i, "hangs"));
    } else if (like(w, i, "is unreachable") || like(w, i, "is reachable")) {
        c2_fake_reach(p->host, scene_is(w, i + 1, "reachable"));
    } else if (like(w, i, "drops the connection")) {
        c2_fake_cut(p->host, NULL);
    } else if (like(w, i, "drops the connection of *")) {
        const char *target = w->at[i + 4];
        return c2_fake_cut(p->host, target) > 0 || scene_fail(s, "%s is not answering %s", p->name, target);
    } else if (like(w, i, "loses its websockets")) {
        c2_fake_cut_pipes(p->host);
    } else if (like(w, i, "cuts the next chunks after * bytes") ||
               like(w, i, "cuts the next chunks after * bytes * times")) {
        if (!scene_number(s, w->at[i + 5], &n) || !times(s, p, w, i + 7)) return false;
        p->host->cut_after = n;
    } else if (like(w, i, "garbles the next chunks at byte *") ||
               like(w, i, "garbles the next chunks at byte * * times")) {
        if (!scene_number(s, w->at[i + 6], &n) || !times(s, p, w, i + 7)) return false;
        p->host->wrong_at = n;
    } else if (like(w, i, "rots * at byte *")) {
        return rot(s, p, w->at[i + 1], w->at[i + 4]);
    } else if (like(w, i, "takes * a job")) {
        return scene_number(s, w->at[i + 1], &p->host->job_ms);
    } else if (like(w, i, "writes * ...")) {
        return write_dataset(s, w, p->name, w->at[i + 1], i + 2);
    } else if (like(w, i, "deletes *")) {
        return p->kind == PUBLISHER ? dataset_delete(s, p, w->at[i + 1])
                                    : scene_fail(s, "%s publishes nothing", p->name);
    } else {
        return scene_fail(s, "%s cannot do '%s ...'", p->name, w->at[i]);
    }
    return true;
}

static bool ask(struct scene *s, const struct words *w, int i)
{
    const char *name = NULL, *method = w->at[i + 1];

    if (program_find(s, w->at[i])) return scene_fail(s, "%s is a program, no person", w->at[i]);
    if (w->n == i + 5 && scene_is(w, i + 3, "at")) name = w->at[i + 4];
    if (w->n != i + 3 && !name) return scene_fail(s, "NAME %s PATH [at PROGRAM]", method);
    struct program *p = s->programs;
    while (p && (name ? strcmp(p->name, name) != 0 : p->kind != SUBSCRIBER))
        p = p->next;
    if (!p) return scene_fail(s, "there is no program '%s'", name ? name : "subscriber");
    person_ask(s, person_find(s, w->at[i], true), method, p->host->address, w->at[i + 2]);
    return true;
}

bool scene_step(struct scene *s, const struct words *w, int i)
{
    bool ok = true;

    if (like(w, i, "* GET * ...") || like(w, i, "* POST * ...") || like(w, i, "* HEAD * ..."))
        return ask(s, w, i);
    if (like(w, i, "latency * * *")) return set_latency(s, w, i);
    if (w->n < i + 2) return scene_fail(s, "'%s' is no step", i < w->n ? w->at[i] : "");
    if (!scene_is(w, i, "upstream")) {
        struct program *p = need_program(s, w->at[i]);
        return p && deed(s, p, w, i + 1);
    }
    for (struct program *p = s->programs; p && ok; p = p->next) /* every publisher */
        if (p->kind == PUBLISHER) ok = deed(s, p, w, i + 1);
    return ok;
}
