/* SPDX-License-Identifier: BSD-3-Clause */
/* A hash holds for what was sent, and for nothing that differs from it by a bit. */
#include "base/base_testing.h"
#include "base/log.h"
#include "wire/proof.h"

#define OBJECT "{\"path\":\"a.b2nd\",\"etag\":\"1.5:7\"}"

static void a_sealed_object_opens_to_what_it_was(void **state)
{
    struct cat2_error err;
    uint64_t sealed = 0, opened = 0;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);

    assert_true(c2_buf_puts(&text, "before", &err) && c2_buf_puts(&text, OBJECT, &err));
    assert_true(c2_proof_seal_json(&text, 6, &sealed, &err));
    char *line = (char *)text.p + 6;
    size_t n = text.n - 6;
    assert_int_equal(c2_proof_check_json((struct c2_str){line, n}), C2_PROOF_GOOD);
    assert_int_equal(c2_proof_open_json(line, &n, &opened), C2_PROOF_GOOD);
    assert_int_equal(sealed, opened);
    assert_int_equal(n, strlen(OBJECT));
    assert_memory_equal(line, OBJECT, n);
    assert_int_equal(c2_proof_check_json((struct c2_str){line, n}), C2_PROOF_NONE);
}

static void no_flipped_bit_of_an_object_passes(void **state)
{
    struct cat2_error err;
    uint64_t hash;
    C2_AUTO(c2_buf) text = C2_BUF_INIT(4096);

    assert_true(c2_buf_puts(&text, OBJECT, &err) && c2_proof_seal_json(&text, 0, NULL, &err));
    for (size_t bit = 0; bit < text.n * 8; bit++) {
        size_t n = text.n;
        text.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_not_equal(c2_proof_check_json(c2_buf_str(&text)), C2_PROOF_GOOD);
        assert_int_not_equal(c2_proof_open_json((char *)text.p, &n, &hash), C2_PROOF_GOOD);
        assert_int_equal(n, text.n);
        text.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(c2_proof_check_json(c2_buf_str(&text)), C2_PROOF_GOOD);
}

struct headers {
    const char *name, *value;
};

static bool look_up(const void *ctx, const char *name, struct c2_str *out)
{
    for (const struct headers *h = ctx; h->name; h++)
        if (c2_str_eq_nocase(c2_str_of(h->name), c2_str_of(name))) {
            *out = c2_str_of(h->value);
            return true;
        }
    return false;
}

static void the_hash_of_an_answer_covers_what_it_means(void **state)
{
    static const struct headers asked[] = {{"If-Match", "\"1.5:7\""}, {NULL, NULL}};
    static const struct headers other_asked[] = {{"If-Match", "\"1.5:6\""}, {NULL, NULL}};
    static const struct headers said[] = {{"ETag", "\"a\""}, {"Date", "now"}, {NULL, NULL}};
    static const struct headers other_said[] = {{"ETag", "\"b\""}, {"Date", "now"}, {NULL, NULL}};
    static const struct headers later[] = {{"ETag", "\"a\""}, {"Date", "then"}, {NULL, NULL}};
    struct c2_bytes body = {(const uint8_t *)"body", 4}, other_body = {(const uint8_t *)"bodx", 4};
    struct c2_proof_answer right = {.target = C2_STR("/api/download/x?nchunk=3"),
                                    .status = 200,
                                    .asked = look_up,
                                    .said = look_up,
                                    .asked_ctx = asked,
                                    .said_ctx = said,
                                    .body = &body};
    struct c2_proof_answer wrong[6];
    char good[32], bad[32];

    for (int i = 0; i < 6; i++)
        wrong[i] = right;
    wrong[0].target = C2_STR("/api/download/x?nchunk=2");
    wrong[1].status = 206;
    wrong[2].asked_ctx = other_asked;
    wrong[3].said_ctx = other_said;
    wrong[4].body = &other_body;
    wrong[5].body = NULL;
    c2_proof_of_answer(&right, good);
    assert_int_equal(strlen(good), 16);
    for (int i = 0; i < 6; i++) {
        c2_proof_of_answer(&wrong[i], bad);
        assert_string_not_equal(good, bad);
    }
    assert_true(c2_str_ends(c2_str_of(bad), "; head"));
    right.said_ctx = later; /* proxies may change the others */
    c2_proof_of_answer(&right, bad);
    assert_string_equal(good, bad);
}

static void what_was_damaged_is_counted_by_kind(void **state)
{
    struct cat2_error err;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(4096);

    c2_log_set_level(C2_ERROR);
    c2_wire_mismatch(C2_WIRE_FRAME, "a test");
    c2_log_set_level(C2_INFO);
    assert_int_equal(c2_wire_mismatches(C2_WIRE_FRAME), 1);
    struct c2_metrics *m = c2_metrics_new();
    c2_wire_metrics(m);
    assert_true(c2_metrics_text(m, C2_METRICS_TEXT, &out, &err));
    c2_metrics_free(m);
    assert_non_null(strstr(c2_buf_cstr(&out), "caterva2_wire_mismatches_total{kind=\"frame\"} 1\n"));
    assert_non_null(strstr(c2_buf_cstr(&out), "caterva2_wire_mismatches_total{kind=\"list\"} 0\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_object_opens_to_what_it_was),
        cmocka_unit_test(no_flipped_bit_of_an_object_passes),
        cmocka_unit_test(the_hash_of_an_answer_covers_what_it_means),
        cmocka_unit_test(what_was_damaged_is_counted_by_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
