/* SPDX-License-Identifier: BSD-3-Clause */
/* What a snapshot of an HDF5 file holds: a state of the file, and its datasets and groups by path. */
#include <stdlib.h>

#include "base/bisect.h"
#include "publisher/source/h5_file_impl.h"

bool c2_h5_same_state(const struct c2_h5_state *a, const struct c2_h5_state *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

void c2_h5_state_key(const struct c2_h5_state *state, struct c2_file_key *out)
{
    *out = (struct c2_file_key){.dev = state->dev,
                                .ino = state->ino,
                                .size = state->size,
                                .mtime_ns = state->sec * 1000000000 + state->nsec,
                                .ctime_ns = state->ctime_sec * 1000000000 + state->ctime_nsec};
}

/* ---- entries ---- */

static void entry_fini(struct c2_h5_entry_of *entry)
{
    free(entry->path);
    free(entry->name);
    free(entry->tags);
    c2_shared_unref(entry->meta);
}

void c2_h5_snapshot_clear(struct c2_h5_snapshot *snap)
{
    for (size_t i = 0; i < snap->entries.n; i++)
        entry_fini(&snap->entries.p[i]);
    snap->entries.n = 0;
}

void c2_h5_snapshot_unref(struct c2_h5_snapshot *snap)
{
    if (!snap || atomic_fetch_sub(&snap->refs, 1) != 1) return;
    c2_h5_snapshot_clear(snap);
    c2_alike_fini(&snap->alike);
    c2_vec_fini(&snap->entries);
    c2_h5_others_fini(&snap->others);
    pthread_mutex_destroy(&snap->lock);
    free(snap);
}

size_t c2_h5_snapshot_count(const struct c2_h5_snapshot *snap)
{
    return snap->entries.n;
}

const struct c2_h5_entry_of *c2_h5_snapshot_at(const struct c2_h5_snapshot *snap, size_t i)
{
    return &snap->entries.p[i];
}

bool c2_h5_entry_name_gen(struct c2_h5_entry_of *entry, const struct c2_generation *gen)
{
    size_t etag = strlen(gen->etag) + 1, validator = strlen(gen->validator) + 1;
    char *tags = malloc(etag + validator);

    if (!tags) return false;
    memcpy(tags, gen->etag, etag);
    memcpy(tags + etag, gen->validator, validator);
    free(entry->tags);
    entry->tags = tags;
    entry->mtime_ms = gen->mtime_ms;
    return true;
}

void c2_h5_entry_gen(const struct c2_h5_entry_of *entry, const struct c2_format *format,
                     struct c2_generation *out)
{
    *out = (struct c2_generation){0};
    if (!entry->tags) return;
    const char *validator = entry->tags + strlen(entry->tags) + 1;
    memcpy(out->etag, entry->tags, strlen(entry->tags) + 1);
    memcpy(out->validator, validator, strlen(validator) + 1);
    out->mtime_ms = entry->mtime_ms;
    out->unusable = entry->refusal;
    out->hidden = !entry->plain;
    out->within = format->name;
}

struct c2_shared *c2_h5_snapshot_take_meta(struct c2_h5_snapshot *snap, size_t i)
{
    pthread_mutex_lock(&snap->lock);
    struct c2_shared *meta = snap->entries.p[i].meta;
    snap->entries.p[i].meta = NULL;
    pthread_mutex_unlock(&snap->lock);
    return meta;
}

static int compare(const struct c2_h5_entry_of *a, const char *path, bool group)
{
    int order = strcmp(a->path, path);

    return order ? order : (int)a->group - (int)group;
}

static int by_path(const void *a, const void *b)
{
    const struct c2_h5_entry_of *y = b;

    return compare(a, y->path, y->group);
}

struct c2_h5_entry_of *c2_h5_snapshot_find(const struct c2_h5_snapshot *snap, const char *path, bool group)
{
    struct c2_h5_entry_of *p = snap->entries.p;
    size_t at;

    c2_bisect(at, snap->entries.n, compare(&p[at], path, group) < 0);
    return at < snap->entries.n && compare(&p[at], path, group) == 0 ? &p[at] : NULL;
}

struct c2_h5_entry_of *c2_h5_snapshot_add(struct c2_h5_snapshot *snap, const char *path, const char *name,
                                          bool group, struct cat2_error *err)
{
    struct c2_h5_entry_of entry = {.name = c2_str_dup(c2_str_of(name)), .group = group};
    size_t n = strlen(path);

    if ((entry.path = malloc(n + 6))) memcpy(entry.path, path, n + 1);
    if (entry.path && !group) memcpy(entry.path + n, C2_ARRAY_SUFFIX, 6);
    bool ok = (entry.path && entry.name) || c2_fail_nomem(err, "list of datasets");
    ok = ok && c2_vec_push(&snap->entries, C2_VEC_NO_MAX, "datasets", err, entry);
    if (!ok) entry_fini(&entry);
    return ok ? &snap->entries.p[snap->entries.n - 1] : NULL;
}

/* Names that are shown alike, or a broken group that has one twice: the first stands. */
static void drop_repeated(struct c2_h5_snapshot *snap)
{
    size_t kept = 0;

    for (size_t i = 0; i < snap->entries.n; i++) {
        if (kept && by_path(&snap->entries.p[kept - 1], &snap->entries.p[i]) == 0) {
            entry_fini(&snap->entries.p[i]);
            continue;
        }
        snap->entries.p[kept++] = snap->entries.p[i];
    }
    snap->entries.n = kept;
}

void c2_h5_snapshot_sort(struct c2_h5_snapshot *snap)
{
    if (snap->entries.n) qsort(snap->entries.p, snap->entries.n, sizeof(struct c2_h5_entry_of), by_path);
    drop_repeated(snap);
}
