/* SPDX-License-Identifier: BSD-3-Clause */
/* What is the same generation, and what a new one is called. An etag is repr(mtime):size; where that was
 * given before, mtime is moved by the least that a double can, until it was not. */
#include "publisher/generations/generations.h"
#include "base/hash.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "publisher/generations/generations_impl.h"

#define TRIES_MAX   20 /* some seconds of a file that changes while it is looked at; then it is busy */
#define GROWTHS_MIN 3  /* in a row, of one inode: it is appended to */
#define LATE_NS                                                                                              \
    1000000000 /* an event that comes so long after the time it left on the file: a long write               \
                */

/* ---- keys ---- */

static int64_t nanoseconds(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

void c2_file_key_of(const struct stat *st, struct c2_file_key *out)
{
    *out = (struct c2_file_key){.dev = st->st_dev,
                                .ino = st->st_ino,
                                .size = st->st_size,
                                .mtime_ns = nanoseconds(&st->st_mtim),
                                .ctime_ns = nanoseconds(&st->st_ctim)};
}

/* The device may have another number after a restart; the times of its inodes are not given twice. */
bool c2_file_key_same(const struct c2_file_key *a, const struct c2_file_key *b)
{
    return a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns && a->parts == b->parts;
}

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)nanoseconds(&now);
}

bool c2_file_key_is(int fd, const struct c2_file_key *key)
{
    struct c2_file_key now;
    struct stat st;

    if (fstat(fd, &st) != 0) return false;
    c2_file_key_of(&st, &now);
    return c2_file_key_same(&now, key);
}

/* File times are those of the coarse clock, or finer. */
bool c2_file_is_settled(int64_t ctime_ns)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return nanoseconds(&now) > ctime_ns;
}

static atomic_int quiet_ms = C2_QUIET_MS;

void c2_files_are_quiet_after(int64_t ms)
{
    quiet_ms = (int)ms;
}

/* A change in the future is none of this machine's clock: it cannot be waited for. */
bool c2_file_is_quiet(const struct c2_file_key *key)
{
    int64_t age = (int64_t)now_ns() - key->ctime_ns;

    return age >= (int64_t)quiet_ms * 1000000 || age < -LATE_NS;
}

static bool is_hashable(const struct c2_file_key *key)
{
    return key->parts == 0 && key->size <= C2_HASHED_NBYTES_MAX;
}

/* ---- names ---- */

static void validator_of(const struct c2_file_key *key, uint64_t salt, char out[C2_GEN_TEXT])
{
    uint64_t words[] = {
        key->ino, (uint64_t)key->size, (uint64_t)key->mtime_ns, (uint64_t)key->ctime_ns, key->parts, key->dev,
        salt};
    struct c2_hash128 digest = c2_hash128_of(words, sizeof(words));

    snprintf(out, C2_GEN_TEXT, "%016" PRIx64 "%016" PRIx64, digest.high, digest.low);
}

static struct c2_gen_name *past_of(struct c2_gen_record *rec, const char *validator)
{
    for (int i = 0; i < rec->npasts; i++)
        if (strcmp(rec->pasts[i].validator, validator) == 0) return &rec->pasts[i];
    return NULL;
}

static bool is_taken(const struct c2_gen_record *rec, const char *etag)
{
    bool taken = rec->known && strcmp(rec->now.etag, etag) == 0;

    for (int i = 0; i < rec->npasts; i++)
        taken = taken || strcmp(rec->pasts[i].etag, etag) == 0;
    return taken;
}

static bool name_etag(const struct c2_gen_record *rec, int64_t mtime_ns, int64_t size, char out[C2_GEN_TEXT],
                      struct cat2_error *err)
{
    int64_t sec = mtime_ns / 1000000000, nsec = mtime_ns % 1000000000;
    char text[64];

    if (nsec < 0) {
        nsec += 1000000000;
        sec--;
    }
    double mtime = (double)sec + 1e-9 * (double)nsec;
    do {
        if (!c2_etag_format(mtime, size, text) || strlen(text) >= C2_GEN_TEXT)
            return c2_fail_nomem(err, "etag");
        mtime = nextafter(mtime, INFINITY);
    } while (is_taken(rec, text));
    memcpy(out, text, strlen(text) + 1);
    return true;
}

/* What is now becomes a past, the oldest gives way. */
static bool retire(struct c2_gen_record *rec, struct cat2_error *err)
{
    if (!rec->known) return true;
    if (!rec->pasts) rec->pasts = malloc(C2_PASTS_MAX * sizeof(*rec->pasts));
    if (!rec->pasts) return c2_fail_nomem(err, "generation");
    if (rec->npasts == C2_PASTS_MAX) rec->npasts--;
    memmove(rec->pasts + 1, rec->pasts, (size_t)rec->npasts * sizeof(*rec->pasts));
    rec->pasts[0] = rec->now;
    rec->npasts++;
    return true;
}

static void forget_past(struct c2_gen_record *rec, const char *validator)
{
    struct c2_gen_name *past = past_of(rec, validator);

    if (!past) return;
    rec->npasts--;
    memmove(past, past + 1, (size_t)(rec->pasts + rec->npasts - past) * sizeof(*past));
}

/* Make `validator` what is now; one that was before gets its etag back. */
static bool rename_to(struct c2_gens *gens, struct c2_gen_record *rec, const char *validator,
                      int64_t mtime_ns, int64_t size, struct cat2_error *err)
{
    const struct c2_gen_name *past = past_of(rec, validator);
    struct c2_gen_name fresh;

    snprintf(fresh.validator, sizeof(fresh.validator), "%s", validator);
    if (past)
        fresh = *past;
    else if (!name_etag(rec, mtime_ns, size, fresh.etag, err))
        return false;
    if (!retire(rec, err)) return false;
    forget_past(rec, validator);
    rec->now = fresh;
    rec->mtime_ms = mtime_ns / 1000000;
    rec->known = true;
    c2_gens_dirty(gens, rec);
    return true;
}

/* The key's new generation of a file; hash NULL: not known. */
static bool birth(struct c2_gens *gens, struct c2_gen_record *rec, const struct c2_file_key *key,
                  const struct c2_hash128 *hash, uint64_t salt, struct cat2_error *err)
{
    char validator[C2_GEN_TEXT];

    validator_of(key, hash ? salt ^ hash->low : salt, validator);
    bool grew = rec->known && rec->is_file && rec->key.ino == key->ino && rec->key.size < key->size;
    if (!rename_to(gens, rec, validator, key->mtime_ns, key->size, err)) return false;
    rec->growths = grew ? (uint8_t)c2_min_i64(rec->growths + 1, GROWTHS_MIN) : 0;
    rec->key = *key;
    rec->is_file = true;
    rec->hashed = hash != NULL;
    if (hash) rec->hash = *hash;
    rec->doubted = rec->torn = false;
    rec->tries = 0;
    if (!hash && is_hashable(key)) c2_gens_push(gens, rec, false);
    return true;
}

static void show(const struct c2_gen_name *name, int64_t mtime_ms, struct c2_generation *out)
{
    snprintf(out->etag, sizeof(out->etag), "%s", name->etag);
    snprintf(out->validator, sizeof(out->validator), "%s", name->validator);
    out->mtime_ms = mtime_ms;
}

/* ---- files ---- */

/* Seen by a look that began before the last one: what it saw has a name already. */
static const struct c2_gen_name *overtaken(struct c2_gen_record *rec, const struct c2_file_key *key)
{
    char validator[C2_GEN_TEXT];

    if (key->ctime_ns >= rec->key.ctime_ns) return NULL;
    validator_of(key, 0, validator);
    return past_of(rec, validator);
}

static bool decide(struct c2_gens *gens, struct c2_gen_record *rec, const struct c2_file_key *key,
                   struct c2_generation *out, struct cat2_error *err)
{
    bool same = c2_file_key_same(&rec->key, key);
    bool telling = rec->hashed && !rec->torn && is_hashable(key) && key->size == rec->key.size;
    const struct c2_gen_name *past = same ? NULL : overtaken(rec, key);
    uint64_t salt = same ? now_ns() : 0; /* doubted: the same key has had a name */

    if (past) {
        show(past, key->mtime_ns / 1000000, out);
        return true;
    }
    if (same && !rec->doubted) {
        if (rec->key.dev != key->dev) c2_gens_dirty(gens, rec);
        rec->key.dev = key->dev;
        if (!rec->hashed && !rec->torn && is_hashable(key)) c2_gens_push(gens, rec, false);
    } else if (telling) {
        c2_gens_push(gens, rec, true);
        out->undecided = true;
    } else if (!birth(gens, rec, key, NULL, salt, err)) {
        return false;
    }
    show(&rec->now, rec->mtime_ms, out);
    return true;
}

bool c2_gens_of_file(struct c2_gens *gens, const char *path, const struct c2_file_key *key,
                     struct c2_generation *out, struct cat2_error *err)
{
    struct c2_generation gen = *out;
    bool ok;

    gen.undecided = false;
    gen.key_digest = c2_hash64(key, sizeof(*key)) | 1;
    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_record(gens, path);
    if (!rec) {
        ok = c2_fail_nomem(err, "generation");
    } else if (rec->known && rec->is_file) {
        c2_gens_revive(gens, rec);
        ok = decide(gens, rec, key, &gen, err);
    } else {
        c2_gens_revive(gens, rec);
        ok = birth(gens, rec, key, NULL, 0, err);
        if (ok) show(&rec->now, rec->mtime_ms, &gen);
    }
    gen.growing = rec && rec->growths == GROWTHS_MIN;
    pthread_mutex_unlock(&gens->lock);
    if (ok) *out = gen;
    return ok;
}

bool c2_gens_of_part(struct c2_gens *gens, const char *path, const char *validator, int64_t mtime_ns,
                     int64_t nbytes, struct c2_generation *out, struct cat2_error *err)
{
    bool ok = true;

    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_record(gens, path);
    if (!rec) ok = c2_fail_nomem(err, "generation");
    if (ok) c2_gens_revive(gens, rec);
    if (ok && (!rec->known || strcmp(rec->now.validator, validator) != 0)) {
        rec->is_file = false;
        ok = rename_to(gens, rec, validator, mtime_ns, nbytes, err);
    }
    if (ok) show(&rec->now, rec->mtime_ms, out);
    pthread_mutex_unlock(&gens->lock);
    return ok;
}

bool c2_gens_holds(struct c2_gens *gens, const char *path, const struct c2_file_key *key,
                   const char *validator)
{
    pthread_mutex_lock(&gens->lock);
    const struct c2_gen_record *rec = c2_gens_find(gens, path);
    bool holds = rec && !rec->doubted && c2_file_key_same(&rec->key, key) &&
                 strcmp(rec->now.validator, validator) == 0;
    pthread_mutex_unlock(&gens->lock);
    return holds;
}

/* Written just now, or before the key was looked at: the key tells. But the time is set as a write begins,
 * and by a mapping only once in a while: what ends long after is not told by it. */
void c2_gens_doubt(struct c2_gens *gens, const char *path)
{
    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_find(gens, path);
    if (rec && rec->is_file && (int64_t)now_ns() - rec->key.ctime_ns > LATE_NS)
        rec->doubted = rec->doubted_since = true;
    pthread_mutex_unlock(&gens->lock);
}

bool c2_gens_is_doubted(struct c2_gens *gens, const char *path)
{
    pthread_mutex_lock(&gens->lock);
    const struct c2_gen_record *rec = c2_gens_find(gens, path);
    bool doubted = rec && rec->doubted;
    pthread_mutex_unlock(&gens->lock);
    return doubted;
}

/* ---- what hashing told ---- */

bool c2_gens_again(struct c2_gens *gens, const char *path, bool urgent)
{
    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_find(gens, path);
    bool again = rec && ++rec->tries < TRIES_MAX;
    if (again) c2_gens_push(gens, rec, urgent);
    pthread_mutex_unlock(&gens->lock);
    return again;
}

void c2_gens_hashed(struct c2_gens *gens, const char *path, const struct c2_file_key *key,
                    const struct c2_hash128 *hash)
{
    struct cat2_error ignored; /* out of memory: decided another time */

    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_find(gens, path);
    if (rec && rec->is_file) {
        bool same_key = c2_file_key_same(&rec->key, key);
        bool same_hash = rec->hash.low == hash->low && rec->hash.high == hash->high;
        rec->tries = 0;
        if (rec->doubted_since) { /* some of it may have been hashed before that write ended */
            c2_gens_push(gens, rec, true);
        } else if (rec->hashed ? same_hash : same_key && !rec->doubted) {
            rec->key = *key;
            rec->hash = *hash;
            rec->hashed = true;
            rec->doubted = rec->torn = false;
            c2_gens_dirty(gens, rec);
        } else {
            birth(gens, rec, key, hash, 0, &ignored);
        }
    }
    pthread_mutex_unlock(&gens->lock);
}

void c2_gens_torn(struct c2_gens *gens, const char *path)
{
    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_find(gens, path);
    if (rec) rec->torn = true;
    if (rec) rec->tries = 0;
    pthread_mutex_unlock(&gens->lock);
}
