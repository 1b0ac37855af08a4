/* SPDX-License-Identifier: BSD-3-Clause */
/* net/resolve.h: every name is one of this machine. */
#include <stdlib.h>

#include "base/check.h"
#include "fake.h"
#include "net/resolve.h"

struct c2_resolve {
    c2_resolve_done *done;
    void *ctx;
};

static void tell(void *ctx)
{
    static const uint8_t here[1][16] = {{[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    struct c2_resolve *r = ctx;

    if (r->done) r->done(r->ctx, here, 1, NULL);
    free(r);
}

struct c2_resolve *c2_resolve_start(struct c2_loop *loop, const char *host, c2_resolve_done *done, void *ctx)
{
    struct c2_resolve *r = malloc(sizeof(*r));

    C2_ASSERT(r && host[0]);
    *r = (struct c2_resolve){done, ctx};
    c2_fake_soon(c2_fake_host_of(loop), tell, r);
    return r;
}

void c2_resolve_cancel(struct c2_resolve *resolve)
{
    if (resolve) resolve->done = NULL;
}
