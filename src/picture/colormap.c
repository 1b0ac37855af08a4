/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of colours as knots at equal distances, straight between them. viridis, magma, inferno, plasma
 * (2015, CC0), cividis (2018, CC0) and turbo (2019, Apache 2) are known by their published colours; rdbu and
 * phase are ours; phase ends as it begins, and is as light at a distance before its middle as after it. */
#include "picture/colormap.h"

#include <math.h>
#include <string.h>

static const struct knots {
    const char *name, *rgb; /* six hexadecimal digits a knot */
} tables[] = {
    {"viridis", "44015446085c471063481769481d6f482475472a7a46307e453781433d844142873f48893d4e8a3a538b38598c"
                "355e8d33638d31688e2e6d8e2c718e2a768e297b8e27808e25848e23898e218e8d20928c1f978b1e9c891fa188"
                "21a58524aa8328ae802eb37c35b7793dbc7446c06f50c46a5ac86465cb5e70cf577cd25089d54895d840a2da37"
                "b0dd2fbddf26cae11fd8e219e5e419f1e51dfde725"},
    {"magma", "00000402020b0504160907200e0b2b140e361a104221114e29115a311165390f6e420f754a107952137c5a167e"
              "6219806a1c81721f81792282812581892881912b81992d80a1307eaa337db2357bba3878c23b75ca3e72d2426f"
              "d9466be04c67e75263ec5860f1605df4695cf7725cf97b5dfb8560fc8e64fd9869fea16efeaa74feb47bfebd82"
              "fec68afecf92fed89afde2a3fdebacfcf4b6fcfdbf"},
    {"inferno", "00000402020c0504170a072210092d160b391e0c45260c512f0a5b380962400a67490b6a510e6c59106e61136e"
                "69166e71196e781c6d801f6c88226a902568982766a02a63a82e5fb0315bb73557bf3952c63d4dcc4248d34743"
                "d94d3ddf5337e45a31e9612bed6925f1711ff47918f78212f98b0bfa9407fb9d07fca60cfcb014fbba1ffac42a"
                "f8cd37f6d746f4e156f2ea69f2f27df5f992fcffa4"},
    {"plasma", "0d08871b068d2605912f059638049a41049d4903a05102a35901a56100a76900a87100a87801a88004a88707a6"
               "8e0ca49511a19c179ea21d9aa82296ae2892b42e8dba3388bf3984c43e7fc9447acd4a76d24f71d6556dda5b69"
               "de6164e26660e66c5ce97257ed7953f07f4ff3854bf58c46f79342f99a3efba139fca835fdaf31feb72dfebe2a"
               "fdc627fcce25fbd724f8df25f6e826f3f027f0f921"},
    {"cividis", "00224e00255300275800295d002b62002d68002f6d0031700533710f35701637701c396f213b6e263d6e2a3f6d"
                "2e416d32436d35456c39486c3c4a6c3f4c6c424e6c45506c48526c4b546c4e566c51586d545a6d565c6d595e6e"
                "5c616e5e636f61656f646770666970696b716c6d726e6f737172747374757676767878777b7a787e7c78807f78"
                "8381798683798985788c88788f8a78928c78948e779791779a93769d9576a09875a39a74a69c74a99f73aca172"
                "afa471b3a670b6a96fb9ab6dbcae6cbfb06bc2b369c5b568c8b866ccba64cfbd62d2c060d5c25ed9c55cdcc859"
                "dfca57e2cd54e6d051e9d34eedd54af0d846f3db42f7de3efbe138fee434fee838"},
    {"turbo", "30123b36215f3b2f803f3e9c424bb54559cb4666dd4773eb4680f6458cfd4099ff38a5fb2fb2f427bee91fc9dd"
              "1ad4d018ddc21ae4b622ebaa2ff19b3ff68a52fa7a65fd6979fe598bff4b9cfe40a9fb39b7f735c3f134d0ea34"
              "dbe236e5d938eecf3af5c53afaba39fdae35fea130fe932afc8423f9751df46617ef5811e84b0ce14109d83706"
              "ce2d04c32503b71d02a916019b0f018b09027a0403"},
    {"grey", "000000ffffff"},
    {"rdbu", "6b0a1e780f218313238d16269719289f1b2aa71d2caf1f2eb62a33bc3e3dc14c45c6584dcc6253d06b59d5735f"
             "da7a64df8169e28f7be49f8fe7ada1e9bab0ecc6beeed2cbf0dcd7f3e6e2f5efedf1f1f1e8ebeedee4ebd3dee8"
             "c8d7e5bcd0e2afc8dfa0c0db90b8d882b0d57baad175a3cd6d9cc86595c45c8dc05285bb457cb73673b22d6bab"
             "2a65a2275e9a2357901f4e861b457a14396d0a2a5e"},
    {"phase", "e1e1e1d4e2f1c7e1fcbdddffb2d7fea4d0fe93c7fd7dbdfe64b2ff52a5f63f98ec2c8bdf177dd10770c00764ac"
              "01589a014d88034477013b6a02345d002d5409294612263a19232e2222222d1e1a371c15421a104e190c5a1908"
              "681b06761f0786250a962d12a5381cb54327c45034d35e42e06d51ec7c60f58b70fd9980ffa993ffb7a5fec3b4"
              "ffcbbefad4c9f0dbd5e1e1e1"},
};

static double channel(const struct knots *table, size_t knot, size_t c)
{
    int value = 0;

    for (size_t i = 0; i < 2; i++)
        value = 16 * value + c2_hex_digit(table->rgb[6 * knot + 2 * c + i]);
    return value;
}

static void expand(const struct knots *table, bool turned, struct c2_colormap *out)
{
    size_t last = strlen(table->rgb) / 6 - 1;

    for (size_t i = 0; i < 256; i++) {
        double at = (double)(i * last) / 255;
        size_t knot = i == 255 ? last - 1 : (size_t)at;
        double f = at - (double)knot;
        for (size_t c = 0; c < 3; c++)
            out->rgb[turned ? 255 - i : i][c] =
                (uint8_t)lrint((1 - f) * channel(table, knot, c) + f * channel(table, knot + 1, c));
    }
}

bool c2_colormap_of(struct c2_str name, struct c2_colormap *out, struct cat2_error *err)
{
    bool turned = name.n > 0 && name.p[0] == '-';
    struct c2_str bare = turned ? (struct c2_str){name.p + 1, name.n - 1} : name;

    for (size_t i = 0; i < C2_ARRAY_LEN(tables); i++)
        if (bare.n == 0 || c2_str_is(bare, tables[i].name)) {
            expand(&tables[i], turned, out);
            return true;
        }
    return c2_fail(err, CAT2_EINVAL,
                   "cmap '%.*s' is none of viridis, magma, inferno, plasma, cividis, turbo, grey, rdbu, "
                   "phase",
                   (int)c2_min_i64(30, (int64_t)name.n), name.p);
}

const char *c2_colormap_name(int i)
{
    return i >= 0 && (size_t)i < C2_ARRAY_LEN(tables) ? tables[i].name : NULL;
}

int32_t c2_colormap_rgb(const struct c2_colormap *map, double place)
{
    const uint8_t *rgb = map->rgb[place >= 1 ? 255 : place > 0 ? (int)(place * 255 + 0.5) : 0];

    return rgb[0] << 16 | rgb[1] << 8 | rgb[2];
}

bool c2_colormaps_json(struct c2_buf *out, struct cat2_error *err)
{
    bool ok = c2_buf_putc(out, '{', err);

    for (size_t i = 0; ok && i < C2_ARRAY_LEN(tables); i++) {
        struct c2_colormap map;
        expand(&tables[i], false, &map);
        ok = c2_buf_printf(out, err, "%s\"%s\":\"", i ? "," : "", tables[i].name);
        for (size_t k = 0; ok && k < 256; k++)
            ok = c2_buf_printf(out, err, "%02x%02x%02x", map.rgb[k][0], map.rgb[k][1], map.rgb[k][2]);
        ok = ok && c2_buf_putc(out, '"', err);
    }
    return ok && c2_buf_putc(out, '}', err);
}

/* ---- scales ---- */

static const char *const scale_names[C2_SCALES] = {"linear", "log", "symlog", "sqrt"};

const char *c2_scale_name(enum c2_scale scale)
{
    return scale_names[scale];
}

bool c2_scale_parse(struct c2_str text, enum c2_scale *out, struct cat2_error *err)
{
    *out = C2_SCALE_LINEAR;
    if (text.n == 0) return true;
    for (size_t i = 0; i < C2_SCALES; i++)
        if (c2_str_is(text, scale_names[i])) {
            *out = (enum c2_scale)i;
            return true;
        }
    return c2_fail(err, CAT2_EINVAL, "scale '%.*s' is none of linear, log, symlog, sqrt",
                   (int)c2_min_i64(20, (int64_t)text.n), text.p);
}

static double bent(double v, double knee)
{
    return copysign(log1p(fabs(v) / knee), v);
}

void c2_scaler_init(struct c2_scaler *s, enum c2_scale scale, double lo, double hi)
{
    *s = (struct c2_scaler){.scale = scale, .lo = lo, .hi = hi};
    s->low = lo / 2; /* halves: hi - lo may pass the largest double */
    s->span = hi / 2 - s->low;
    if (scale == C2_SCALE_LOG) {
        s->low = log(lo > 0 ? lo : hi > 0 ? hi * 1e-6 : 1e-6);
        s->span = log(hi > 0 ? hi : 1) - s->low;
    } else if (scale == C2_SCALE_SYMLOG) {
        double most = fmax(fabs(lo), fabs(hi));
        s->knee = most > 0 ? most / 1000 : 1;
        s->low = bent(lo, s->knee);
        s->span = bent(hi, s->knee) - s->low;
    }
    if (s->span == 0) s->span = 1;
}

/* 0...1 within the range. */
static double place_of(const struct c2_scaler *s, double v)
{
    if (!(s->hi > s->lo)) return v > s->hi ? 1 : v < s->lo ? 0 : 0.5;
    switch (s->scale) {
    case C2_SCALE_LOG:
        return v > 0 ? (log(v) - s->low) / s->span : 0;
    case C2_SCALE_SYMLOG:
        return (bent(v, s->knee) - s->low) / s->span;
    case C2_SCALE_SQRT:
        return v <= s->lo ? 0 : sqrt((v / 2 - s->low) / s->span);
    default:
        return (v / 2 - s->low) / s->span;
    }
}

double c2_scaler_place(const struct c2_scaler *s, double v)
{
    if (isnan(v)) return -1;
    double place = place_of(s, v);
    return place > 1 ? 1 : place > 0 ? place : 0;
}

int c2_scaler_index(const struct c2_scaler *s, double v)
{
    return isnan(v) ? -1 : (int)(c2_scaler_place(s, v) * 255 + 0.5);
}
