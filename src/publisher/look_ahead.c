/* SPDX-License-Identifier: BSD-3-Clause */
/* Looking ahead of the events: a subscriber in this process asks, before it answers, whether what it knows is
 * what there is. Events of the kernel are there when the call that caused them returns, so one read tells
 * that nothing has changed. What has is noted, looked at at once, and waited for until it is announced, but
 * not for longer than LOOK_MS after it began to change: what never rests is answered as it was. */
#include "publisher/publisher_impl.h"

#include <stdlib.h>

#define LOOK_MS     2000 /* as long as requests for what does not rest are held before their 503 */
#define AGAIN_MS    50   /* between looks at what goes on changing */
#define NUDGE_MAX   16   /* datasets of one note that are loaded ahead of the background */
#define JUDGED_A_MS 2000 /* entries: so many requests as may wait, they are not gone through for each */

/* Not known yet, or not announced. */
static bool is_underway(const struct c2_entry *entry)
{
    bool loaded = entry->gone || entry->failed || entry->json;

    return entry->loading || entry->publishing || !loaded || c2_announcer_owes(entry);
}

static void nothing(void *ctx, struct c2_entry *entry, const struct cat2_error *err)
{
    (void)ctx;
    (void)entry;
    (void)err;
}

/* Whoever waits for a dataset that must rest gets it as soon as it has; the background comes back later. */
static void nudge(struct c2_publisher *pub, struct c2_change_note *note, const struct c2_entry *entry)
{
    if (entry->json || entry->gone || entry->failed || entry->waiters || note->nnudged >= NUDGE_MAX) return;
    note->nnudged++;
    c2_catalog_get(pub->catalog, entry->path, C2_NEED_SKETCH, nothing, NULL);
}

/* All entries whose paths begin so. */
static bool are_settled(struct c2_publisher *pub, struct c2_change_note *note, struct c2_str dir)
{
    size_t i = c2_catalog_lower(pub->catalog, dir.n ? dir.p : "");
    bool settled = true;

    for (; i < c2_catalog_count(pub->catalog); i++) {
        const struct c2_entry *entry = c2_catalog_at(pub->catalog, i);
        if (dir.n && strncmp(entry->path, dir.p, dir.n) != 0) break;
        if (!is_underway(entry)) continue;
        settled = false;
        nudge(pub, note, entry);
        if (note->nnudged >= NUDGE_MAX) break;
    }
    return settled;
}

static bool is_one_settled(struct c2_publisher *pub, struct c2_change_note *note, struct c2_str path)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_PATH_MAX + 1);
    struct cat2_error ignored;

    if (!path.n || !c2_buf_append_str(&name, path, &ignored)) return true;
    const struct c2_entry *entry = c2_catalog_find(pub->catalog, c2_buf_cstr(&name));
    if (!entry || !is_underway(entry)) return true;
    nudge(pub, note, entry);
    return false;
}

/* Is what was noted known, and announced? A chunk of a sparse frame is in the folder that is the dataset.
 * NAME and NAME.b2 change their names with each other. */
static bool is_settled(struct c2_publisher *pub, struct c2_change_note *note)
{
    C2_AUTO(c2_buf) beneath = C2_BUF_INIT(C2_PATH_MAX + 2);
    C2_AUTO(c2_buf) coded = C2_BUF_INIT(C2_PATH_MAX + 4);
    struct c2_str path = c2_str_of(note->path);
    struct cat2_error ignored;

    if (!c2_catalog_is_complete(pub->catalog)) return true; /* who waits for the first list is told by that */
    if (c2_catalog_is_looking(pub->catalog) || c2_gens_count_to_hash(pub->gens, true)) return false;
    if (path.n && !c2_buf_printf(&beneath, &ignored, "%s/", note->path)) return true;
    if (path.n && !c2_buf_printf(&coded, &ignored, "%s.b2", note->path)) return true;
    bool own = is_one_settled(pub, note, path) && is_one_settled(pub, note, c2_kind_bare(path)) &&
               is_one_settled(pub, note, c2_buf_str(&coded)),
         above = is_one_settled(pub, note, c2_path_parent(path));
    return are_settled(pub, note, c2_buf_str(&beneath)) && own && above;
}

/* The same for whoever asks at about the same time; of a large root that is looked through, for longer. */
static bool is_settled_by(struct c2_publisher *pub, struct c2_change_note *note, int64_t now)
{
    int64_t holds_ms = *note->path ? 1 : 1 + (int64_t)(c2_catalog_count(pub->catalog) / JUDGED_A_MS);

    if (note->judged_ms && now - note->judged_ms < holds_ms) return false;
    note->judged_ms = now;
    return is_settled(pub, note);
}

static void drop(struct c2_publisher *pub, size_t i)
{
    free(pub->notes[i].path);
    pub->notes[i] = pub->notes[--pub->nnotes];
}

static void drop_settled(struct c2_publisher *pub)
{
    for (size_t i = pub->nnotes; i-- > 0;)
        if (is_settled(pub, &pub->notes[i])) drop(pub, i);
}

static struct c2_change_note *find(struct c2_publisher *pub, const char *path)
{
    for (size_t i = 0; i < pub->nnotes; i++)
        if (strcmp(pub->notes[i].path, path) == 0) return &pub->notes[i];
    return NULL;
}

/* Too many: one for the whole root. false: it is noted already, or there is no memory. */
static bool put(struct c2_publisher *pub, const char *path)
{
    int64_t now = c2_loop_now_ms(pub->parts.loop);

    if (pub->nnotes == C2_NOTES_MAX) drop_settled(pub);
    if (pub->nnotes == C2_NOTES_MAX) {
        while (pub->nnotes)
            drop(pub, pub->nnotes - 1);
        path = "";
    }
    char *copy = find(pub, path) ? NULL : c2_str_dup(c2_str_of(path));
    if (!copy) return false;
    pub->notes[pub->nnotes++] = (struct c2_change_note){.path = copy, .since_ms = now};
    return true;
}

void c2_look_note(struct c2_publisher *pub, const char *rel)
{
    const char *path = rel ? rel : "";
    struct c2_change_note *known = find(pub, path);

    if (known && is_settled(pub, known)) drop(pub, (size_t)(known - pub->notes));
    if (put(pub, path) || !pub->hearing)
        c2_catalog_rescan(pub->catalog, NULL, NULL);
    else
        c2_catalog_look_later(pub->catalog, AGAIN_MS);
}

static bool unsettled(void *ctx, struct c2_str path)
{
    struct c2_publisher *pub = ctx;
    bool waits = false;

    if (pub->stopped) return false;
    pub->hearing = true;
    c2_source_hear(pub->source);
    pub->hearing = false;
    int64_t now = c2_loop_now_ms(pub->parts.loop);
    for (size_t i = pub->nnotes; i-- > 0;) {
        struct c2_change_note *note = &pub->notes[i];
        if (!c2_path_is_near(c2_str_of(note->path), path)) continue;
        if (is_settled_by(pub, note, now))
            drop(pub, i);
        else if (now - note->since_ms < LOOK_MS)
            waits = true;
    }
    return waits;
}

void c2_look_start(struct c2_publisher *pub)
{
    pub->looker = (struct c2_bus_looker){.root = pub->name, .unsettled = unsettled, .ctx = pub};
    c2_bus_add_looker(pub->parts.bus, &pub->looker);
}

void c2_look_stop(struct c2_publisher *pub)
{
    c2_bus_remove_looker(pub->parts.bus, &pub->looker);
    while (pub->nnotes)
        drop(pub, pub->nnotes - 1);
}
