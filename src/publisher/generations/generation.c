/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of a generation, and its being undecided. */
#include "publisher/generations/generation.h"

#include <stdio.h>

#include "wire/json.h"

bool c2_etag_format(double mtime, int64_t size, char out[64])
{
    struct cat2_error err;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(63);

    bool ok = c2_format_double(mtime, &text, &err) && c2_buf_printf(&text, &err, ":%lld", (long long)size);
    snprintf(out, 64, "%s", ok ? c2_buf_cstr(&text) : "?");
    return ok;
}

bool c2_fail_busy(struct cat2_error *err, const char *path)
{
    c2_fail(err, CAT2_EUPSTREAM, "%.160s is being written: try again", path);
    err->http_status = 503;
    return false;
}

bool c2_is_busy(const struct cat2_error *err)
{
    return err->code == CAT2_EUPSTREAM && err->http_status == 503;
}
