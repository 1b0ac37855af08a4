/* SPDX-License-Identifier: BSD-3-Clause */
/* Server-sent events of a subscriber: lines are put together from what arrives, events from lines. */
#include <stdlib.h>

#include "base/limits.h"
#include "client/internal.h"

#define LINE_MAX (1 << 20) /* "hello" has all roots in one line; beyond that nobody sends events */

struct stream {
    cat2_event_fn *fn;
    void *ctx;
    struct c2_buf line, kind, id, data;
    bool ended; /* by the caller */
};

/* An empty line ends an event; comments and fields that we do not know are passed over. */
static bool take_line(struct stream *s, struct c2_str line, struct cat2_error *err)
{
    struct c2_str name, value;

    if (line.n == 0) {
        struct cat2_event event = {c2_buf_cstr(&s->kind), c2_buf_cstr(&s->id), c2_buf_cstr(&s->data)};
        bool some = s->data.n || s->kind.n;
        bool go_on = !some || s->fn(s->ctx, &event);
        c2_buf_clear(&s->kind);
        c2_buf_clear(&s->data);
        s->ended = !go_on;
        return go_on || c2_fail(err, CAT2_ECANCELLED, "ended");
    }
    c2_str_cut(line, ':', &name, &value);
    if (value.n && value.p[0] == ' ') value = (struct c2_str){value.p + 1, value.n - 1};
    if (c2_str_is(name, "data"))
        return (s->data.n == 0 || c2_buf_putc(&s->data, '\n', err)) &&
               c2_buf_append_str(&s->data, value, err);
    struct c2_buf *to = c2_str_is(name, "event") ? &s->kind : c2_str_is(name, "id") ? &s->id : NULL;
    if (!to) return true;
    c2_buf_clear(to);
    return c2_buf_append_str(to, value, err);
}

static bool sink(void *ctx, struct c2_exchange *http, struct c2_bytes bytes, struct cat2_error *err)
{
    struct stream *s = ctx;

    (void)http;
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != '\n') {
            if (bytes.p[i] != '\r' && !c2_buf_putc(&s->line, (char)bytes.p[i], err)) return false;
            continue;
        }
        if (!take_line(s, c2_buf_str(&s->line), err)) return false;
        c2_buf_clear(&s->line);
    }
    return true;
}

bool cat2_client_events(cat2_client *client, const char *roots, const char *last, cat2_event_fn *fn,
                        void *ctx, struct cat2_error *err)
{
    struct cat2_error mine;
    struct stream s = {
        fn,   ctx, C2_BUF_INIT(LINE_MAX), C2_BUF_INIT(LINE_MAX), C2_BUF_INIT(LINE_MAX), C2_BUF_INIT(LINE_MAX),
        false};
    C2_AUTO(c2_buf) target = C2_BUF_INIT(65536);
    C2_AUTO(c2_exchange) http = {.body = C2_BUF_INIT(65536), .sink = sink, .ctx = &s};

    err = c2_err_or(err, &mine);
    bool ok = c2_client_target("/api/events", "", &target, err) &&
              (!roots || c2_client_target("?roots=", roots, &target, err)) &&
              (!last || c2_client_target(roots ? "&last=" : "?last=", last, &target, err));
    http.target = c2_buf_cstr(&target);
    ok = ok && c2_exchange_run(&client->session, &http, err);
    if (ok) ok = c2_fail(err, CAT2_EUPSTREAM, "the subscriber ended its events");
    if (s.ended) ok = true;
    c2_buf_fini(&s.line);
    c2_buf_fini(&s.kind);
    c2_buf_fini(&s.id);
    c2_buf_fini(&s.data);
    return ok;
}
