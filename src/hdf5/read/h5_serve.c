/* SPDX-License-Identifier: BSD-3-Clause */
/* The worker's side of helper/h5_proto.h. The file is opened when it is first asked for and again when it
 * changed; the last few datasets stay open. What is elsewhere is read by the publisher, range by range. */
#include "hdf5/read/h5_serve.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "hdf5/read/beneath.h"
#include "helper/h5_proto.h"

#define OPEN_MAX_DATASETS 32
#define SEND_NBYTES       (32 << 10) /* of items, sent together */
#define SEND_MS           50         /* or when the last were sent so long ago */
#define REQUEST_SECONDS   60         /* of one request; the publisher loses patience before */
#define WALK_SECONDS      600

struct opened {
    char *name;
    struct c2_h5_dataset *ds;
    uint64_t used;
};
struct server {
    int fd;
    const char *dir;  /* other files are opened beneath it; NULL: beneath the file's own */
    bool no_files;    /* all are elsewhere */
    char *filename;   /* NULL: none yet */
    struct c2_h5 *h5; /* NULL: not open */
    struct c2_h5_state state;
    bool elsewhere; /* the file is */
    bool failed;    /* a range was not to be had: what libhdf5 has of the file may be wrong */
    bool closing;
    struct c2_h5_elsewhere reader;
    struct opened opened[OPEN_MAX_DATASETS];
    uint64_t clock;
    struct c2_codec *codec;
    struct c2_h5_raw raw;
    struct c2_buf name, body, others;
    struct c2_buf items; /* of a walk, not sent yet */
    int64_t sent_ms;     /* when the last were */
    int64_t look_nbytes; /* what may be read still to look at the datasets of a walk; looks: they are */
    bool looks;
};

/* ---- the socket ---- */

static bool receive(int fd, void *to, size_t n, bool *ended, struct cat2_error *err)
{
    uint8_t *p = to;
    size_t left = n;

    *ended = false;
    while (left) {
        ssize_t got = recv(fd, p, left, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return c2_fail_errno(err, errno, "socket");
        if (got == 0) {
            *ended = left == n;
            return *ended || c2_fail(err, CAT2_EIO, "the socket ended within a request");
        }
        p += got;
        left -= (size_t)got;
    }
    return true;
}

static bool transmit(int fd, const void *bytes, size_t n, struct cat2_error *err)
{
    const uint8_t *p = bytes;

    while (n) {
        ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return c2_fail_errno(err, errno, "socket");
        p += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* ---- ranges of a file that is elsewhere ---- */

static bool ask_range(struct server *s, int64_t off, size_t n, void *to)
{
    struct c2_h5_answer a = {.magic = C2_H5_PROTO_MAGIC, .status = C2_H5_RANGE, .off = off, .n = (int64_t)n};
    struct c2_h5_range range;
    struct cat2_error ignored;
    bool ended;

    return transmit(s->fd, &a, sizeof(a), &ignored) &&
           receive(s->fd, &range, sizeof(range), &ended, &ignored) && !ended &&
           range.magic == C2_H5_PROTO_MAGIC && range.n == n && receive(s->fd, to, n, &ended, &ignored) &&
           !ended;
}

/* The publisher has times of its own for what it asks others. */
static bool read_range(void *ctx, int64_t off, size_t n, void *to)
{
    struct server *s = ctx;
    uint8_t *at = to;

    if (s->closing || s->failed) return false;
    unsigned left = alarm(0);
    while (n && !s->failed) {
        size_t part = n < C2_H5_PROTO_RANGE ? n : C2_H5_PROTO_RANGE;
        s->failed = !ask_range(s, off, part, at);
        off += (int64_t)part;
        at += part;
        n -= part;
    }
    alarm(left);
    return !s->failed;
}

/* ---- the file ---- */

static void close_file(struct server *s)
{
    s->closing = true;
    for (int i = 0; i < OPEN_MAX_DATASETS; i++) {
        c2_h5_dataset_close(s->opened[i].ds);
        free(s->opened[i].name);
        s->opened[i] = (struct opened){0};
    }
    c2_h5_close(s->h5);
    s->h5 = NULL;
    s->closing = s->failed = false;
}

static bool find_state(struct server *s, const struct c2_h5_request *req, struct c2_h5_state *out)
{
    if (!req->elsewhere) return c2_h5_stat(s->filename, out);
    *out = req->state;
    return true;
}

static bool open_file(struct server *s, const struct c2_h5_request *req, const char *filename,
                      struct cat2_error *err)
{
    struct c2_h5_state now;

    if (s->no_files && !req->elsewhere) return c2_fail(err, CAT2_EINVAL, "files are not opened here");
    if (!s->filename || strcmp(s->filename, filename) != 0 || s->elsewhere != (req->elsewhere != 0)) {
        close_file(s);
        free(s->filename);
        s->filename = c2_str_dup(c2_str_of(filename));
        if (!s->filename) return c2_fail_nomem(err, "request");
        s->elsewhere = req->elsewhere != 0;
    }
    if (!find_state(s, req, &now)) {
        close_file(s);
        return c2_fail_errno(err, errno, "%.160s", s->filename);
    }
    if (s->h5 && memcmp(&now, &s->state, sizeof(now)) == 0 && c2_h5_beneath_same(s->h5->beneath)) return true;
    close_file(s);
    s->state = now;
    if (!s->elsewhere) return c2_h5_open_beneath(s->dir, s->filename, &s->h5, err);
    s->reader = (struct c2_h5_elsewhere){now.size, read_range, s};
    return c2_h5_open_elsewhere(s->filename, &s->reader, &s->h5, err);
}

static struct c2_h5_dataset *dataset(struct server *s, const char *name, struct cat2_error *err)
{
    struct opened *best = &s->opened[0];

    for (int i = 0; i < OPEN_MAX_DATASETS; i++) {
        struct opened *it = &s->opened[i];
        if (it->ds && strcmp(it->name, name) == 0) {
            it->used = ++s->clock;
            return it->ds;
        }
        if (it->used < best->used) best = it;
    }
    struct opened fresh = {c2_str_dup(c2_str_of(name)), NULL, ++s->clock};
    if (!fresh.name || !c2_h5_dataset_open(s->h5, name, NULL, &fresh.ds, err)) {
        if (!fresh.name) c2_fail_nomem(err, "dataset");
        free(fresh.name);
        return NULL;
    }
    c2_h5_dataset_close(best->ds);
    free(best->name);
    *best = fresh;
    return best->ds;
}

/* So that it is opened anew, and what it opens is noted. */
static void close_dataset(struct server *s, const char *name)
{
    for (int i = 0; i < OPEN_MAX_DATASETS; i++) {
        struct opened *it = &s->opened[i];
        if (!it->ds || strcmp(it->name, name) != 0) continue;
        c2_h5_dataset_close(it->ds);
        free(it->name);
        *it = (struct opened){0};
    }
}

/* ---- other files ---- */

static bool add_other(struct server *s, const struct c2_h5_other *other, struct cat2_error *err)
{
    const char *dir = c2_h5_beneath_dir(s->h5->beneath);
    struct c2_h5_other_file file = {.state = other->state, .path_len = strlen(dir) + 1 + strlen(other->rel)};

    return c2_buf_append(&s->others, &file, sizeof(file), err) && c2_buf_puts(&s->others, dir, err) &&
           c2_buf_putc(&s->others, '/', err) && c2_buf_puts(&s->others, other->rel, err);
}

/* Those that were asked for since the mark, or all. What leads out is never looked at. */
static bool tell_others(struct server *s, bool all, struct cat2_error *err)
{
    const struct c2_h5_other *others;
    size_t n = c2_h5_beneath_others(s->h5->beneath, &others);

    for (size_t i = 0; i < n; i++)
        if ((all || c2_h5_beneath_touched(s->h5->beneath, &others[i])) &&
            (others[i].found == C2_H5_THERE || others[i].found == C2_H5_ABSENT) &&
            !add_other(s, &others[i], err))
            return false;
    return true;
}

/* ---- answers ---- */

static void fill_head(const struct server *s, struct c2_h5_answer *a, struct c2_bytes body)
{
    a->magic = C2_H5_PROTO_MAGIC;
    a->name_len = s->name.n;
    a->body_len = body.n;
    a->others_len = s->others.n;
}

static bool send_items(struct server *s, struct cat2_error *err)
{
    bool ok = transmit(s->fd, s->items.p, s->items.n, err);

    c2_buf_clear(&s->items);
    s->sent_ms = c2_now_ms();
    return ok;
}

/* An answer of a walk, but for the last: a call of the system for each of 10^5 costs more than its making. */
static bool answer_item(struct server *s, struct c2_h5_answer *a, struct c2_bytes body,
                        struct cat2_error *err)
{
    fill_head(s, a, body);
    return c2_buf_append(&s->items, a, sizeof(*a), err) &&
           c2_buf_append(&s->items, s->name.p, s->name.n, err) &&
           c2_buf_append(&s->items, body.p, body.n, err) &&
           c2_buf_append(&s->items, s->others.p, s->others.n, err) &&
           ((s->items.n < SEND_NBYTES && c2_now_ms() - s->sent_ms < SEND_MS) || send_items(s, err));
}

static bool answer(struct server *s, struct c2_h5_answer *a, struct c2_bytes body, struct cat2_error *err)
{
    fill_head(s, a, body);
    return send_items(s, err) && transmit(s->fd, a, sizeof(*a), err) &&
           transmit(s->fd, s->name.p, s->name.n, err) && transmit(s->fd, body.p, body.n, err) &&
           transmit(s->fd, s->others.p, a->others_len, err);
}

/* ---- what is told of a dataset ---- */

/* Can Blosc2 2 and the subscribers that use it hold it? One dataset they cannot keeps them from a whole root.
 */
static bool is_plain(const struct c2_meta *meta)
{
    C2_AUTO_PTR(c2_json) *vlmeta = NULL;
    struct cat2_error ignored;
    struct c2_jval value;
    struct c2_str key;

    if (meta->grid.ndim > 8 || meta->dtype.nfields > 0) return false;
    for (int i = 0; i < meta->grid.ndim; i++)
        if (meta->grid.shape[i] == 0) return false;
    if (!c2_json_parse(c2_buf_str(&meta->vlmeta), &vlmeta, &ignored)) return false;
    struct c2_jiter it = c2_jiter_of(c2_json_root(vlmeta));
    if (c2_jlen(c2_json_root(vlmeta)) > 16) return false;
    while (c2_jnext(&it, &key, &value))
        if (key.n > 31) return false;
    return true;
}

/* What is known of a dataset once it is open. *nbytes may be read of its data, and is lowered. */
static void look_at(struct c2_h5_dataset *ds, int64_t *nbytes, struct c2_h5_answer *a)
{
    const struct c2_grid *grid = &c2_h5_meta(ds)->grid;

    a->fingerprint = c2_h5_fingerprint(ds, nbytes);
    a->plain = is_plain(c2_h5_meta(ds));
    a->nbytes = grid->typesize;
    for (int i = 0; i < grid->ndim; i++)
        a->nbytes *= grid->shape[i];
}

static bool put_meta(struct server *s, const struct c2_h5_dataset *ds, bool extended, struct cat2_error *err)
{
    struct c2_jw w;

    c2_jw_init(&w, &s->body, C2_JSON_COMPACT, err);
    return c2_meta_to_json(c2_h5_meta(ds), extended, -1, &w) && c2_jw_finish(&w);
}

/* ---- requests ---- */

/* What cannot be carried is refused by itself; the walk goes on. */
static bool look_on_the_way(struct server *s, const char *name, struct c2_h5_answer *a,
                            struct cat2_error *err)
{
    C2_AUTO_PTR(c2_h5_dataset) *ds = NULL;
    int64_t given = c2_min_i64(s->look_nbytes, C2_H5_LOOK_NBYTES), left = given;
    struct cat2_error why = {0};

    c2_h5_beneath_mark(s->h5->beneath);
    bool ok = c2_h5_dataset_open(s->h5, name, NULL, &ds, &why);
    if (!tell_others(s, false, err)) return false;
    if (ok) {
        struct c2_cparams_rest rest = c2_cparams_rest_of(&c2_h5_meta(ds)->cparams);
        memcpy(a->cparams, &rest, sizeof(rest));
        look_at(ds, &left, a);
        ok = put_meta(s, ds, false, &why);
    }
    s->look_nbytes -= given - left;
    a->kind = ok ? C2_H5_SHOWS_LOOKED : C2_H5_SHOWS_REFUSED;
    a->code = (int32_t)why.code;
    if (ok) return true;
    c2_buf_clear(&s->body);
    if (why.code != CAT2_ENOMEM) return c2_buf_puts(&s->body, why.message, err);
    *err = why;
    return false;
}

static bool send_entry(void *ctx, const struct c2_h5_entry *entry, struct cat2_error *err)
{
    struct server *s = ctx;
    struct c2_h5_answer a = {.status = C2_H5_ITEM};

    if (entry->kind == C2_H5_TYPE) return true;
    a.kind = entry->kind == C2_H5_GROUP     ? C2_H5_SHOWS_GROUP
             : entry->kind == C2_H5_DATASET ? C2_H5_SHOWS_DATASET
                                            : C2_H5_SHOWS_REFUSED;
    c2_buf_clear(&s->name);
    c2_buf_clear(&s->body);
    c2_buf_clear(&s->others);
    if (!c2_buf_append(&s->name, entry->path, strlen(entry->path) + 1, err) ||
        !c2_buf_puts(&s->name, entry->name, err) ||
        !c2_buf_append_str(&s->body, c2_str_of(entry->refusal), err))
        return false;
    if (entry->kind == C2_H5_DATASET && s->looks && !look_on_the_way(s, entry->name, &a, err)) return false;
    return answer_item(s, &a, c2_buf_bytes(&s->body), err);
}

static bool do_walk(struct server *s, struct c2_h5_answer *a, int64_t nbytes, struct cat2_error *err)
{
    s->looks = nbytes > 0;
    s->look_nbytes = nbytes;
    s->sent_ms = c2_now_ms();
    bool ok = c2_h5_walk(s->h5, send_entry, s, err);
    a->off = s->look_nbytes;
    c2_buf_clear(&s->body);
    c2_buf_clear(&s->others);
    return ok && tell_others(s, true, err);
}

static bool do_meta(struct server *s, const char *name, struct cat2_error *err)
{
    struct c2_h5_dataset *ds = dataset(s, name, err);

    return ds && put_meta(s, ds, true, err);
}

static bool do_look(struct server *s, const char *name, int64_t budget, struct c2_h5_answer *a,
                    struct cat2_error *err)
{
    close_dataset(s, name);
    c2_h5_beneath_mark(s->h5->beneath);
    struct c2_h5_dataset *ds = dataset(s, name, err);
    struct cat2_error late;

    if (!tell_others(s, false, ds ? err : &late) || !ds) return false;
    a->off = budget;
    look_at(ds, &a->off, a);
    return true;
}

static bool do_chunk(struct server *s, const char *name, int64_t nchunk, struct c2_h5_answer *a,
                     struct cat2_error *err)
{
    struct c2_h5_dataset *ds = dataset(s, name, err);
    int32_t n;

    if (!ds) return false;
    if (c2_h5_locate(ds, nchunk, &a->off, &n)) {
        a->n = n;
        return true;
    }
    return c2_h5_fetch(ds, nchunk, &s->raw, err) && c2_h5_convert(ds, s->codec, &s->raw, &s->body, err);
}

static bool run(struct server *s, const struct c2_h5_request *req, const char *name, struct c2_h5_answer *a,
                struct cat2_error *err)
{
    switch (req->op) {
    case C2_H5_OP_WALK:
        return do_walk(s, a, req->nchunk, err);
    case C2_H5_OP_LOOK:
        return do_look(s, name, req->nchunk, a, err);
    case C2_H5_OP_META:
        return do_meta(s, name, err);
    case C2_H5_OP_CHUNK:
        return do_chunk(s, name, req->nchunk, a, err);
    case C2_H5_OP_ATTRS:
        return c2_h5_attrs_json(s->h5, name, &s->body, err);
    default:
        return c2_fail(err, CAT2_EINVAL, "request %u", req->op);
    }
}

static bool serve_one(struct server *s, const struct c2_h5_request *req, struct cat2_error *err)
{
    struct c2_h5_answer a = {.status = C2_H5_DONE};
    struct cat2_error why = {0};
    struct c2_str both = c2_buf_str(&s->name);
    char *file = c2_str_dup((struct c2_str){both.p, req->file_len});
    char *name = c2_str_dup((struct c2_str){both.p + req->file_len, req->name_len});
    bool ok = (file && name) || c2_fail_nomem(&why, "request");

    alarm(req->op == C2_H5_OP_WALK ? WALK_SECONDS : REQUEST_SECONDS); /* no handler: it ends us */
    c2_buf_clear(&s->body);
    c2_buf_clear(&s->others);
    ok = ok && open_file(s, req, file, &why);
    a.before = s->state;
    ok = ok && run(s, req, name, &a, &why);
    alarm(0);
    if (s->filename) find_state(s, req, &a.after);
    if (s->failed) close_file(s);
    if (s->h5 && !c2_h5_beneath_same(s->h5->beneath)) memset(&a.after, 0xff, sizeof(a.after));
    c2_buf_clear(&s->name);
    free(name);
    free(file);
    if (ok) return answer(s, &a, c2_buf_bytes(&s->body), err);
    a.status = C2_H5_FAILED;
    a.code = (int32_t)why.code;
    return answer(s, &a, c2_bytes_of(c2_str_of(why.message)), err);
}

static bool next_request(struct server *s, struct c2_h5_request *req, bool *ended, struct cat2_error *err)
{
    if (!receive(s->fd, req, sizeof(*req), ended, err) || *ended) return *ended;
    if (req->magic != C2_H5_PROTO_MAGIC || req->name_len > C2_H5_PROTO_NAME / 2 ||
        req->file_len > C2_H5_PROTO_NAME / 2)
        return c2_fail(err, CAT2_EDATA, "no request");
    size_t n = req->file_len + req->name_len;
    return c2_buf_resize(&s->name, n, err) && receive(s->fd, s->name.p, n, ended, err) && !*ended;
}

bool c2_h5_serve(int fd, const char *dir, struct cat2_error *err)
{
    struct server s = {.fd = fd, .dir = dir, .codec = c2_codec_new()};
    s.no_files = dir && strcmp(dir, C2_H5_NO_FILES) == 0;
    struct c2_h5_request req;
    bool ended = false, ok = s.codec || c2_fail_nomem(err, "codec");

    c2_h5_raw_init(&s.raw);
    c2_buf_init(&s.name, C2_H5_PROTO_NAME);
    c2_buf_init(&s.body, C2_CHUNK_CBYTES_MAX);
    c2_buf_init(&s.others, C2_H5_PROTO_BODY);
    c2_buf_init(&s.items, C2_H5_PROTO_BODY);
    while (ok && !ended) {
        ok = next_request(&s, &req, &ended, err);
        if (ok && !ended) ok = serve_one(&s, &req, err);
    }
    close_file(&s);
    free(s.filename);
    c2_codec_free(s.codec);
    c2_h5_raw_fini(&s.raw);
    c2_buf_fini(&s.name);
    c2_buf_fini(&s.body);
    c2_buf_fini(&s.others);
    c2_buf_fini(&s.items);
    return ok;
}
