/* SPDX-License-Identifier: BSD-3-Clause */
/* Under which name a browser saves an answer: x.b2nd, or x[5,0_10].npy for a slice of it. */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "subscriber/answer/disposition.h"
#include "wire/url.h"

/* The slice as part of a file name: what may not stand there (and the colon) is a line. */
static bool put_slice(struct c2_str slice, struct c2_buf *name, struct cat2_error *err)
{
    bool ok = c2_buf_putc(name, '[', err);

    for (size_t i = 0; ok && i < slice.n && i < 200; i++) {
        char c = slice.p[i];
        if (isspace((unsigned char)c)) continue;
        ok = c2_buf_putc(name, isdigit((unsigned char)c) || strchr(",.-", c) ? c : '_', err);
    }
    return ok && c2_buf_putc(name, ']', err);
}

static bool put_name(const struct c2_ds *ds, struct c2_str slice, const char *suffix, struct c2_buf *name,
                     struct cat2_error *err)
{
    struct c2_str base = c2_path_last(c2_str_of(ds->path));

    if (suffix && c2_str_ends(base, ".b2nd")) base.n -= 5;
    if (suffix && c2_str_ends(base, ".b2frame")) base.n -= 8;
    if (!c2_buf_append_str(name, base, err) || (slice.n && !put_slice(slice, name, err))) return false;
    if (suffix) return !*suffix || c2_buf_printf(name, err, ".%s", suffix);
    return ds->meta->kind != C2_KIND_FILE || c2_buf_append_str(name, C2_STR(".b2"), err);
}

/* Brackets are left for slices; whole datasets are named as Python's server does. */
static bool is_plain(struct c2_str name, bool slice)
{
    const char *others = slice ? "-._~[]," : "-._~";

    for (size_t i = 0; i < name.n; i++)
        if (!isalnum((unsigned char)name.p[i]) && !strchr(others, name.p[i])) return false;
    return true;
}

bool c2_sub_disposition(const struct c2_ds *ds, struct c2_str slice, const char *suffix, struct c2_buf *out,
                        struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(4 * C2_PATH_MAX);
    C2_AUTO(c2_buf) encoded = C2_BUF_INIT(16 * C2_PATH_MAX);

    if (!put_name(ds, slice, suffix, &name, err)) return false;
    if (is_plain(c2_buf_str(&name), suffix))
        return c2_buf_printf(out, err, "attachment; filename=\"%s\"", c2_buf_cstr(&name));
    return c2_url_encode(c2_buf_str(&name), false, &encoded, err) &&
           c2_buf_printf(out, err, "attachment; filename*=utf-8''%s", c2_buf_cstr(&encoded));
}
