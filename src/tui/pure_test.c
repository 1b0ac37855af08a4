/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the terminal client that need neither terminal nor network. */
#include <math.h>

#include "base/base_testing.h"
#include "tui/app.h"
#include "tui/colour.h"
#include "tui/draw.h"
#include "tui/fuzzy.h"
#include "tui/tui_number.h"
#include "tui/window.h"

static int score(const char *wanted, const char *name)
{
    return c2_tui_fuzzy(c2_str_of(wanted), c2_str_of(name));
}

static void letters_match_in_order_and_runs_win(void **state)
{
    assert_int_equal(score("", "anything"), 1);
    assert_true(score("d3", "foo/dir1/ds-3d.b2nd") > 0);
    assert_true(score("DS3", "foo/ds-3d") > 0);
    assert_int_equal(score("3s", "foo/ds-3d"), 0);
    assert_int_equal(score("longer than it", "short"), 0);
    assert_true(score("3d", "foo/ds-3d") > score("fd", "foo/ds-3d"));
    assert_true(score("ds", "foo/ds-3d") > score("s-", "foo/ds-3d"));
}

static void braille_dots_set_the_bits_of_unicode(void **state)
{
    static const struct {
        int x, y;
        uint8_t bit;
    } table[] = {{0, 0, 0x01}, {0, 1, 0x02}, {0, 2, 0x04}, {0, 3, 0x40},
                 {1, 0, 0x08}, {1, 1, 0x10}, {1, 2, 0x20}, {1, 3, 0x80}};
    for (size_t i = 0; i < C2_ARRAY_LEN(table); i++) {
        uint8_t bits[4] = {0};
        struct c2_tui_dots dots = {2, 2, bits};
        c2_tui_dot(&dots, table[i].x + 2, table[i].y + 4);
        assert_int_equal(bits[3], table[i].bit);
        assert_int_equal(bits[0] | bits[1] | bits[2], 0);
        c2_tui_dot(&dots, -1, 0);
        c2_tui_dot(&dots, 4, 0);
        c2_tui_dot(&dots, 0, 8);
    }
}

static void colours_go_to_the_nearest_of_256(void **state)
{
    assert_int_equal(c2_tui_xterm(0x000000), 16);
    assert_int_equal(c2_tui_xterm(0xffffff), 231);
    assert_int_equal(c2_tui_xterm(0xff0000), 196);
    assert_int_equal(c2_tui_xterm(0x5f87af), 16 + 36 * 1 + 6 * 2 + 3);
    assert_int_equal(c2_tui_xterm(0x808080), 244);
    for (int32_t rgb = 0; rgb <= 0xffffff; rgb += 4099)
        assert_in_range(c2_tui_xterm(rgb), 16, 255);
}

static void ranges_leave_out_what_is_no_number(void **state)
{
    double values[] = {NAN, 3, -INFINITY, 1, 2, INFINITY};
    struct c2_tui_look look = {0};
    c2_tui_autoscale(&look, values, C2_ARRAY_LEN(values));
    assert_true(look.lo == 1 && look.hi == 3);
    c2_tui_autoscale(&look, values, 1);
    assert_true(look.lo == 0 && look.hi == 1);
    assert_int_equal(c2_tui_ramp(0), ' ');
    assert_int_equal(c2_tui_ramp(1), '@');
}

static void a_view_asks_for_one_bounded_slice(void **state)
{
    static const struct {
        const char *expr;
        enum c2_tui_kind kind;
        int w, h;
        const char *slice;
    } table[] = {
        {"", C2_TUI_HEAT, 100, 50, "0,0:981:20,0:1981:20"},
        {"", C2_TUI_HEAT, 5000, 5000, "0,0:1000,0:2000"},
        {"", C2_TUI_VALUES, 10, 5, "0,0:5,0:10"},
        {"", C2_TUI_LINE, 10, 5, "0,0,0:2000"},
        {"4", C2_TUI_HEAT, 500, 500, "4,0:999:2,0:1997:4"},
        {"::-1", C2_TUI_VALUES, 2, 2, "9,0:2,0:2"},
        {":, ::-500", C2_TUI_VALUES, 2, 9, "0,999:498:-500,0:2"},
        {":, ::-999", C2_TUI_VALUES, 2, 9, "0,999::-999,0:2"},
        {":, 5:2", C2_TUI_VALUES, 2, 2, "0,0:0,0:2"},
    };
    const int64_t shape[] = {10, 1000, 2000};
    struct cat2_error err;
    for (size_t i = 0; i < C2_ARRAY_LEN(table); i++) {
        struct c2_tui_window window;
        struct c2_tui_ask ask;
        assert_true(c2_tui_window_init(&window, table[i].expr, shape, 3, &err));
        assert_true(c2_tui_window_ask(&window, table[i].kind, table[i].w, table[i].h, &ask, &err));
        assert_string_equal(ask.slice, table[i].slice);
        assert_false(ask.turned);
    }
}

static void steps_stay_within_the_axis_and_the_picture_keeps_its_axes(void **state)
{
    const int64_t shape[] = {3, 4, 5};
    struct c2_tui_window window;
    struct c2_tui_ask ask;
    struct cat2_error err;
    assert_true(c2_tui_window_init(&window, "", shape, 3, &err));
    assert_true(window.y == 1 && window.x == 2 && window.active == 0);
    assert_false(c2_tui_window_step(&window, C2_TUI_HEAT, -1));
    assert_true(c2_tui_window_step(&window, C2_TUI_HEAT, 1) && c2_tui_window_step(&window, C2_TUI_HEAT, 9));
    assert_int_equal(window.at[0], 2);
    assert_false(c2_tui_window_step(&window, C2_TUI_HEAT, 1));
    assert_false(c2_tui_window_turn(&window, C2_TUI_HEAT, 1));
    assert_true(c2_tui_window_turn(&window, C2_TUI_LINE, 1));
    assert_int_equal(window.active, 1);
    assert_true(c2_tui_window_map(&window, true)); /* x: 2 -> 0 */
    assert_true(c2_tui_window_ask(&window, C2_TUI_HEAT, 9, 9, &ask, &err));
    assert_true(ask.turned);
    assert_string_equal(ask.slice, "0:3,0:4,0");
    assert_false(c2_tui_window_init(&window, "9", shape, 3, &err));
    assert_int_equal(window.x, 0);
}

static void views_without_axes_do_nothing_and_harm_nothing(void **state)
{
    const int64_t shape[] = {7};
    struct c2_tui_window window;
    struct c2_tui_ask ask;
    struct cat2_error err;
    assert_true(c2_tui_window_init(&window, "", shape, 0, &err));
    assert_false(c2_tui_window_step(&window, C2_TUI_VALUES, 1));
    assert_false(c2_tui_window_map(&window, true));
    c2_tui_window_scroll(&window, 5, 5);
    assert_true(c2_tui_window_ask(&window, C2_TUI_VALUES, 5, 5, &ask, &err));
    assert_string_equal(ask.slice, "");
    assert_true(c2_tui_window_init(&window, "", shape, 1, &err));
    assert_false(c2_tui_window_step(&window, C2_TUI_LINE, 1));
    c2_tui_window_scroll(&window, 3, 1);
    assert_true(c2_tui_window_ask(&window, C2_TUI_VALUES, 5, 5, &ask, &err));
    assert_string_equal(ask.slice, "3:7");
}

static void items_of_any_byte_order_become_numbers_and_words(void **state)
{
    static const struct {
        const char *dtype;
        uint8_t item[16];
        double number;
        const char *word;
    } table[] = {
        {"<i2", {0xfe, 0xff}, -2, "-2"},
        {">i2", {0xff, 0xfe}, -2, "-2"},
        {"|u1", {200}, 200, "200"},
        {"|b1", {1}, 1, "True"},
        {"<f2", {0x00, 0x3e}, 1.5, "1.5"},
        {">f4", {0x3f, 0xc0, 0, 0}, 1.5, "1.5"},
        {"<f8", {0, 0, 0, 0, 0, 0, 0xf8, 0x3f}, 1.5, "1.5"},
        {"<c8", {0, 0, 0x40, 0x40, 0, 0, 0x80, 0xc0}, 5, "3-4i"},
        {"|S4", {'a', 'b', 0, 0}, NAN, "ab"},
    };
    struct cat2_error err;
    for (size_t i = 0; i < C2_ARRAY_LEN(table); i++) {
        C2_AUTO(c2_dtype) dtype = {0};
        char word[C2_TUI_WORD_MAX];
        assert_true(c2_dtype_parse(c2_str_of(table[i].dtype), &dtype, &err));
        double number = c2_tui_number(&dtype, table[i].item);
        assert_true(number == table[i].number || (isnan(number) && isnan(table[i].number)));
        c2_tui_word(&dtype, table[i].item, word);
        assert_string_equal(word, table[i].word);
    }
}

static void text_from_outside_cannot_steer_the_terminal(void **state)
{
    C2_AUTO(c2_tui_canvas) canvas = {0};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1000);
    struct cat2_error err;
    assert_true(c2_tui_canvas_resize(&canvas, 12, 2, &err));
    assert_int_equal(c2_tui_text(&canvas, 0, 0, 12, "a\033[2Jb\xff\xc2\x9b", C2_TUI_PLAIN), 8);
    c2_tui_text(&canvas, 0, 1, 5, "long name", C2_TUI_PLAIN);
    assert_true(c2_tui_canvas_print(&canvas, false, &out, &err));
    assert_string_equal(c2_buf_cstr(&out), "a?[2Jb??\nlong~\n");
}

static void characters_survive_encoding(void **state)
{
    static const uint32_t table[] = {'a', 0x7f, 0x80, 0x7ff, 0x800, 0x2580, 0xffff, 0x10000, 0x10ffff};
    char bytes[4];
    for (size_t i = 0; i < C2_ARRAY_LEN(table); i++) {
        struct c2_str text = {bytes, (size_t)c2_tui_encode(table[i], bytes)};
        assert_int_equal(c2_tui_decode(&text), table[i]);
        assert_int_equal(text.n, 0);
    }
}

/* A tree row as text: two blanks a level, '/' after what holds others. */
static void expect_rows(struct c2_tui_tree *tree, const char *want)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(10000);
    struct cat2_error err;

    for (size_t i = 0; i < tree->rows.n; i++)
        assert_true(c2_buf_printf(&out, &err, "%*s%s%s\n", tree->rows.p[i].depth * 2, "",
                                  tree->rows.p[i].node->name,
                                  tree->rows.p[i].node->kind == C2_TUI_DATASET ? "" : "/"));
    assert_string_equal(c2_buf_cstr(&out), want);
}

/* The client's lists are its own; these stand in for them. */
struct cat2_strings {
    size_t n;
    char **list;
    bool *flags;
};

static void trees_are_sorted_and_keep_what_is_open_and_selected(void **state)
{
    char *roots[] = {"zoo", "foo"}, *more[] = {"bar", "foo"};
    char *paths[] = {"b.b2nd", "dir/sub/y", "a.b2nd", "dir-2/x", "dir/x", "../evil"},
         *fewer[] = {"dir/sub/y", "new"};
    bool marks[] = {false, true};
    cat2_strings first = {2, roots, marks}, second = {2, more, marks}, list = {6, paths, NULL},
                 next = {2, fewer, NULL};
    C2_AUTO(c2_tui_tree) tree = {.top = {.kind = C2_TUI_TOP, .open = true}};
    struct cat2_error err;
    char path[100];

    assert_true(c2_tui_tree_roots(&tree, &first, &err));
    expect_rows(&tree, "foo/\nzoo/\n");
    assert_true(c2_tui_tree_find(&tree, "foo")->subscribed && !c2_tui_tree_find(&tree, "zoo")->subscribed);
    assert_true(c2_tui_tree_list(&tree, "foo", &list, &err));
    c2_tui_tree_find(&tree, "foo/dir/sub/y")->size = 7;
    assert_true(c2_tui_tree_select(&tree, c2_tui_tree_find(&tree, "foo/dir/sub/y"), &err));
    expect_rows(&tree, "foo/\n  dir/\n    sub/\n      y\n    x\n  dir-2/\n  a.b2nd\n  b.b2nd\nzoo/\n");
    assert_null(c2_tui_tree_find(&tree, "foo/../evil"));
    assert_true(c2_tui_tree_list(&tree, "foo", &next, &err) && c2_tui_tree_roots(&tree, &second, &err));
    expect_rows(&tree, "bar/\nfoo/\n  dir/\n    sub/\n      y\n  new\n");
    c2_tui_node_path(c2_tui_tree_selected(&tree), path, sizeof(path));
    assert_string_equal(path, "foo/dir/sub/y");
    assert_int_equal(c2_tui_tree_selected(&tree)->size, 7);
    snprintf(tree.filter, sizeof(tree.filter), "fonw");
    assert_true(c2_tui_tree_update(&tree, &err));
    expect_rows(&tree, "foo/\n  new\n");
    assert_true(c2_tui_tree_next_hit(&tree, 1) && !c2_tui_tree_next_hit(&tree, 1));
    c2_tui_tree_unlist(&tree, c2_tui_tree_find(&tree, "foo"));
    expect_rows(&tree, "");
}

static void panes_fill_the_screen_at_any_size(void **state)
{
    struct c2_tui_app app = {0};
    struct cat2_error err;
    for (int w = 1; w < 200; w += 7)
        for (int h = 1; h < 60; h += 5) {
            assert_true(c2_tui_canvas_resize(&app.canvas, w, h, &err));
            c2_tui_app_layout(&app);
            assert_true(app.tree_box.h == app.pane_box.h && app.tree_box.h == (h > 2 ? h - 2 : 0));
            assert_int_equal(app.tree_box.w + 1 + app.pane_box.w, w);
        }
    c2_tui_canvas_fini(&app.canvas);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_match_in_order_and_runs_win),
        cmocka_unit_test(braille_dots_set_the_bits_of_unicode),
        cmocka_unit_test(colours_go_to_the_nearest_of_256),
        cmocka_unit_test(ranges_leave_out_what_is_no_number),
        cmocka_unit_test(a_view_asks_for_one_bounded_slice),
        cmocka_unit_test(steps_stay_within_the_axis_and_the_picture_keeps_its_axes),
        cmocka_unit_test(views_without_axes_do_nothing_and_harm_nothing),
        cmocka_unit_test(items_of_any_byte_order_become_numbers_and_words),
        cmocka_unit_test(text_from_outside_cannot_steer_the_terminal),
        cmocka_unit_test(characters_survive_encoding),
        cmocka_unit_test(trees_are_sorted_and_keep_what_is_open_and_selected),
        cmocka_unit_test(panes_fill_the_screen_at_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
