/* SPDX-License-Identifier: BSD-3-Clause */
/* nats_talk_server URL, nats_talk_model: the same talk with a server of NATS and with what stands for one in
 * scenes. Each prints the answers, without what differs from run to run; tests/system/test_nats_model.py
 * compares them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "bus/nats/nats_link.h"
#include "wire/json.h"

#ifdef TALK_MODEL
#include "nats.h"
#endif

#define PATIENCE_MS 20000 /* of an answer or message that should come */
#define LOOK_MS     50    /* between looks for what goes by itself */
#define HEARD_MAX   8     /* messages that no step has asked for yet */

enum kind {
    ASK,    /* subject, data, header: a request; prints the answer */
    GONE,   /* subject, data: asks again until that is an error */
    LISTEN, /* ear, subject: the end of the inbox's */
    HEAR,   /* n: so many messages come; prints them in the order of their text */
    BEAT    /* subject: a sign of life comes there */
};
struct step {
    enum kind kind;
    const char *subject, *data; /* ~ is our inbox */
    const char *header;         /* Nats-Expected-Last-Subject-Sequence */
    enum c2_nats_ears ear;
    int n;
};
#define API "$JS.API."
#define STREAM(more)                                                                                         \
    "{\"name\":\"cat2_talk\",\"subjects\":[\"cat2.talk.>\"],\"retention\":\"limits\"," more "}"
#define BUCKET(name, more)                                                                                   \
    "{\"name\":\"KV_" name "\",\"subjects\":[\"$KV." name ".>\"],\"retention\":\"limits\","                  \
    "\"storage\":\"file\",\"num_replicas\":1,\"max_msgs_per_subject\":1,\"discard\":\"new\"," more "}"
#define CONSUMER(stream, name, end, more)                                                                    \
    "{\"stream_name\":\"" stream "\",\"config\":{\"name\":\"" name "\",\"deliver_subject\":\"~." end         \
    "\",\"ack_policy\":\"none\",\"replay_policy\":\"instant\",\"max_deliver\":1,\"mem_storage\":true,"       \
    "\"num_replicas\":1,\"idle_heartbeat\":1000000000,\"inactive_threshold\":30000000000," more "}}"
#define FROM(n)        "\"deliver_policy\":\"by_start_sequence\",\"opt_start_seq\":" #n
#define LATEST(filter) "\"deliver_policy\":\"last_per_subject\",\"filter_subject\":\"" filter "\""
#define LAST(subject)  "{\"last_by_subj\":\"" subject "\"}"

static const struct step steps[] = {
    {ASK, API "STREAM.INFO.cat2_talk", ""},
    {ASK, API "STREAM.CREATE.cat2_talk", STREAM("\"storage\":\"file\",\"num_replicas\":3")},
    {ASK, API "STREAM.CREATE.cat2_talk", STREAM("\"storage\":\"file\",\"num_replicas\":1")},
    {ASK, API "STREAM.CREATE.cat2_talk", STREAM("\"storage\":\"file\",\"num_replicas\":1")},
    {ASK, API "STREAM.CREATE.cat2_talk",
     STREAM("\"storage\":\"file\",\"num_replicas\":1,\"max_msgs_per_subject\":7")},
    {ASK, "cat2.talk.foo", "a"},
    {ASK, "cat2.talk.bar", "b"},
    {ASK, "cat2.other.foo", "nobody"},
    {ASK, API "STREAM.INFO.cat2_talk", ""},
    /* events, from a number on */
    {LISTEN, "e.1", .ear = C2_NATS_EVENTS},
    {ASK, API "CONSUMER.CREATE.cat2_talk.one", CONSUMER("cat2_talk", "one", "e.1", FROM(1))},
    {HEAR, .n = 2},
    {ASK, "cat2.talk.foo", "c"},
    {HEAR, .n = 1},
    {BEAT, "e.1"},
    {LISTEN, "e.2", .ear = C2_NATS_EVENTS},
    {ASK, API "CONSUMER.CREATE.cat2_talk.two", CONSUMER("cat2_talk", "two", "e.2", FROM(4))},
    {BEAT, "e.2"},
    {ASK, "cat2.talk.foo", "d"},
    {HEAR, .n = 1},
    {ASK, API "CONSUMER.DELETE.cat2_talk.two", ""},
    {ASK, API "CONSUMER.DELETE.cat2_talk.two", ""},
    {ASK, API "CONSUMER.DELETE.none.two", ""},
    {ASK, "cat2.talk.foo", "not heard"},
    {LISTEN, "e.3", .ear = C2_NATS_EVENTS},
    {ASK, API "CONSUMER.CREATE.cat2_talk.three", CONSUMER("cat2_talk", "three", "e.3", FROM(2))},
    {HEAR, .n = 4},
    /* a bucket */
    {ASK, API "STREAM.CREATE.KV_talk", BUCKET("talk", "\"max_age\":0")},
    {ASK, "$KV.talk.foo", "1", "0"},
    {ASK, "$KV.talk.foo", "2", "0"},
    {ASK, "$KV.talk.foo", "2", "1"},
    {ASK, "$KV.talk.foo", "3", "1"},
    {ASK, "$KV.talk.bar", "4", "0"},
    {ASK, "$KV.talk.bar", "5"},
    {ASK, API "STREAM.MSG.GET.KV_talk", LAST("$KV.talk.foo")},
    {ASK, API "STREAM.MSG.GET.KV_talk", LAST("$KV.talk.bar")},
    {ASK, API "STREAM.MSG.GET.KV_talk", LAST("$KV.talk.none")},
    {ASK, API "STREAM.MSG.GET.KV_none", LAST("$KV.talk.foo")},
    {ASK, API "STREAM.INFO.KV_talk", ""},
    {LISTEN, "r.1", .ear = C2_NATS_REGISTRY},
    {ASK, API "CONSUMER.CREATE.KV_talk.all", CONSUMER("KV_talk", "all", "r.1", LATEST("$KV.talk.>"))},
    {HEAR, .n = 2},
    {ASK, "$KV.talk.foo", "6", "2"},
    {HEAR, .n = 1},
    {ASK, "$KV.talk.foo", "", "5"},
    {HEAR, .n = 1},
    {BEAT, "r.1"},
    {LISTEN, "m.1", .ear = C2_NATS_MIRRORS},
    {ASK, API "CONSUMER.CREATE.KV_talk.some",
     CONSUMER("KV_talk", "some", "m.1", LATEST("$KV.talk.mirror.*"))},
    {ASK, "$KV.talk.mirror.x", "7"},
    {HEAR, .n = 2}, /* of both consumers */
    {ASK, "$KV.talk.mirror.x.y", "8"},
    {HEAR, .n = 1},
    /* what goes by itself */
    {ASK, API "STREAM.CREATE.KV_brief",
     BUCKET("brief", "\"max_age\":1000000000,\"duplicate_window\":1000000000")},
    {ASK, "$KV.brief.foo", "1", "0"},
    {ASK, API "STREAM.MSG.GET.KV_brief", LAST("$KV.brief.foo")},
    {GONE, API "STREAM.MSG.GET.KV_brief", LAST("$KV.brief.foo")},
    {ASK, API "STREAM.INFO.KV_brief", ""},
    {ASK, "$KV.brief.foo", "2", "1"},
    {ASK, "$KV.brief.foo", "3", "0"},
};

struct talk {
    struct c2_loop *loop;
    struct c2_nats_address address;
    struct c2_nats_link *link;
    size_t at;
    int nheard, nanswers;
    char heard[HEARD_MAX][300];
    bool done;
    struct c2_timer *timer;
};

static void go_on(void *ctx);

static void next(struct talk *t, int64_t ms)
{
    c2_timer_stop(t->timer);
    t->timer = c2_timer_start(t->loop, ms, 0, go_on, t);
}

static void on_time(void *ctx)
{
    struct talk *t = ctx;

    t->timer = NULL;
    printf("step %zu: nothing comes\n", t->at);
    t->at = C2_ARRAY_LEN(steps);
    next(t, 0);
}

static void wait(struct talk *t)
{
    c2_timer_stop(t->timer);
    t->timer = c2_timer_start(t->loop, PATIENCE_MS, 0, on_time, t);
}

static const char *with_inbox(const struct talk *t, const char *text, char *out, size_t size)
{
    const char *tilde = text ? strchr(text, '~') : NULL;

    if (!tilde) return text ? text : "";
    snprintf(out, size, "%.*s%s%s", (int)(tilde - text), text, c2_nats_link_inbox(t->link), tilde + 1);
    return out;
}

static void ask(struct talk *t, const struct step *step)
{
    struct c2_nats_sending sending = {.subject = step->subject};
    char reply[200], data[2000];
    struct cat2_error err;

    snprintf(reply, sizeof(reply), "%s.c.%d", c2_nats_link_inbox(t->link), ++t->nanswers);
    sending.reply = reply;
    sending.data = c2_str_of(with_inbox(t, step->data, data, sizeof(data)));
    if (step->header) {
        sending.headers[0].name = "Nats-Expected-Last-Subject-Sequence";
        sending.headers[0].value = step->header;
    }
    C2_ASSERT(c2_nats_link_send(t->link, &sending, &err));
    wait(t);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void tell_heard(struct talk *t)
{
    qsort(t->heard, (size_t)t->nheard, sizeof(t->heard[0]), by_text);
    for (int i = 0; i < t->nheard; i++)
        printf("  %s\n", t->heard[i]);
    t->nheard = 0;
}

static void go_on(void *ctx)
{
    struct talk *t = ctx;
    const struct step *step = &steps[t->at];
    struct cat2_error err;

    t->timer = NULL;
    if (t->at >= C2_ARRAY_LEN(steps)) {
        t->done = true;
#ifndef TALK_MODEL
        c2_loop_stop(t->loop);
#endif
    } else if (step->kind == ASK || step->kind == GONE) {
        ask(t, step);
    } else if (step->kind == LISTEN) {
        C2_ASSERT(c2_nats_link_listen(t->link, step->ear, step->subject, &err));
        t->at++;
        next(t, 0);
    } else if (step->kind == HEAR && t->nheard >= step->n) {
        tell_heard(t);
        t->at++;
        next(t, 0);
    } else {
        wait(t);
    }
}

/* ---- what comes ---- */

static void show(struct c2_jval object, const char *key, const char *label)
{
    int64_t n;

    if (c2_jint(c2_jget(object, key), &n)) printf(" %s=%lld", label, (long long)n);
}

static void print_answer(const struct talk *t, const struct c2_nats_message *m)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str text = {"", 0};
    struct cat2_error err;

    printf("%s:", steps[t->at].subject);
    if (m->status || !c2_json_parse(m->data, &json, &err)) {
        printf(" status=%d\n", m->status);
        return;
    }
    struct c2_jval root = c2_json_root(json), error = c2_jget(root, "error"),
                   config = c2_jget(root, "config");
    bool stream = c2_jval_kind(c2_jget(root, "state")) == C2_JOBJECT;
    show(error, "code", "code");
    show(error, "err_code", "err_code");
    show(root, "seq", "seq");
    show(root, "num_pending", "num_pending");
    show(c2_jget(root, "delivered"), "consumer_seq", "delivered");
    show(config, "max_age", "max_age");
    show(config, "max_msgs_per_subject", "per_subject");
    if (stream) show(config, "num_replicas", "replicas");
    show(c2_jget(root, "state"), "messages", "messages");
    show(c2_jget(root, "state"), "first_seq", "first");
    show(c2_jget(root, "state"), "last_seq", "last");
    show(c2_jget(root, "message"), "seq", "message");
    if (stream && c2_jstr(c2_jget(root, "created"), &text)) printf(" created");
    if (c2_jstr(c2_jget(root, "stream"), &text)) printf(" stream=%.*s", C2_STR_ARG(text));
    printf("\n");
}

static void on_answer(struct talk *t, const struct c2_nats_message *m)
{
    const struct step *step = &steps[t->at];
    int64_t id;

    if (!c2_str_to_i64(c2_str_of(m->subject + 2), &id) || id != t->nanswers) return;
    if (step->kind == GONE && memmem(m->data.p, m->data.n, "\"error\"", 7) == NULL) {
        next(t, LOOK_MS);
        return;
    }
    print_answer(t, m);
    t->at++;
    next(t, 0);
}

static void on_message(void *ctx, const struct c2_nats_message *m)
{
    struct c2_nats_delivery d;
    struct talk *t = ctx;

    if (m->inbox && c2_str_starts(c2_str_of(m->subject), "c.")) {
        on_answer(t, m);
    } else if (m->inbox && m->status && t->at < C2_ARRAY_LEN(steps) && steps[t->at].kind == BEAT &&
               strcmp(m->subject, steps[t->at].subject) == 0) {
        printf("%s: status=%d last=%lld\n", m->subject, m->status, (long long)m->last_consumer);
        t->at++;
        next(t, 0);
    } else if (!m->inbox && c2_nats_delivery_parse(c2_str_of(m->reply), &d)) {
        C2_ASSERT(t->nheard < HEARD_MAX);
        snprintf(t->heard[t->nheard++], sizeof(t->heard[0]),
                 "%s '%.*s' of %.*s for %.*s: seq=%lld cseq=%lld pending=%lld", m->subject,
                 C2_STR_ARG(m->data), C2_STR_ARG(d.stream), C2_STR_ARG(d.consumer), (long long)d.stream_seq,
                 (long long)d.consumer_seq, (long long)d.pending);
        if (t->at < C2_ARRAY_LEN(steps) && steps[t->at].kind == HEAR) next(t, 0);
    }
}

static void on_linked(void *ctx, bool up, const char *why)
{
    struct talk *t = ctx;

    if (up && t->at == 0) next(t, 0);
    if (!up) printf("not connected: %s\n", why);
}

int main(int argc, char **argv)
{
    struct talk t = {0};
    struct c2_nats_link_events events = {on_linked, on_message, &t};
    struct cat2_error err;

#ifdef TALK_MODEL
    struct c2_host *host = c2_fake_host("broker");
    struct c2_nats_store *store = NULL;
    const char *url = "nats://broker";
    (void)argc, (void)argv;
    c2_nats_serve(host, &store);
    c2_fake_enter(c2_fake_host("talker"));
#else
    const char *url = argc > 1 ? argv[1] : "";
#endif
    if (!c2_loop_new(&t.loop, &err) || !c2_nats_address_parse(c2_str_of(url), &t.address, &err) ||
        !c2_nats_link_new(t.loop, &t.address, NULL, NULL, &events, &t.link, &err)) {
        printf("%s\n", err.message);
        return 1;
    }
#ifdef TALK_MODEL
    while (!t.done)
        c2_fake_step(INT64_MAX);
#else
    c2_loop_run(t.loop);
#endif
    c2_timer_stop(t.timer);
    c2_nats_link_free(t.link);
    c2_loop_free(t.loop);
#ifdef TALK_MODEL
    c2_nats_server_free(host);
    c2_nats_store_free(store);
    c2_fake_end();
#endif
    return 0;
}
