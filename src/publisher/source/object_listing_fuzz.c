/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of stores, and their notifications: what is told is a key, of a list with a state, or one name of a
 * directory. */
#include <stdlib.h>

#include "publisher/source/object_events.h"
#include "publisher/source/object_listing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool on_object(void *ctx, struct c2_str key, const struct c2_object_state *state, int64_t mtime_ms,
                      struct cat2_error *err)
{
    (void)ctx, (void)err;
    if (key.n == 0 || state->nbytes < 0 || mtime_ms < 0 || !memchr(state->etag, '\0', sizeof(state->etag)))
        abort();
    return true;
}

static bool on_entry(void *ctx, struct c2_str name, bool is_dir, struct c2_str says, struct cat2_error *err)
{
    (void)ctx, (void)is_dir, (void)says, (void)err;
    if (name.n == 0 || memchr(name.p, '/', name.n) || c2_str_is(name, "..")) abort();
    return true;
}

static bool on_event(void *ctx, struct c2_str bucket, struct c2_str key, struct cat2_error *err)
{
    (void)ctx, (void)bucket, (void)err;
    if (key.n > 4 * C2_OBJECT_KEY_MAX) abort();
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_str page = {(const char *)data, size};
    C2_AUTO(c2_buf) next = C2_BUF_INIT(1000);
    struct cat2_error err;

    (void)c2_s3_page(page, &next, on_object, NULL, &err);
    (void)c2_index_page(page, on_entry, NULL, &err);
    (void)c2_s3_events(page, on_event, NULL, &err);
    return 0;
}
