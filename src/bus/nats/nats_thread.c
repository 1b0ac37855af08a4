/* SPDX-License-Identifier: BSD-3-Clause */
/* What other threads than the loop's do with a connection: ours makes it and sends; those of libnats call
 * on_...() below. All share `struct c2_nats_link` under its lock. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/list.h"
#include "base/log_share.h"
#include "bus/nats/nats_link_impl.h"

#define CONNECT_MS  3000  /* for one server: those of another continent answer in less */
#define PAUSE_MS    1000  /* between attempts, and as much again by chance */
#define PING_MS     5000  /* a server that died without a word is noticed after two without an answer */
#define WRITE_MS    10000 /* a server that takes nothing is left */
#define PENDING_MAX 65536 /* messages in libnats, which has the same by itself */
#define END_S       5     /* for the library's threads, at the end */

/* Under the lock. */
static void post(struct c2_nats_link *link)
{
    if (link->posted || link->stop) return;
    link->posted = true;
    c2_loop_post(link->loop, &link->call, link->drain, link);
}

void c2_nats_message_free(struct c2_nats_message *m)
{
    free(m->subject);
    free(m);
}

void c2_nats_task_free(struct c2_nats_link *link, struct c2_nats_task *out)
{
    if (out->message) link->lib->natsMsg_Destroy(out->message);
    free(out);
}

/* ---- called by libnats, in its threads ---- */

static void set_up(struct c2_nats_link *link, natsConnection *nc)
{
    pthread_mutex_lock(&link->lock);
    if (!link->up) link->connection++;
    link->up = true;
    link->payload_max = link->lib->natsConnection_GetMaxPayload(nc);
    post(link);
    pthread_mutex_unlock(&link->lock);
}

/* Some messages of libnats begin with the place in its source: "(conn.c:1905): ". */
static const char *bare(const char *why)
{
    const char *end = why && *why == '(' ? strstr(why, "): ") : NULL;

    return end ? end + strlen("): ") : why ? why : "";
}

static void set_down(struct c2_nats_link *link, const char *why, bool over)
{
    pthread_mutex_lock(&link->lock);
    link->up = false;
    link->is_over = link->is_over || over;
    snprintf(link->why, sizeof(link->why), "%s", bare(why));
    post(link);
    pthread_mutex_unlock(&link->lock);
}

static void on_connected(natsConnection *nc, void *ctx)
{
    set_up(ctx, nc);
}

static void on_disconnected(natsConnection *nc, void *ctx)
{
    struct c2_nats_link *link = ctx;
    const char *why = NULL;

    link->lib->natsConnection_GetLastError(nc, &why);
    set_down(link, why, false);
}

static void on_closed(natsConnection *nc, void *ctx)
{
    struct c2_nats_link *link = ctx;
    const char *why = NULL;

    link->lib->natsConnection_GetLastError(nc, &why);
    set_down(link, why, true);
    pthread_mutex_lock(&link->lock);
    link->has_closed = true;
    pthread_cond_broadcast(&link->wake);
    pthread_mutex_unlock(&link->lock);
}

static void on_complete(void *ctx)
{
    struct c2_nats_link *link = ctx;

    pthread_mutex_lock(&link->lock);
    link->nears--;
    pthread_cond_broadcast(&link->wake);
    pthread_mutex_unlock(&link->lock);
}

/* Said by the server outside of any answer, such as a subject that may not be used. */
static void on_error(natsConnection *nc, natsSubscription *subscription, natsStatus status, void *ctx)
{
    struct c2_nats_link *link = ctx;
    const char *why = NULL;

    (void)subscription;
    link->lib->natsConnection_GetLastError(nc, &why);
    c2_log_some(C2_WARN, "%s: %s%s%s", link->address->text, link->lib->natsStatus_GetText(status),
                why && *why ? ": " : "", why ? why : "");
}

static const char *header_of(const struct c2_nats_link *link, natsMsg *message, const char *name)
{
    const char *value = NULL;

    return link->lib->natsMsgHeader_Get(message, name, &value) == NATS_OK && value ? value : "";
}

/* Subject, reply and data of a message of libnats, in one piece of memory. */
static struct c2_nats_message *copy(const struct c2_nats_link *link, natsMsg *from)
{
    const struct c2_nats_lib *lib = link->lib;
    const char *subject = lib->natsMsg_GetSubject(from), *reply = lib->natsMsg_GetReply(from);
    size_t data_n = (size_t)c2_max_i64(0, lib->natsMsg_GetDataLength(from)), inbox_n = strlen(link->inbox);
    bool inbox = strncmp(subject, link->inbox, inbox_n) == 0 && subject[inbox_n] == '.';
    if (inbox) subject += inbox_n + 1;
    size_t subject_n = strlen(subject), reply_n = reply ? strlen(reply) : 0;
    struct c2_nats_message *m = calloc(1, sizeof(*m));
    char *text = malloc(subject_n + reply_n + data_n + 3);

    if (!m || !text) {
        free(m);
        free(text);
        return NULL;
    }
    m->inbox = inbox;
    m->subject = text;
    m->reply = text + subject_n + 1;
    char *data = m->reply + reply_n + 1;
    memcpy(m->subject, subject, subject_n + 1);
    memcpy(m->reply, reply ? reply : "", reply_n + 1);
    if (data_n) memcpy(data, lib->natsMsg_GetData(from), data_n);
    m->data = (struct c2_str){data, data_n};
    return m;
}

static void read_headers(const struct c2_nats_link *link, natsMsg *from, struct c2_nats_message *m)
{
    int64_t number;

    if (c2_str_to_i64(c2_str_of(header_of(link, from, "Status")), &number) && number > 0 && number < 1000)
        m->status = (int)number;
    m->last_consumer = -1;
    if (!m->status) return;
    if (c2_str_to_i64(c2_str_of(header_of(link, from, "Nats-Last-Consumer")), &number) && number >= 0)
        m->last_consumer = number;
    snprintf(m->stalled, sizeof(m->stalled), "%s", header_of(link, from, "Nats-Consumer-Stalled"));
}

static void take(struct c2_nats_link *link, natsMsg *from, bool notice)
{
    struct c2_nats_message *m = copy(link, from);
    bool taken = false;

    if (m) read_headers(link, from, m);
    if (m) m->notice = notice;
    link->lib->natsMsg_Destroy(from);
    pthread_mutex_lock(&link->lock);
    if (m && !link->stop && m->data.n <= C2_NATS_IN_NBYTES_MAX - link->in_nbytes) {
        m->connection = link->connection;
        link->in_nbytes += m->data.n;
        c2_chain_push(link->in_first, link->in_last, m);
        post(link);
        taken = true;
    }
    link->dropped += !taken;
    pthread_mutex_unlock(&link->lock);
    if (m && !taken) c2_nats_message_free(m);
}

static void on_message(natsConnection *nc, natsSubscription *subscription, natsMsg *from, void *ctx)
{
    (void)nc, (void)subscription;
    take(ctx, from, false);
}

/* Of others: whatever it says of itself, it is none of our streams. */
static void on_notice(natsConnection *nc, natsSubscription *subscription, natsMsg *from, void *ctx)
{
    (void)nc, (void)subscription;
    take(ctx, from, true);
}

/* ---- our thread ---- */

/* Who the servers are, and who we are. */
static natsStatus set_identity(const struct c2_nats_link *link, natsOptions *options)
{
    const struct c2_nats_address *address = link->address;
    const struct c2_nats_lib *lib = link->lib;
    const char *servers[C2_NATS_SERVERS_MAX];

    for (size_t i = 0; i < address->n; i++)
        servers[i] = address->servers[i];
    natsStatus s = lib->natsOptions_SetServers(options, servers, (int)address->n);
    if (s == NATS_OK) s = lib->natsOptions_SetName(options, "caterva2");
    if (s == NATS_OK && address->user[0])
        s = address->has_password ? lib->natsOptions_SetUserInfo(options, address->user, address->password)
                                  : lib->natsOptions_SetToken(options, address->user);
    if (s == NATS_OK && link->creds)
        s = lib->natsOptions_SetUserCredentialsFromFiles(options, link->creds, NULL);
    return s;
}

/* The library checks that the certificate is for the host of the server that it asks. */
static natsStatus set_tls(const struct c2_nats_link *link, natsOptions *options)
{
    const struct c2_nats_lib *lib = link->lib;
    const char *file = c2_authorities_file(link->authorities);

    if (!link->address->tls) return NATS_OK;
    natsStatus s = lib->natsOptions_SetSecure(options, true);
    if (s == NATS_OK && link->authorities && link->authorities->insecure)
        return lib->natsOptions_SkipServerVerification(options, true);
    return s == NATS_OK && file ? lib->natsOptions_LoadCATrustedCertificates(options, file) : s;
}

static natsStatus set_times(const struct c2_nats_link *link, natsOptions *options)
{
    const struct c2_nats_lib *lib = link->lib;
    natsStatus s = lib->natsOptions_SetTimeout(options, CONNECT_MS);

    if (s == NATS_OK) s = lib->natsOptions_SetPingInterval(options, PING_MS);
    if (s == NATS_OK) s = lib->natsOptions_SetMaxPingsOut(options, 2);
    if (s == NATS_OK) s = lib->natsOptions_SetMaxReconnect(options, -1);
    if (s == NATS_OK) s = lib->natsOptions_SetReconnectWait(options, PAUSE_MS);
    if (s == NATS_OK) s = lib->natsOptions_SetReconnectJitter(options, PAUSE_MS, PAUSE_MS);
    if (s == NATS_OK) s = lib->natsOptions_SetWriteDeadline(options, WRITE_MS);
    if (s == NATS_OK) s = lib->natsOptions_UseGlobalMessageDelivery(options, true); /* one thread for all */
    return s == NATS_OK ? lib->natsOptions_SetSendAsap(options, true) : s;
}

static natsStatus set_callbacks(struct c2_nats_link *link, natsOptions *options)
{
    const struct c2_nats_lib *lib = link->lib;
    natsStatus s = lib->natsOptions_SetErrorHandler(options, on_error, link);

    if (s == NATS_OK) s = lib->natsOptions_SetClosedCB(options, on_closed, link);
    if (s == NATS_OK) s = lib->natsOptions_SetDisconnectedCB(options, on_disconnected, link);
    return s == NATS_OK ? lib->natsOptions_SetReconnectedCB(options, on_connected, link) : s;
}

static natsStatus make_options(struct c2_nats_link *link, natsOptions **out)
{
    natsStatus s = link->lib->natsOptions_Create(out);

    if (s == NATS_OK) s = set_identity(link, *out);
    if (s == NATS_OK) s = set_tls(link, *out);
    if (s == NATS_OK) s = set_times(link, *out);
    return s == NATS_OK ? set_callbacks(link, *out) : s;
}

/* An ear that is taken has another subscription from then on. */
static natsStatus listen(struct c2_nats_link *link, enum c2_nats_ears ear, const char *subject)
{
    const struct c2_nats_lib *lib = link->lib;
    natsSubscription *made = NULL, *before = link->ears[ear];

    natsStatus s = lib->natsConnection_Subscribe(&made, link->nc, subject,
                                                 ear == C2_NATS_NOTICES ? on_notice : on_message, link);
    if (s != NATS_OK) return s;
    link->ears[ear] = made;
    pthread_mutex_lock(&link->lock);
    link->nears++;
    pthread_mutex_unlock(&link->lock);
    lib->natsSubscription_Destroy(before);
    s = lib->natsSubscription_SetOnCompleteCB(made, on_complete, link);
    return s == NATS_OK ? lib->natsSubscription_SetPendingLimits(made, PENDING_MAX, C2_NATS_IN_NBYTES_MAX)
                        : s;
}

static natsStatus listen_to_answers(struct c2_nats_link *link)
{
    char subject[200];

    snprintf(subject, sizeof(subject), "%s.c.*", link->inbox);
    return listen(link, C2_NATS_ANSWERS, subject);
}

/* Until the library's threads have let go of the connection. */
static bool wait_closed(struct c2_nats_link *link)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += END_S;
    pthread_mutex_lock(&link->lock);
    while (!(link->has_closed && link->nears == 0) &&
           pthread_cond_timedwait(&link->wake, &link->lock, &end) == 0)
        ;
    bool closed = link->has_closed && link->nears == 0;
    pthread_mutex_unlock(&link->lock);
    return closed;
}

/* false: the library's threads may still come. */
static bool disconnect(struct c2_nats_link *link)
{
    if (!link->nc) return true;
    link->lib->natsConnection_Close(link->nc);
    if (!wait_closed(link)) return false;
    for (int i = 0; i < C2_NATS_EARS; i++) {
        link->lib->natsSubscription_Destroy(link->ears[i]);
        link->ears[i] = NULL;
    }
    link->lib->natsConnection_Destroy(link->nc);
    link->nc = NULL;
    return true;
}

static const char *last_error(const struct c2_nats_link *link, natsStatus s)
{
    const char *why = link->lib->nats_GetLastError(NULL);

    return why && *why ? why : link->lib->natsStatus_GetText(s);
}

static void connect_now(struct c2_nats_link *link)
{
    natsOptions *options = NULL;

    if (!disconnect(link)) {
        set_down(link, "libnats does not let go of a connection", true);
        return;
    }
    pthread_mutex_lock(&link->lock);
    link->is_over = link->has_closed = false;
    pthread_mutex_unlock(&link->lock);
    natsStatus s = make_options(link, &options);
    if (s == NATS_OK) s = link->lib->natsConnection_Connect(&link->nc, options);
    if (s == NATS_OK) s = listen_to_answers(link);
    if (s == NATS_OK) set_up(link, link->nc);
    if (s != NATS_OK) set_down(link, last_error(link, s), true);
    link->lib->natsOptions_Destroy(options);
}

static void perform(struct c2_nats_link *link, struct c2_nats_task *out)
{
    natsStatus s = NATS_OK;

    if (link->nc)
        s = out->message ? link->lib->natsConnection_PublishMsg(link->nc, out->message)
                         : listen(link, out->ear, out->subject);

    if (s != NATS_OK) c2_log_some(C2_WARN, "%s: %s", link->address->text, link->lib->natsStatus_GetText(s));
    c2_nats_task_free(link, out);
}

void *c2_nats_link_run(void *ctx)
{
    struct c2_nats_link *link = ctx;

    pthread_mutex_lock(&link->lock);
    while (!link->stop || link->out_first) { /* what was to be sent before the end is sent */
        struct c2_nats_task *out = link->out_first;
        if (link->want_connect && !link->stop) {
            link->want_connect = false;
            pthread_mutex_unlock(&link->lock);
            connect_now(link);
            pthread_mutex_lock(&link->lock);
        } else if (out) {
            link->out_first = out->next;
            link->out_nbytes -= out->nbytes;
            pthread_mutex_unlock(&link->lock);
            perform(link, out);
            pthread_mutex_lock(&link->lock);
        } else {
            pthread_cond_wait(&link->wake, &link->lock);
        }
    }
    pthread_mutex_unlock(&link->lock);
    bool let_go = disconnect(link);
    link->lib->nats_ReleaseThreadMemory();
    return let_go ? link : NULL;
}
