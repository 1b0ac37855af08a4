/* SPDX-License-Identifier: BSD-3-Clause */
/* The present snapshot of an HDF5 file, made anew when it or a file it brings in changed. */
#include "publisher/source/h5_file.h"

#include <stdlib.h>

#include "publisher/source/h5_file_impl.h"

void c2_h5_known_fini(struct c2_h5_known *known)
{
    free(known->name);
}

#define LOOKS 3 /* at a file that changes meanwhile */

/* ---- states ---- */

static struct c2_h5_snapshot *current(struct c2_h5_file *file)
{
    pthread_mutex_lock(&file->lock);
    struct c2_h5_snapshot *snap = file->snap;
    if (snap) atomic_fetch_add(&snap->refs, 1);
    pthread_mutex_unlock(&file->lock);
    return snap;
}

bool c2_h5_file_now(struct c2_h5_file *file, struct c2_h5_state *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = current(file);

    if (!c2_h5_file_state(file, out, err)) return false;
    if (snap) c2_h5_snapshot_others_now(snap, out);
    return true;
}

bool c2_h5_file_call(struct c2_h5_file *file, struct c2_h5_call *call, struct cat2_error *err)
{
    struct c2_h5_state now;

    if (!c2_h5_file_now(file, &now, err)) return false;
    bool ok = c2_h5_file_ask(file, call, err);
    call->answer.before.others = now.others;
    call->answer.after.others = now.others;
    return ok;
}

/* *snap is the present one and old, or there is none, and it is our turn. */
static bool make(struct c2_h5_file *file, enum c2_h5_making how, struct c2_h5_snapshot **snap,
                 struct cat2_error *err)
{
    struct c2_h5_snapshot *made;

    if (!c2_h5_snapshot_make(file, how, &made, err)) {
        if (err->code == CAT2_EDATA) c2_h5_file_say_what(file, err);
        return false;
    }
    pthread_mutex_lock(&file->lock);
    c2_h5_snapshot_unref(file->snap);
    file->snap = made;
    atomic_fetch_add(&made->refs, 1);
    pthread_mutex_unlock(&file->lock);
    c2_h5_snapshot_unref(*snap);
    *snap = made;
    return true;
}

static bool check(struct c2_h5_file *file, struct c2_h5_snapshot *snap, enum c2_h5_making how, bool *old,
                  struct cat2_error *err)
{
    struct c2_h5_state now;

    if (!c2_h5_file_state(file, &now, err)) return false;
    if (snap) c2_h5_snapshot_others_now(snap, &now);
    if (!c2_h5_snapshot_is_old(file, snap, &now, old, err)) return false;
    *old = *old || (how == C2_H5_ALL && snap->bare);
    return true;
}

/* A snapshot that is not old; the file is read when there is none. */
static bool fresh(struct c2_h5_file *file, enum c2_h5_making how, struct c2_h5_snapshot **out,
                  struct cat2_error *err)
{
    struct c2_h5_snapshot *snap = current(file);
    bool old = true;
    bool ok = check(file, snap, how, &old, err);

    if (ok && old) { /* once more when it is our turn: another may have made it */
        c2_h5_snapshot_unref(snap);
        pthread_mutex_lock(&file->walking);
        snap = current(file);
        ok = check(file, snap, how, &old, err);
        if (ok && old) ok = make(file, how, &snap, err);
        pthread_mutex_unlock(&file->walking);
    }
    if (!ok) {
        c2_h5_snapshot_unref(snap);
        return false;
    }
    *out = snap;
    return true;
}

/* Every dataset looked at; *torn: not in one state. */
static bool look_at_all(struct c2_h5_file *file, struct c2_h5_snapshot *snap, bool last, bool *torn,
                        struct cat2_error *err)
{
    *torn = snap->torn;
    for (size_t i = 0; i < snap->entries.n && (last || !*torn); i++)
        if (!c2_h5_snapshot_look(file, snap, &snap->entries.p[i], torn, err)) return false;
    return true;
}

static void keep_whole(struct c2_h5_file *file, struct c2_h5_snapshot *snap)
{
    pthread_mutex_lock(&file->lock);
    c2_h5_snapshot_unref(file->whole);
    file->whole = snap;
    atomic_fetch_add(&snap->refs, 1);
    pthread_mutex_unlock(&file->lock);
}

/* While the file is written: the last one of which all is known. */
static bool take_whole(struct c2_h5_file *file, struct c2_h5_snapshot **out)
{
    pthread_mutex_lock(&file->lock);
    *out = file->whole;
    if (*out) atomic_fetch_add(&(*out)->refs, 1);
    pthread_mutex_unlock(&file->lock);
    return *out != NULL;
}

/* The first list of a file whose contents are still being hashed: better than none. */
static bool take_undecided(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err)
{
    struct c2_h5_snapshot *snap = NULL;
    bool torn = false;

    pthread_mutex_lock(&file->walking);
    bool ok = make(file, C2_H5_UNDECIDED, &snap, err);
    pthread_mutex_unlock(&file->walking);
    if (!ok || !look_at_all(file, snap, true, &torn, err)) {
        c2_h5_snapshot_unref(snap);
        return false;
    }
    keep_whole(file, snap);
    *out = snap;
    return true;
}

bool c2_h5_file_last(struct c2_h5_file *file, struct c2_h5_snapshot **out, struct cat2_error *err)
{
    for (int attempt = 1;; attempt++) {
        struct c2_h5_snapshot *snap = NULL;
        bool torn = false, last = attempt == LOOKS;
        bool ok = fresh(file, C2_H5_ALL, &snap, err) && look_at_all(file, snap, last, &torn, err);
        if (ok && (!torn || last)) {
            keep_whole(file, snap);
            *out = snap;
            return true;
        }
        c2_h5_snapshot_unref(snap);
        if (!ok && !last && file->base.object && err->code == CAT2_ECHANGED) continue; /* another object */
        if (!ok && c2_h5_is_passing(file, err) && take_whole(file, out)) return true;
        if (!ok) return c2_is_busy(err) && !file->base.object && take_undecided(file, out, err);
    }
}

static bool take_known(struct c2_h5_file *file, struct c2_h5_snapshot *snap,
                       const struct c2_h5_entry_of *entry, struct c2_h5_known *out, struct cat2_error *err)
{
    pthread_mutex_lock(&snap->lock);
    struct c2_h5_known known = {.state = snap->state,
                                .refusal = entry->refusal,
                                .name = c2_str_dup(c2_str_of(entry->name)),
                                .hasty = snap->hasty};
    c2_h5_entry_gen(entry, file->base.format, &known.gen);
    pthread_mutex_unlock(&snap->lock);
    if (!known.name) return c2_fail_nomem(err, "dataset");
    *out = known;
    return true;
}

bool c2_h5_file_find(struct c2_h5_file *file, const char *path, bool group, struct c2_h5_known *out,
                     struct cat2_error *err)
{
    for (int attempt = 1;; attempt++) {
        C2_AUTO_PTR(c2_h5_snapshot) *snap = NULL;
        bool torn = false;
        if (!fresh(file, C2_H5_NAMES, &snap, err)) return false;
        struct c2_h5_entry_of *entry = c2_h5_snapshot_find(snap, path, group);
        if (!entry) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
        if (!c2_h5_snapshot_look(file, snap, entry, &torn, err)) return false;
        if (!torn || attempt == LOOKS) return take_known(file, snap, entry, out, err);
    }
}

bool c2_h5_file_stat(struct c2_h5_file *file, const char *path, struct c2_generation *out,
                     struct cat2_error *err)
{
    C2_AUTO(c2_h5_known) known = {0};

    if (!c2_h5_file_find(file, path, false, &known, err)) return false;
    *out = known.gen;
    return true;
}

bool c2_h5_file_attrs(struct c2_h5_file *file, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_h5_known) known = {0};

    if (!c2_h5_file_find(file, path, true, &known, err) &&
        (err->code != CAT2_ENOTFOUND || !c2_h5_file_find(file, path, false, &known, err)))
        return false;
    struct c2_h5_call call = {
        .op = C2_H5_OP_ATTRS, .file = file->base.filename, .name = known.name, .body = out};
    return c2_h5_file_ask(file, &call, err);
}

bool c2_h5_file_uses(struct c2_h5_file *file, const char *rel)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = current(file);
    bool uses = false;

    if (!snap) return false;
    pthread_mutex_lock(&snap->lock);
    for (size_t i = 0; i < snap->others.n && !uses; i++) {
        struct c2_str path = c2_str_of(snap->others.p[i].path), end = c2_str_of(rel);
        uses = path.n > end.n && path.p[path.n - end.n - 1] == '/' && c2_str_ends(path, rel);
    }
    pthread_mutex_unlock(&snap->lock);
    return uses;
}
