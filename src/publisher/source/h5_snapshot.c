/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots of an HDF5 file. Names come from one walk; every dataset is then looked at by a request of its
 * own, so that one that brings the worker down is the only one that is lost. */
#include <stdio.h>
#include <stdlib.h>

#include "base/bisect.h"
#include "publisher/generations/generations.h"
#include "publisher/source/h5_file_impl.h"

#define LOOK_NBYTES (16 << 20)           /* of a dataset's data, read to tell whether it changed */
#define BUDGET      ((int64_t)256 << 20) /* of all together */
#define LOST_MAX    3 /* datasets of one file that end the worker: the rest is left alone */

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

bool c2_h5_is_doubted(const struct c2_h5_file *file)
{
    return c2_gens_is_doubted(file->base.site->gens, file->base.prefix);
}

/* Written a moment ago: a write may be under way, or another one leave the same time. What only grows (SWMR)
 * need not be waited for so long, nor other files, which are read by their own states. */
static bool is_still(const struct c2_h5_file *file, const struct c2_file_key *key,
                     const struct c2_generation *gen, const struct c2_h5_others *others)
{
    if (file->base.object) return true; /* its state is of its contents; times are its server's */
    if (!c2_file_is_settled(c2_h5_others_newest(others))) return false;
    return c2_file_is_quiet(key) || (gen->growing && c2_file_is_settled(key->ctime_ns));
}

/* ---- entries ---- */

void c2_h5_snapshot_unref(struct c2_h5_snapshot *snap)
{
    if (!snap || atomic_fetch_sub(&snap->refs, 1) != 1) return;
    for (size_t i = 0; i < snap->entries.n; i++) {
        free(snap->entries.p[i].path);
        free(snap->entries.p[i].name);
    }
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

/* ---- names ---- */

struct making {
    struct c2_h5_file *file;
    struct c2_h5_snapshot *snap;
};

static bool take_item(void *ctx, const struct c2_h5_answer *item, const char *path, const char *name,
                      struct c2_str body, struct cat2_error *err)
{
    struct making *making = ctx;
    struct c2_h5_snapshot *snap = making->snap;
    struct c2_h5_entry_of *entry;
    size_t n = strlen(path);
    bool group = item->kind == C2_H5_SHOWS_GROUP;

    if (n > 0 && !c2_path_check(c2_str_of(path), err)) return false;
    if (!c2_vec_room(&snap->entries, C2_VEC_NO_MAX, "datasets", err)) return false;
    entry = &snap->entries.p[snap->entries.n];
    *entry =
        (struct c2_h5_entry_of){.path = malloc(n + 6), .name = c2_str_dup(c2_str_of(name)), .group = group};
    if (!entry->path || !entry->name) {
        free(entry->path);
        free(entry->name);
        return c2_fail_nomem(err, "list of datasets");
    }
    memcpy(entry->path, path, n + 1);
    if (!group) memcpy(entry->path + n, ".b2nd", 6);
    snap->entries.n++;
    if (item->kind == C2_H5_SHOWS_REFUSED) {
        char text[400];
        snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(body));
        entry->refusal = c2_site_reason(making->file->base.site, text);
    }
    return true;
}

/* Names that are shown alike, or a broken group that has one twice: the first stands. */
static void drop_repeated(struct c2_h5_snapshot *snap)
{
    size_t kept = 0;

    for (size_t i = 0; i < snap->entries.n; i++) {
        if (kept && by_path(&snap->entries.p[kept - 1], &snap->entries.p[i]) == 0) {
            free(snap->entries.p[i].path);
            free(snap->entries.p[i].name);
            continue;
        }
        snap->entries.p[kept++] = snap->entries.p[i];
    }
    snap->entries.n = kept;
}

/* A list of other files that grew. */
static void note_others(struct c2_h5_snapshot *snap)
{
    snap->state.others = c2_h5_others_hash(&snap->others, false);
    snap->hasty = snap->hasty || !c2_file_is_settled(c2_h5_others_newest(&snap->others));
}

static bool name_file(struct c2_h5_file *file, struct c2_h5_snapshot *snap, bool undecided,
                      struct cat2_error *err)
{
    struct c2_file_key key;

    c2_h5_state_key(&snap->state, &key);
    if (!c2_h5_file_generation(file, &snap->state, &snap->gen, err)) return false;
    if (snap->gen.undecided && !undecided) return c2_fail_busy(err, file->base.filename);
    snap->hasty = snap->hasty || snap->gen.undecided || !is_still(file, &key, &snap->gen, &snap->others);
    note_others(snap);
    return true;
}

bool c2_h5_snapshot_make(struct c2_h5_file *file, bool undecided, struct c2_h5_snapshot **out,
                         struct cat2_error *err)
{
    struct c2_h5_snapshot *snap = calloc(1, sizeof(*snap));
    struct making making = {file, snap};
    C2_AUTO(c2_buf) others = C2_BUF_INIT(C2_H5_PROTO_BODY);
    struct c2_h5_call call = {.op = C2_H5_OP_WALK,
                              .file = file->base.filename,
                              .name = "/",
                              .item = take_item,
                              .ctx = &making,
                              .others = &others};

    if (!snap) return c2_fail_nomem(err, "list of datasets");
    atomic_init(&snap->refs, 1);
    pthread_mutex_init(&snap->lock, NULL);
    snap->budget = file->base.object ? 0 : BUDGET; /* of objects only metadata is read */
    bool ok = c2_h5_file_ask(file, &call, err) &&
              c2_h5_others_add(&snap->others, c2_buf_bytes(&others), &snap->hasty, err);
    snap->state = call.answer.before;
    snap->hasty = snap->hasty || !c2_h5_same_state(&call.answer.before, &call.answer.after);
    if (!ok || !name_file(file, snap, undecided, err)) {
        c2_h5_snapshot_unref(snap);
        return false;
    }
    if (snap->entries.n) qsort(snap->entries.p, snap->entries.n, sizeof(struct c2_h5_entry_of), by_path);
    drop_repeated(snap);
    *out = snap;
    return true;
}

/* ---- one dataset ---- */

/* What a worker said of it; or why not, which is a reason or the moment's. */
struct looked {
    struct c2_h5_call call;
    bool ok;
    struct cat2_error why;
    struct c2_h5_others others; /* of this dataset */
};

/* Told apart by its contents, or with all the files it comes from. */
static bool stamp(struct c2_h5_file *file, const struct c2_h5_snapshot *snap, const struct looked *looked,
                  struct c2_h5_entry_of *entry, struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX + 64);
    struct c2_generation *gen = &entry->gen;
    uint64_t fingerprint = looked->ok ? looked->call.answer.fingerprint : 0;
    uint64_t others = c2_h5_others_hash(&looked->others, false);
    char validator[56];
    bool bare = strcmp(file->base.prefix, ".") == 0;

    gen->unusable = entry->refusal;
    gen->hidden = !entry->plain;
    gen->within = file->base.format->name;
    if (fingerprint)
        snprintf(validator, sizeof(validator), "h5-%016llx", (unsigned long long)fingerprint);
    else if (others)
        snprintf(validator, sizeof(validator), "h5o-%016llx-%.32s", (unsigned long long)others,
                 snap->gen.validator);
    else
        snprintf(validator, sizeof(validator), "h5f-%.40s", snap->gen.validator);
    return c2_buf_printf(&path, err, "%s%s%s", bare ? "" : file->base.prefix, bare ? "" : "/", entry->path) &&
           c2_gens_of_part(file->base.site->gens, c2_buf_cstr(&path), validator,
                           snap->state.sec * 1000000000 + snap->state.nsec,
                           looked->ok ? looked->call.answer.nbytes : 0, gen, err);
}

/* Python's subscribers put names into URLs as they are. */
static bool is_plain_name(const char *path)
{
    for (; *path; path++)
        if ((uint8_t)*path < 0x20 || *path == 0x7f || strchr("#?%", *path)) return false;
    return true;
}

static int64_t take_budget(struct c2_h5_snapshot *snap)
{
    pthread_mutex_lock(&snap->lock);
    int64_t given = snap->budget < LOOK_NBYTES ? snap->budget : LOOK_NBYTES;
    snap->budget -= given;
    pthread_mutex_unlock(&snap->lock);
    return given;
}

/* Under the snapshot's lock. */
static bool take_look(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                      const struct looked *looked, struct cat2_error *err)
{
    if (looked->ok) {
        entry->plain = looked->call.answer.kind != 0 && is_plain_name(entry->path);
    } else if (!entry->refusal) {
        snap->nlost += looked->why.code == CAT2_EIO;
        entry->refusal = c2_site_reason(file->base.site, looked->why.message);
    }
    entry->looked = stamp(file, snap, looked, entry, err);
    return entry->looked;
}

static bool is_of(const struct c2_h5_snapshot *snap, struct c2_h5_state state)
{
    state.others = snap->state.others; /* the worker knows when one of those changed under way */
    return c2_h5_same_state(&state, &snap->state);
}

static bool merge(struct c2_h5_snapshot *snap, struct c2_bytes told, bool *torn, struct cat2_error *err)
{
    size_t n = snap->others.n;

    if (!c2_h5_others_add(&snap->others, told, torn, err)) return false;
    if (snap->others.n != n) note_others(snap);
    return true;
}

/* Not of the dataset. */
static bool says_nothing(const struct c2_h5_file *file, const struct cat2_error *why)
{
    return why->code == CAT2_ECANCELLED || why->code == CAT2_ENOMEM ||
           (file->base.object && c2_h5_is_passing(file, why));
}

bool c2_h5_snapshot_look(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                         bool *torn, struct cat2_error *err)
{
    C2_AUTO(c2_buf) others = C2_BUF_INIT(C2_H5_PROTO_BODY);
    struct looked looked = {
        .call = {.op = C2_H5_OP_LOOK, .file = file->base.filename, .name = entry->name, .others = &others}};
    bool ok = true, ignored;

    pthread_mutex_lock(&snap->lock);
    bool done = entry->looked || entry->group;
    if (!done && !entry->refusal && snap->nlost >= LOST_MAX)
        entry->refusal = "too much of this file cannot be read";
    bool refused = entry->refusal;
    pthread_mutex_unlock(&snap->lock);
    if (done) return true;
    if (!refused) {
        looked.call.nchunk = take_budget(snap);
        looked.ok = c2_h5_file_ask(file, &looked.call, &looked.why);
        if (!looked.ok && says_nothing(file, &looked.why)) {
            *err = looked.why;
            return false;
        }
        ok = c2_h5_others_add(&looked.others, c2_buf_bytes(&others), &ignored, err);
    }
    pthread_mutex_lock(&snap->lock);
    if (looked.ok) snap->budget += looked.call.answer.off;
    if (!refused && looked.why.code != CAT2_EIO &&
        (!is_of(snap, looked.call.answer.before) || !is_of(snap, looked.call.answer.after)))
        *torn = true;
    ok = ok && merge(snap, c2_buf_bytes(&others), torn, err);
    if (*torn) snap->hasty = true;
    if (ok && !entry->looked) ok = take_look(file, snap, entry, &looked, err);
    pthread_mutex_unlock(&snap->lock);
    c2_h5_others_fini(&looked.others);
    return ok;
}

/* ---- old or not ---- */

void c2_h5_snapshot_others_now(struct c2_h5_snapshot *snap, struct c2_h5_state *now)
{
    pthread_mutex_lock(&snap->lock);
    now->others = c2_h5_others_hash(&snap->others, true);
    pthread_mutex_unlock(&snap->lock);
}

bool c2_h5_snapshot_is_old(struct c2_h5_file *file, struct c2_h5_snapshot *snap,
                           const struct c2_h5_state *now, bool *old, struct cat2_error *err)
{
    struct c2_generation gen = {0};
    struct c2_file_key key;

    c2_h5_state_key(now, &key);
    *old = true;
    if (!c2_h5_file_generation(file, now, &gen, err)) return false;
    if (gen.undecided) return c2_fail_busy(err, file->base.filename);
    if (!snap) return true;
    pthread_mutex_lock(&snap->lock);
    *old = !c2_h5_same_state(&snap->state, now) || strcmp(snap->gen.validator, gen.validator) != 0 ||
           (snap->hasty && is_still(file, &key, &gen, &snap->others));
    pthread_mutex_unlock(&snap->lock);
    return true;
}
