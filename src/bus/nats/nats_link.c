/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop's side of a connection: what is sent is queued for our thread, and what came is told. */
#include <stdio.h>
#include <stdlib.h>

#include "base/list.h"
#include "bus/nats/nats_link_impl.h"

#define AGAIN_MS 2000 /* after a connection could not be made, or was refused */

static void connect_soon(void *ctx)
{
    struct c2_nats_link *link = ctx;

    link->timer = NULL;
    pthread_mutex_lock(&link->lock);
    link->want_connect = true;
    pthread_cond_broadcast(&link->wake);
    pthread_mutex_unlock(&link->lock);
}

/* What changed since we were here; messages are of the connection that is told last. */
static void tell_state(struct c2_nats_link *link, bool up, unsigned connection, const char *why)
{
    if (link->told_up && (!up || connection != link->told)) {
        link->told_up = false;
        link->events.linked(link->events.ctx, false, why);
    }
    if (up && !link->told_up) {
        link->told_up = true;
        link->told = connection;
        link->events.linked(link->events.ctx, true, NULL);
    }
}

static void link_release(struct c2_nats_link *link);

static void drain(void *ctx)
{
    struct c2_nats_link *link = ctx;
    char why[sizeof(link->why)];

    pthread_mutex_lock(&link->lock);
    struct c2_nats_message *first = link->in_first;
    bool up = link->up, over = link->is_over && !link->want_connect;
    unsigned connection = link->connection;
    memcpy(why, link->why, sizeof(why));
    link->in_first = NULL;
    link->in_nbytes = 0;
    link->posted = false;
    pthread_mutex_unlock(&link->lock);
    if (!link->freed) {
        if (!up && !link->told_up) link->events.linked(link->events.ctx, false, why);
        tell_state(link, up, connection, why);
        if (over && !link->timer) link->timer = c2_timer_start(link->loop, AGAIN_MS, 0, connect_soon, link);
    }
    for (struct c2_nats_message *next; first; first = next) {
        next = first->next;
        if (!link->freed && link->told_up && first->connection == link->told)
            link->events.message(link->events.ctx, first);
        c2_nats_message_free(first);
    }
    if (link->freed && !link->is_held) link_release(link);
}

/* Takes out. */
static bool queue(struct c2_nats_link *link, struct c2_nats_task *out, struct cat2_error *err)
{
    pthread_mutex_lock(&link->lock);
    bool full = link->out_nbytes + out->nbytes > C2_NATS_OUT_NBYTES_MAX;
    if (!full) {
        link->out_nbytes += out->nbytes;
        c2_chain_push(link->out_first, link->out_last, out);
        pthread_cond_broadcast(&link->wake);
    }
    pthread_mutex_unlock(&link->lock);
    if (!full) return true;
    c2_nats_task_free(link, out);
    return c2_fail(err, CAT2_EUPSTREAM, "%.200s: too much waits to be sent", link->address->text);
}

bool c2_nats_link_send(struct c2_nats_link *link, const struct c2_nats_sending *what, struct cat2_error *err)
{
    const struct c2_nats_lib *lib = link->lib;
    struct c2_nats_task *out = calloc(1, sizeof(*out));

    if (!out) return c2_fail_nomem(err, "message");
    natsStatus s =
        lib->natsMsg_Create(&out->message, what->subject, what->reply, what->data.p, (int)what->data.n);
    for (size_t i = 0; i < C2_ARRAY_LEN(what->headers) && s == NATS_OK; i++)
        if (what->headers[i].name)
            s = lib->natsMsgHeader_Set(out->message, what->headers[i].name, what->headers[i].value);
    if (s != NATS_OK) {
        c2_nats_task_free(link, out);
        return c2_fail_nomem(err, "message");
    }
    out->nbytes = sizeof(*out) + what->data.n;
    return queue(link, out, err);
}

static bool listen_to(struct c2_nats_link *link, enum c2_nats_ears ear, const char *front, const char *rest,
                      struct cat2_error *err)
{
    struct c2_nats_task *out = calloc(1, sizeof(*out));

    if (!out) return c2_fail_nomem(err, "subscription");
    out->ear = ear;
    out->nbytes = sizeof(*out);
    snprintf(out->subject, sizeof(out->subject), "%s%s%s", front, *front ? "." : "", rest);
    return queue(link, out, err);
}

bool c2_nats_link_listen(struct c2_nats_link *link, enum c2_nats_ears ear, const char *suffix,
                         struct cat2_error *err)
{
    return listen_to(link, ear, link->inbox, suffix, err);
}

bool c2_nats_link_hear(struct c2_nats_link *link, const char *subject, struct cat2_error *err)
{
    return listen_to(link, C2_NATS_NOTICES, "", subject, err);
}

const char *c2_nats_link_inbox(const struct c2_nats_link *link)
{
    return link->inbox;
}

int64_t c2_nats_link_payload_max(struct c2_nats_link *link)
{
    pthread_mutex_lock(&link->lock);
    int64_t max = link->payload_max;
    pthread_mutex_unlock(&link->lock);
    return max;
}

uint64_t c2_nats_link_dropped(struct c2_nats_link *link)
{
    pthread_mutex_lock(&link->lock);
    uint64_t n = link->dropped;
    pthread_mutex_unlock(&link->lock);
    return n;
}

static void link_release(struct c2_nats_link *link)
{
    for (struct c2_nats_task *out = link->out_first, *next; out; out = next) {
        next = out->next;
        c2_nats_task_free(link, out);
    }
    for (struct c2_nats_message *m = link->in_first, *next; m; m = next) {
        next = m->next;
        c2_nats_message_free(m);
    }
    pthread_cond_destroy(&link->wake);
    pthread_mutex_destroy(&link->lock);
    free(link);
}

/* Where libnats does not let go in time, its threads may still use the link: then it stays. */
void c2_nats_link_free(struct c2_nats_link *link)
{
    void *let_go = NULL;

    if (!link) return;
    c2_timer_stop(link->timer);
    link->timer = NULL;
    pthread_mutex_lock(&link->lock);
    link->stop = true;
    bool posted = link->posted;
    pthread_cond_broadcast(&link->wake);
    pthread_mutex_unlock(&link->lock);
    pthread_join(link->thread, &let_go);
    link->freed = true;
    link->is_held = !let_go;
    if (let_go && !posted) link_release(link);
}

bool c2_nats_link_new(struct c2_loop *loop, const struct c2_nats_address *address, const char *creds,
                      const struct c2_authorities *authorities, const struct c2_nats_link_events *events,
                      struct c2_nats_link **out, struct cat2_error *err)
{
    const struct c2_nats_lib *lib = c2_nats_lib_load(err);
    natsInbox *inbox = NULL;

    if (!lib) return false;
    struct c2_nats_link *link = calloc(1, sizeof(*link));
    if (!link || lib->natsInbox_Create(&inbox) != NATS_OK) {
        free(link);
        return c2_fail_nomem(err, "connection");
    }
    *link = (struct c2_nats_link){.loop = loop,
                                  .lib = lib,
                                  .address = address,
                                  .creds = creds,
                                  .authorities = authorities,
                                  .events = *events,
                                  .want_connect = true,
                                  .drain = drain};
    snprintf(link->inbox, sizeof(link->inbox), "%s", (const char *)inbox);
    lib->natsInbox_Destroy(inbox);
    pthread_mutex_init(&link->lock, NULL);
    pthread_cond_init(&link->wake, NULL);
    int failed = pthread_create(&link->thread, NULL, c2_nats_link_run, link);
    if (failed) {
        link_release(link);
        return c2_fail_errno(err, failed, "thread of the bus");
    }
    *out = link;
    return true;
}
