/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects that are open. A frame is read by ranges: header, trailer and index when it is opened, then the
 * chunks, or blocks of them, that are asked for. Of a plain object the ranges that are asked for are
 * compressed. Every range is of the state that the object was opened in. */
#include <stdio.h>
#include <stdlib.h>

#include "publisher/source/objects.h"

#define AHEAD_NBYTES 4096      /* read at least: of most frames the header, or trailer and index */
#define PLAIN_NBYTES (1 << 20) /* of a chunk of a plain object */

/* ---- bytes ---- */

struct window {
    int64_t off;
    size_t n;
    uint8_t bytes[AHEAD_NBYTES];
};
/* An object in one state. Owned by its frame, or by the item of a plain one. */
struct remote {
    struct c2_object_source *source; /* the item's */
    char *path;
    struct c2_object_state state;
    pthread_mutex_t lock;     /* guards the windows; nothing is read under it */
    struct window windows[2]; /* what was read ahead at the front, and elsewhere */
};

static void remote_free(void *self)
{
    struct remote *r = self;

    if (!r) return;
    pthread_mutex_destroy(&r->lock);
    free(r->path);
    free(r);
}

static struct remote *remote_new(struct c2_object_source *source, const char *path,
                                 const struct c2_object_state *state)
{
    struct remote *r = calloc(1, sizeof(*r));

    if (!r || !(r->path = c2_str_dup(c2_str_of(path)))) {
        free(r);
        return NULL;
    }
    r->source = source;
    r->state = *state;
    pthread_mutex_init(&r->lock, NULL);
    return r;
}

static bool read_range(struct remote *r, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    return c2_object_range(r->source, r->path, &r->state, off, n, to, err);
}

static bool from_windows(struct remote *r, void *to, size_t n, int64_t off)
{
    bool found = false;

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < C2_ARRAY_LEN(r->windows) && !found; i++) {
        const struct window *w = &r->windows[i];
        found = off >= w->off && off + (int64_t)n <= w->off + (int64_t)w->n;
        if (found) memcpy(to, w->bytes + (off - w->off), n);
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

/* Little is asked for: what is beside it comes with it. */
static bool read_ahead(struct remote *r, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    struct window fresh;
    bool tail = off >= r->state.nbytes - AHEAD_NBYTES;

    fresh.off = tail ? c2_max_i64(0, r->state.nbytes - AHEAD_NBYTES) : off;
    fresh.n = (size_t)c2_min_i64(AHEAD_NBYTES, r->state.nbytes - fresh.off);
    if (!read_range(r, fresh.bytes, fresh.n, fresh.off, err)) return false;
    memcpy(to, fresh.bytes + (off - fresh.off), n);
    pthread_mutex_lock(&r->lock);
    r->windows[fresh.off != 0] = fresh;
    pthread_mutex_unlock(&r->lock);
    return true;
}

static bool remote_read(void *self, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    struct remote *r = self;

    if (n == 0 || from_windows(r, to, n, off)) return true;
    return n < AHEAD_NBYTES ? read_ahead(r, to, n, off, err) : read_range(r, to, n, off, err);
}

/* ---- items ---- */

struct item {
    struct c2_item base;
    struct c2_object_source *source; /* counted */
    char *path;
    struct c2_frame *frame; /* NULL: a plain object */
    struct remote *plain;   /* NULL: a frame */
    struct c2_meta meta;    /* of a plain one */
    struct c2_object_state state;
};

static bool item_check(struct c2_item *base, struct cat2_error *err)
{
    const struct item *item = (const struct item *)base;

    return c2_object_is(item->source, item->path, base->gen.validator) ||
           c2_fail(err, CAT2_ECHANGED, "the dataset changed while it was read");
}

static bool plain_chunk(struct item *item, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    int64_t off = nchunk * PLAIN_NBYTES;
    int32_t n = (int32_t)c2_min_i64(PLAIN_NBYTES, item->meta.nbytes - off);
    uint8_t *plain = malloc(PLAIN_NBYTES);

    bool ok = (codec && plain) || c2_fail_nomem(err, "chunk");
    if (ok && (nchunk < 0 || n < 1)) ok = c2_fail(err, CAT2_EINVAL, "no chunk %lld", (long long)nchunk);
    ok = ok && read_range(item->plain, plain, (size_t)n, off, err) &&
         c2_codec_encode(codec, &item->meta.cparams, plain, n, out, err);
    free(plain);
    return ok;
}

static bool item_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    struct item *item = (struct item *)base;
    size_t before = out->n;

    bool ok =
        item->frame ? c2_frame_chunk(item->frame, nchunk, out, err) : plain_chunk(item, nchunk, out, err);
    if (ok && item_check(base, err)) return true;
    out->n = before;
    return false;
}

static bool item_direct(struct c2_item *base, struct c2_item_direct *out, struct cat2_error *err)
{
    struct item *item = (struct item *)base;

    if (!item->frame) return c2_fail(err, CAT2_ENOTFOUND, "%.120s: it is no frame", item->path);
    return c2_object_direct(item->source, item->path, &item->state, out, err);
}

static void item_free(struct c2_item *base)
{
    struct item *item = (struct item *)base;

    c2_frame_free(item->frame);
    remote_free(item->plain);
    c2_meta_fini(&item->meta);
    c2_object_source_unref(item->source);
    free(item->path);
    free(item);
}

static const struct c2_item_ops ITEM_OPS = {item_chunk, item_check, item_free, item_direct};

static bool full_name(struct item *item, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    return c2_buf_printf(out, err, "%s%s", c2_object_store_place(item->source->store)->name, path);
}

static bool open_plain(struct item *item, const char *path, struct remote *remote, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);

    item->plain = remote;
    item->meta = (struct c2_meta){
        .kind = C2_KIND_FILE, .nbytes = remote->state.nbytes, .chunksize = PLAIN_NBYTES, .contiguous = true};
    item->meta.nchunks = c2_div_ceil(item->meta.nbytes, PLAIN_NBYTES);
    item->meta.chunkshape = PLAIN_NBYTES;
    item->meta.cparams = c2_cparams_default(1, 0);
    c2_buf_init(&item->meta.vlmeta, 16);
    if (!full_name(item, path, &name, err) || !c2_buf_puts(&name, ".b2", err) ||
        !c2_buf_puts(&item->meta.vlmeta, "{}", err))
        return false;
    item->meta.urlpath = c2_str_dup(c2_buf_str(&name));
    item->base.meta = &item->meta;
    return item->meta.urlpath || c2_fail_nomem(err, "metadata");
}

static bool open_frame(struct item *item, const char *path, enum c2_kind kind, struct remote *remote,
                       struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(2 * C2_PATH_MAX);
    const struct c2_frame_bytes bytes = {remote_read, remote_free, remote};

    if (!full_name(item, path, &name, err)) {
        remote_free(remote);
        return false;
    }
    if (!c2_frame_open_bytes(&bytes, remote->state.nbytes, c2_buf_cstr(&name), &item->frame, err))
        return false;
    item->base.frame = item->frame;
    item->base.meta = c2_frame_meta(item->frame);
    item->base.refusal = c2_frame_refusal(item->frame);
    return (kind == C2_KIND_ARRAY) == (item->base.meta->kind == C2_KIND_ARRAY) ||
           c2_fail(err, CAT2_EDATA, "%.120s: the frame is %s", path,
                   kind == C2_KIND_ARRAY ? "no array" : "an array, its name should end in .b2nd");
}

static bool open_item(struct item *item, const char *path, struct cat2_error *err)
{
    enum c2_kind kind = c2_kind_of(c2_str_of(path));
    struct c2_stored_object object;

    if (!c2_object_find(item->source, path, &object, &item->base.gen, err)) return false;
    if (object.unusable) return c2_fail(err, CAT2_EDATA, "%.120s: %s", path, object.unusable);
    if (object.doubted) return c2_fail_busy(err, path); /* being written, perhaps */
    item->state = object.state;
    struct remote *remote = remote_new(item->source, path, &object.state);
    if (!remote) return c2_fail_nomem(err, "dataset");
    return kind == C2_KIND_FILE ? open_plain(item, path, remote, err)
                                : open_frame(item, path, kind, remote, err);
}

bool c2_object_open(struct c2_source *source, const char *path, struct c2_codec *codec, struct c2_item **out,
                    struct cat2_error *err)
{
    struct item *item = calloc(1, sizeof(*item));

    (void)codec;
    if (!item) return c2_fail_nomem(err, "dataset");
    item->base.ops = &ITEM_OPS;
    atomic_init(&item->base.refs, 1);
    item->source = c2_object_source_ref((struct c2_object_source *)source);
    item->path = c2_str_dup(c2_str_of(path));
    if (!item->path) c2_fail_nomem(err, "dataset");
    if (!item->path || !open_item(item, path, err)) {
        item_free(&item->base);
        return false;
    }
    *out = &item->base;
    return true;
}
