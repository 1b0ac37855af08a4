/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 images: what is told, and paths that attributes name. */
#include "meaning/image.h"

#include <math.h>

#include "base/base_testing.h"
#include "meaning/attrs.h"

static struct c2_json *read(const char *attrs, struct c2_image *image)
{
    struct c2_json *json = NULL;
    struct cat2_error err;

    assert_true(c2_json_parse(c2_str_of(attrs), &json, &err));
    bool is = c2_image_of(c2_json_root(json), image);
    assert_int_equal(is, image->is);
    return json;
}

static void an_image_says_how_it_is_drawn(void **state)
{
    struct c2_image image;

    (void)state;
    struct c2_json *json = read("{\"CLASS\":\"IMAGE\",\"PALETTE\":[\"/a/q\"],\"IMAGE_COLORMODEL\":\"BGR\","
                                "\"INTERLACE_MODE\":\"INTERLACE_LINE\",\"IMAGE_MINMAXRANGE\":[2,7.5],"
                                "\"IMAGE_WHITE_IS_ZERO\":[1]}",
                                &image);
    assert_true(image.is && image.bgr && image.inverted);
    assert_true(c2_str_is(image.palette, "/a/q"));
    assert_int_equal(image.colours_axis, 1);
    assert_true(image.lo == 2 && image.hi == 7.5);
    c2_json_free(json);
}

static void what_is_not_told_is_not_made_up(void **state)
{
    static const char *const texts[] = {
        "{\"CLASS\":\"PALETTE\",\"PALETTE\":\"/a\",\"IMAGE_COLORMODEL\":\"BGR\",\"IMAGE_MINMAXRANGE\":[2,7]}",
        "{\"CLASS\":\"IMAGE\",\"PALETTE\":[\"/a\",\"/b\"],\"IMAGE_COLORMODEL\":\"RGB\","
        "\"IMAGE_MINMAXRANGE\":[7,2],\"IMAGE_WHITE_IS_ZERO\":0}",
        "{\"CLASS\":\"IMAGE\",\"PALETTE\":3,\"IMAGE_MINMAXRANGE\":[\"a\",2],\"INTERLACE_MODE\":\"x\"}",
        "{\"CLASS\":[\"IMAGE\"],\"IMAGE_MINMAXRANGE\":[1,2,3]}", "[]"};

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(texts); i++) {
        struct c2_image image;
        struct c2_json *json = read(texts[i], &image);
        assert_true(!image.bgr && !image.inverted && !image.palette.n && image.colours_axis == -1);
        assert_true(isnan(image.lo) && isnan(image.hi));
        c2_json_free(json);
    }
}

static void an_attribute_names_a_path_of_the_file(void **state)
{
    static const struct {
        const char *group, *name, *path; /* NULL: none */
    } rows[] = {{"", "q", "q"},        {"a/b", "q", "a/b/q"}, {"a/b", "/q", "q"}, {"a", "//c/q/", "c/q"},
                {"a", "c/q", "a/c/q"}, {"a", "", NULL},       {"a", "/", NULL},   {"a", ".", NULL}};
    char path[C2_PATH_MAX + 1], longest[C2_PATH_MAX + 1];

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(rows); i++) {
        bool named = c2_attr_path(c2_str_of(rows[i].group), c2_str_of(rows[i].name), path);
        assert_int_equal(named, rows[i].path != NULL);
        if (named) assert_string_equal(path, rows[i].path);
    }
    memset(longest, 'x', C2_PATH_MAX);
    longest[C2_PATH_MAX] = '\0';
    assert_false(c2_attr_path(C2_STR("a"), c2_str_of(longest), path));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_says_how_it_is_drawn),
        cmocka_unit_test(what_is_not_told_is_not_made_up),
        cmocka_unit_test(an_attribute_names_a_path_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
