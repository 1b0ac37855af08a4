/* SPDX-License-Identifier: BSD-3-Clause */
/* The model over small worlds, written as JSON: {PATH: {"shape": [..], "attrs": {..}}}, groups without a
 * shape. */
#include "base/base_testing.h"
#include "meaning/model.h"

struct world {
    struct c2_jval all;
    int64_t shapes[64][4];
    size_t n, looks;
    const char *unknown; /* a group whose attributes have to be asked for */
};

static void take(struct world *w, struct c2_str path, struct c2_jval v, struct c2_object *out)
{
    struct c2_jval shape = c2_jget(v, "shape");
    int64_t *to = w->shapes[w->n++ % 64];

    *out = (struct c2_object){.path = path, .at = path, .attrs = c2_jget(v, "attrs"), .shape = to};
    out->group = c2_jval_kind(shape) == C2_JNONE;
    out->ndim = (int)c2_jlen(shape);
    for (int i = 0; i < out->ndim; i++)
        c2_jint(c2_jat(shape, (size_t)i), &to[i]);
}

static enum c2_model_found find(void *ctx, struct c2_str path, struct c2_object *out)
{
    struct world *w = ctx;
    struct c2_jiter it = c2_jiter_of(w->all);
    struct c2_str key;
    struct c2_jval v;

    w->looks++;
    if (w->unknown && c2_str_is(path, w->unknown)) return C2_LOOK_ASK;
    while (c2_jnext(&it, &key, &v)) {
        if (!c2_str_eq(key, path)) continue;
        take(w, key, v, out);
        return C2_LOOK_FOUND;
    }
    return C2_LOOK_NONE;
}

static bool child(void *ctx, struct c2_str group, size_t i, struct c2_object *out)
{
    struct world *w = ctx;
    struct c2_jiter it = c2_jiter_of(w->all);
    struct c2_str key;
    struct c2_jval v;

    w->looks++;
    while (c2_jnext(&it, &key, &v)) {
        if (!c2_str_eq(c2_path_parent(key), group) || c2_jval_kind(c2_jget(v, "shape")) == C2_JNONE ||
            i-- > 0)
            continue;
        take(w, key, v, out);
        return true;
    }
    return false;
}

static bool subgroup(void *ctx, struct c2_str group, size_t i, struct c2_str *path)
{
    struct world *w = ctx;
    struct c2_jiter it = c2_jiter_of(w->all);
    struct c2_jval v;

    while (c2_jnext(&it, path, &v))
        if (path->n && c2_str_eq(c2_path_parent(*path), group) &&
            c2_jval_kind(c2_jget(v, "shape")) == C2_JNONE && i-- == 0)
            return true;
    return false;
}

static void check_unknown(const char *world, const char *path, const char *unknown, const char *want)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};
    struct world w = {.unknown = unknown};
    struct c2_objects objects = {find, child, subgroup, &w};
    char ask[C2_PATH_MAX + 1] = "";

    assert_true(c2_json_parse(c2_str_of(world), &json, &err));
    w.all = c2_json_root(json);
    enum c2_meaning end = c2_meaning_put(&objects, c2_str_of(path), &out, ask, &err);
    assert_true(w.looks <= 2 * C2_MEANING_LOOKS_MAX);
    assert_string_equal(end == C2_MEANING_TOLD  ? c2_buf_cstr(&out)
                        : end == C2_MEANING_ASK ? ask
                                                : err.message,
                        want);
}

static void check(const char *world, const char *path, const char *want)
{
    check_unknown(world, path, NULL, want);
}

static void nothing_is_said_of_what_says_nothing(void **state)
{
    (void)state;
    check("{\"\":{}}", "", "{\"path\":\"\",\"kind\":\"group\"}");
    check("{\"\":{},\"x\":{\"shape\":[2,3]}}", "x",
          "{\"path\":\"x\",\"kind\":\"dataset\",\"signal\":{\"path\":\"x\",\"name\":\"x\",\"label\":\"x\"},"
          "\"axes\":[{},{}]}");
    check("{\"\":{}}", "x", "there is nothing called 'x'");
}

#define PLOT                                                                                                 \
    "\"d\":{\"attrs\":{\"signal\":\"s\",\"axes\":[\".\",\"x\"],\"x_indices\":[1]}},\"d/"                     \
    "s\":{\"shape\":[2,3]},"                                                                                 \
    "\"d/x\":{\"shape\":[4],\"attrs\":{\"units\":\"mm\"}},\"d/s_errors\":{\"shape\":[2,3]}}"

static void the_default_is_followed_and_groups_are_asked_for(void **state)
{
    static const char world[] = "{\"\":{\"attrs\":{\"default\":\"d\"}}," PLOT;

    (void)state;
    check(world, "",
          "{\"path\":\"\",\"kind\":\"group\",\"signal\":{\"path\":\"d/"
          "s\",\"name\":\"s\",\"label\":\"s\"},\"axes\":[{},"
          "{\"path\":\"d/x\",\"name\":\"x\",\"label\":\"x\",\"units\":\"mm\"}],\"errors\":\"d/s_errors\"}");
    check_unknown(world, "", "d", "d");
    check_unknown(world, "d/s", "d", "d");
}

static void circles_and_wrong_types_end(void **state)
{
    (void)state;
    check("{\"\":{\"attrs\":{\"default\":\"a\"}},\"a\":{\"attrs\":{\"default\":\"/a\"}}}", "",
          "{\"path\":\"\",\"kind\":\"group\"}");
    check("{\"\":{\"attrs\":{\"signal\":\"s\",\"axes\":5,\"default\":[]}},\"s\":{\"shape\":[2],\"attrs\":{"
          "\"axes\":\"]\","
          "\"DIMENSION_LIST\":[[\"/s\"]],\"units\":{},\"_FillValue\":\"x\",\"multiscales\":7}}}",
          "",
          "{\"path\":\"\",\"kind\":\"group\",\"signal\":{\"path\":\"s\",\"name\":\"s\",\"label\":\"s\"},"
          "\"axes\":[{"
          "\"dimension\":\"s\"}]}");
}

#define OLD(class) "\"attrs\":{\"NX_class\":\"" class "\"}"

static void old_files_without_a_default_are_looked_through(void **state)
{
    static const char
        world[] = "{\"\":{},\"a\":{},\"e\":{" OLD("NXentry") "},\"e/i\":{" OLD(
            "NXinstrument") "},"
                            "\"e/d\":{" OLD("NXdata") "},\"e/d/s\":{\"shape\":[2],\"attrs\":{\"signal\":1}},"
                                                      "\"e/d/title\":{\"shape\":[]}}",
        signal[] = "{\"path\":\"\",\"kind\":\"group\",\"title_path\":\"e/d/title\",\"signal\":{\"path\":"
                   "\"e/d/s\",\"name\":\"s\",\"label\":\"s\"},\"axes\":[{}]}";

    (void)state;
    check(world, "", signal);
    check_unknown(world, "", "e/i", "e/i");
    check("{\"\":{},\"e\":{" OLD("NXentry") "},\"e/e\":{" OLD("NXentry") "},\"e/e/e\":{" OLD("NXentry") "}}",
          "", "{\"path\":\"\",\"kind\":\"group\"}");
}

static void levels_of_a_pyramid_are_told(void **state)
{
    static const char levels[] =
        "\"levels\":[{\"path\":\"0\",\"scale\":[1,2],\"at\":\"0\",\"shape\":[8,6]},{\"path\":\"1\"}]}";
    static const char *const worlds[] = {
        /* as a tree; in a text, as HDF5 has it; of version 0.5 */
        "{\"\":{\"attrs\":{\"multiscales\":[{\"datasets\":[{\"path\":\"0\",\"coordinateTransformations\":[{"
        "\"scale\":[1,2]}]},{\"path\":\"1\"},{\"path\":5}]}]}},\"0\":{\"shape\":[8,6]},\"2\":{\"shape\":[4]}"
        "}",
        "{\"\":{\"attrs\":{\"multiscales\":\"[{\\\"datasets\\\":[{\\\"path\\\":\\\"0\\\","
        "\\\"coordinateTransformations\\\":[{\\\"scale\\\":[1,2]}]},{\\\"path\\\":\\\"1\\\"}]}]\"}},"
        "\"0\":{\"shape\":[8,6]},\"2\":{\"shape\":[4]}}",
        "{\"\":{\"attrs\":{\"ome\":{\"version\":\"0.5\",\"multiscales\":[{\"datasets\":[{\"path\":\"0\","
        "\"coordinateTransformations\":[{\"scale\":[1,2]}]},{\"path\":\"1\"}]}]}}},\"0\":{\"shape\":[8,6]},"
        "\"2\":{\"shape\":[4]}}"};
    char want[400];

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(worlds); i++) {
        snprintf(want, sizeof(want), "{\"path\":\"\",\"kind\":\"group\",%s", levels);
        check(worlds[i], "", want);
        snprintf(want, sizeof(want),
                 "{\"path\":\"0\",\"kind\":\"dataset\",\"signal\":{\"path\":\"0\",\"name\":\"0\","
                 "\"label\":\"0\"},\"axes\":[{\"step\":1.0},{\"step\":2.0}],%s",
                 levels);
        check(worlds[i], "0", want);
        check(
            worlds[i], "2",
            "{\"path\":\"2\",\"kind\":\"dataset\",\"signal\":{\"path\":\"2\",\"name\":\"2\",\"label\":\"2\"},"
            "\"axes\":[{}]}");
    }
}

static void palettes_and_sizes_of_pixels_are_told(void **state)
{
    static const char ome[] = "{\"p\":{\"attrs\":{\"ome\":{\"multiscales\":[{\"axes\":[{\"name\":\"y\","
                              "\"unit\":\"micrometer\"},{\"name\":\"x\"}],"
                              "\"datasets\":[{\"path\":\"0\"},{\"path\":\"1\",\"coordinateTransformations\":["
                              "{\"scale\":[2,0.5]}]}]}]}}},"
                              "\"p/0\":{\"shape\":[8,8]},\"p/1\":{\"shape\":[4,4]}}";

    (void)state;
    check(
        "{\"\":{},\"q\":{\"shape\":[9,3]},\"a/"
        "i\":{\"shape\":[2,3],\"attrs\":{\"CLASS\":\"IMAGE\",\"PALETTE\":[\"/q\"],"
        "\"IMAGE_COLORMODEL\":\"RGB\",\"element_size_um\":[0.5,2]}},\"a\":{}}",
        "a/i",
        "{\"path\":\"a/i\",\"kind\":\"dataset\",\"signal\":{\"path\":\"a/i\",\"name\":\"i\",\"label\":\"i\","
        "\"image\":{\"model\":\"RGB\",\"palette\":\"q\"}},"
        "\"axes\":[{\"step\":0.5,\"units\":\"µm\"},{\"step\":2.0,\"units\":\"µm\"}]}");
    check("{\"i\":{\"shape\":[2],\"attrs\":{\"CLASS\":\"IMAGE\",\"PALETTE\":\"/"
          "none\",\"element_size_um\":[-1]}}}",
          "i",
          "{\"path\":\"i\",\"kind\":\"dataset\",\"signal\":{\"path\":\"i\",\"name\":\"i\",\"label\":\"i\","
          "\"image\":{}},"
          "\"axes\":[{}]}");
    check(
        ome, "p/1",
        "{\"path\":\"p/1\",\"kind\":\"dataset\",\"signal\":{\"path\":\"p/1\",\"name\":\"1\",\"label\":\"1\"},"
        "\"axes\":[{\"step\":2.0,\"units\":\"micrometer\"},{\"step\":0.5}],"
        "\"levels\":[{\"path\":\"0\",\"at\":\"p/0\",\"shape\":[8,8]},{\"path\":\"1\",\"scale\":[2,0.5],"
        "\"at\":\"p/1\",\"shape\":[4,4]}]}");
    check(
        ome, "p/0",
        "{\"path\":\"p/0\",\"kind\":\"dataset\",\"signal\":{\"path\":\"p/0\",\"name\":\"0\",\"label\":\"0\"},"
        "\"axes\":[{},{}],"
        "\"levels\":[{\"path\":\"0\",\"at\":\"p/0\",\"shape\":[8,8]},{\"path\":\"1\",\"scale\":[2,0.5],"
        "\"at\":\"p/1\",\"shape\":[4,4]}]}");
}

static void names_of_axes_come_from_scales_and_labels(void **state)
{
    static const char *const attrs[] = {
        "{\"DIMENSION_LIST\":[[\"/a/t\"],[]],\"DIMENSION_LABELS\":[\"no\",\"y\"]}",
        "{\"_ARRAY_DIMENSIONS\":[\"t\",\"y\"]}", "{\"DIMENSION_LIST\":[[\"/t\"]]}"};
    static const char *const names[][2] = {{"t", "y"}, {"t", "y"}, {"", ""}};
    struct cat2_error err;
    struct c2_dims dims;

    (void)state;
    for (int i = 0; i < 3; i++) {
        C2_AUTO_PTR(c2_json) *json = NULL;
        assert_true(c2_json_parse(c2_str_of(attrs[i]), &json, &err));
        c2_dims_of(c2_json_root(json), C2_STR("a/v"), 2, &dims);
        assert_true(c2_str_is(dims.name[0], names[i][0]) && c2_str_is(dims.name[1], names[i][1]));
    }
}

static void attributes_of_imports_are_those_of_the_file(void **state)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
    struct cat2_error err;

    (void)state;
    assert_true(c2_attrs_put(C2_STR("{\"a\":1,\"CATERVA2_LONG\":{\"long\":2},\"CATERVA2_HDF5\":\"...\"}"),
                             &out, &err));
    assert_string_equal(c2_buf_cstr(&out), "{\"a\":1,\"long\":2}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_said_of_what_says_nothing),
        cmocka_unit_test(the_default_is_followed_and_groups_are_asked_for),
        cmocka_unit_test(circles_and_wrong_types_end),
        cmocka_unit_test(old_files_without_a_default_are_looked_through),
        cmocka_unit_test(levels_of_a_pyramid_are_told),
        cmocka_unit_test(palettes_and_sizes_of_pixels_are_told),
        cmocka_unit_test(names_of_axes_come_from_scales_and_labels),
        cmocka_unit_test(attributes_of_imports_are_those_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
