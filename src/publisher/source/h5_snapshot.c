/* SPDX-License-Identifier: BSD-3-Clause */
/* Snapshots of an HDF5 file. Names come from one walk; every dataset is then looked at by a request of its
 * own, so that one that brings the worker down is the only one that is lost. */
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "publisher/generations/generations.h"
#include "publisher/source/h5_file_impl.h"

#define BUDGET   ((int64_t)256 << 20) /* of the data of all datasets, read to tell whether they changed */
#define LOST_MAX 3                    /* datasets of one file that end the worker: the rest is left alone */

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

/* ---- names ---- */

struct making {
    struct c2_h5_file *file;
    struct c2_h5_snapshot *snap;
};

/* Python's subscribers put names into URLs as they are. */
static bool is_plain_name(const char *path)
{
    for (; *path; path++)
        if ((uint8_t)*path < 0x20 || *path == 0x7f || strchr("#?%", *path)) return false;
    return true;
}

/* Metadata that the worker sent, when it is some: it becomes part of lists as it is. What is wrong with
 * another is said when the dataset is opened. */
static bool keep_meta(struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry, struct c2_str json,
                      struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *parsed = NULL;
    C2_AUTO(c2_meta) meta = {0};
    struct cat2_error why = {0};

    bool good = json.n <= C2_JSON_NBYTES_MAX && !memchr(json.p, '\n', json.n) &&
                c2_json_parse(json, &parsed, &why) &&
                c2_meta_from_json(c2_json_root(parsed), C2_KIND_ARRAY, &meta, &why);
    if (good) entry->meta = c2_alike_get(&snap->alike, json);
    return why.code == CAT2_ENOMEM || (good && !entry->meta) ? c2_fail_nomem(err, "list of datasets") : true;
}

static bool keep_look(struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                      const struct c2_h5_call *call, struct c2_str json, struct cat2_error *err)
{
    entry->plain = call->answer.plain && is_plain_name(entry->path);
    entry->fingerprint = call->answer.fingerprint;
    entry->nbytes = call->answer.nbytes;
    memcpy(&entry->cparams, call->answer.cparams, sizeof(entry->cparams));
    return !json.n || keep_meta(snap, entry, json, err);
}

static bool keep_others(struct c2_h5_entry_of *entry, struct c2_bytes told, struct cat2_error *err)
{
    struct c2_h5_others others = {0};
    bool ignored, ok = c2_h5_others_add(&others, told, &ignored, err);

    entry->others = c2_h5_others_hash(&others, false);
    c2_h5_others_fini(&others);
    return ok;
}

static bool take_item(const struct c2_h5_call *call, const char *path, const char *name, struct c2_str body,
                      struct cat2_error *err)
{
    struct making *making = call->ctx;
    struct c2_h5_snapshot *snap = making->snap;
    int shows = call->answer.kind;

    if (*path && !c2_path_check(c2_str_of(path), err)) return false;
    struct c2_h5_entry_of *entry = c2_h5_snapshot_add(snap, path, name, shows == C2_H5_SHOWS_GROUP, err);
    if (!entry) return false;
    if (!entry->group) {
        const char *prefix = making->file->base.prefix;
        c2_so_far_add(making->file->base.site->so_far, strcmp(prefix, ".") == 0 ? NULL : prefix, entry->path);
    }
    entry->tried = call->answer.code != 0;
    if (shows == C2_H5_SHOWS_LOOKED && !keep_look(snap, entry, call, body, err)) return false;
    if (shows == C2_H5_SHOWS_REFUSED) {
        char text[400];
        snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(body));
        entry->refusal = c2_site_reason(making->file->base.site, text);
    }
    return keep_others(entry, c2_buf_bytes(call->others), err);
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

/* ---- one dataset ---- */

/* Told apart by its contents, or with all the files it comes from. */
static bool stamp(struct c2_h5_file *file, const struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                  struct cat2_error *err)
{
    C2_AUTO(c2_buf) path = C2_BUF_INIT(2 * C2_PATH_MAX + 64);
    struct c2_generation gen = {0};
    char validator[56];
    bool bare = strcmp(file->base.prefix, ".") == 0;

    if (entry->fingerprint)
        snprintf(validator, sizeof(validator), "h5-%016llx", (unsigned long long)entry->fingerprint);
    else if (entry->others)
        snprintf(validator, sizeof(validator), "h5o-%016llx-%.32s", (unsigned long long)entry->others,
                 snap->gen.validator);
    else
        snprintf(validator, sizeof(validator), "h5f-%.40s", snap->gen.validator);
    entry->looked =
        c2_buf_printf(&path, err, "%s%s%s", bare ? "" : file->base.prefix, bare ? "" : "/", entry->path) &&
        c2_gens_of_part(file->base.site->gens, c2_buf_cstr(&path), validator,
                        snap->state.sec * 1000000000 + snap->state.nsec, entry->nbytes, &gen, err) &&
        (c2_h5_entry_name_gen(entry, &gen) || c2_fail_nomem(err, "list of datasets"));
    return entry->looked;
}

static int64_t take_budget(struct c2_h5_snapshot *snap)
{
    pthread_mutex_lock(&snap->lock);
    int64_t given = c2_min_i64(snap->budget, C2_H5_LOOK_NBYTES);
    snap->budget -= given;
    pthread_mutex_unlock(&snap->lock);
    return given;
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

/* Under the snapshot's lock. why->code is CAT2_OK: the call went well. */
static bool take_look(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                      const struct c2_h5_call *call, const struct cat2_error *why, struct cat2_error *err)
{
    if (why->code == CAT2_OK) {
        if (!keep_look(snap, entry, call, (struct c2_str){0}, err)) return false;
    } else {
        snap->nlost += why->code == CAT2_EIO;
        entry->refusal = c2_site_reason(file->base.site, why->message);
    }
    return keep_others(entry, c2_buf_bytes(call->others), err) && stamp(file, snap, entry, err);
}

static bool look(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                 bool *torn, struct cat2_error *err)
{
    C2_AUTO(c2_buf) others = C2_BUF_INIT(C2_H5_PROTO_BODY);
    struct c2_h5_call call = {.op = C2_H5_OP_LOOK,
                              .file = file->base.filename,
                              .name = entry->name,
                              .nchunk = take_budget(snap),
                              .others = &others};
    struct cat2_error why = {0};
    bool looked = c2_h5_file_ask(file, &call, &why);

    if (!looked && says_nothing(file, &why)) {
        *err = why;
        return false;
    }
    pthread_mutex_lock(&snap->lock);
    if (looked) snap->budget += call.answer.off;
    if (why.code != CAT2_EIO && (!is_of(snap, call.answer.before) || !is_of(snap, call.answer.after)))
        *torn = true;
    bool ok = merge(snap, c2_buf_bytes(&others), torn, err);
    if (*torn) snap->hasty = true;
    if (ok && !entry->looked) ok = take_look(file, snap, entry, &call, &why, err);
    pthread_mutex_unlock(&snap->lock);
    return ok;
}

bool c2_h5_snapshot_look(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct c2_h5_entry_of *entry,
                         bool *torn, struct cat2_error *err)
{
    bool ok = true;

    pthread_mutex_lock(&snap->lock);
    bool done = entry->looked || entry->group;
    if (!done && !entry->refusal && snap->nlost >= LOST_MAX)
        entry->refusal = "too much of this file cannot be read";
    bool refused = entry->refusal;
    if (!done && refused) ok = stamp(file, snap, entry, err);
    pthread_mutex_unlock(&snap->lock);
    return done || refused ? ok : look(file, snap, entry, torn, err);
}

/* ---- all of it ---- */

/* One walk. What came before it failed is forgotten. */
static bool walk(struct c2_h5_file *file, struct c2_h5_snapshot *snap, bool looks, struct cat2_error *err)
{
    struct making making = {file, snap};
    C2_AUTO(c2_buf) others = C2_BUF_INIT(C2_H5_PROTO_BODY);
    struct c2_h5_call call = {.op = C2_H5_OP_WALK,
                              .file = file->base.filename,
                              .name = "/",
                              .nchunk = looks ? BUDGET : 0,
                              .item = take_item,
                              .ctx = &making,
                              .others = &others};

    bool ok = c2_h5_file_ask(file, &call, err) &&
              c2_h5_others_add(&snap->others, c2_buf_bytes(&others), &snap->hasty, err);
    if (!ok) c2_h5_snapshot_clear(snap);
    snap->state = call.answer.before;
    snap->torn = ok && looks && !c2_h5_same_state(&call.answer.before, &call.answer.after);
    snap->hasty = snap->hasty || !c2_h5_same_state(&call.answer.before, &call.answer.after);
    snap->budget = file->base.object ? 0 : looks && ok ? call.answer.off : BUDGET; /* of objects: metadata */
    return ok;
}

/* What is kept is of a file that rests, and that no event says to be another than it seems. */
static bool read_kept(struct c2_h5_file *file, struct c2_h5_snapshot *snap)
{
    struct c2_h5_state now;
    struct c2_file_key key;

    if (!c2_h5_stat(file->base.filename, &now)) return false;
    c2_h5_state_key(&now, &key);
    if (!c2_file_is_quiet(&key) || c2_h5_is_doubted(file) || !c2_h5_kept_load(file, &now, snap)) return false;
    snap->state = now;
    return true;
}

/* A dataset that ends the worker, or holds it up, is found by asking for each by itself. */
static bool read_all(struct c2_h5_file *file, struct c2_h5_snapshot *snap, enum c2_h5_making how,
                     bool *looked, struct cat2_error *err)
{
    bool at_once = how == C2_H5_ALL && !file->base.object;
    bool may_be_kept = how != C2_H5_UNDECIDED && !file->base.object;

    *looked = may_be_kept && (snap->kept = read_kept(file, snap));
    if (*looked) return true;
    *looked = at_once && walk(file, snap, true, err);
    if (*looked) return true;
    if (at_once && err->code != CAT2_EIO) return false;
    snap->hasty = false;
    snap->bare = how == C2_H5_NAMES;
    return walk(file, snap, false, err);
}

static bool stamp_all(struct c2_h5_file *file, struct c2_h5_snapshot *snap, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < snap->entries.n; i++)
        if (!snap->entries.p[i].group && !(snap->kept && snap->entries.p[i].tried))
            ok = stamp(file, snap, &snap->entries.p[i], err);
    return ok;
}

/* The vector grew by doubling. */
static void give_back(struct c2_h5_snapshot *snap)
{
    size_t n = snap->entries.n ? snap->entries.n : 1;
    struct c2_h5_entry_of *p = realloc(snap->entries.p, n * sizeof(*p));

    if (!p) return;
    snap->entries.p = p;
    snap->entries.cap = n;
}

bool c2_h5_snapshot_make(struct c2_h5_file *file, enum c2_h5_making how, struct c2_h5_snapshot **out,
                         struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_snapshot) *snap = calloc(1, sizeof(*snap));
    bool looked;

    if (!snap) return c2_fail_nomem(err, "list of datasets");
    atomic_init(&snap->refs, 1);
    pthread_mutex_init(&snap->lock, NULL);
    if (!read_all(file, snap, how, &looked, err) || !name_file(file, snap, how == C2_H5_UNDECIDED, err))
        return false;
    c2_h5_snapshot_sort(snap);
    if (looked && !stamp_all(file, snap, err)) return false;
    if (looked && !snap->kept && !snap->hasty) c2_h5_kept_save(file, snap);
    c2_alike_fini(&snap->alike);
    give_back(snap);
    *out = snap;
    snap = NULL;
    return true;
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
