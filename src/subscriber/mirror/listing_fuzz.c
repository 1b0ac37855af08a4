/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever a publisher lists and says of its datasets, in whatever pieces it comes: the listing ends once,
 * and what is taken over is fit for headers, names of files and pages.
 *
 * The flights of net/checked.c are played here. Input: a byte (1: the list has hashes; 2: it is sent in small
 * pieces; 4: a publisher of ours), then answers, each up to a NUL: the list, then one for each dataset that
 * is asked for, which begins with a digit for its status. */
#include <stdlib.h>

#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/described.h"
#include "subscriber/mirror/follow_impl.h"
#include "subscriber/mirror/names_so_far.h"

#define NFLIGHTS  64
#define ASKED_MAX 500 /* of one input */

struct c2_checked {
    bool used;
    struct c2_http_call call; /* without its strings */
};
static struct c2_checked flights[NFLIGHTS];
static int nended, nasked;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what follow_list.c calls ---- */

struct c2_checked *c2_checked_start(struct c2_http *http, const struct c2_http_call *call,
                                    enum c2_wire_kind kind, enum c2_check check)
{
    (void)http, (void)kind, (void)check;
    C2_ASSERT(!nended && call->url && !strpbrk(call->url, "\r\n ") &&
              strncmp(call->url, "http://host:1/api/", 18) == 0);
    for (const char *const *header = call->headers; header && *header; header++)
        C2_ASSERT(!strpbrk(*header, "\r\n"));
    for (int i = 0; i < NFLIGHTS && nasked < ASKED_MAX; i++)
        if (!flights[i].used) {
            flights[i] = (struct c2_checked){true, *call};
            nasked++;
            return &flights[i];
        }
    return NULL;
}
void c2_checked_cancel(struct c2_checked *checked)
{
    C2_ASSERT(!checked || checked->used);
    if (checked) checked->used = false;
}

/* ---- the publisher ---- */

static void answer(struct c2_checked *flight, struct c2_str text, bool hashed, bool in_pieces)
{
    static const int statuses[] = {200, 304, 404, 501, 503, 200, 200, 200, 200, 200};
    C2_AUTO(c2_buf) body = C2_BUF_INIT(1 << 20);
    struct c2_http_call call = flight->call;
    struct c2_http_reply reply = {
        .status = 200, .content_type = C2_STR(""), .etag = C2_STR("1.5:3"), .hashed = hashed};
    struct cat2_error err = {0};
    size_t step = in_pieces ? 7 : text.n;
    bool ok = true;

    reply.headers = C2_STR("");
    if (call.data) {
        if (call.head) ok = call.head(call.ctx, &reply, &err);
        for (size_t at = 0; ok && at < text.n; at += step)
            ok = call.data(
                call.ctx, 200,
                (struct c2_bytes){(const uint8_t *)text.p + at, text.n - at < step ? text.n - at : step},
                &err);
    } else if (text.n) {
        reply.status = statuses[(unsigned char)text.p[0] % C2_ARRAY_LEN(statuses)];
        C2_ASSERT(c2_buf_append(&body, text.p + 1, text.n - 1, &err));
    }
    reply.body = &body;
    flight->used = false;
    call.done(call.ctx, ok ? &reply : NULL, ok ? NULL : &err);
}

/* ---- the subscriber's side ---- */

static bool is_clean(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return false;
    return true;
}

static void judge(struct c2_ds *ds)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(1 << 16);
    C2_AUTO(c2_buf) info = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;

    C2_ASSERT(ds->path && ds->etag && ds->quoted && is_clean(ds->etag) && is_clean(ds->match));
    C2_ASSERT(!strchr(ds->etag, '"') &&
              (!ds->match || strchr(ds->match + 1, '"') == ds->match + strlen(ds->match) - 1));
    if (c2_ds_cache_name(ds, &name, &err)) {
        C2_ASSERT(!memchr(name.p, '\0', name.n) && !memmem(name.p, name.n, "/../", 4) && name.p[0] != '/');
    }
    c2_ds_mtime_ms(ds);
    if (ds->error && !ds->refused) return;
    C2_ASSERT(c2_ds_put_info(ds, &info, &err) && info.n > 1);
    C2_ASSERT(c2_str_is_utf8(c2_buf_str(&info)));
}

static void on_complete(struct c2_follow *f)
{
    C2_ASSERT(!nended++);
    for (size_t i = 0; i < f->found.n; i++)
        judge(f->found.p[i]);
}
static void on_failed(struct c2_follow *f, const struct cat2_error *err)
{
    (void)f;
    C2_ASSERT(!nended++ && err->code != CAT2_OK && err->message[0]);
}
static void on_not_yet(struct c2_follow *f, struct c2_http_reply *reply)
{
    (void)f;
    C2_ASSERT(!nended++ && reply->status == 503);
}

static struct c2_checked *under_way(void)
{
    for (int i = 0; i < NFLIGHTS; i++)
        if (flights[i].used) return &flights[i];
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct c2_follow_end end = {on_complete, on_failed, on_not_yet};
    struct c2_subscriber sub = {.ndatasets = 1}; /* one that is never freed */
    struct c2_root_state root = {.root = {.name = "foo", .http = "host:1"}, .sub = &sub};
    struct c2_follow f = {.end = &end, .root = &root};

    if (!size || size > 100000) return 0;
    struct c2_str rest = {(const char *)data + 1, size - 1}, text;
    root.hashed = data[0] & 4;
    nended = nasked = 0;
    c2_buf_init(&f.text, C2_JSON_NBYTES_MAX);
    c2_follow_list(&f);
    for (struct c2_checked *flight; !nended && (flight = under_way());) {
        c2_str_cut(rest, '\0', &text, &rest);
        answer(flight, text, data[0] & 1, data[0] & 2);
    }
    C2_ASSERT(nended == 1 || (nended == 0 && nasked == ASKED_MAX));
    c2_follow_clear(&f);
    c2_buf_fini(&f.text);
    c2_sub_so_far_clear(&root);
    c2_described_forget(&sub);
    C2_ASSERT(!under_way() && sub.ndatasets == 1);
    return 0;
}
