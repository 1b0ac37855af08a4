/* SPDX-License-Identifier: BSD-3-Clause */
/* Families and samples as Prometheus reads them. */
#include "base/base_testing.h"

#include "base/exposition.h"

static void told(struct c2_metrics *m, enum c2_metrics_format format, struct c2_buf *out)
{
    struct cat2_error err = {0};

    c2_buf_clear(out);
    assert_true(c2_metrics_text(m, format, out, &err));
}

static void a_family_of_several_callers_appears_once(void **state)
{
    struct c2_metrics *m = c2_metrics_new();
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);

    c2_metrics_family(m, C2_METRICS_GAUGE, "a_bytes", "Bytes of a.");
    c2_metrics_sample(m, 1.5, C2_LABELS("root", "one"));
    c2_metrics_counter(m, "b_total", 3e9, "Things.");
    c2_metrics_family(m, C2_METRICS_GAUGE, "a_bytes", "Bytes of a.");
    c2_metrics_sample(m, 2, C2_LABELS("root", "two", "kind", "x"));
    told(m, C2_METRICS_TEXT, &out);
    assert_string_equal(c2_buf_cstr(&out), "# HELP a_bytes Bytes of a.\n# TYPE a_bytes gauge\n"
                                           "a_bytes{root=\"one\"} 1.5\na_bytes{root=\"two\",kind=\"x\"} 2\n"
                                           "# HELP b_total Things.\n# TYPE b_total counter\n"
                                           "b_total 3000000000\n");
    told(m, C2_METRICS_OPEN, &out);
    assert_non_null(strstr(c2_buf_cstr(&out), "# TYPE b counter\nb_total 3000000000\n# EOF\n"));
    c2_metrics_free(m);
}

static void a_label_cannot_break_out_of_its_quotes(void **state)
{
    struct c2_metrics *m = c2_metrics_new();
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);

    c2_metrics_family(m, C2_METRICS_GAUGE, "a", "A.");
    c2_metrics_sample(m, 1, C2_LABELS("root", "\"} 9\nb 7\\\r\x7f"));
    c2_metrics_sample(m, 1, C2_LABELS("root", "\xc3\xa9"));
    c2_metrics_sample(m, 1, C2_LABELS("root", "\xe9 latin"));
    told(m, C2_METRICS_TEXT, &out);
    assert_string_equal(c2_buf_cstr(&out), "# HELP a A.\n# TYPE a gauge\n"
                                           "a{root=\"\\\"} 9\\nb 7\\\\??\"} 1\n"
                                           "a{root=\"\xc3\xa9\"} 1\na{root=\"? latin\"} 1\n");
    c2_metrics_free(m);
}

static void a_histogram_adds_up(void **state)
{
    static const double bounds[] = {0.001, 1};
    static const uint64_t counts[] = {2, 3, 4};
    struct c2_metrics *m = c2_metrics_new();
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);

    c2_metrics_family(m, C2_METRICS_HISTOGRAM, "t_seconds", "Time.");
    c2_metrics_histogram(m, bounds, counts, 2, 7.25, NULL);
    told(m, C2_METRICS_TEXT, &out);
    assert_string_equal(c2_buf_cstr(&out),
                        "# HELP t_seconds Time.\n# TYPE t_seconds histogram\n"
                        "t_seconds_bucket{le=\"0.001\"} 2\nt_seconds_bucket{le=\"1.0\"} 5\n"
                        "t_seconds_bucket{le=\"+Inf\"} 9\nt_seconds_sum 7.25\n"
                        "t_seconds_count 9\n");
    c2_metrics_free(m);
}

static bool is_seen(void *ctx, struct c2_str root)
{
    return c2_str_eq(root, c2_str_of(ctx));
}

static void samples_of_hidden_roots_are_left_out(void **state)
{
    static const double bounds[] = {1};
    static const uint64_t counts[] = {2, 0};
    struct c2_metrics *m = c2_metrics_new();
    char seen[] = "one";
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);

    assert_true(c2_metrics_shows(m, "two"));
    c2_metrics_show(m, is_seen, seen);
    assert_true(c2_metrics_shows(m, "one"));
    assert_false(c2_metrics_shows(m, "two"));
    c2_metrics_family(m, C2_METRICS_GAUGE, "a", "A.");
    c2_metrics_sample(m, 1, C2_LABELS("root", "one", "of", "two"));
    c2_metrics_sample(m, 2, C2_LABELS("root", "two"));
    c2_metrics_sample(m, 3, C2_LABELS("of", "two", "root", "two"));
    c2_metrics_sample(m, 4, NULL);
    c2_metrics_family(m, C2_METRICS_HISTOGRAM, "t", "Time.");
    c2_metrics_histogram(m, bounds, counts, 1, 0, C2_LABELS("service", "x", "root", "two"));
    told(m, C2_METRICS_TEXT, &out);
    assert_string_equal(c2_buf_cstr(&out), "# HELP a A.\n# TYPE a gauge\na{root=\"one\",of=\"two\"} 1\na 4\n"
                                           "# HELP t Time.\n# TYPE t histogram\n");
    c2_metrics_free(m);
}

static void what_does_not_fit_is_an_error(void **state)
{
    struct c2_metrics *m = c2_metrics_new();
    struct cat2_error err = {0};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(20);

    c2_metrics_gauge(m, "a", 1, "A.");
    assert_false(c2_metrics_text(m, C2_METRICS_TEXT, &out, &err));
    assert_int_equal(err.code, CAT2_ELIMIT);
    c2_metrics_free(m);
}

static void a_process_tells_of_itself(void **state)
{
    struct c2_metrics *m = c2_metrics_new();
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    double resident = 0;

    c2_metrics_process(m);
    told(m, C2_METRICS_TEXT, &out);
    const char *at = strstr(c2_buf_cstr(&out), "\nprocess_resident_memory_bytes ");
    assert_non_null(at);
    resident = strtod(strchr(at, ' '), NULL);
    assert_true(resident > 100000 && resident < 1e12);
    assert_non_null(strstr(c2_buf_cstr(&out), "\nprocess_threads 1\n"));
    c2_metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_of_several_callers_appears_once),
        cmocka_unit_test(a_label_cannot_break_out_of_its_quotes),
        cmocka_unit_test(a_histogram_adds_up),
        cmocka_unit_test(samples_of_hidden_roots_are_left_out),
        cmocka_unit_test(what_does_not_fit_is_an_error),
        cmocka_unit_test(a_process_tells_of_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
