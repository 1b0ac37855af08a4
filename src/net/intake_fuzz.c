/* SPDX-License-Identifier: BSD-3-Clause */
/* What strangers send is passed on the same in whatever pieces it comes, and what is passed on is accepted
 * again. The first byte says how large the pieces are. */
#include <string.h>

#include "net/intake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct socket {
    const uint8_t *p;
    size_t n, step;
};

static int64_t on_read(void *ctx, uint8_t *to, size_t room)
{
    struct socket *s = ctx;
    size_t n = s->n < s->step ? s->n : s->step;

    if (n > room) n = room;
    if (n) memcpy(to, s->p, n);
    s->p += n;
    s->n -= n;
    return n ? (int64_t)n : C2_INTAKE_AGAIN;
}

static void pass(struct c2_intake *in, struct c2_bytes bytes, size_t step, struct c2_buf *out)
{
    struct socket s = {bytes.p, bytes.n, step};
    struct cat2_error err;
    uint8_t to[4096];

    c2_intake_init(in);
    for (int idle = 0; idle < 3;) {
        int64_t n = c2_intake_read(in, on_read, &s, to, sizeof(to));
        C2_ASSERT(n == C2_INTAKE_AGAIN || (n > 0 && n <= (int64_t)sizeof(to)));
        if (n > 0) C2_ASSERT(c2_buf_append(out, to, (size_t)n, &err));
        idle = n > 0 || s.n ? 0 : idle + 1;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(1 << 24);
    C2_AUTO(c2_buf) parts = C2_BUF_INIT(1 << 24);
    C2_AUTO(c2_buf) again = C2_BUF_INIT(1 << 24);
    C2_AUTO(c2_buf) shown = C2_BUF_INIT(1 << 24); /* whole, with the queries that are hidden in it */
    struct cat2_error err;
    struct c2_intake a, b, c;

    if (!size) return 0;
    struct c2_bytes text = {data + 1, size - 1};
    pass(&a, text, SIZE_MAX, &whole);
    pass(&b, text, 1 + data[0] % 64, &parts);
    C2_ASSERT(a.state == b.state && a.nheads == b.nheads && a.status == b.status);
    C2_ASSERT(whole.n == parts.n && (!whole.n || memcmp(whole.p, parts.p, whole.n) == 0));
    c2_intake_init(&c);
    if (!memchr(text.p, C2_INTAKE_QUERY, text.n)) {
        C2_ASSERT(c2_buf_append(&shown, whole.p, whole.n, &err));
        for (size_t i = 0; i < shown.n; i++)
            if (shown.p[i] == C2_INTAKE_QUERY) shown.p[i] = '?';
        pass(&c, c2_buf_bytes(&shown), SIZE_MAX, &again);
        C2_ASSERT(c.state != C2_IN_REFUSED && c.nheads == a.nheads);
        C2_ASSERT(again.n == whole.n && (!whole.n || memcmp(whole.p, again.p, whole.n) == 0));
    }
    c2_intake_fini(&a);
    c2_intake_fini(&b);
    c2_intake_fini(&c);
    return 0;
}
