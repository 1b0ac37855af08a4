/* SPDX-License-Identifier: BSD-3-Clause */
/* The records of all paths: found by a hash of the path, kept in the state, queued for hashing. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/list.h"
#include "publisher/generations/generations_impl.h"

static const char TABLE[] = "generations";

/* ---- finding ---- */

static size_t bucket_of(const struct c2_gens *gens, const char *path)
{
    return (size_t)c2_hash64(path, strlen(path)) & (gens->nbuckets - 1);
}

struct c2_gen_record *c2_gens_find(struct c2_gens *gens, const char *path)
{
    struct c2_gen_record *rec = gens->nbuckets ? gens->buckets[bucket_of(gens, path)] : NULL;

    while (rec && strcmp(rec->path, path) != 0)
        rec = rec->chain;
    return rec;
}

static bool grow(struct c2_gens *gens)
{
    size_t old = gens->nbuckets, n = old ? 2 * old : 256;
    struct c2_gen_record **from = gens->buckets, **fresh = calloc(n, sizeof(struct c2_gen_record *));

    if (!fresh) return false;
    gens->buckets = fresh;
    gens->nbuckets = n;
    for (size_t i = 0; i < old; i++)
        for (struct c2_gen_record *rec = from[i], *next; rec; rec = next) {
            size_t at = bucket_of(gens, rec->path);
            next = rec->chain;
            rec->chain = fresh[at];
            fresh[at] = rec;
        }
    free(from);
    return true;
}

struct c2_gen_record *c2_gens_record(struct c2_gens *gens, const char *path)
{
    struct c2_gen_record *rec = c2_gens_find(gens, path);

    if (rec) return rec;
    if (gens->n >= gens->nbuckets && !grow(gens) && !gens->nbuckets) return NULL;
    rec = calloc(1, sizeof(*rec));
    if (rec) rec->path = c2_str_dup(c2_str_of(path));
    if (!rec || !rec->path) {
        free(rec);
        return NULL;
    }
    size_t at = bucket_of(gens, path);
    rec->chain = gens->buckets[at];
    gens->buckets[at] = rec;
    gens->n++;
    return rec;
}

static void record_free(struct c2_gen_record *rec)
{
    free(rec->pasts);
    free(rec->path);
    free(rec);
}

/* ---- what is gone ---- */

void c2_gens_revive(struct c2_gens *gens, struct c2_gen_record *rec)
{
    if (!rec->gone) return;
    *(rec->older ? &rec->older->newer : &gens->gone_first) = rec->newer;
    *(rec->newer ? &rec->newer->older : &gens->gone_last) = rec->older;
    rec->older = rec->newer = NULL;
    rec->gone = false;
    gens->ngone--;
}

static void drop(struct c2_gens *gens, struct c2_gen_record *rec)
{
    struct cat2_error ignored;

    c2_chain_remove(gens->buckets[bucket_of(gens, rec->path)], rec, chain);
    c2_gens_revive(gens, rec);
    gens->n--;
    if (c2_vec_push(&gens->dropped, C2_VEC_NO_MAX, "paths", &ignored, rec->path)) rec->path = NULL;
    record_free(rec);
}

static bool is_idle(const struct c2_gen_record *rec)
{
    return !rec->dirty && !rec->saving && !rec->urgent && !rec->waiting;
}

void c2_gens_forget(struct c2_gens *gens, const char *path)
{
    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = c2_gens_find(gens, path);
    if (rec && !rec->gone) {
        rec->gone = true;
        rec->older = gens->gone_last;
        *(gens->gone_last ? &gens->gone_last->newer : &gens->gone_first) = rec;
        gens->gone_last = rec;
        gens->ngone++;
    }
    while (gens->ngone > C2_GONE_MAX && is_idle(gens->gone_first)) /* else another time */
        drop(gens, gens->gone_first);
    pthread_mutex_unlock(&gens->lock);
}

/* ---- queues ---- */

void c2_gens_push(struct c2_gens *gens, struct c2_gen_record *rec, bool urgent)
{
    struct c2_gen_queue *q = &gens->queues[urgent];
    bool *mark = urgent ? &rec->urgent : &rec->waiting;
    struct cat2_error ignored;

    if (*mark) return;
    if (q->n == q->cap && q->first) {
        memmove(q->p, q->p + q->first, (q->n - q->first) * sizeof(struct c2_gen_record *));
        q->n -= q->first;
        q->first = 0;
    }
    if (!c2_vec_push(q, C2_VEC_NO_MAX, "files", &ignored, rec))
        return; /* asked for again with the next look */
    *mark = true;
}

bool c2_gens_next(struct c2_gens *gens, bool urgent, char path[C2_PATH_MAX + 1])
{
    struct c2_gen_queue *q = &gens->queues[urgent];
    bool found = false;

    pthread_mutex_lock(&gens->lock);
    while (!found && q->first < q->n) {
        struct c2_gen_record *rec = q->p[q->first++];
        *(urgent ? &rec->urgent : &rec->waiting) = false;
        if (rec->gone || (!urgent && rec->hashed)) continue;
        found = true;
        rec->doubted_since = false;
        snprintf(path, C2_PATH_MAX + 1, "%s", rec->path);
    }
    if (q->first == q->n) q->first = q->n = 0;
    pthread_mutex_unlock(&gens->lock);
    return found;
}

size_t c2_gens_count_to_hash(struct c2_gens *gens, bool urgent)
{
    pthread_mutex_lock(&gens->lock);
    size_t n = gens->queues[urgent].n - gens->queues[urgent].first;
    pthread_mutex_unlock(&gens->lock);
    return n;
}

/* ---- the state ----
 *
 *   VALIDATOR ETAG MTIME_MS {F DEV INO SIZE MTIME CTIME PARTS HASH|- | P} {VALIDATOR ETAG}... */

void c2_gens_dirty(struct c2_gens *gens, struct c2_gen_record *rec)
{
    if (rec->dirty) return;
    rec->dirty = true;
    rec->next_dirty = gens->dirty;
    gens->dirty = rec;
}

static bool write_record(const struct c2_gen_record *rec, struct c2_buf *out, struct cat2_error *err)
{
    const struct c2_file_key *k = &rec->key;
    bool ok = c2_buf_printf(out, err, "%s %s %" PRId64, rec->now.validator, rec->now.etag, rec->mtime_ms);

    if (!rec->is_file)
        ok = ok && c2_buf_puts(out, " P", err);
    else
        ok = ok && c2_buf_printf(out, err,
                                 " F %" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRIu64,
                                 k->dev, k->ino, k->size, k->mtime_ns, k->ctime_ns, k->parts);
    if (rec->is_file && rec->hashed)
        ok = ok && c2_buf_printf(out, err, " %016" PRIx64 "%016" PRIx64, rec->hash.high, rec->hash.low);
    else if (rec->is_file)
        ok = ok && c2_buf_puts(out, " -", err);
    for (int i = 0; ok && i < rec->npasts; i++)
        ok = c2_buf_printf(out, err, " %s %s", rec->pasts[i].validator, rec->pasts[i].etag);
    return ok;
}

static bool put_record(struct c2_gens *gens, struct c2_state *state, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);
    char path[C2_PATH_MAX + 1];

    pthread_mutex_lock(&gens->lock);
    struct c2_gen_record *rec = gens->dirty;
    gens->dirty = rec->next_dirty;
    rec->dirty = false;
    if (!rec->saving) { /* it may be dirty again in the same transaction */
        rec->next_saving = gens->saving;
        gens->saving = rec;
        rec->saving = true;
    }
    snprintf(path, sizeof(path), "%s", rec->path);
    bool ok = write_record(rec, &text, err);
    pthread_mutex_unlock(&gens->lock);
    return ok && c2_state_put(state, TABLE, c2_str_of(path), c2_buf_str(&text), err);
}

/* The transaction is over: what it did not write has to be written still. */
static void saved(struct c2_gens *gens, bool ok)
{
    pthread_mutex_lock(&gens->lock);
    while (gens->saving) {
        struct c2_gen_record *rec = gens->saving;
        gens->saving = rec->next_saving;
        rec->saving = false;
        if (!ok) c2_gens_dirty(gens, rec);
    }
    pthread_mutex_unlock(&gens->lock);
}

static bool del_record(struct c2_gens *gens, struct c2_state *state, struct cat2_error *err)
{
    pthread_mutex_lock(&gens->lock);
    char *path = gens->dropped.p[--gens->dropped.n];
    bool back = c2_gens_find(gens, path) != NULL;
    pthread_mutex_unlock(&gens->lock);
    bool ok = back || c2_state_del(state, TABLE, c2_str_of(path), err);
    free(path);
    return ok;
}

bool c2_gens_save(struct c2_gens *gens, struct c2_state *state, size_t max, bool *more,
                  struct cat2_error *err)
{
    pthread_mutex_lock(&gens->lock);
    bool puts = gens->dirty != NULL, dels = gens->dropped.n > 0;
    pthread_mutex_unlock(&gens->lock);
    *more = false;
    if (!puts && !dels) return true;
    bool ok = c2_state_begin(state, err);
    for (size_t i = 0; ok && (puts || dels) && i < max; i++) {
        ok = puts ? put_record(gens, state, err) : del_record(gens, state, err);
        pthread_mutex_lock(&gens->lock);
        puts = gens->dirty != NULL;
        dels = gens->dropped.n > 0;
        pthread_mutex_unlock(&gens->lock);
    }
    *more = puts || dels;
    ok = ok && c2_state_commit(state, err);
    if (!ok) c2_state_rollback(state);
    saved(gens, ok);
    return ok;
}

static bool word(struct c2_str *rest, struct c2_str *out)
{
    c2_str_cut(*rest, ' ', out, rest);
    return out->n > 0;
}

static bool number(struct c2_str *rest, int64_t *out)
{
    struct c2_str text;

    return word(rest, &text) && c2_str_to_i64(text, out);
}

static bool name(struct c2_str *rest, struct c2_gen_name *out)
{
    struct c2_str validator, etag;

    if (!word(rest, &validator) || !word(rest, &etag) || validator.n >= C2_GEN_TEXT || etag.n >= C2_GEN_TEXT)
        return false;
    snprintf(out->validator, sizeof(out->validator), "%.*s", C2_STR_ARG(validator));
    snprintf(out->etag, sizeof(out->etag), "%.*s", C2_STR_ARG(etag));
    return true;
}

/* Unsigned numbers may fill all 64 bits. */
static bool natural(struct c2_str *rest, uint64_t *out)
{
    char text[32], *end;
    struct c2_str digits;

    if (!word(rest, &digits) || digits.n >= sizeof(text)) return false;
    snprintf(text, sizeof(text), "%.*s", C2_STR_ARG(digits));
    *out = strtoull(text, &end, 10);
    return *end == '\0';
}

static bool read_hash(struct c2_str text, struct c2_gen_record *rec)
{
    char half[17];

    if (text.n != 32) return text.n == 1;
    snprintf(half, sizeof(half), "%.16s", text.p);
    rec->hash.high = strtoull(half, NULL, 16);
    snprintf(half, sizeof(half), "%.16s", text.p + 16);
    rec->hash.low = strtoull(half, NULL, 16);
    rec->hashed = true;
    return true;
}

static bool read_record(struct c2_str rest, struct c2_gen_record *rec)
{
    struct c2_gen_name pasts[C2_PASTS_MAX];
    struct c2_file_key *k = &rec->key;
    struct c2_str kind, hash;

    if (!name(&rest, &rec->now) || !number(&rest, &rec->mtime_ms) || !word(&rest, &kind)) return false;
    rec->is_file = c2_str_is(kind, "F");
    if (rec->is_file && !(natural(&rest, &k->dev) && natural(&rest, &k->ino) && number(&rest, &k->size) &&
                          number(&rest, &k->mtime_ns) && number(&rest, &k->ctime_ns) &&
                          natural(&rest, &k->parts) && word(&rest, &hash) && read_hash(hash, rec)))
        return false;
    while (rec->npasts < C2_PASTS_MAX && name(&rest, &pasts[rec->npasts]))
        rec->npasts++;
    if (rec->npasts) rec->pasts = malloc(C2_PASTS_MAX * sizeof(*rec->pasts));
    if (rec->npasts && !rec->pasts) return false;
    if (rec->npasts) memcpy(rec->pasts, pasts, (size_t)rec->npasts * sizeof(*pasts));
    rec->known = true;
    return true;
}

static bool restore(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    struct c2_gens *gens = ctx;
    char path[C2_PATH_MAX + 1];

    if (key.n >= sizeof(path)) return true;
    snprintf(path, sizeof(path), "%.*s", C2_STR_ARG(key));
    struct c2_gen_record *rec = c2_gens_record(gens, path);
    if (!rec) return c2_fail_nomem(err, "known generations");
    if (!rec->known && !read_record(value, rec)) drop(gens, rec); /* none of ours: born anew */
    return true;
}

bool c2_gens_load(struct c2_gens *gens, struct c2_state *state, struct cat2_error *err)
{
    pthread_mutex_lock(&gens->lock);
    bool ok = c2_state_each(state, TABLE, C2_STR(""), restore, gens, err);
    pthread_mutex_unlock(&gens->lock);
    return ok;
}

/* ---- life ---- */

struct c2_gens *c2_gens_new(void)
{
    struct c2_gens *gens = calloc(1, sizeof(*gens));

    if (!gens) return NULL;
    pthread_mutex_init(&gens->lock, NULL);
    atomic_init(&gens->refs, 1);
    return gens;
}

struct c2_gens *c2_gens_ref(struct c2_gens *gens)
{
    atomic_fetch_add(&gens->refs, 1);
    return gens;
}

void c2_gens_unref(struct c2_gens *gens)
{
    if (!gens || atomic_fetch_sub(&gens->refs, 1) != 1) return;
    for (size_t i = 0; i < gens->nbuckets; i++)
        for (struct c2_gen_record *rec = gens->buckets[i], *next; rec; rec = next) {
            next = rec->chain;
            record_free(rec);
        }
    for (size_t i = 0; i < gens->dropped.n; i++)
        free(gens->dropped.p[i]);
    for (size_t i = 0; i < C2_ARRAY_LEN(gens->queues); i++)
        free(gens->queues[i].p);
    c2_vec_fini(&gens->dropped);
    free(gens->buckets);
    pthread_mutex_destroy(&gens->lock);
    free(gens);
}
