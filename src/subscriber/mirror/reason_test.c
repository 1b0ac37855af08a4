/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber says when a publisher refuses: its words, and once, at the end, who said them. */
#include "base/base_testing.h"
#include "subscriber/mirror/reason.h"

#define PLACE " (the publisher at 10.0.0.7:8001)"
#define OURS  " (the publisher at [::1]:9 answers 500)"

static void answer_of(const char *detail, int status, const char *name, struct cat2_error *err)
{
    struct c2_buf body = C2_BUF_INIT(4096);
    struct cat2_error failed;

    assert_true(c2_buf_printf(&body, &failed, "{\"detail\":\"%s\"}", detail));
    struct c2_http_reply reply = {.status = status, .body = &body};
    *err = (struct cat2_error){0};
    assert_false(c2_reason_of_reply(&reply, "[::1]:9", "its data", name, err));
    c2_buf_fini(&body);
}

static void who_refused_is_told_once_and_at_the_end(void **state)
{
    static const struct {
        int status;
        const char *said, *told;
    } cases[] = {
        {500, "chunk 3: no", "chunk 3: no" OURS},
        {404, "no", "no (the publisher at [::1]:9)"},
        {500, "foo/x: no", "no" OURS},
        {500, "no" PLACE, "no" PLACE},
        {500, "no (the publisher at 10.0.0.7:8001 answers 501)",
         "no (the publisher at 10.0.0.7:8001 answers 501)"},
        {500, "no" PLACE " more", "no" PLACE " more" OURS},
        {500, "no (the publisher at home)", "no (the publisher at home)" OURS},
        {500, "no (the publisher at a b:1)", "no (the publisher at a b:1)" OURS},
        {500, "no (the publisher at h:1 answers late)", "no (the publisher at h:1 answers late)" OURS},
        {500, "no (the publisher at )", "no (the publisher at )" OURS},
        {500, "no)", "no)" OURS},
        {500, "(the publisher at h:1)", "(the publisher at h:1)" OURS},
        {500, "", "the publisher at [::1]:9 answers 500 for its data"},
        {500, PLACE + 0, "(the publisher at 10.0.0.7:8001)" OURS},
    };
    struct cat2_error err;

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        answer_of(cases[i].said, cases[i].status, "foo/x", &err);
        assert_string_equal(err.message, cases[i].told);
    }
}

static void long_words_are_cut_and_not_the_place(void **state)
{
    char words[600], name[300];
    struct cat2_error err;

    (void)state;
    for (int i = 0; i < 2; i++)
        for (size_t n = 1; n < sizeof(name); n += 7) {
            snprintf(words, sizeof(words), "%0400d%s", 7, i ? PLACE : "");
            snprintf(name, sizeof(name), "%0*d", (int)n, 1);
            answer_of(words, 500, name, &err);
            c2_fail_within(&err, "%s", name);
            assert_true(c2_str_ends(c2_str_of(err.message), i ? PLACE : OURS));
        }
    snprintf(words, sizeof(words), "%0162dééééééééééééééééééééééééééééééééé", 7);
    answer_of(words, 500, "x", &err);
    assert_true(c2_str_is_utf8(c2_str_of(err.message)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_refused_is_told_once_and_at_the_end),
        cmocka_unit_test(long_words_are_cut_and_not_the_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
