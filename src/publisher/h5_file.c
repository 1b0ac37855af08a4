/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots of an HDF5 file. Names come from one walk; every dataset is then looked at by a request of its
 * own, so that one that brings the worker down is the only one that is lost. */
#include "publisher/h5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "data/frame.h"
#include "publisher/generations.h"
#include "publisher/h5_file_impl.h"

#define LOOK_NBYTES (16 << 20)           /* of a dataset's data, read to tell whether it changed */
#define BUDGET      ((int64_t)256 << 20) /* of all together */
#define ATTEMPTS    3
#define LOST_MAX    3 /* datasets of one file that end the worker: the rest is left alone */

/* ---- states ---- */

bool c2_h5_stat(const char *filename, struct c2_h5_state *out)
{
    struct stat st;

    memset(out, 0, sizeof(*out));
    if (stat(filename, &st) != 0) return false;
    *out = (struct c2_h5_state){.dev = st.st_dev,
                                .ino = st.st_ino,
                                .size = st.st_size,
                                .sec = st.st_mtim.tv_sec,
                                .nsec = st.st_mtim.tv_nsec,
                                .ctime_sec = st.st_ctim.tv_sec,
                                .ctime_nsec = st.st_ctim.tv_nsec};
    return true;
}

bool c2_h5_same_state(const struct c2_h5_state *a, const struct c2_h5_state *b)
{
    return memcmp(a, b, sizeof(*a)) == 0;
}

bool c2_h5_signature(int fd)
{
    static const uint8_t SIGNATURE[8] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    uint8_t bytes[8];

    for (off_t at = 0; at <= 1 << 20; at = at ? 2 * at : 512) {
        if (pread(fd, bytes, sizeof(bytes), at) != sizeof(bytes)) return false;
        if (memcmp(bytes, SIGNATURE, sizeof(bytes)) == 0) return true;
    }
    return false;
}

static void key_of(const struct c2_h5_state *state, struct c2_file_key *out)
{
    *out = (struct c2_file_key){.dev = state->dev,
                                .ino = state->ino,
                                .size = state->size,
                                .mtime_ns = state->sec * 1000000000 + state->nsec,
                                .ctime_ns = state->ctime_sec * 1000000000 + state->ctime_nsec};
}

bool c2_h5_is_doubted(const struct c2_h5_file *file)
{
    return c2_gens_is_doubted(file->gens, file->prefix);
}

/* Written a moment ago: a write may be under way, or another one leave the same time. What only grows (SWMR)
 * need not be waited for so long. */
static bool is_still(const struct c2_file_key *key, const struct c2_generation *gen)
{
    return c2_file_is_quiet(key) || (gen->growing && c2_file_is_settled(key->ctime_ns));
}

/* ---- snapshots ---- */

void c2_h5_snapshot_unref(struct c2_h5_snapshot *snap)
{
    if (!snap || atomic_fetch_sub(&snap->refs, 1) != 1) return;
    for (size_t i = 0; i < snap->n; i++) {
        free(snap->entries[i].path);
        free(snap->entries[i].name);
    }
    free(snap->entries);
    free(snap);
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

const struct c2_h5_entry_of *c2_h5_snapshot_find(const struct c2_h5_snapshot *snap, const char *path,
                                                 bool group)
{
    size_t lo = 0, hi = snap->n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = compare(&snap->entries[mid], path, group);
        if (order == 0) return &snap->entries[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* ---- making one ---- */

struct making {
    struct c2_h5_file *file;
    struct c2_h5_snapshot *snap;
    size_t cap;
    int64_t budget;
    int nlost; /* datasets that ended the worker */
    bool torn; /* the file changed under way */
    bool last; /* while its contents are looked at, what cannot be told apart is what it was */
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
    if (snap->n == making->cap) {
        size_t cap = making->cap ? making->cap * 2 : 64;
        struct c2_h5_entry_of *grown = realloc(snap->entries, cap * sizeof(*grown));
        if (!grown) return c2_fail_nomem(err, "list of datasets");
        snap->entries = grown;
        making->cap = cap;
    }
    entry = &snap->entries[snap->n];
    *entry =
        (struct c2_h5_entry_of){.path = malloc(n + 6), .name = c2_str_dup(c2_str_of(name)), .group = group};
    if (!entry->path || !entry->name) {
        free(entry->path);
        free(entry->name);
        return c2_fail_nomem(err, "list of datasets");
    }
    memcpy(entry->path, path, n + 1);
    if (!group) memcpy(entry->path + n, ".b2nd", 6);
    snap->n++;
    if (item->kind == C2_H5_SHOWS_REFUSED) {
        char text[200];
        snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(body));
        entry->refusal = c2_h5_workers_reason(making->file->workers, text);
    }
    return true;
}

/* Told apart by its contents, or with the whole file. */
static bool stamp(struct making *making, int64_t nbytes, struct c2_h5_entry_of *entry, struct cat2_error *err)
{
    const struct c2_h5_state *state = &making->snap->state;
    const char *prefix = making->file->prefix;
    struct c2_generation *gen = &entry->gen;
    char validator[56];
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX + 64);

    gen->unusable = entry->refusal;
    gen->hidden = !entry->plain;
    if (entry->fingerprint)
        snprintf(validator, sizeof(validator), "h5-%016llx", (unsigned long long)entry->fingerprint);
    else
        snprintf(validator, sizeof(validator), "h5f-%.40s", making->snap->gen.validator);
    return c2_buf_printf(&path, err, "%s%s%s", *prefix == '.' ? "" : prefix, *prefix == '.' ? "" : "/",
                         entry->path) &&
           c2_gens_of_part(making->file->gens, c2_buf_cstr(&path), validator,
                           state->sec * 1000000000 + state->nsec, nbytes, gen, err);
}

/* Python's subscribers put names into URLs as they are. */
static bool is_plain_name(const char *path)
{
    for (; *path; path++)
        if ((uint8_t)*path < 0x20 || *path == 0x7f || strchr("#?%", *path)) return false;
    return true;
}

/* The dataset's generation: that of before when it is the same still. */
static bool look_at(struct making *making, struct c2_h5_entry_of *entry, struct cat2_error *err)
{
    int64_t given = making->budget < LOOK_NBYTES ? making->budget : LOOK_NBYTES;
    struct c2_h5_call call = {
        .op = C2_H5_OP_LOOK, .file = making->file->filename, .name = entry->name, .nchunk = given};
    struct cat2_error why;
    int64_t nbytes = 0;

    if (!entry->refusal && making->nlost == LOST_MAX) entry->refusal = "too much of this file cannot be read";
    if (!entry->refusal && c2_h5_workers_call(making->file->workers, &call, &why)) {
        entry->fingerprint = call.answer.fingerprint;
        entry->plain = call.answer.kind != 0 && is_plain_name(entry->path);
        nbytes = call.answer.nbytes;
        making->budget -= given - call.answer.off;
        if (!c2_h5_same_state(&call.answer.before, &making->snap->state) ||
            !c2_h5_same_state(&call.answer.after, &making->snap->state))
            making->torn = true;
    } else if (!entry->refusal) {
        if (why.code == CAT2_ECANCELLED || why.code == CAT2_ENOMEM) {
            *err = why;
            return false;
        }
        making->nlost += why.code == CAT2_EIO;
        entry->refusal = c2_h5_workers_reason(making->file->workers, why.message);
    }
    return stamp(making, nbytes, entry, err);
}

/* Names that are shown alike, or a broken group that has one twice: the first stands. */
static void drop_repeated(struct c2_h5_snapshot *snap)
{
    size_t kept = 0;

    for (size_t i = 0; i < snap->n; i++) {
        if (kept && by_path(&snap->entries[kept - 1], &snap->entries[i]) == 0) {
            free(snap->entries[i].path);
            free(snap->entries[i].name);
            continue;
        }
        snap->entries[kept++] = snap->entries[i];
    }
    snap->n = kept;
}

static bool make(struct c2_h5_file *file, struct making *making, struct cat2_error *err)
{
    struct c2_h5_snapshot *snap = making->snap;
    struct c2_file_key key;
    struct c2_h5_call call = {
        .op = C2_H5_OP_WALK, .file = file->filename, .name = "/", .item = take_item, .ctx = making};

    if (!c2_h5_workers_call(file->workers, &call, err)) return false;
    snap->state = call.answer.before;
    making->torn = !c2_h5_same_state(&call.answer.before, &call.answer.after);
    key_of(&snap->state, &key);
    if (!c2_gens_of_file(file->gens, file->prefix, &key, &snap->gen, err)) return false;
    if (snap->gen.undecided && !making->last) return c2_fail_busy(err, file->filename);
    snap->hasty = snap->gen.undecided || !is_still(&key, &snap->gen);
    if (snap->n) qsort(snap->entries, snap->n, sizeof(*snap->entries), by_path);
    drop_repeated(snap);
    for (size_t i = 0; i < snap->n; i++)
        if (!snap->entries[i].group && !look_at(making, &snap->entries[i], err)) return false;
    return true;
}

static bool renew(struct c2_h5_file *file, bool last, struct cat2_error *err)
{
    for (int i = 0; i < ATTEMPTS; i++) {
        struct making making = {
            .file = file, .last = last, .budget = BUDGET, .snap = calloc(1, sizeof(*making.snap))};
        if (!making.snap) return c2_fail_nomem(err, "list of datasets");
        atomic_init(&making.snap->refs, 1);
        if (!make(file, &making, err)) {
            c2_h5_snapshot_unref(making.snap);
            return false;
        }
        c2_h5_snapshot_unref(file->snap);
        file->snap = making.snap;
        if (!making.torn) break;
        making.snap->hasty = true;
    }
    return true;
}

/* Is there anything to be looked at in this state? false, and busy: not now. */
static bool must_renew(struct c2_h5_file *file, const struct c2_h5_state *now, bool *must,
                       struct cat2_error *err)
{
    struct c2_generation gen = {0};
    struct c2_file_key key;

    key_of(now, &key);
    if (!c2_gens_of_file(file->gens, file->prefix, &key, &gen, err)) return false;
    if (gen.undecided) return c2_fail_busy(err, file->filename);
    *must = !file->snap || !c2_h5_same_state(&file->snap->state, now) ||
            (file->snap->hasty && is_still(&key, &gen));
    if (file->snap && strcmp(file->snap->gen.validator, gen.validator) != 0) *must = true;
    return true;
}

static bool look(struct c2_h5_file *file, bool last, struct c2_h5_snapshot **out, struct cat2_error *err)
{
    struct c2_h5_state now;
    bool must = false;

    if (!c2_h5_stat(file->filename, &now)) return c2_fail_errno(err, errno, "%.160s", file->filename);
    pthread_mutex_lock(&file->lock);
    bool ok = must_renew(file, &now, &must, err);
    if (ok && must) ok = renew(file, false, err);
    if (!ok && last && c2_is_busy(err)) ok = file->snap || renew(file, true, err);
    if (ok) {
        *out = file->snap;
        atomic_fetch_add(&file->snap->refs, 1);
    }
    pthread_mutex_unlock(&file->lock);
    return ok;
}

bool c2_h5_file_look(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err)
{
    return look(file, false, out, err);
}

bool c2_h5_file_last(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err)
{
    return look(file, true, out, err);
}

/* ---- life ---- */

bool c2_h5_file_new(const char *filename, const char *prefix, struct c2_h5_workers *workers,
                    struct c2_gens *gens, struct c2_h5_file **out, struct cat2_error *err)
{
    struct c2_h5_file *file = calloc(1, sizeof(*file));

    if (file) file->filename = c2_str_dup(c2_str_of(filename));
    if (file) file->prefix = c2_str_dup(c2_str_of(prefix));
    if (!file || !file->filename || !file->prefix) {
        if (file) free(file->filename);
        if (file) free(file->prefix);
        free(file);
        return c2_fail_nomem(err, "HDF5 file");
    }
    pthread_mutex_init(&file->lock, NULL);
    atomic_init(&file->refs, 1);
    file->workers = c2_h5_workers_ref(workers);
    file->gens = c2_gens_ref(gens);
    *out = file;
    return true;
}

struct c2_h5_file *c2_h5_file_ref(struct c2_h5_file *file)
{
    atomic_fetch_add(&file->refs, 1);
    return file;
}

void c2_h5_file_unref(struct c2_h5_file *file)
{
    if (!file || atomic_fetch_sub(&file->refs, 1) != 1) return;
    c2_h5_workers_unref(file->workers);
    c2_h5_snapshot_unref(file->snap);
    pthread_mutex_destroy(&file->lock);
    c2_gens_unref(file->gens);
    free(file->filename);
    free(file->prefix);
    free(file);
}

const char *c2_h5_file_name(const struct c2_h5_file *file)
{
    return file->filename;
}

bool c2_h5_file_attrs(struct c2_h5_file *file, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;

    if (!c2_h5_file_look(file, &snap, err)) return false;
    const struct c2_h5_entry_of *entry = c2_h5_snapshot_find(snap, path, true);
    if (!entry) entry = c2_h5_snapshot_find(snap, path, false);
    if (!entry) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    struct c2_h5_call call = {.op = C2_H5_OP_ATTRS, .file = file->filename, .name = entry->name, .body = out};
    return c2_h5_workers_call(file->workers, &call, err);
}
