/* SPDX-License-Identifier: BSD-3-Clause */
/* Units come back in their order, once each, however many hands there are; a failure ends the run. */
#include "base/base_testing.h"
#include "import_export/crew.h"

#define LARGE (1 << 20) /* worth handing over */

struct counting {
    int64_t taken, handed_in;
    int64_t fail_at; /* of `stage`; -1: never */
    int stage;
    int64_t places[C2_CREW_UNITS];
};

static bool fails(const struct counting *c, int stage, int64_t i, struct cat2_error *err)
{
    return c->stage == stage && c->fail_at == i && !c2_fail(err, CAT2_EDATA, "unit %lld", (long long)i);
}

static bool take(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct counting *c = ctx;

    assert_int_equal(unit->i, c->taken++);
    c->places[unit->at] = unit->i;
    return !fails(c, 0, unit->i, err);
}

static bool work(void *ctx, struct c2_codec *codec, struct c2_crew_unit *unit, struct cat2_error *err)
{
    const struct counting *c = ctx;

    return codec && c->places[unit->at] == unit->i && !fails(c, 1, unit->i, err) &&
           c2_buf_printf(&unit->out, err, "%lld", (long long)unit->i);
}

static bool hand_in(void *ctx, struct c2_crew_unit *unit, struct cat2_error *err)
{
    struct counting *c = ctx;
    char want[32];

    assert_int_equal(unit->i, c->handed_in++);
    snprintf(want, sizeof(want), "%lld", (long long)unit->i);
    assert_string_equal(c2_buf_cstr(&unit->out), want);
    return !fails(c, 2, unit->i, err);
}

static const struct c2_crew_work all = {take, work, hand_in};

static void pieces_come_back_in_order(void **state)
{
    const int hands[] = {1, 2, 5};
    const int64_t sizes[] = {100, LARGE, 30 << 20}, counts[] = {0, 1, 2, 1000};

    for (size_t h = 0; h < C2_ARRAY_LEN(hands); h++) {
        C2_AUTO_PTR(c2_crew) *crew = NULL;
        struct cat2_error err;
        assert_true(c2_crew_new(hands[h], &crew, &err));
        for (size_t s = 0; s < C2_ARRAY_LEN(sizes) * C2_ARRAY_LEN(counts); s++) {
            struct counting c = {.fail_at = -1};
            int64_t n = counts[s % C2_ARRAY_LEN(counts)];
            assert_true(c2_crew_run(crew, &all, &c, n, sizes[s / C2_ARRAY_LEN(counts)], &err));
            assert_int_equal(c.taken, n);
            assert_int_equal(c.handed_in, n);
        }
    }
}

static void the_first_failure_ends_the_run_and_the_crew_goes_on(void **state)
{
    C2_AUTO_PTR(c2_crew) *crew = NULL;
    struct cat2_error err;

    assert_true(c2_crew_new(3, &crew, &err));
    for (int stage = 0; stage < 3; stage++) {
        struct counting c = {.fail_at = 50, .stage = stage}, again = {.fail_at = -1};
        assert_false(c2_crew_run(crew, &all, &c, 1000, LARGE, &err));
        assert_string_equal(err.message, "unit 50");
        assert_int_equal(err.code, CAT2_EDATA);
        assert_true(c.handed_in <= 51 && c.taken < 100);
        assert_true(c2_crew_run(crew, &all, &again, 100, LARGE, &err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_back_in_order),
        cmocka_unit_test(the_first_failure_ends_the_run_and_the_crew_goes_on),
    };
    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
