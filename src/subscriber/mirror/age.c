/* SPDX-License-Identifier: BSD-3-Clause */
/* Events keep a list what its publisher has. Without them it is as old as the last listing, or the time when
 * they were heard last. A subscriber that a list comes from may have an old one, too, and says so. */
#include "subscriber/mirror/age.h"

#include <stdio.h>

#include "subscriber/mirror/root.h"

int64_t c2_root_as_of(const struct c2_root_state *root)
{
    if (*root->source.stale) return root->source.ms < 0 ? 0 : root->listed_ms - root->source.ms;
    bool hears = root->life == C2_ROOT_CURRENT && !root->unheard;
    return hears ? c2_max_i64(root->listed_ms, root->sub->heard_ms) : root->listed_ms;
}

/* What was seen last is up to LOOK_MS_MAX old (lease.c). */
static bool is_deaf(const struct c2_subscriber *sub)
{
    const struct c2_bus *bus = sub->config.bus;

    return sub->deaf || (sub->config.lease_ms && !bus->ops->connected(bus));
}

static const char *why_stale(const struct c2_root_state *root)
{
    if (!c2_root_is_listed(root)) return NULL;
    if (c2_root_is_unreached(root)) return "publisher not reached";
    if (root->life != C2_ROOT_CURRENT) return "not listed again yet";
    if (*root->source.stale) return root->source.stale;
    return root->unheard || is_deaf(root->sub) ? "no events" : NULL;
}

bool c2_root_is_stale(const struct c2_root_state *root)
{
    return c2_root_is_unreached(root) || why_stale(root);
}

void c2_sub_say_stale(struct c2_request *req, const struct c2_root_state *root)
{
    const char *why = why_stale(root);
    int64_t since = c2_root_as_of(root);
    char age[24];

    if (!why) return;
    c2_reply_header_anew(req, "X-Caterva2-Stale", why);
    if (!since) return;
    snprintf(age, sizeof(age), "%lld", (long long)((c2_loop_now_ms(root->sub->config.loop) - since) / 1000));
    c2_reply_header_anew(req, "Age", age);
}

struct c2_source_age c2_source_age_of(const struct c2_http_reply *reply)
{
    struct c2_source_age out = {.ms = -1};
    struct c2_str text = {"", 0};
    int64_t seconds;

    c2_http_header(reply, "X-Caterva2-Stale", &text);
    snprintf(out.stale, sizeof(out.stale), "%.*s",
             (int)c2_min_i64((int64_t)text.n, (int64_t)sizeof(out.stale) - 1), text.p);
    if (c2_http_header(reply, "Age", &text) && c2_str_to_i64(text, &seconds) && seconds >= 0 &&
        seconds < INT32_MAX)
        out.ms = 1000 * (seconds + 1); /* it counts whole ones */
    return out;
}
