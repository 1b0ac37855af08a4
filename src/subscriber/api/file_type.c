/* SPDX-License-Identifier: BSD-3-Clause */
/* Types by the ends of names. */
#include "subscriber/api/file_type.h"

#define TEXT "text/plain; charset=utf-8"

static const struct {
    const char *suffixes; /* with blanks between */
    struct c2_file_type is;
} types[] = {
    {"png", {"image/png", false}},
    {"jpg jpeg", {"image/jpeg", false}},
    {"gif", {"image/gif", false}},
    {"webp", {"image/webp", false}},
    {"avif", {"image/avif", false}},
    {"bmp", {"image/bmp", false}},
    {"tif tiff", {"image/tiff", false}},
    {"json geojson ipynb", {"application/json", false}},
    {"csv", {"text/csv; charset=utf-8", false}},
    {"tsv", {"text/tab-separated-values; charset=utf-8", false}},
    {"txt md rst log py c h cpp hpp r jl sh toml yaml yml ini cfg js mjs cjs ts css", {TEXT, false}},
    {"html htm", {"text/html; charset=utf-8", true}},
    {"xhtml xht", {"application/xhtml+xml", true}},
    {"svg", {"image/svg+xml", true}},
    {"xml xsl xslt rdf rss atom mathml", {"application/xml", true}},
    {"pdf", {"application/pdf", true}},
};

const struct c2_file_type *c2_file_type_of(struct c2_str path)
{
    static const struct c2_file_type unknown = {"application/octet-stream", false};
    const char *dot = path.n ? memrchr(path.p, '.', path.n) : NULL;
    struct c2_str word, rest;

    if (!dot) return &unknown;
    struct c2_str suffix = {dot + 1, (size_t)(path.p + path.n - dot - 1)};
    for (size_t i = 0; suffix.n && i < C2_ARRAY_LEN(types); i++) {
        rest = c2_str_of(types[i].suffixes);
        for (bool more = true; more;) {
            more = c2_str_cut(rest, ' ', &word, &rest);
            if (c2_str_eq_nocase(word, suffix)) return &types[i].is;
        }
    }
    return &unknown;
}
