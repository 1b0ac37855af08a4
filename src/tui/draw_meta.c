/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata and attributes as lines. */
#include <inttypes.h>
#include <stdio.h>

#include "base/limits.h"
#include "blosc/codec_names.h"
#include "tui/colour.h"
#include "tui/draw.h"
#include "wire/json.h"

struct lines {
    struct c2_tui_canvas *canvas;
    struct c2_tui_box box;
    int top, n;
};

static void add(struct lines *lines, int indent, const char *key, const char *value)
{
    const struct c2_tui_style bold = {C2_TUI_DEFAULT, C2_TUI_DEFAULT, C2_TUI_BOLD};
    int y = lines->n++ - lines->top, wide = indent ? 0 : 10, x = indent;

    if (y < 0 || y >= lines->box.h) return;
    x += c2_tui_text(lines->canvas, lines->box.x + x, lines->box.y + y, lines->box.w - x, key,
                     value ? C2_TUI_PLAIN : bold);
    if (!value) return;
    x = x < wide ? wide : x + 1;
    if (x < lines->box.w)
        c2_tui_text(lines->canvas, lines->box.x + x, lines->box.y + y, lines->box.w - x, value, C2_TUI_PLAIN);
}

static void add_shape(struct lines *lines, const char *key, const int32_t *shape, int ndim)
{
    int64_t wide[C2_DIM_MAX];
    char text[C2_SHAPE_ROOM];

    for (int axis = 0; axis < ndim; axis++)
        wide[axis] = shape[axis];
    add(lines, 0, key, c2_shape_text(wide, ndim, text));
}

static void add_size(struct lines *lines, const char *key, int64_t nbytes)
{
    char text[64], size[16];

    c2_size_text(nbytes, size);
    snprintf(text, sizeof(text), nbytes < 1024 ? "%s" : "%s (%" PRId64 " bytes)", size, nbytes);
    add(lines, 0, key, text);
}

static void add_codec(struct lines *lines, struct c2_jval cparams)
{
    struct c2_jiter it = c2_jiter_of(c2_jget(cparams, "filters"));
    struct c2_jval filter;
    struct c2_str key;
    char text[200];
    int64_t codec = -1, level = -1, code;

    if (!c2_jint(c2_jget(cparams, "codec"), &codec)) return;
    const struct c2_codec_name *known = c2_codec_of_id(codec);
    size_t n = (size_t)snprintf(text, sizeof(text), "%s", known ? known->word : "unknown");
    if (c2_jint(c2_jget(cparams, "clevel"), &level))
        n += (size_t)snprintf(text + n, sizeof(text) - n, ", level %" PRId64, level);
    while (c2_jnext(&it, &key, &filter) && n < sizeof(text))
        if (c2_jint(filter, &code) && code) {
            const char *name = c2_filter_name(code);
            n += (size_t)snprintf(text + n, sizeof(text) - n, ", %s", name ? name : "unknown");
        }
    add(lines, 0, "codec", text);
}

/* One attribute a line; what nests is printed as JSON. */
static void add_attributes(struct lines *lines, struct c2_jval vlmeta)
{
    struct c2_jiter it = c2_jiter_of(vlmeta);
    struct cat2_error ignored;
    struct c2_jval value;
    struct c2_str key, text;

    add(lines, 0, c2_jlen(vlmeta) ? "attributes" : "no attributes", NULL);
    while (c2_jnext(&it, &key, &value)) {
        C2_AUTO(c2_buf) name = C2_BUF_INIT(1 << 20);
        C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
        bool ok = c2_buf_append_str(&name, key, &ignored) &&
                  (c2_jstr(value, &text) ? c2_buf_append_str(&out, text, &ignored)
                                         : c2_json_print(value, C2_JSON_PYTHON, &out, &ignored));
        if (ok) add(lines, 2, c2_buf_cstr(&name), c2_buf_cstr(&out));
    }
}

/* A bar a cell of chunks, as high as they were compressed; '.' where it is not known. */
static void add_sparkline(struct lines *lines, struct c2_jval map)
{
    struct c2_jiter it = c2_jiter_of(c2_jget(map, "ratio"));
    double ratios[240], most = 1;
    struct c2_jval value;
    struct c2_str key;
    char text[4 * C2_ARRAY_LEN(ratios) + 1];
    size_t n = 0, cells = 0, room = lines->box.w > 12 ? (size_t)lines->box.w - 10 : 2,
           all = c2_jlen(it.container);
    bool known = false;

    if (room > C2_ARRAY_LEN(ratios)) room = C2_ARRAY_LEN(ratios);
    size_t each = all / room + 1;
    for (size_t i = 0; c2_jnext(&it, &key, &value) && cells < room; i++) {
        double ratio = -1;
        if (i % each) continue;
        if (c2_jreal(value, &ratio)) known = true;
        if (ratio > most) most = ratio;
        ratios[cells++] = ratio;
    }
    for (size_t i = 0; i < cells; i++) {
        double height = ratios[i] / most;
        if (ratios[i] < 0 || !lines->canvas->utf8)
            text[n++] = ratios[i] < 0 ? '.' : c2_tui_ramp(height);
        else
            n += (size_t)c2_tui_encode(0x2581u + (uint32_t)(height * 7.99), text + n);
    }
    text[n] = '\0';
    if (known) add(lines, 0, "ratios", text);
}

static void add_chunk_map(struct lines *lines, const char *text)
{
    struct cat2_error ignored;
    C2_AUTO_PTR(c2_json) *json = NULL;
    int64_t cached = 0, partial = 0, nchunks = 0;
    char line[120];

    if (!text || !c2_json_parse(c2_str_of(text), &json, &ignored)) return;
    struct c2_jval map = c2_json_root(json);
    if (!c2_jint(c2_jget(map, "nchunks"), &nchunks) || !c2_jint(c2_jget(map, "cached"), &cached) ||
        !c2_jint(c2_jget(map, "partial"), &partial))
        return;
    snprintf(line, sizeof(line), "%" PRId64 " of %" PRId64 " chunks, %" PRId64 " in part", cached, nchunks,
             partial);
    add(lines, 0, "cached", line);
    add_sparkline(lines, map);
}

int c2_tui_draw_meta(struct c2_tui_canvas *canvas, struct c2_tui_box box, const struct c2_tui_info *info,
                     int top)
{
    static const char *const kinds[] = {"array", "frame", "file"};
    struct lines lines = {canvas, box, top, 0};
    struct cat2_error ignored;
    C2_AUTO_PTR(c2_json) *json = NULL, *attributes = NULL;
    char text[400];

    add(&lines, 0, "kind", kinds[info->kind]);
    add(&lines, 0, "shape", c2_shape_text(info->shape, info->ndim, text));
    add(&lines, 0, "dtype", info->dtype);
    add_shape(&lines, "chunks", info->chunks, info->ndim);
    add_shape(&lines, "blocks", info->blocks, info->ndim);
    snprintf(text, sizeof(text), "%" PRId64, info->nchunks);
    add(&lines, 0, "nchunks", text);
    add_size(&lines, "size", info->nbytes);
    add_size(&lines, "held", info->cbytes);
    if (info->cbytes > 0) {
        snprintf(text, sizeof(text), "%.2f", (double)info->nbytes / (double)info->cbytes);
        add(&lines, 0, "ratio", text);
    }
    if (c2_json_parse(c2_str_of(info->json), &json, &ignored)) {
        struct c2_jval root = c2_json_root(json), schunk = c2_jget(root, "schunk");
        struct c2_str refusal;
        if (c2_jstr(c2_jget(root, "refusal"), &refusal)) {
            snprintf(text, sizeof(text), "cannot be served: %.*s", (int)c2_min_i64(300, (int64_t)refusal.n),
                     refusal.p);
            add(&lines, 0, "data", text);
        }
        add_codec(&lines, c2_jget(c2_jval_kind(schunk) ? schunk : root, "cparams"));
    }
    add_chunk_map(&lines, info->chunk_map);
    add(&lines, 0, "", "");
    if (c2_json_parse(c2_str_of(info->attributes), &attributes, &ignored))
        add_attributes(&lines, c2_json_root(attributes));
    return lines.n;
}
