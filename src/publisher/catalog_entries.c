/* SPDX-License-Identifier: BSD-3-Clause */
/* The sorted list of entries, what is open of them, and who waits for them. */
#include <stdlib.h>

#include "publisher/catalog_impl.h"

#include "base/bisect.h"
#include "base/list.h"

/* ---- the list ---- */

size_t c2_catalog_count(const struct c2_catalog *cat)
{
    return cat->entries.n;
}

struct c2_entry *c2_catalog_at(const struct c2_catalog *cat, size_t i)
{
    return cat->entries.p[i];
}

size_t c2_catalog_lower(const struct c2_catalog *cat, const char *path)
{
    size_t at;

    c2_bisect(at, cat->entries.n, strcmp(cat->entries.p[at]->path, path) < 0);
    return at;
}

struct c2_entry *c2_catalog_find(const struct c2_catalog *cat, const char *path)
{
    size_t at = c2_catalog_lower(cat, path);

    return at < cat->entries.n && strcmp(cat->entries.p[at]->path, path) == 0 ? cat->entries.p[at] : NULL;
}

struct c2_entry *c2_catalog_insert(struct c2_catalog *cat, const char *path, size_t at)
{
    struct c2_entry *entry = calloc(1, sizeof(*entry));
    struct cat2_error err;

    if (entry) entry->path = c2_str_dup(c2_str_of(path));
    if (!entry || !entry->path || !c2_vec_room(&cat->entries, C2_VEC_NO_MAX, "datasets", &err)) {
        if (entry) free(entry->path);
        free(entry);
        return NULL;
    }
    memmove(cat->entries.p + at + 1, cat->entries.p + at, (cat->entries.n - at) * sizeof(struct c2_entry *));
    cat->entries.p[at] = entry;
    cat->entries.n++;
    entry->gone = true; /* until a generation is known */
    return entry;
}

struct c2_entry *c2_catalog_remember(struct c2_catalog *cat, const char *path, const char *announced)
{
    struct c2_entry *entry = c2_catalog_find(cat, path);

    if (!entry) entry = c2_catalog_insert(cat, path, c2_catalog_lower(cat, path));
    if (entry && strlen(announced) < sizeof(entry->announced))
        memcpy(entry->announced, announced, strlen(announced) + 1);
    return entry;
}

void c2_entry_free(struct c2_entry *entry)
{
    c2_shared_unref(entry->json);
    free(entry->err);
    free(entry->layout);
    free(entry->path);
    free(entry);
}

/* ---- open ones ---- */

void c2_entry_drop_item(struct c2_catalog *cat, struct c2_entry *entry)
{
    if (!entry->item) return;
    for (size_t i = 0; i < C2_ITEMS_OPEN_MAX; i++)
        if (cat->open[i] == entry) cat->open[i] = NULL;
    c2_item_unref(entry->item);
    entry->item = NULL;
}

void c2_entry_keep_item(struct c2_catalog *cat, struct c2_entry *entry, struct c2_item *item)
{
    size_t best = 0;

    c2_entry_drop_item(cat, entry);
    for (size_t i = 0; i < cat->items_kept; i++) {
        if (!cat->open[i]) {
            best = i;
            break;
        }
        if (cat->open[i]->used < cat->open[best]->used) best = i;
    }
    if (cat->open[best]) c2_entry_drop_item(cat, cat->open[best]);
    cat->open[best] = entry;
    entry->item = item;
    entry->used = ++cat->clock;
}

/* ---- those that no walk has seen ---- */

static void leave_passing(struct c2_catalog *cat, struct c2_entry *entry)
{
    for (size_t i = 0; entry->passing && i < C2_PASSING_MAX; i++)
        if (cat->passing[i] == entry) cat->passing[i] = NULL;
    entry->passing = false;
}

/* In use, or readers have to be told of it: then a walk sees to it. */
static bool is_needed(const struct c2_entry *entry)
{
    return entry->listed || entry->loading || entry->waiters || entry->publishing || entry->announced[0] ||
           entry->was_broken || entry->told;
}

void c2_entry_passes(struct c2_catalog *cat, struct c2_entry *entry)
{
    struct c2_entry *oldest = NULL;

    for (size_t i = 0; i < C2_PASSING_MAX; i++) {
        struct c2_entry **slot = &cat->passing[cat->passing_at++ % C2_PASSING_MAX];
        oldest = *slot;
        if (oldest && is_needed(oldest) && !oldest->listed) continue;
        if (oldest) oldest->passing = false;
        *slot = entry;
        entry->passing = true;
        break;
    }
    if (!entry->passing || !oldest || is_needed(oldest)) return;
    oldest->gone = true;
    c2_catalog_drop(cat, oldest);
}

/* ---- who waits ---- */

static bool satisfied(const struct c2_entry *entry, enum c2_catalog_need need)
{
    if (!entry->json) return false;
    if (need == C2_NEED_SKETCH) return true;
    return !entry->sketched && (need == C2_NEED_META || entry->item);
}

/* Tell those who have what they need, or all of a failure. */
void c2_entry_wake(struct c2_catalog *cat, struct c2_entry *entry, const struct cat2_error *err)
{
    struct c2_waiter *waiters = entry->waiters, **keep = &entry->waiters;

    entry->waiters = NULL;
    if (entry->item) entry->used = ++cat->clock;
    while (waiters) {
        struct c2_waiter *waiter = waiters;
        waiters = waiter->next;
        if (!err && !satisfied(entry, waiter->need)) {
            waiter->next = NULL;
            *keep = waiter;
            keep = &waiter->next;
            continue;
        }
        waiter->fn(waiter->ctx, err ? NULL : entry, err);
        free(waiter);
    }
}

/* ---- who owes an announcement ---- */

void c2_catalog_owe(struct c2_catalog *cat, struct c2_entry *entry)
{
    if (entry->owing) return;
    entry->owing = true;
    c2_queue_push(cat->owing_first, cat->owing_last, entry, owing_prev, owing_next);
}

static void leave_owing(struct c2_catalog *cat, struct c2_entry *entry)
{
    if (entry->owing) c2_queue_remove(cat->owing_first, cat->owing_last, entry, owing_prev, owing_next);
    entry->owing = false;
}

struct c2_entry *c2_catalog_next_owing(struct c2_catalog *cat)
{
    struct c2_entry *entry = cat->owing_first;

    if (entry) leave_owing(cat, entry);
    return entry;
}

/* ---- changes ---- */

void c2_catalog_drop(struct c2_catalog *cat, struct c2_entry *entry)
{
    size_t at = c2_catalog_lower(cat, entry->path);

    if (!entry->gone || entry->loading || entry->waiters || entry->publishing) return;
    leave_owing(cat, entry);
    leave_passing(cat, entry);
    c2_entry_drop_item(cat, entry);
    c2_source_forget(cat->source, entry->path);
    memmove(cat->entries.p + at, cat->entries.p + at + 1,
            (cat->entries.n - at - 1) * sizeof(struct c2_entry *));
    cat->entries.n--;
    c2_entry_free(entry);
}

static void forget_contents(struct c2_catalog *cat, struct c2_entry *entry)
{
    c2_entry_drop_item(cat, entry);
    c2_shared_unref(entry->json);
    entry->json = NULL;
    entry->refusal = NULL;
    entry->sketched = entry->failed = false;
    free(entry->layout);
    entry->layout = NULL;
}

void c2_entry_fail(struct c2_entry *entry, const struct cat2_error *why)
{
    entry->failed = true;
    if (!entry->err) entry->err = malloc(sizeof(*entry->err));
    if (entry->err) *entry->err = *why;
}

const struct cat2_error *c2_entry_why(const struct c2_entry *entry)
{
    static const struct cat2_error unsaid = {CAT2_EDATA, 0, "it cannot be opened"};

    return entry->err ? entry->err : &unsaid;
}

void c2_entry_renew(struct c2_catalog *cat, struct c2_entry *entry, const struct c2_generation *gen)
{
    bool same = !entry->gone && strcmp(entry->gen.validator, gen->validator) == 0 &&
                strcmp(entry->gen.etag, gen->etag) == 0 && entry->gen.unusable == gen->unusable;

    if (same && !gen->undecided && entry->gen.key_digest != gen->key_digest) {
        c2_entry_drop_item(cat, entry); /* the same bytes in another file */
        entry->gen.key_digest = gen->key_digest;
    }
    if (same) return;
    entry->broken_new = entry->broken_new || entry->gen.validator[0] || cat->complete;
    entry->was_broken = false;
    forget_contents(cat, entry);
    entry->gen = *gen;
    entry->gone = false;
    if (gen->unusable) {
        struct cat2_error why;
        c2_fail(&why, CAT2_EDATA, "%.160s %s", entry->path, gen->unusable);
        c2_entry_fail(entry, &why);
    }
    if (cat->changed) cat->changed(cat->changed_ctx, entry);
}

void c2_entry_learn(struct c2_catalog *cat, struct c2_entry *entry, struct c2_shared *meta,
                    const uint8_t cparams[4])
{
    if (!meta || entry->json || entry->failed) return;
    entry->json = c2_shared_ref(meta);
    memcpy(&entry->cparams, cparams, sizeof(entry->cparams));
    entry->sketched = false;
    if (cat->changed) cat->changed(cat->changed_ctx, entry);
    c2_entry_wake(cat, entry, NULL);
}

void c2_entry_gone(struct c2_catalog *cat, struct c2_entry *entry)
{
    if (!entry->gone) {
        entry->was_broken = entry->failed;
        forget_contents(cat, entry);
        entry->gone = true;
        entry->listed = false;
        c2_source_forget(cat->source, entry->path);
    }
    if (cat->changed) cat->changed(cat->changed_ctx, entry);
}
