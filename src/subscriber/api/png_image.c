/* SPDX-License-Identifier: BSD-3-Clause */
/* Palettes of HDF5 images. */
#include "subscriber/api/png_image.h"

#include <math.h>

#include "base/limits.h"
#include "meaning/attrs.h"
#include "reduce/number.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/roots.h"

#define ATTRS_NBYTES (8 << 20) /* of attributes, parsed on the loop: more say nothing of a picture */
#define COLOURS_MAX  256       /* of a palette: values are bytes */
#define CHANNELS     3

/* ---- which one ---- */

/* Rows of colours. */
static bool bind(struct c2_png_image *image, struct c2_ds *ds, struct cat2_error *err)
{
    const struct c2_grid *grid = &ds->meta->grid;
    struct c2_slice all = {0};

    if (ds->error) return c2_fail(err, CAT2_EDATA, "cmap: %.200s: %.200s", ds->path, ds->error);
    if (ds->meta->kind != C2_KIND_ARRAY || grid->ndim != 2 || !strchr("ui", ds->meta->dtype.kind) ||
        grid->shape[0] < 2 || grid->shape[0] > COLOURS_MAX || grid->shape[1] < CHANNELS)
        return c2_fail(err, CAT2_EINVAL, "cmap: the palette %.200s is not 2 to %d rows of %d integers",
                       ds->path, COLOURS_MAX, CHANNELS);
    if (!c2_slice_bind(&all, grid->shape, grid->ndim, &image->bound, err) ||
        !c2_codec_supports(&ds->meta->cparams, err))
        return false;
    image->bound = c2_bound_part(&image->bound, 1, 0, CHANNELS);
    image->palette = c2_ds_ref(ds);
    return true;
}

static bool find_palette(struct c2_png_image *image, struct c2_ds *ds, struct cat2_error *err)
{
    struct c2_root_state *root = c2_sub_root(ds->sub, c2_str_of(ds->root));
    struct c2_str name = image->says.palette;
    char path[C2_PATH_MAX + 1];
    struct c2_ds *found = NULL;
    bool folder;

    if (!name.n) return c2_fail(err, CAT2_EINVAL, "cmap: %.200s is not an image with a palette", ds->path);
    if (root && c2_attr_path(c2_path_parent(c2_ds_name(ds)), name, path))
        found = c2_sub_find_named(root, c2_str_of(path), false, &folder);
    return found ? bind(image, found, err)
                 : c2_fail(err, CAT2_EINVAL, "cmap: %.200s: its palette %.*s is not there", ds->path,
                           (int)c2_min_i64(200, (int64_t)name.n), name.p);
}

/* Colours that the file names without being asked for are left out where they cannot be. */
static bool choose(struct c2_png_image *image, struct c2_ds *ds, struct c2_str cmap, struct cat2_error *err)
{
    struct cat2_error unused;

    image->turned = cmap.n && cmap.p[0] == '-';
    if (c2_str_is(cmap, "palette") || c2_str_is(cmap, "-palette")) return find_palette(image, ds, err);
    if (cmap.n) return c2_colormap_of(cmap, &image->map, err);
    if (image->says.palette.n && find_palette(image, ds, &unused)) return true;
    return c2_colormap_of(image->says.inverted ? C2_STR("-grey") : C2_STR(""), &image->map, err);
}

bool c2_png_image_find(struct c2_ds *ds, struct c2_str cmap, struct c2_png_image *out, struct cat2_error *err)
{
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(ATTRS_NBYTES);
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str vlmeta = c2_buf_str(&ds->meta->vlmeta);
    struct c2_jval none = {0};
    struct cat2_error unused;

    bool has = c2_str_has(vlmeta, "\"IMAGE\"") && c2_attrs_put(vlmeta, &attrs, &unused) &&
               c2_json_parse(c2_buf_str(&attrs), &json, &unused);
    c2_image_of(has ? c2_json_root(json) : none, &out->says);
    bool ok = choose(out, ds, cmap, err);
    out->says.palette.n = 0;
    if (!ok || !out->palette) return ok;
    out->says.lo = 0;
    out->says.hi = (double)(out->palette->meta->grid.shape[0] - 1);
    return true;
}

/* ---- its colours ---- */

bool c2_png_image_take(struct c2_png_image *image, const struct c2_reading *reading, struct cat2_error *err)
{
    C2_AUTO(c2_buf) items = C2_BUF_INIT((size_t)COLOURS_MAX * CHANNELS * sizeof(int64_t));
    double colours[COLOURS_MAX * CHANNELS];
    int64_t n = image->bound.nitems / CHANNELS;
    struct c2_num num;

    if (!c2_read_items(reading, &image->bound, &items, err) ||
        !c2_num_of(&reading->source.meta->dtype, C2_STR(""), C2_STR(""), &num, err))
        return false;
    c2_num_load(&num, items.p, n * CHANNELS, colours);
    for (int i = 0; i < 256; i++) {
        const double *colour = colours + CHANNELS * (int64_t)floor(i * (double)(n - 1) / 255 + 0.5);
        for (int c = 0; c < CHANNELS; c++)
            image->map.rgb[image->turned ? 255 - i : i][c] = (uint8_t)fmin(fmax(colour[c], 0), 255);
    }
    return true;
}
