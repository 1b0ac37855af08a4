/* SPDX-License-Identifier: BSD-3-Clause */
/* Blosc2 stores as a format. All that is in one is of the generation of the file. What it holds is read once
 * for each state of the file. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "publisher/source/b2z_table.h"
#include "publisher/source/container.h"

struct state { /* counted; immutable */
    atomic_int refs;
    struct c2_file_key key;
    struct c2_b2z store;
};
struct b2z {
    struct c2_container base;
    pthread_mutex_t lock; /* guards the rest */
    struct state *last;   /* NULL: none yet */
};

static struct b2z *of(struct c2_container *c)
{
    return (struct b2z *)c;
}

static enum c2_claim probe(const struct c2_candidate *candidate, const char **why)
{
    char bytes[4];

    if (candidate->fd < 0 || !c2_str_ends(c2_str_of(candidate->name), ".b2z")) return C2_CLAIM_NONE;
    if (pread(candidate->fd, bytes, sizeof(bytes), 0) == sizeof(bytes) && memcmp(bytes, "PK", 2) == 0)
        return C2_CLAIM_NAME;
    *why = "is no Blosc2 store: it does not begin as a ZIP file";
    return C2_CLAIM_PROMISED;
}

static bool takes_object(const char *name)
{
    return c2_str_ends(c2_str_of(name), ".b2z");
}

static bool init(struct c2_container *c, struct cat2_error *err)
{
    (void)err;
    pthread_mutex_init(&of(c)->lock, NULL);
    return true;
}

static void state_unref(struct state *state)
{
    if (!state || atomic_fetch_sub(&state->refs, 1) != 1) return;
    c2_b2z_fini(&state->store);
    free(state);
}
C2_DEFINE_AUTO_PTR(state, state_unref);

static void fini(struct c2_container *c)
{
    state_unref(of(c)->last);
    pthread_mutex_destroy(&of(c)->lock);
}

/* The last one, if it is of this key; else it is replaced by `fresh`, if there is one. NULL: neither. */
static struct state *keep(struct b2z *b2z, const struct c2_file_key *key, struct state *fresh)
{
    struct state *found = NULL, *old = NULL;

    pthread_mutex_lock(&b2z->lock);
    if (b2z->last && c2_file_key_same(&b2z->last->key, key)) {
        found = b2z->last;
    } else if (fresh) {
        old = b2z->last;
        b2z->last = found = fresh;
        atomic_fetch_add(&fresh->refs, 1);
    }
    if (found) atomic_fetch_add(&found->refs, 1);
    pthread_mutex_unlock(&b2z->lock);
    state_unref(old);
    return found;
}

/* A file that is open, or an object in a state of it. */
struct opened {
    struct c2_zip_file file;
    struct c2_object_pin pin;
    struct c2_file_key key;
};

static void opened_fini(struct opened *o)
{
    if (o->file.fd >= 0) close(o->file.fd);
}
C2_DEFINE_AUTO(opened);
#define NOT_OPENED                                                                                           \
    {                                                                                                        \
        .file.fd = -1                                                                                        \
    }

static bool open_object(struct c2_container *c, struct opened *o, struct cat2_error *err)
{
    if (!c2_object_bytes_pin(c->object, &o->pin, err)) return false;
    c2_object_key(&o->pin, &o->key);
    o->file.object = c->object;
    o->file.pin = &o->pin;
    return true;
}

static bool open_file(struct c2_container *c, struct opened *o, struct cat2_error *err)
{
    struct stat st;

    if (c->object) return open_object(c, o, err);
    o->file.fd = open(c->filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (o->file.fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    if (o->file.fd < 0 || fstat(o->file.fd, &st) != 0)
        return c2_fail_errno(err, errno, "%.160s", c->filename);
    c2_file_key_of(&st, &o->key);
    return true;
}

/* The file is opened, and its state there. */
static bool open_state(struct c2_container *c, struct opened *o, struct state **out, struct cat2_error *err)
{
    if (!open_file(c, o, err)) return false;
    *out = keep(of(c), &o->key, NULL);
    if (*out) return true;
    if (c->object && c2_object_bytes_is_broken(c->object, &o->pin, err)) return false;
    struct state *fresh = calloc(1, sizeof(*fresh));
    if (!fresh) return c2_fail_nomem(err, "store");
    atomic_init(&fresh->refs, 1);
    fresh->key = o->key;
    if (!c2_b2z_read(&o->file, c->filename, &fresh->store, err)) {
        if (c->object && (err->code == CAT2_EDATA || err->code == CAT2_ELIMIT))
            c2_object_bytes_note_broken(c->object, &o->pin, err);
        state_unref(fresh);
        return false;
    }
    *out = keep(of(c), &o->key, fresh);
    state_unref(fresh);
    return true;
}

/* A store of objects that is away takes no dataset away: there is what there was. */
static bool last_state(struct c2_container *c, struct state **out, const struct cat2_error *err)
{
    if (!c->object || !c2_object_is_passing(err)) return false;
    pthread_mutex_lock(&of(c)->lock);
    *out = of(c)->last;
    if (*out) atomic_fetch_add(&(*out)->refs, 1);
    pthread_mutex_unlock(&of(c)->lock);
    return *out;
}

static bool list(struct c2_container *c, c2_container_sink *sink, void *ctx, struct cat2_error *err)
{
    C2_AUTO(opened) o = NOT_OPENED;
    C2_AUTO_PTR(state) *state = NULL;

    if (!open_state(c, &o, &state, err) && !last_state(c, &state, err)) return false;
    for (size_t i = 0; i < state->store.n; i++)
        if (!state->store.p[i].inner && !sink(ctx, state->store.p[i].path, NULL, err)) return false;
    return true;
}

static bool attrs(struct c2_container *c, const char *path, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(opened) o = NOT_OPENED;
    C2_AUTO_PTR(state) *state = NULL;

    return open_state(c, &o, &state, err) &&
           c2_b2z_attrs(&o.file, c->filename, &state->store, path, out, err);
}

/* ---- datasets ---- */

struct leaf_item {
    struct c2_item base;
    struct c2_frame *frame;
    struct c2_object_bytes *object; /* counted; NULL: no bytes of an object are the frame's */
    struct c2_object_pin pin;
    int64_t at; /* of the frame in the object */
};

static bool leaf_chunk(struct c2_item *base, int64_t nchunk, struct c2_buf *out, struct cat2_error *err)
{
    return c2_frame_chunk(((struct leaf_item *)base)->frame, nchunk, out, err);
}

static void leaf_free(struct c2_item *base)
{
    struct leaf_item *item = (struct leaf_item *)base;

    c2_frame_free(item->frame);
    c2_object_bytes_free(item->object);
    free(item);
}

static bool leaf_direct(struct c2_item *base, struct c2_item_direct *out, struct cat2_error *err)
{
    struct leaf_item *item = (struct leaf_item *)base;

    if (!item->object) return c2_fail(err, CAT2_ENOTFOUND, "the dataset is no part of an object as it is");
    if (!c2_object_bytes_direct(item->object, &item->pin, out, err)) return false;
    out->is_part = true;
    out->off = item->at;
    return true;
}

static const struct c2_item_ops LEAF_OPS = {.chunk = leaf_chunk, .free = leaf_free, .direct = leaf_direct};

/* Where the frame is in the object. Its local header was read when the frame was opened. */
static bool note_object(const struct opened *o, const struct c2_b2z_leaf *leaf, struct leaf_item *item,
                        struct cat2_error *err)
{
    if (!o->file.object || leaf->n >= 0) return true;
    if (!c2_zip_place(&o->file, leaf->entry, &item->at, err)) return false;
    item->object = c2_object_bytes_ref(o->file.object);
    item->pin = o->pin;
    return true;
}

static bool open_leaf(struct c2_container *c, const char *path, struct c2_codec *codec, struct c2_item **out,
                      struct cat2_error *err)
{
    C2_AUTO(opened) o = NOT_OPENED;
    C2_AUTO_PTR(state) *state = NULL;
    C2_AUTO_PTR(c2_frame) *frame = NULL;

    if (!open_state(c, &o, &state, err)) return false;
    const struct c2_b2z_leaf *leaf = c2_b2z_find(&state->store, path);
    if (!leaf || leaf->inner) return c2_fail(err, CAT2_ENOTFOUND, "Not Found");
    if (leaf->table) return c2_b2z_table_open(&o.file, c->filename, &state->store, leaf, codec, out, err);
    if (!c2_b2z_open(&o.file, c->filename, leaf, &frame, err)) return false;
    if (c2_frame_meta(frame)->kind != c2_kind_of(c2_str_of(path)))
        return c2_fail(err, CAT2_EDATA, "%.120s: the frame is %s", path,
                       c2_frame_meta(frame)->kind == C2_KIND_ARRAY ? "an array" : "no array");
    struct leaf_item *item = calloc(1, sizeof(*item));
    if (!item) return c2_fail_nomem(err, "dataset");
    *item = (struct leaf_item){.base = {.ops = &LEAF_OPS,
                                        .meta = c2_frame_meta(frame),
                                        .refusal = c2_frame_refusal(frame),
                                        .frame = frame},
                               .frame = frame};
    if (!note_object(&o, leaf, item, err)) {
        free(item);
        return false;
    }
    frame = NULL;
    atomic_init(&item->base.refs, 1);
    *out = &item->base;
    return true;
}

extern const struct c2_format c2_format_b2z;
const struct c2_format c2_format_b2z = {.name = "b2z",
                                        .nbytes = sizeof(struct b2z),
                                        .probe = probe,
                                        .takes_object = takes_object,
                                        .init = init,
                                        .fini = fini,
                                        .list = list,
                                        .open = open_leaf,
                                        .attrs = attrs};
