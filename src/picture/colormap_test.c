/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables and scales. */
#include <math.h>

#include "base/base_testing.h"
#include "picture/colormap.h"
#include "picture/png.h"

static void a_minus_turns_a_table_round(void **state)
{
    struct c2_colormap map, turned;
    struct cat2_error err;

    assert_true(c2_colormap_of(C2_STR("magma"), &map, &err));
    assert_true(c2_colormap_of(C2_STR("-magma"), &turned, &err));
    for (size_t i = 0; i < 256; i++)
        assert_memory_equal(map.rgb[i], turned.rgb[255 - i], 3);
    assert_true(c2_colormap_of(C2_STR(""), &turned, &err));
    assert_true(c2_colormap_of(C2_STR("viridis"), &map, &err));
    assert_memory_equal(&map, &turned, sizeof(map));
    assert_false(c2_colormap_of(C2_STR("jet"), &map, &err));
    assert_non_null(strstr(err.message, "jet"));
}

static void values_have_places_in_the_range(void **state)
{
    static const struct {
        enum c2_scale scale;
        double lo, hi, v;
        int index;
    } cases[] = {
        {C2_SCALE_LINEAR, 0, 255, 7, 7},
        {C2_SCALE_LINEAR, 0, 10, 11, 255},
        {C2_SCALE_LINEAR, 0, 10, -1, 0},
        {C2_SCALE_LINEAR, 5, 5, 5, 128},
        {C2_SCALE_LINEAR, 5, 5, 6, 255},
        {C2_SCALE_LOG, 1, 100, 10, 128},
        {C2_SCALE_LOG, 1, 100, 0, 0},
        {C2_SCALE_LOG, -1, 0, 5, 255},
        {C2_SCALE_SYMLOG, -8, 8, 0, 128},
        {C2_SCALE_SYMLOG, -8, 8, -9, 0},
        {C2_SCALE_SQRT, 0, 4, 1, 128},
        {C2_SCALE_SQRT, 1, 4, 0, 0},
        {C2_SCALE_LINEAR, 0, 1, NAN, -1},
        {C2_SCALE_LOG, 0, 1, NAN, -1},
        {C2_SCALE_SYMLOG, 0, 1e-3, 1e-4, 170},
        {C2_SCALE_LINEAR, -1.7e308, 1.7e308, 0, 128},
        {C2_SCALE_SQRT, -1.7e308, 1.7e308, -1.275e308, 90},
        {C2_SCALE_LINEAR, 0, 1, INFINITY, 255},
        {C2_SCALE_LINEAR, 0, 1, -INFINITY, 0},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_scaler scaler;
        c2_scaler_init(&scaler, cases[i].scale, cases[i].lo, cases[i].hi);
        int index = c2_scaler_index(&scaler, cases[i].v);
        if (index != cases[i].index) fail_msg("case %zu: %d, not %d", i, index, cases[i].index);
    }
}

static void every_table_has_a_name_and_two_ends(void **state)
{
    struct c2_colormap map;
    struct cat2_error err;
    int n = 0;

    for (; c2_colormap_name(n); n++) {
        assert_true(c2_colormap_of(c2_str_of(c2_colormap_name(n)), &map, &err));
        bool cyclic = strcmp(c2_colormap_name(n), "phase") == 0;
        assert_true(cyclic == (c2_colormap_rgb(&map, 0) == c2_colormap_rgb(&map, 1)));
        assert_int_equal(c2_colormap_rgb(&map, 7), c2_colormap_rgb(&map, 1));
        assert_int_equal(c2_colormap_rgb(&map, -1), c2_colormap_rgb(&map, 0));
    }
    assert_int_equal(n, 9);
    assert_true(c2_colormap_of(C2_STR("viridis"), &map, &err));
    assert_int_equal(c2_colormap_rgb(&map, 0), 0x440154);
    assert_int_equal(c2_colormap_rgb(&map, 1), 0xfde725);
}

static void a_picture_is_a_png_file(void **state)
{
    C2_AUTO(c2_picture) picture;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(65536);
    struct cat2_error err;

    assert_true(c2_picture_init(&picture, 3, 2, &err));
    memset(picture.rgba, 200, 24);
    assert_true(c2_buf_puts(&out, "before", &err));
    assert_true(c2_picture_png(&picture, &out, &err));
    assert_memory_equal(out.p, "before\x89PNG\r\n\x1a\n", 14);
    assert_memory_equal(out.p + out.n - 8, "IEND", 4);
    assert_false(c2_picture_init(&(struct c2_picture){0}, C2_PICTURE_SIDE_MAX + 1, 1, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_minus_turns_a_table_round),
        cmocka_unit_test(values_have_places_in_the_range),
        cmocka_unit_test(every_table_has_a_name_and_two_ends),
        cmocka_unit_test(a_picture_is_a_png_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
