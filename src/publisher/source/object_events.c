/* SPDX-License-Identifier: BSD-3-Clause */
/* The JSON of notifications, as Amazon describes it and others send it. */
#include "publisher/source/object_events.h"

#include "base/buf.h"
#include "publisher/source/object_store.h"
#include "wire/json.h"
#include "wire/url.h"

static bool take_record(struct c2_jval record, c2_s3_event *sink, void *ctx, struct cat2_error *err)
{
    C2_AUTO(c2_buf) plain = C2_BUF_INIT(4 * C2_OBJECT_KEY_MAX);
    struct c2_jval s3 = c2_jget(record, "s3");
    struct c2_str bucket, key;

    if (!c2_jstr(c2_jget(c2_jget(s3, "bucket"), "name"), &bucket) ||
        !c2_jstr(c2_jget(c2_jget(s3, "object"), "key"), &key))
        return c2_fail(err, CAT2_EDATA, "a record names no bucket and key");
    if (key.n == 0 || key.n > 3 * C2_OBJECT_KEY_MAX) return true; /* there is no such object */
    if (!c2_url_decode(key, true, &plain, err) || !sink(ctx, bucket, c2_buf_str(&plain), err)) return false;
    return c2_str_eq(key, c2_buf_str(&plain)) || sink(ctx, bucket, key, err);
}

bool c2_s3_events(struct c2_str text, c2_s3_event *sink, void *ctx, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str key;
    struct c2_jval record;

    if (!c2_json_parse(text, &json, err)) return c2_fail_within(err, "the notification");
    struct c2_jval records = c2_jget(c2_json_root(json), "Records");
    if (c2_jval_kind(records) != C2_JARRAY)
        return c2_fail(err, CAT2_EDATA, "the notification has no Records");
    struct c2_jiter it = c2_jiter_of(records);
    while (c2_jnext(&it, &key, &record))
        if (!take_record(record, sink, ctx, err)) return false;
    return true;
}
