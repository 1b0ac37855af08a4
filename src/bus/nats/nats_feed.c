/* SPDX-License-Identifier: BSD-3-Clause */
/* An ephemeral consumer that sends the messages of a stream to INBOX.NAME.GENERATION. Its messages are
 * numbered, and it says every second that it is there. Where a number is left out, or nothing is heard, the
 * consumer is made anew after the last message that came. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log_share.h"
#include "base/random.h"
#include "bus/nats/nats_impl.h"

#define HEARTBEAT_MS 1000  /* of a consumer that has nothing to send */
#define DEAF_MS      5000  /* so long without a message, it is gone: with its server */
#define UNUSED_MS    30000 /* after which NATS removes one to which nobody listens */
#define MS_NS        1000000

static void on_timer(void *ctx)
{
    struct c2_nats_feed *feed = ctx;

    if (!feed->n->linked) return;
    if (!feed->active && !feed->asked) c2_nats_feed_start(feed);
    if (feed->active && c2_loop_now_ms(feed->n->loop) - feed->heard_ms > DEAF_MS) {
        c2_log_some(C2_WARN, "stream %s: nothing is heard of the consumer: it is made anew", feed->stream);
        c2_nats_feed_start(feed);
    }
}

static void drop_consumer(struct c2_nats_feed *feed)
{
    char subject[300];

    if (!feed->consumer[0]) return;
    snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.DELETE.%s.%s", feed->stream, feed->consumer);
    c2_nats_tell(feed->n, subject, (struct c2_str){"", 0});
}

static void put_config(const struct c2_nats_feed *feed, struct c2_jw *w)
{
    char deliver[200];

    c2_jw_put_cstr(w, "name", feed->consumer);
    snprintf(deliver, sizeof(deliver), "%s.%s.%u", c2_nats_link_inbox(feed->n->link), feed->name,
             feed->generation);
    c2_jw_put_cstr(w, "deliver_subject", deliver);
    c2_jw_put_cstr(w, "deliver_policy", feed->filter[0] ? "last_per_subject" : "by_start_sequence");
    if (feed->filter[0])
        c2_jw_put_cstr(w, "filter_subject", feed->filter);
    else
        c2_jw_put_int(w, "opt_start_seq", feed->at + 1);
    c2_jw_put_cstr(w, "ack_policy", "none");
    c2_jw_put_cstr(w, "replay_policy", "instant");
    c2_jw_put_int(w, "max_deliver", 1);
    c2_jw_put_bool(w, "flow_control", true);
    c2_jw_put_int(w, "idle_heartbeat", (int64_t)HEARTBEAT_MS * MS_NS);
    c2_jw_put_int(w, "inactive_threshold", (int64_t)UNUSED_MS * MS_NS);
    c2_jw_put_bool(w, "mem_storage", true);
    c2_jw_put_int(w, "num_replicas", 1);
}

/* {"num_pending":N,"delivered":{"consumer_seq":M}} */
static void on_made(void *ctx, struct c2_jval json, int64_t code, const struct cat2_error *err)
{
    struct c2_nats_feed *feed = ctx;
    int64_t pending = 0, delivered = 0;

    (void)code;
    feed->asked = false;
    if (err) { /* the timer makes it anew */
        if (feed->n->linked) c2_log_some(C2_WARN, "consumer of %s: %s", feed->stream, err->message);
        return;
    }
    c2_jint(c2_jget(json, "num_pending"), &pending);
    c2_jint(c2_jget(c2_jget(json, "delivered"), "consumer_seq"), &delivered);
    feed->active = true;
    feed->heard_ms = c2_loop_now_ms(feed->n->loop);
    if (feed->begun) feed->begun(feed->n, pending + delivered);
}

void c2_nats_feed_start(struct c2_nats_feed *feed)
{
    struct c2_nats *n = feed->n;
    C2_AUTO(c2_buf) body = C2_BUF_INIT(4096);
    struct cat2_error err;
    char subject[300], name[33];
    struct c2_jw w;

    if (!n->linked || feed->asked) return;
    drop_consumer(feed);
    feed->active = false;
    feed->generation++;
    feed->cseq = 0;
    c2_random_hex32(name);
    snprintf(feed->consumer, sizeof(feed->consumer), "cat2-%s", name);
    if (feed->begin) feed->begin(n);
    snprintf(subject, sizeof(subject), "$JS.API.CONSUMER.CREATE.%s.%s", feed->stream, feed->consumer);
    c2_jw_init(&w, &body, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "stream_name", feed->stream);
    c2_jw_open_object(&w, "config");
    put_config(feed, &w);
    c2_jw_end_object(&w);
    c2_jw_end_object(&w);
    snprintf(name, sizeof(name), "%s.%u", feed->name, feed->generation);
    feed->asked = c2_jw_finish(&w) && c2_nats_link_listen(n->link, feed->ear, name, &err) &&
                  c2_nats_call(n, subject, c2_buf_str(&body), on_made, feed, &err);
    if (!feed->asked) c2_log_some(C2_WARN, "consumer of %s: %s", feed->stream, err.message);
    if (!feed->timer) feed->timer = c2_timer_start(n->loop, HEARTBEAT_MS, HEARTBEAT_MS, on_timer, feed);
}

void c2_nats_feed_stop(struct c2_nats_feed *feed)
{
    c2_timer_stop(feed->timer);
    feed->timer = NULL;
    feed->asked = feed->active = false;
    feed->generation++;
}

/* NATS waits for our answer to a sign of life before it sends more than a window of messages. */
void c2_nats_feed_hear(struct c2_nats_feed *feed, const struct c2_nats_message *m)
{
    int64_t generation;

    if (!c2_str_to_i64(c2_str_of(m->subject + strlen(feed->name) + 1), &generation) ||
        generation != (int64_t)feed->generation || !m->status)
        return;
    feed->heard_ms = c2_loop_now_ms(feed->n->loop);
    if (m->reply[0]) c2_nats_tell(feed->n, m->reply, (struct c2_str){"", 0});
    if (m->stalled[0]) c2_nats_tell(feed->n, m->stalled, (struct c2_str){"", 0});
    if (m->last_consumer > feed->cseq && feed->active) c2_nats_feed_start(feed);
}

void c2_nats_feed_take(struct c2_nats_feed *feed, const struct c2_nats_message *m,
                       const struct c2_nats_delivery *delivery)
{
    if (!c2_str_is(delivery->consumer, feed->consumer)) return; /* of the one before */
    feed->heard_ms = c2_loop_now_ms(feed->n->loop);
    if (delivery->consumer_seq == feed->cseq + 1) {
        feed->cseq++;
        feed->message(feed->n, m, delivery);
    } else if (feed->active) {
        c2_nats_feed_start(feed);
    }
}
