/* SPDX-License-Identifier: BSD-3-Clause */
/* The resolver of the C library, in a thread of libuv. */
#include "net/resolve.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct c2_resolve {
    uv_getaddrinfo_t request;
    c2_resolve_done *done; /* NULL: cancelled */
    void *ctx;
    char host[254];
};

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
    struct c2_resolve *r = request->data;
    uint8_t addresses[C2_ADDRESSES_MAX][16];
    struct cat2_error err;
    struct c2_peer one;
    size_t n = 0;

    for (const struct addrinfo *ai = status == 0 ? list : NULL; ai && n < C2_ADDRESSES_MAX;
         ai = ai->ai_next) {
        c2_peer_read(ai->ai_addr, &one);
        if (one.family) memcpy(addresses[n++], one.address, sizeof(one.address));
    }
    if (n == 0)
        c2_fail(&err, CAT2_EUPSTREAM, "host %.100s: %.100s", r->host,
                status ? uv_strerror(status) : "it has no address");
    if (r->done) r->done(r->ctx, addresses, n, n ? NULL : &err);
    uv_freeaddrinfo(list);
    free(r);
}

struct c2_resolve *c2_resolve_start(struct c2_loop *loop, const char *host, c2_resolve_done *done, void *ctx)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct c2_resolve *r = calloc(1, sizeof(*r));

    if (!r || strlen(host) >= sizeof(r->host)) {
        free(r);
        return NULL;
    }
    memcpy(r->host, host, strlen(host));
    r->done = done;
    r->ctx = ctx;
    r->request.data = r;
    if (uv_getaddrinfo(c2_loop_uv(loop), &r->request, on_resolved, r->host, NULL, &hints) == 0) return r;
    free(r);
    return NULL;
}

void c2_resolve_cancel(struct c2_resolve *resolve)
{
    if (!resolve) return;
    resolve->done = NULL;
    uv_cancel((uv_req_t *)&resolve->request); /* the callback comes in any case, and frees */
}
