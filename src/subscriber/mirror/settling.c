/* SPDX-License-Identifier: BSD-3-Clause */
/* Whoever asks after a change gets what there is after it, where the publisher is in this process: a request
 * waits until the publisher has announced what has changed at its path, and we have heard of it. */
#include <stdio.h>
#include <stdlib.h>

#include "subscriber/mirror/follow.h"
#include "subscriber/mirror/refresh.h"
#include "subscriber/mirror/roots.h"
#include "subscriber/mirror/settling.h"

#define AGAIN_MS 4 /* between looks at whether it has settled */
#define LOOK_MS                                                                                              \
    1500 /* a request waits: a change is known sooner, or the publisher says that it is too long */

struct look {
    struct c2_subscriber *sub;
    char root[sizeof(((struct c2_root *)0)->name)];
    struct c2_str path;
    int64_t until_ms;
    bool calm; /* nothing was under way when it was looked last: events may have been on their way */
    void (*fn)(void *ctx);
    void *ctx;
};

bool c2_sub_is_behind(const struct c2_root_state *root, struct c2_str path)
{
    const struct c2_bus *bus = root->sub->config.bus;
    const struct c2_bus_looker *looker = bus->lookers ? c2_bus_looker_of(bus, root->root.name) : NULL;

    if (!looker || root->sub->stopping || !c2_root_is_listed(root)) return false;
    return looker->unsettled(looker->ctx, path) || c2_refresh_has(root, path);
}

static bool wait(struct look *look);

static void on_time(void *ctx)
{
    struct look *look = ctx;
    struct c2_root_state *root = c2_sub_root(look->sub, c2_str_of(look->root));
    bool late = c2_loop_now_ms(look->sub->config.loop) >= look->until_ms;

    if (root) c2_refresh_hurry(root);
    bool behind = root && !late && c2_sub_is_behind(root, look->path);
    bool again = behind || (root && !late && !look->calm);
    look->calm = !behind;
    if (again && !look->sub->stopping && wait(look)) return;
    look->fn(look->ctx);
    free(look);
}

static bool wait(struct look *look)
{
    return c2_timer_start(look->sub->config.loop, AGAIN_MS, 0, on_time, look) != NULL;
}

bool c2_sub_when_settled(struct c2_root_state *root, struct c2_str path, void (*fn)(void *ctx), void *ctx)
{
    struct look *look = calloc(1, sizeof(*look));

    if (!look) return false;
    *look = (struct look){.sub = root->sub,
                          .path = path,
                          .until_ms = c2_loop_now_ms(root->sub->config.loop) + LOOK_MS,
                          .fn = fn,
                          .ctx = ctx};
    snprintf(look->root, sizeof(look->root), "%s", root->root.name);
    if (wait(look)) return true;
    free(look);
    return false;
}
