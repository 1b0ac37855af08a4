/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of a frame, in one answer with a hash: head and tail of it, from which further subscribers make
 * their cache files. What is not here is fetched first. */
#include <stdlib.h>

#include "base/limits.h"
#include "subscriber/answer/lookup.h"
#include "subscriber/answer/view.h"
#include "subscriber/fetch/read.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/republish/republish.h"

#define NBYTES_MAX     (C2_TRAILER_NBYTES_MAX + (16 << 20)) /* as publishers answer at a time */
#define RANGE_HEAD_MAX 512                                  /* of one part of an answer to several */

struct framing {
    struct c2_request *req;
    struct c2_ds *ds;
    struct c2_read read;
    struct c2_asker asker;
    struct c2_range ranges[C2_RANGES_MAX];
    int n;
    struct c2_content content;
    const struct c2_reading *reading;
    struct c2_buf body;
};

static void framing_end(struct framing *f, const struct cat2_error *err)
{
    if (err)
        c2_sub_answer_error(f->req, f->ds, err);
    else
        c2_reply_content_built(f->req, &f->content, f->ranges, f->n, &f->body);
    c2_buf_fini(&f->body);
    c2_ds_unref(f->ds);
    free(f);
}

static bool read_at(void *ctx, int64_t off, size_t n, uint8_t *to, struct cat2_error *err)
{
    const struct framing *f = ctx;

    return c2_read_bytes(f->reading, off, n, to, err);
}

static bool ranges_work(void *ctx, const struct c2_reading *reading, struct cat2_error *err)
{
    struct framing *f = ctx;

    c2_buf_clear(&f->body);
    f->reading = reading;
    return c2_content_build(&f->content, f->ranges, f->n, &f->body, err);
}

static void ranges_done(void *ctx, const struct cat2_error *err)
{
    framing_end(ctx, err);
}

/* The cache file is there: is it the frame? */
static void file_done(void *ctx, const struct cat2_error *err)
{
    static const struct c2_reader reader = {.work = ranges_work, .done = ranges_done};
    struct framing *f = ctx;
    struct cat2_error none;

    if (!err && !c2_cachefile_is_mirror(f->ds->cf)) {
        c2_fail(&none, CAT2_EDATA, "the frame is not mirrored here: its chunks are");
        none.http_status = 422;
        err = &none;
    }
    if (err) {
        framing_end(f, err);
        return;
    }
    struct c2_pieces pieces = {
        .need = C2_NEED_BYTES, .ranges = f->ranges, .n = (size_t)f->n, .asker = &f->asker};
    c2_read(&f->read, f->ds, &pieces, &reader, f);
}

static void reply(struct c2_request *req, struct c2_ds *ds)
{
    static const struct c2_reader reader = {.done = file_done};
    struct c2_str header = {"", 0};
    int64_t total = 0;

    if (!c2_republish_is_meant(req, ds)) return;
    if (!ds->has_frame) {
        c2_reply_detail(req, 404, "its publisher has no frame of it");
        return;
    }
    struct framing *f = calloc(1, sizeof(*f));
    if (!f) {
        c2_reply_detail(req, 503, "out of memory");
        return;
    }
    if (!c2_request_range(req, ds->match, &header)) header = (struct c2_str){"", 0};
    f->n = c2_ranges_parse(header, ds->layout.frame_len, f->ranges, C2_RANGES_MAX);
    for (int i = 0; i < f->n; i++)
        total += f->ranges[i].n;
    if (f->n < 1 || total > NBYTES_MAX) {
        free(f);
        c2_reply_detail(req, 416,
                        "a mirror gives ranges of a frame, of %d bytes in all; whole ones are at "
                        "/files",
                        NBYTES_MAX);
        return;
    }
    f->req = req;
    f->ds = c2_ds_ref(ds);
    f->asker.client = c2_view_client(req);
    f->content = (struct c2_content){.nbytes = ds->layout.frame_len,
                                     .content_type = "application/octet-stream",
                                     .etag = ds->match,
                                     .mtime_ms = -1,
                                     .fd = -1,
                                     .read = read_at,
                                     .ctx = f};
    c2_buf_init(&f->body, NBYTES_MAX + C2_RANGES_MAX * RANGE_HEAD_MAX);
    c2_read(&f->read, ds, &(struct c2_pieces){.need = C2_NEED_FILE}, &reader, f);
}

void c2_republish_frame(struct c2_request *req, void *state)
{
    c2_republish_with(req, state, reply);
}
