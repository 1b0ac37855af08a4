/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths as names in a cache. */
#include "cache/cache_name.h"
#include "base/hash.h"

#include <inttypes.h>

#include "base/limits.h"

#define PART_MAX (C2_NAME_MAX - 32) /* room for .idx.new.PID, .b2 */
#define REL_MAX  3500               /* of a whole name, for system calls take less than 4096 bytes */
#define HASHED   33                 /* "~" and 32 digits */

static const char *const endings[] = {".b2nd", ".b2frame", ".b2"};

static size_t ending_of(struct c2_str name)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(endings); i++)
        if (c2_str_ends(name, endings[i])) return strlen(endings[i]);
    return 0;
}

static bool put_hash(struct c2_str text, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_hash128 hash = c2_hash128_of(text.p, text.n);

    return c2_buf_printf(out, err, "~%016" PRIx64 "%016" PRIx64, hash.high, hash.low);
}

static bool looks_hashed(struct c2_str stem)
{
    const char *at = stem.p + stem.n - HASHED;
    size_t digits = 0;

    if (stem.n < HASHED || *at != '~') return false;
    while (digits < HASHED - 1 && strchr("0123456789abcdef", at[1 + digits]))
        digits++;
    return digits == HASHED - 1;
}

bool c2_name_fit(struct c2_str name, size_t max, struct c2_buf *out, struct cat2_error *err)
{
    size_t end = ending_of(name);
    struct c2_str stem = {name.p, name.n - end}, ending = {name.p + name.n - end, end};
    size_t keep = c2_utf8_whole(stem, stem.n < 64 ? stem.n : 64);

    if (name.n <= max && !looks_hashed(stem)) return c2_buf_append_str(out, name, err);
    return c2_buf_append(out, stem.p, keep, err) && put_hash(name, out, err) &&
           c2_buf_append_str(out, ending, err);
}

/* Could a file of the cache be called so? Then a folder must not. */
static bool is_marked(struct c2_str folder)
{
    return ending_of(folder) || c2_str_ends(folder, ".idx") || c2_str_ends(folder, ".dir") ||
           c2_str_is(folder, "~deep") || c2_str_is(folder, "~levels") || c2_str_has(folder, ".new.");
}

static bool put_folder(struct c2_str name, struct c2_buf *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(2 * C2_PATH_MAX);

    return c2_buf_append_str(&text, name, err) && (!is_marked(name) || c2_buf_puts(&text, ".dir", err)) &&
           c2_name_fit(c2_buf_str(&text), PART_MAX, out, err) && c2_buf_putc(out, '/', err);
}

bool c2_cache_name(const char *root, struct c2_str path, const char *suffix, struct c2_buf *out,
                   struct cat2_error *err)
{
    C2_AUTO(c2_buf) file = C2_BUF_INIT(2 * C2_PATH_MAX);
    struct c2_str part, rest = path;
    size_t start = out->n;

    if (root && !c2_buf_printf(out, err, "%s/", root)) return false;
    size_t top = out->n;
    while (c2_str_cut(rest, '/', &part, &rest))
        if (!put_folder(part, out, err)) return false;
    if (!c2_buf_append_str(&file, part, err) || !c2_buf_puts(&file, suffix, err) ||
        !c2_name_fit(c2_buf_str(&file), PART_MAX, out, err))
        return false;
    if (out->n - start <= REL_MAX) return true;
    out->n = top;
    size_t end = ending_of(c2_buf_str(&file));
    return c2_buf_puts(out, "~deep/", err) && put_hash(path, out, err) &&
           c2_buf_append(out, file.p + file.n - end, end, err);
}

bool c2_cache_levels_name(const char *root, struct c2_str path, struct c2_buf *out, struct cat2_error *err)
{
    return c2_buf_printf(out, err, "%s/~levels/", root) && put_hash(path, out, err);
}
