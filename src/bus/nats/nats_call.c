/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests and answers: each has a subject of its own beneath our inbox, INBOX.c.ID. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "base/log_share.h"
#include "bus/nats/nats_impl.h"

#define ANSWER_MS      3000 /* asked again: who has no leader, or gave it to a server that died, says nothing */
#define TAKEN_MS       10000 /* what is written, which an election holds up */
#define HEADERS_NBYTES 4096  /* of a message's most bytes, for its headers */

static void end(struct c2_nats_call *call, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    c2_chain_remove(call->n->calls, call, next);
    call->n->ncalls--;
    c2_timer_stop(call->timer);
    if (call->done) call->done(call->ctx, json, code, err);
    free(call);
}

static void on_time(void *ctx)
{
    struct c2_nats_call *call = ctx;
    struct cat2_error err;

    call->timer = NULL;
    c2_fail(&err, CAT2_EUPSTREAM, "%.200s does not answer", call->n->address.text);
    end(call, (struct c2_jval){NULL}, 0, &err);
}

static bool call(struct c2_nats *n, struct c2_nats_sending *sending, int64_t patience_ms,
                 c2_nats_answered *done, void *ctx, struct cat2_error *err)
{
    char reply[180];

    if (!n->linked) return c2_fail(err, CAT2_EUPSTREAM, "%.200s is away", n->address.text);
    if (n->ncalls >= C2_NATS_CALLS_MAX)
        return c2_fail(err, CAT2_EUPSTREAM, "%.200s: %d requests wait for answers", n->address.text,
                       C2_NATS_CALLS_MAX);
    struct c2_nats_call *made = malloc(sizeof(*made));
    if (!made) return c2_fail_nomem(err, "request");
    *made = (struct c2_nats_call){.n = n, .id = ++n->last_id, .done = done, .ctx = ctx};
    snprintf(reply, sizeof(reply), "%s.c.%" PRIu64, c2_nats_link_inbox(n->link), made->id);
    sending->reply = reply;
    made->timer = c2_timer_start(n->loop, patience_ms, 0, on_time, made);
    bool ok = (made->timer || c2_fail_nomem(err, "request")) && c2_nats_link_send(n->link, sending, err);
    sending->reply = NULL; /* it was of this call */
    if (!ok) {
        c2_timer_stop(made->timer);
        free(made);
        return false;
    }
    made->next = n->calls;
    n->calls = made;
    n->ncalls++;
    return true;
}

bool c2_nats_call(struct c2_nats *n, const char *subject, struct c2_str data, c2_nats_answered *done,
                  void *ctx, struct cat2_error *err)
{
    struct c2_nats_sending sending = {.subject = subject, .data = data};

    return call(n, &sending, *subject == '$' ? ANSWER_MS : TAKEN_MS, done, ctx, err);
}

bool c2_nats_replace(struct c2_nats *n, const char *subject, int64_t revision, struct c2_str data,
                     c2_nats_answered *done, void *ctx, struct cat2_error *err)
{
    struct c2_nats_sending sending = {.subject = subject, .data = data};
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, revision);
    sending.headers[0].name = "Nats-Expected-Last-Subject-Sequence";
    sending.headers[0].value = text;
    if (data.n == 0) {
        sending.headers[1].name = "KV-Operation";
        sending.headers[1].value = "DEL";
    }
    return call(n, &sending, TAKEN_MS, done, ctx, err);
}

/* {"error":{"code":404,"err_code":10059,"description":"stream not found"}}; 503: nobody serves the subject.
 */
static bool read_error(const struct c2_nats *n, const struct c2_nats_message *m, struct c2_jval json,
                       int64_t *code, struct cat2_error *err)
{
    struct c2_jval error = c2_jget(json, "error");
    struct c2_str why = {"", 0};

    if (m->status == 503)
        return c2_fail(err, CAT2_EUPSTREAM, "%.200s: JetStream does not answer there", n->address.text);
    if (c2_jval_kind(error) != C2_JOBJECT) return true;
    c2_jint(c2_jget(error, "err_code"), code);
    c2_jstr(c2_jget(error, "description"), &why);
    return c2_fail(err, CAT2_EUPSTREAM, "%.100s: %.*s (%" PRId64 ")", n->address.text,
                   (int)c2_min_i64(200, (int64_t)why.n), why.p, *code);
}

bool c2_nats_answer(struct c2_nats *n, const struct c2_nats_message *m)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_nats_call *call = n->calls;
    struct c2_jval root = {NULL};
    struct cat2_error err;
    int64_t id, code = 0;

    if (!c2_str_starts(c2_str_of(m->subject), "c.")) return false;
    if (!c2_str_to_i64(c2_str_of(m->subject + 2), &id)) return true;
    while (call && call->id != (uint64_t)id)
        call = call->next;
    if (!call) return true; /* too late */
    bool ok = m->status || c2_json_parse(m->data, &json, &err);
    if (ok && json) root = c2_json_root(json);
    ok = ok && read_error(n, m, root, &code, &err);
    end(call, root, code, ok ? NULL : &err);
    return true;
}

void c2_nats_end_calls(struct c2_nats *n, enum cat2_code code)
{
    struct cat2_error err;

    c2_fail(&err, code, "%.200s is away", n->address.text);
    while (n->calls)
        end(n->calls, (struct c2_jval){NULL}, 0, &err);
}

bool c2_nats_is_too_long(const struct c2_nats *n, size_t nbytes)
{
    return (int64_t)nbytes + HEADERS_NBYTES > c2_nats_link_payload_max(n->link);
}

void c2_nats_tell(struct c2_nats *n, const char *subject, struct c2_str data)
{
    struct c2_nats_sending sending = {.subject = subject, .data = data};
    struct cat2_error err;

    if (n->linked && !c2_nats_link_send(n->link, &sending, &err)) c2_log_some(C2_WARN, "%s", err.message);
}
