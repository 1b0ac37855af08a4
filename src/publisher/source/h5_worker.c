/* SPDX-License-Identifier: BSD-3-Clause */
/* Talking to processes of cat2h5. */
#include "publisher/source/h5_worker.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log_share.h"
#include "helper/pool.h"

#define WORKERS_MAX 2      /* of a source: libhdf5 does one thing at a time in each */
#define WAITING_MAX 4      /* where files are elsewhere: they wait more than they work */
#define PATIENCE_MS 30000  /* for one request */
#define LOOK_MS     10000  /* whether a dataset changed */
#define WALK_MS     300000 /* for all names of a file */
#define RANGES_MS   600000 /* for all ranges of one request of a file that is elsewhere */
#define AHEAD_MAX   16384  /* bytes of a walk's answers that are taken at once */
#define DEATHS_MAX  20     /* in DEATHS_MS; then requests fail at once for a while */
#define DEATHS_MS   10000  /* a file that kills its process each time is found within it */

struct c2_h5_workers {
    struct c2_helpers *processes;
};

static atomic_int_fast64_t nrequests;

int64_t c2_h5_requests(void)
{
    return nrequests;
}

/* ---- talking ---- */

/* Its head, name and body; what cannot be an answer counts as an end. */
static bool next_answer(struct c2_talk *talk, struct c2_h5_answer *a, struct c2_buf *name,
                        struct c2_buf *body, struct c2_buf *others)
{
    struct cat2_error ignored;

    c2_buf_clear(name);
    c2_buf_clear(others);
    if (!c2_talk_receive(talk, a, sizeof(*a))) return false;
    size_t before = body->n;
    if (a->magic != C2_H5_PROTO_MAGIC || a->name_len > C2_H5_PROTO_NAME || a->body_len > C2_H5_PROTO_BODY ||
        a->others_len > C2_H5_PROTO_BODY || !c2_buf_resize(name, a->name_len, &ignored) ||
        !c2_buf_resize(body, before + a->body_len, &ignored) ||
        !c2_buf_resize(others, a->others_len, &ignored)) {
        talk->ended = true;
        return false;
    }
    return c2_talk_receive(talk, name->p, name->n) && c2_talk_receive(talk, body->p + before, a->body_len) &&
           c2_talk_receive(talk, others->p, others->n);
}

static bool give_item(struct c2_h5_call *call, const struct c2_buf *name, const struct c2_buf *body,
                      struct cat2_error *err)
{
    const char *path = c2_buf_cstr(name);
    size_t n = strlen(path);

    if (n + 1 > name->n) return c2_fail(err, CAT2_EDATA, "the HDF5 worker sent no name");
    return call->item(call, path, path + n + 1, c2_buf_str(body), err);
}

/* A walk that looks at datasets is late when one of them takes too long. */
static void note_item(struct c2_talk *talk, const struct c2_h5_call *call, int64_t until_ms)
{
    if (call->nchunk > 0) talk->until_ms = c2_min_i64(until_ms, c2_now_ms() + LOOK_MS);
}

/* What was read of a file that is elsewhere, for one request. */
struct ranges {
    struct c2_buf bytes;
    int64_t ms;
    bool failed; /* why; the worker is told no more than that */
    struct cat2_error why;
};

static bool is_range(const struct c2_h5_call *call, const struct c2_h5_answer *a)
{
    return call->elsewhere && a->off >= 0 && a->n > 0 && a->n <= C2_H5_PROTO_RANGE &&
           a->off <= call->elsewhere->size && a->n <= call->elsewhere->size - a->off;
}

/* The time this takes is not the worker's. */
static bool give_range(struct c2_talk *talk, const struct c2_h5_call *call, struct ranges *ranges)
{
    const struct c2_h5_answer *a = &call->answer;
    struct c2_h5_range range = {C2_H5_PROTO_MAGIC, 0};
    int64_t began = c2_now_ms();

    if (!is_range(call, a)) {
        talk->ended = true;
        return false;
    }
    if (ranges->ms > RANGES_MS && !ranges->failed)
        ranges->failed =
            !c2_fail(&ranges->why, CAT2_EUPSTREAM, "%.160s: reading it takes too long", call->file);
    if (!ranges->failed)
        ranges->failed =
            !c2_buf_resize(&ranges->bytes, (size_t)a->n, &ranges->why) ||
            !call->range(call->range_ctx, a->off, ranges->bytes.n, ranges->bytes.p, &ranges->why);
    if (!ranges->failed) range.n = ranges->bytes.n;
    ranges->ms += c2_now_ms() - began;
    talk->until_ms += c2_now_ms() - began;
    return c2_talk_send(talk, &range, sizeof(range)) && c2_talk_send(talk, ranges->bytes.p, range.n);
}

static bool send_request(struct c2_talk *talk, const struct c2_h5_call *call)
{
    struct c2_h5_request req = {.magic = C2_H5_PROTO_MAGIC,
                                .op = call->op,
                                .nchunk = call->nchunk,
                                .file_len = strlen(call->file),
                                .name_len = strlen(call->name),
                                .elsewhere = call->elsewhere != NULL};

    if (call->elsewhere) req.state = *call->elsewhere;
    return c2_talk_send(talk, &req, sizeof(req)) && c2_talk_send(talk, call->file, req.file_len) &&
           c2_talk_send(talk, call->name, req.name_len);
}

/* The end, a success or not. */
static bool conclude(struct c2_h5_call *call, struct c2_buf *body, size_t before, struct cat2_error *err)
{
    if (call->answer.status == C2_H5_DONE) return true;
    enum cat2_code code = call->answer.code > 0 ? (enum cat2_code)call->answer.code : CAT2_EDATA;
    c2_fail(err, code, "%.*s", (int)(body->n - before), (const char *)body->p + before);
    body->n = before;
    return false;
}

static bool hear_answers(struct c2_talk *talk, struct c2_h5_call *call, struct ranges *ranges, bool *whole,
                         struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(C2_H5_PROTO_NAME);
    C2_AUTO(c2_buf) own = C2_BUF_INIT(C2_H5_PROTO_BODY);
    C2_AUTO(c2_buf) own_others = C2_BUF_INIT(C2_H5_PROTO_BODY);
    struct c2_buf *others = call->others ? call->others : &own_others;
    struct c2_buf *body = call->body && call->op != C2_H5_OP_WALK ? call->body : &own;
    uint8_t ahead[AHEAD_MAX];
    int64_t until_ms = talk->until_ms;
    bool ok = true;

    if (call->op == C2_H5_OP_WALK) c2_talk_read_ahead(talk, ahead, sizeof(ahead));
    for (;;) {
        size_t before = body->n;
        if (!next_answer(talk, &call->answer, &name, body, others)) return false;
        if (call->answer.status == C2_H5_RANGE) {
            if (!give_range(talk, call, ranges)) return false;
            continue;
        }
        if (call->answer.status == C2_H5_ITEM && call->op == C2_H5_OP_WALK) {
            note_item(talk, call, until_ms);
            call->heard = true;
            ok = ok && give_item(call, &name, body, err);
            c2_buf_clear(body);
            continue;
        }
        *whole = true;
        return conclude(call, body, before, err) && ok;
    }
}

/* *whole: the conversation came to its end, well or not. */
static bool converse(struct c2_talk *talk, struct c2_h5_call *call, bool *whole, struct cat2_error *err)
{
    struct ranges ranges = {.bytes = C2_BUF_INIT(C2_H5_PROTO_RANGE)};
    size_t before = call->body ? call->body->n : 0;

    *whole = false;
    bool ok = send_request(talk, call) && hear_answers(talk, call, &ranges, whole, err);
    c2_buf_fini(&ranges.bytes);
    if (!*whole || !ranges.failed) return ok;
    if (call->body) call->body->n = before;
    *err = ranges.why; /* whatever the worker made of it */
    return false;
}

static int64_t patience(enum c2_h5_op op)
{
    return op == C2_H5_OP_WALK ? WALK_MS : op == C2_H5_OP_LOOK ? LOOK_MS : PATIENCE_MS;
}

/* The process did not come to an end of what it was asked. true: another is there, to be asked anew; names
 * that were passed on are not passed on twice. */
static bool lose(struct c2_h5_workers *all, const struct c2_h5_call *call, struct c2_helper *worker,
                 const struct c2_talk *talk, struct cat2_error *err)
{
    char how[64];
    bool again = c2_helpers_again(all->processes, worker, talk, call->heard, how);

    if (c2_helpers_is_cancelled(all->processes)) {
        c2_fail(err, CAT2_ECANCELLED, "shutting down");
    } else {
        c2_log_some(C2_WARN, "cat2h5 %s file=%s object=%s", how, call->file, call->name);
        c2_fail(err, CAT2_EIO, "the HDF5 worker %s, asked for %.120s", how, call->name);
    }
    return again;
}

bool c2_h5_workers_call(struct c2_h5_workers *all, struct c2_h5_call *call, struct cat2_error *err)
{
    size_t before = call->body ? call->body->n : 0;
    struct c2_helper *worker;
    bool whole, ok;

    nrequests++;
    if (!c2_helpers_take(all->processes, call->file, call->op == C2_H5_OP_WALK, &worker, err)) {
        if (err->code == CAT2_ELIMIT) err->code = CAT2_EIO; /* not a limit of who asks */
        return false;
    }
    for (;;) {
        struct c2_talk talk = c2_helper_talk(worker, patience(call->op));
        ok = converse(&talk, call, &whole, err);
        if (whole) break;
        if (call->body) call->body->n = before;
        if (!lose(all, call, worker, &talk, err)) return false;
    }
    c2_helpers_give(all->processes, worker);
    return ok;
}

/* ---- life ---- */

bool c2_h5_workers_new(const char *dir, struct c2_h5_workers **out, struct cat2_error *err)
{
    int max = dir && strcmp(dir, C2_H5_NO_FILES) == 0 ? WAITING_MAX : WORKERS_MAX;
    const struct c2_helpers_options options = {.name = "cat2h5",
                                               .variable = "CATERVA2_H5_WORKER",
                                               .argument = dir,
                                               .max = max,
                                               .kept = max,
                                               .deaths_max = DEATHS_MAX,
                                               .deaths_ms = DEATHS_MS};
    struct c2_h5_workers *all = calloc(1, sizeof(*all));

    if (!all) return c2_fail_nomem(err, "HDF5 workers");
    if (!c2_helpers_new(&options, &all->processes, err)) {
        free(all);
        return false;
    }
    *out = all;
    return true;
}

void c2_h5_workers_cancel(struct c2_h5_workers *all)
{
    c2_helpers_cancel(all->processes);
}

void c2_h5_workers_free(struct c2_h5_workers *all)
{
    c2_helpers_free(all->processes);
    free(all);
}
