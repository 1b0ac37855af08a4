/* SPDX-License-Identifier: BSD-3-Clause */
/* JetStream: streams with numbered messages, consumers that send them, and the requests about both. Consumers
 * are the server's and end with it; streams stay. What is too old goes when somebody looks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/vec.h"
#include "nats.h"
#include "wire/json.h"

#define MS_NS     1000000
#define BEAT_MS   1000  /* as our consumers ask for */
#define UNUSED_MS 30000 /* as well */
#define KEPT_MAX  4096  /* messages of a stream without a limit of each subject: as few as our broker keeps */

struct message {
    int64_t seq, at_ms;
    char *subject;
    struct c2_buf data;
};
struct stream {
    struct stream *next;
    char name[100], subject[200], created[64];
    int64_t max_age_ms, per_subject, last;
    C2_VEC(struct message);
};
struct c2_nats_store {
    struct stream *streams;
    int nmade;
};
struct c2_nats_consumer {
    struct c2_nats_consumer *next;
    struct c2_nats_server *server;
    struct stream *stream;
    char name[80], deliver[300], filter[200];
    int64_t from; /* messages with this number and later ones are sent */
    struct {
        C2_VEC(int64_t);
    } latest; /* and before them these, of a bucket */
    size_t at;
    int64_t cseq, heard_ms;
    bool sent; /* since the last sign of life */
    struct c2_fake_event *beat;
};

/* ---- streams ---- */

static struct stream *find_stream(const struct c2_nats_store *store, struct c2_str name)
{
    struct stream *stream = store->streams;

    while (stream && !c2_str_is(name, stream->name))
        stream = stream->next;
    return stream;
}

static void drop(struct stream *stream, size_t i)
{
    free(stream->p[i].subject);
    c2_buf_fini(&stream->p[i].data);
    memmove(&stream->p[i], &stream->p[i + 1], (--stream->n - i) * sizeof(stream->p[0]));
}

static void prune(struct stream *stream)
{
    while (stream->max_age_ms && stream->n && stream->p[0].at_ms + stream->max_age_ms <= c2_fake_now())
        drop(stream, 0);
}

static const struct message *last_of(const struct stream *stream, const char *subject)
{
    for (size_t i = stream->n; i-- > 0;)
        if (strcmp(stream->p[i].subject, subject) == 0) return &stream->p[i];
    return NULL;
}

static void limit_subject(struct stream *stream, const char *subject)
{
    int64_t n = 0;

    for (size_t i = stream->n; i-- > 0;)
        if (strcmp(stream->p[i].subject, subject) == 0 && ++n > stream->per_subject) drop(stream, i);
}

static void append(struct stream *stream, const char *subject, struct c2_str data)
{
    struct message m = {
        .seq = ++stream->last, .at_ms = c2_fake_now(), .subject = c2_str_dup(c2_str_of(subject))};
    struct cat2_error err;

    c2_buf_init(&m.data, SIZE_MAX / 2);
    C2_ASSERT(m.subject && c2_buf_append(&m.data, data.p, data.n, &err) &&
              c2_vec_push(stream, C2_VEC_NO_MAX, "messages", &err, m));
    if (stream->per_subject > 0) limit_subject(stream, subject);
    if (stream->per_subject <= 0 && stream->n > KEPT_MAX) drop(stream, 0);
}

void c2_nats_store_free(struct c2_nats_store *store)
{
    if (!store) return;
    for (struct stream *stream = store->streams, *next; stream; stream = next) {
        next = stream->next;
        while (stream->n)
            drop(stream, stream->n - 1);
        c2_vec_fini(stream);
        free(stream);
    }
    free(store);
}

bool c2_nats_knows(const struct c2_nats_store *store, const char *root)
{
    struct stream *stream = store ? find_stream(store, C2_STR("KV_cat2_caterva2")) : NULL;
    char subject[C2_NATS_TOKEN_MAX + 40], token[C2_NATS_TOKEN_MAX];

    c2_nats_token(c2_str_of(root), token);
    snprintf(subject, sizeof(subject), "$KV.cat2_caterva2.%s", token);
    const struct message *m = stream ? last_of(stream, subject) : NULL;
    return m && m->data.n;
}

/* ---- consumers ---- */

static int64_t count_from(const struct c2_nats_consumer *c)
{
    int64_t n = 0;

    for (size_t i = 0; i < c->stream->n; i++)
        n += c->stream->p[i].seq >= c->from &&
             (!c->filter[0] || c2_nats_fits(c->filter, c->stream->p[i].subject));
    return n;
}

static int64_t npending(const struct c2_nats_consumer *c)
{
    return (int64_t)(c->latest.n - c->at) + count_from(c);
}

static const struct message *message_of(const struct stream *stream, int64_t seq)
{
    for (size_t i = 0; i < stream->n; i++)
        if (stream->p[i].seq == seq) return &stream->p[i];
    return NULL;
}

static const struct message *next_of(struct c2_nats_consumer *c)
{
    const struct stream *stream = c->stream;

    while (c->at < c->latest.n) {
        const struct message *m = message_of(stream, c->latest.p[c->at++]);
        if (m) return m;
    }
    for (size_t i = 0; i < stream->n; i++) {
        const struct message *m = &stream->p[i];
        if (m->seq < c->from) continue;
        c->from = m->seq + 1;
        if (!c->filter[0] || c2_nats_fits(c->filter, m->subject)) return m;
    }
    return NULL;
}

static void send_pending(struct c2_nats_consumer *c)
{
    const struct message *m;
    char reply[400];

    prune(c->stream);
    while (c2_nats_has_listener(c->server, c->deliver) && (m = next_of(c))) {
        snprintf(reply, sizeof(reply), "$JS.ACK.%s.%s.1.%lld.%lld.%lld.%lld", c->stream->name, c->name,
                 (long long)m->seq, (long long)++c->cseq, (long long)c2_fake_now() * MS_NS,
                 (long long)npending(c));
        const struct c2_nats_sent sent = {m->subject, reply, "0", "", c2_buf_str(&m->data)};
        c2_nats_route(c->server, c->deliver, &sent);
        c->sent = true;
    }
}

void c2_nats_pump(struct c2_nats_server *server)
{
    for (struct c2_nats_consumer *c = server->consumers; c; c = c->next)
        send_pending(c);
}

static void consumer_free(struct c2_nats_consumer *c)
{
    c2_chain_remove(c->server->consumers, c, next);
    c2_fake_cancel(c->beat);
    c2_vec_fini(&c->latest);
    free(c);
}

void c2_nats_consumers_free(struct c2_nats_server *server)
{
    while (server->consumers)
        consumer_free(server->consumers);
}

static void on_beat(void *ctx)
{
    struct c2_nats_consumer *c = ctx;
    char last[24];

    c->beat = NULL;
    bool heard = c2_nats_has_listener(c->server, c->deliver);
    if (heard) c->heard_ms = c2_fake_now();
    if (c2_fake_now() - c->heard_ms >= UNUSED_MS) {
        consumer_free(c);
        return;
    }
    snprintf(last, sizeof(last), "%lld", (long long)c->cseq);
    if (heard && !c->sent)
        c2_nats_route(c->server, c->deliver, &(struct c2_nats_sent){c->deliver, "", "100", last, {"", 0}});
    c->sent = false;
    c->beat = c2_fake_at(c->server->host, NULL, c2_fake_now() + BEAT_MS, on_beat, c);
}

static struct c2_nats_consumer *find_consumer(const struct c2_nats_server *server,
                                              const struct stream *stream, struct c2_str name)
{
    struct c2_nats_consumer *c = server->consumers;

    while (c && (c->stream != stream || !c2_str_is(name, c->name)))
        c = c->next;
    return c;
}

/* ---- requests ---- */

struct answer {
    struct c2_jw w;
    struct cat2_error err;
};

static void fail(struct answer *a, int code, int err_code, const char *why)
{
    c2_jw_open_object(&a->w, "error");
    c2_jw_put_int(&a->w, "code", code);
    c2_jw_put_int(&a->w, "err_code", err_code);
    c2_jw_put_cstr(&a->w, "description", why);
    c2_jw_end_object(&a->w);
}

static void put_stream(struct answer *a, struct stream *stream)
{
    prune(stream);
    c2_jw_open_object(&a->w, "config");
    c2_jw_put_cstr(&a->w, "name", stream->name);
    c2_jw_put_int(&a->w, "max_age", stream->max_age_ms * MS_NS);
    c2_jw_put_int(&a->w, "max_msgs_per_subject", stream->per_subject);
    c2_jw_put_int(&a->w, "num_replicas", 1);
    c2_jw_end_object(&a->w);
    c2_jw_put_cstr(&a->w, "created", stream->created);
    c2_jw_open_object(&a->w, "state");
    c2_jw_put_int(&a->w, "messages", (int64_t)stream->n);
    c2_jw_put_int(&a->w, "first_seq", stream->n ? stream->p[0].seq : stream->last ? stream->last + 1 : 0);
    c2_jw_put_int(&a->w, "last_seq", stream->last);
    c2_jw_end_object(&a->w);
}

static int64_t number(struct c2_jval object, const char *key, int64_t otherwise)
{
    int64_t n = otherwise;

    c2_jint(c2_jget(object, key), &n);
    return n;
}

static void text(struct c2_jval value, char *out, size_t size)
{
    struct c2_str s = {"", 0};

    c2_jstr(value, &s);
    snprintf(out, size, "%.*s", C2_STR_ARG(s));
}

/* One that is there is given as it is, if it is the same. */
static void create_stream(struct c2_nats_server *server, struct c2_str name, struct c2_jval config,
                          struct answer *a)
{
    struct stream *old = find_stream(server->store, name), *stream = calloc(1, sizeof(*stream));

    C2_ASSERT(stream);
    snprintf(stream->name, sizeof(stream->name), "%.*s", C2_STR_ARG(name));
    text(c2_jat(c2_jget(config, "subjects"), 0), stream->subject, sizeof(stream->subject));
    stream->max_age_ms = number(config, "max_age", 0) / MS_NS;
    stream->per_subject = number(config, "max_msgs_per_subject", -1);
    if (number(config, "num_replicas", 1) > 1) {
        fail(a, 500, 10074, "replicas > 1 not supported in non-clustered mode");
    } else if (old) {
        bool same = strcmp(old->subject, stream->subject) == 0 && old->max_age_ms == stream->max_age_ms &&
                    old->per_subject == stream->per_subject;
        if (same)
            put_stream(a, old);
        else
            fail(a, 400, 10058, "stream name already in use with a different configuration");
    } else {
        snprintf(stream->created, sizeof(stream->created), "2026-01-01T00:00:00.%06d%03dZ",
                 (int)(c2_fake_now() % 1000000), ++server->store->nmade);
        stream->next = server->store->streams;
        server->store->streams = stream;
        put_stream(a, stream);
        return;
    }
    free(stream);
}

static void list_latest(struct c2_nats_consumer *c)
{
    struct cat2_error err;

    for (size_t i = 0; i < c->stream->n; i++) {
        const struct message *m = &c->stream->p[i];
        if (c2_nats_fits(c->filter, m->subject) && last_of(c->stream, m->subject) == m)
            C2_ASSERT(c2_vec_push(&c->latest, C2_VEC_NO_MAX, "messages", &err, m->seq));
    }
}

static void create_consumer(struct c2_nats_server *server, struct stream *stream, struct c2_str name,
                            struct c2_jval config, struct answer *a)
{
    struct c2_nats_consumer *c = calloc(1, sizeof(*c));
    struct c2_str policy = {"", 0};

    C2_ASSERT(c);
    prune(stream);
    c->server = server;
    c->stream = stream;
    snprintf(c->name, sizeof(c->name), "%.*s", C2_STR_ARG(name));
    text(c2_jget(config, "deliver_subject"), c->deliver, sizeof(c->deliver));
    text(c2_jget(config, "filter_subject"), c->filter, sizeof(c->filter));
    c2_jstr(c2_jget(config, "deliver_policy"), &policy);
    c->from = number(config, "opt_start_seq", stream->last + 1);
    if (c2_str_is(policy, "last_per_subject")) list_latest(c);
    c->heard_ms = c2_fake_now();
    c->next = server->consumers;
    server->consumers = c;
    c->beat = c2_fake_at(server->host, NULL, c2_fake_now() + BEAT_MS, on_beat, c);
    c2_jw_put_cstr(&a->w, "stream_name", stream->name);
    c2_jw_put_str(&a->w, "name", name);
    c2_jw_put_int(&a->w, "num_pending", npending(c));
    c2_jw_open_object(&a->w, "delivered");
    c2_jw_put_int(&a->w, "consumer_seq", 0);
    c2_jw_end_object(&a->w);
}

static void get_message(struct stream *stream, struct c2_jval request, struct answer *a)
{
    char subject[C2_NATS_TOKEN_MAX + 100];

    prune(stream);
    text(c2_jget(request, "last_by_subj"), subject, sizeof(subject));
    const struct message *m = last_of(stream, subject);
    if (!m) {
        fail(a, 404, 10037, "no message found");
        return;
    }
    c2_jw_open_object(&a->w, "message");
    c2_jw_put_cstr(&a->w, "subject", m->subject);
    c2_jw_put_int(&a->w, "seq", m->seq);
    c2_jw_end_object(&a->w);
}

/* VERB.STREAM or VERB.STREAM.CONSUMER */
static void ask(struct c2_nats_server *server, struct c2_str verb, struct c2_str rest, struct c2_jval request,
                struct answer *a)
{
    struct c2_str name, consumer;

    c2_str_cut(rest, '.', &name, &consumer);
    struct stream *stream = find_stream(server->store, name);
    if (c2_str_is(verb, "STREAM.CREATE")) {
        create_stream(server, name, request, a);
    } else if (!stream) {
        fail(a, 404, 10059, "stream not found");
    } else if (c2_str_is(verb, "STREAM.INFO")) {
        put_stream(a, stream);
    } else if (c2_str_is(verb, "STREAM.MSG.GET")) {
        get_message(stream, request, a);
    } else if (c2_str_is(verb, "CONSUMER.CREATE")) {
        create_consumer(server, stream, consumer, c2_jget(request, "config"), a);
    } else if (c2_str_is(verb, "CONSUMER.DELETE")) {
        struct c2_nats_consumer *c = find_consumer(server, stream, consumer);
        if (c)
            consumer_free(c);
        else
            fail(a, 404, 10014, "consumer not found");
        c2_jw_put_bool(&a->w, "success", c != NULL);
    }
}

static bool is_api(struct c2_str subject, struct c2_str *verb, struct c2_str *rest)
{
    static const char *const verbs[] = {"STREAM.CREATE", "STREAM.INFO", "STREAM.MSG.GET", "CONSUMER.CREATE",
                                        "CONSUMER.DELETE"};
    size_t skip = strlen("$JS.API.");

    if (!c2_str_starts(subject, "$JS.API.")) return false;
    for (size_t i = 0; i < C2_ARRAY_LEN(verbs); i++) {
        *verb = c2_str_of(verbs[i]);
        *rest = (struct c2_str){subject.p + skip, subject.n - skip};
        if (!c2_str_starts(*rest, verbs[i]) || rest->n <= verb->n || rest->p[verb->n] != '.') continue;
        *rest = (struct c2_str){rest->p + verb->n + 1, rest->n - verb->n - 1};
        return true;
    }
    return false;
}

static void store(struct stream *stream, const struct c2_nats_published *it, struct answer *a)
{
    char why[80];

    prune(stream);
    const struct message *last = last_of(stream, it->subject);
    int64_t seq = last ? last->seq : 0;
    bool ok = it->expected < 0 || it->expected == seq;
    snprintf(why, sizeof(why), "wrong last sequence: %lld", (long long)seq);
    if (ok)
        append(stream, it->subject, it->data);
    else
        fail(a, 400, 10071, why);
    c2_jw_put_cstr(&a->w, "stream", stream->name);
    c2_jw_put_int(&a->w, "seq", ok ? stream->last : 0);
}

bool c2_nats_take(struct c2_nats_server *server, const struct c2_nats_published *it, struct c2_buf *out)
{
    struct stream *stream = server->store->streams;
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_jval request = {NULL};
    struct c2_str verb, rest;
    struct answer a;

    bool api = is_api(c2_str_of(it->subject), &verb, &rest);
    if (!api && c2_str_starts(c2_str_of(it->subject), "$JS.API.")) return true; /* it says nothing */
    while (!api && stream && !c2_nats_fits(stream->subject, it->subject))
        stream = stream->next;
    if (!api && !stream) return false;
    if (it->data.n && c2_json_parse(it->data, &json, &a.err)) request = c2_json_root(json);
    c2_jw_init(&a.w, out, C2_JSON_COMPACT, &a.err);
    c2_jw_begin_object(&a.w);
    if (stream && !api)
        store(stream, it, &a);
    else
        ask(server, verb, rest, request, &a);
    c2_jw_end_object(&a.w);
    C2_ASSERT(c2_jw_finish(&a.w));
    return true;
}

void c2_nats_serve(struct c2_host *host, struct c2_nats_store **store)
{
    if (!*store) *store = calloc(1, sizeof(**store));
    host->nats = calloc(1, sizeof(*host->nats));
    C2_ASSERT(*store && host->nats);
    *host->nats = (struct c2_nats_server){.host = host, .store = *store};
}
