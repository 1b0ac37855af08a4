/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of objects, from the blocks that were read of them where they are small. */
#include "publisher/source/object_bytes.h"

#include <stdlib.h>

#include "base/hash.h"

struct c2_object_bytes {
    atomic_int refs;
    struct c2_object_source *source; /* counted */
    char *path;
    pthread_mutex_t lock;      /* guards the rest */
    int64_t next;              /* the block after the last that was read */
    int64_t run;               /* how many were read then */
    struct c2_file_key broken; /* the state that is known to be broken, and why; code 0: none */
    struct cat2_error why;
};

static bool state_hash(const char *path, const struct c2_object_state *state, struct c2_hash128 *out,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(2 * C2_PATH_MAX);

    if (!c2_buf_printf(&text, err, "%s\n%s\n%s\n%lld", path, state->etag, state->modified,
                       (long long)state->nbytes))
        return false;
    *out = c2_hash128_of(text.p, text.n);
    return true;
}

/* ---- a part ---- */

struct part {
    struct c2_hash128 state;
    int64_t off, nbytes; /* of the part; of the object */
    size_t n;
    uint8_t *to;
    int64_t first, last; /* blocks that are missing; first > last: none */
};

/* What of a block, which begins at `from`, belongs to the part. */
static void copy_overlap(const struct part *part, const uint8_t *bytes, int64_t from, int64_t n)
{
    int64_t begin = c2_max_i64(part->off, from), end = c2_min_i64(part->off + (int64_t)part->n, from + n);

    if (begin < end) memcpy(part->to + (begin - part->off), bytes + (begin - from), (size_t)(end - begin));
}

static void take_kept(struct c2_object_blocks *blocks, struct part *part)
{
    int64_t end = (part->off + (int64_t)part->n - 1) / C2_OBJECT_BLOCK;
    uint8_t bytes[C2_OBJECT_BLOCK];

    part->first = INT64_MAX;
    part->last = -1;
    for (int64_t i = part->off / C2_OBJECT_BLOCK; i <= end; i++) {
        if (c2_object_blocks_find(blocks, &part->state, i, bytes)) {
            copy_overlap(part, bytes, i * C2_OBJECT_BLOCK, C2_OBJECT_BLOCK);
            continue;
        }
        part->first = c2_min_i64(part->first, i);
        part->last = i;
    }
}

/* Who reads on where the last request ended is given more and more at once. */
static int64_t last_to_read(struct c2_object_bytes *bytes, const struct part *part)
{
    int64_t n = part->last - part->first + 1;

    pthread_mutex_lock(&bytes->lock);
    if (part->first == bytes->next) n = c2_max_i64(n, c2_min_i64(2 * bytes->run, C2_OBJECT_AHEAD_BLOCKS));
    bytes->run = n;
    bytes->next = part->first + n;
    pthread_mutex_unlock(&bytes->lock);
    return c2_min_i64(part->first + n - 1, (part->nbytes - 1) / C2_OBJECT_BLOCK);
}

static bool read_range(struct c2_object_bytes *bytes, const struct c2_object_pin *pin, int64_t off, size_t n,
                       void *to, struct cat2_error *err)
{
    if (c2_object_range(bytes->source, bytes->path, &pin->state, off, n, to, err)) return true;
    if (err->code == CAT2_ECHANGED) c2_object_tell(bytes->source); /* other datasets are in it now */
    if (c2_is_busy(err)) err->http_status = 0;                     /* the store is, which is another thing */
    return false;
}

static bool read_missing(struct c2_object_bytes *bytes, const struct c2_object_pin *pin, struct part *part,
                         struct cat2_error *err)
{
    int64_t last = last_to_read(bytes, part), from = part->first * C2_OBJECT_BLOCK;
    int64_t n = c2_min_i64((last + 1) * C2_OBJECT_BLOCK, part->nbytes) - from;
    uint8_t *fresh = malloc((size_t)n);

    bool ok = fresh ? read_range(bytes, pin, from, (size_t)n, fresh, err) : c2_fail_nomem(err, bytes->path);
    for (int64_t at = 0; ok && at < n; at += C2_OBJECT_BLOCK)
        c2_object_blocks_keep(bytes->source->blocks, &part->state, (from + at) / C2_OBJECT_BLOCK, fresh + at,
                              (size_t)c2_min_i64(C2_OBJECT_BLOCK, n - at));
    if (ok) copy_overlap(part, fresh, from, n);
    free(fresh);
    return ok;
}

bool c2_object_bytes_read(struct c2_object_bytes *bytes, const struct c2_object_pin *pin, int64_t off,
                          size_t n, void *to, struct cat2_error *err)
{
    struct part part = {.off = off, .nbytes = pin->state.nbytes, .n = n, .to = to};

    if (n == 0) return true;
    if (off < 0 || off > part.nbytes || (int64_t)n > part.nbytes - off)
        return c2_fail(err, CAT2_EDATA, "%.160s ends before byte %lld", bytes->path, (long long)off);
    if (n >= C2_OBJECT_DIRECT) return read_range(bytes, pin, off, n, to, err);
    if (!state_hash(bytes->path, &pin->state, &part.state, err)) return false;
    take_kept(bytes->source->blocks, &part);
    return part.first > part.last || read_missing(bytes, pin, &part, err);
}

bool c2_object_bytes_direct(struct c2_object_bytes *bytes, const struct c2_object_pin *pin,
                            struct c2_item_direct *out, struct cat2_error *err)
{
    return c2_object_direct(bytes->source, bytes->path, &pin->state, out, err);
}

/* ---- life, and the state ---- */

bool c2_object_bytes_pin(struct c2_object_bytes *bytes, struct c2_object_pin *out, struct cat2_error *err)
{
    struct c2_stored_object object;

    if (!c2_object_find(bytes->source, bytes->path, &object, &out->gen, err)) return false;
    if (object.unusable) return c2_fail(err, CAT2_EDATA, "%.120s: %s", bytes->path, object.unusable);
    if (object.doubted) return c2_fail_busy(err, bytes->path); /* being written, perhaps */
    out->state = object.state;
    out->mtime_ms = object.mtime_ms;
    return true;
}

bool c2_object_is_passing(const struct cat2_error *err)
{
    bool refused = err->http_status / 100 == 4 && err->http_status != 429;

    return err->code == CAT2_ECHANGED || (err->code == CAT2_EUPSTREAM && !refused);
}

void c2_object_key(const struct c2_object_pin *pin, struct c2_file_key *out)
{
    struct c2_hash128 hash = c2_hash128_of(pin->gen.validator, strlen(pin->gen.validator));

    *out = (struct c2_file_key){.dev = hash.high,
                                .ino = hash.low,
                                .size = pin->state.nbytes,
                                .mtime_ns = pin->mtime_ms * 1000000,
                                .ctime_ns = pin->mtime_ms * 1000000};
}

void c2_object_bytes_note_broken(struct c2_object_bytes *bytes, const struct c2_object_pin *pin,
                                 const struct cat2_error *why)
{
    pthread_mutex_lock(&bytes->lock);
    c2_object_key(pin, &bytes->broken);
    bytes->why = *why;
    pthread_mutex_unlock(&bytes->lock);
}

bool c2_object_bytes_is_broken(struct c2_object_bytes *bytes, const struct c2_object_pin *pin,
                               struct cat2_error *err)
{
    struct c2_file_key key;

    c2_object_key(pin, &key);
    pthread_mutex_lock(&bytes->lock);
    bool is = bytes->why.code && c2_file_key_same(&bytes->broken, &key);
    if (is) *err = bytes->why;
    pthread_mutex_unlock(&bytes->lock);
    return is;
}

bool c2_object_bytes_new(struct c2_object_source *source, const char *path, struct c2_object_bytes **out,
                         struct cat2_error *err)
{
    struct c2_object_bytes *bytes = calloc(1, sizeof(*bytes));

    if (!bytes) return c2_fail_nomem(err, "object");
    atomic_init(&bytes->refs, 1);
    pthread_mutex_init(&bytes->lock, NULL);
    bytes->source = c2_object_source_ref(source);
    bytes->run = 2; /* the beginning of a container says where the rest is */
    bytes->path = c2_str_dup(c2_str_of(path));
    if (!bytes->path) {
        c2_object_bytes_free(bytes);
        return c2_fail_nomem(err, "object");
    }
    *out = bytes;
    return true;
}

struct c2_object_bytes *c2_object_bytes_ref(struct c2_object_bytes *bytes)
{
    atomic_fetch_add(&bytes->refs, 1);
    return bytes;
}

void c2_object_bytes_free(struct c2_object_bytes *bytes)
{
    if (!bytes || atomic_fetch_sub(&bytes->refs, 1) != 1) return;
    pthread_mutex_destroy(&bytes->lock);
    c2_object_source_unref(bytes->source);
    free(bytes->path);
    free(bytes);
}
