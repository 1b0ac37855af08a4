/* SPDX-License-Identifier: BSD-3-Clause */
/* What changes, on the bus of further subscribers: in the order in which it was taken over here, so that who
 * asks after an event finds it. */
#include "base/log_share.h"
#include "subscriber/mirror/root.h"
#include "subscriber/republish/republish.h"

static void publish(struct c2_subscriber *sub, const char *topic, struct c2_buf *json, bool ok)
{
    struct c2_bus *bus = sub->config.downstream;

    if (ok)
        bus->ops->publish(bus, topic, c2_buf_str(json), NULL, NULL);
    else
        c2_log_some(C2_ERROR, "topic=%s: out of memory: a change is not passed on", topic);
    c2_buf_fini(json);
}

static void on_dataset(void *ctx, struct c2_root_state *root, const struct c2_ds *ds, const char *change)
{
    struct c2_buf json = C2_BUF_INIT(16384);
    struct cat2_error err;
    struct c2_jw w;

    (void)change;
    c2_jw_init(&w, &json, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_jw_put_cstr(&w, "path", ds->path);
    c2_jw_end_object(&w);
    publish(ctx, root->root.name, &json, c2_jw_finish(&w));
}

/* A root is new, was listed or is not reached any more: those who follow it list it. */
static void on_root(void *ctx, struct c2_root_state *root)
{
    struct c2_buf json = C2_BUF_INIT(4096);
    struct cat2_error err;
    struct c2_jw w;

    c2_jw_init(&w, &json, C2_JSON_COMPACT, &err);
    c2_jw_begin_object(&w);
    c2_root_jw(&w, &root->root);
    c2_jw_end_object(&w);
    publish(ctx, C2_TOPIC_NEW, &json, c2_jw_finish(&w));
}

void c2_republish_start(struct c2_subscriber *sub)
{
    if (sub->config.downstream)
        sub->watchers[C2_WATCH_DOWNSTREAM] = (struct c2_mirror_watcher){on_dataset, on_root, NULL, sub};
}
