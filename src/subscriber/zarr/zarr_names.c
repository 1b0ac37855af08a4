/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths as keys of Zarr. Readers take a key apart at '/' and '\\', drop blanks and dots, and put it into a
 * URL unescaped; so what they would change stands as ~XX. docs/protocol.md "Zarr". */
#include "subscriber/zarr/zarr.h"

static const char digits[] = "0123456789ABCDEF";
static const char array_ending[] = ".b2nd";

static int hex(struct c2_str text, size_t i)
{
    const char *at = i < text.n && text.p[i] ? strchr(digits, text.p[i]) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* The byte that ~XX at text[i] would stand for; -1: it is no ~XX. */
static int escaped_at(struct c2_str text, size_t i)
{
    int high = text.p[i] == '~' ? hex(text, i + 1) : -1, low = high >= 0 ? hex(text, i + 2) : -1;

    return low >= 0 ? high << 4 | low : -1;
}

static bool needs_escape(struct c2_str name, size_t i, bool folder, bool dots)
{
    unsigned char c = (unsigned char)name.p[i];
    bool edge = i == 0 || i + 1 == name.n;

    if (c < 0x20 || c == 0x7f || strchr("\\%?#*[", c) || (c == ' ' && edge)) return true;
    if (c == '~') return escaped_at(name, i) >= 0;
    if (c == '.' && i == 0 && dots) return true;
    bool suffixed = c2_str_ends(name, array_ending);
    if (i == 0 && (folder || !suffixed) && (c2_str_starts(name, ".z") || c2_str_is(name, "zarr.json")))
        return true;
    return folder && i + strlen(array_ending) == name.n && suffixed; /* arrays are called so */
}

/* Is the byte written so anywhere? Others are not read so either: people write names as they are. */
static bool is_escaped_somewhere(int c)
{
    return c > 0 && (c < 0x20 || c == 0x7f || strchr("\\%?#*[ ~.z", c));
}

static bool put_name(struct c2_str name, bool folder, struct c2_buf *out, struct cat2_error *err)
{
    bool dots = true, ok = true;

    for (size_t i = 0; i < name.n; i++)
        dots &= name.p[i] == '.';
    for (size_t i = 0; ok && i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        const char escaped[] = {'~', digits[c >> 4], digits[c & 15]};
        ok = needs_escape(name, i, folder, dots) ? c2_buf_append(out, escaped, 3, err)
                                                 : c2_buf_putc(out, (char)c, err);
    }
    return ok;
}

bool c2_zarr_put_path(struct c2_str path, bool folder, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_str name;
    bool more = path.n > 0;

    while (more) {
        more = c2_str_cut(path, '/', &name, &path);
        if (!put_name(name, more || folder, out, err) || (more && !c2_buf_putc(out, '/', err))) return false;
    }
    return true;
}

bool c2_zarr_is_folder(struct c2_str text)
{
    return c2_str_ends(text, "~2Eb2nd");
}

bool c2_zarr_path_of(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    bool ok = true;

    for (size_t i = 0; ok && i < text.n; i++) {
        int c = escaped_at(text, i);
        bool escaped = is_escaped_somewhere(c);
        ok = c2_buf_putc(out, escaped ? (char)c : text.p[i], err);
        if (escaped) i += 2;
    }
    return ok;
}
