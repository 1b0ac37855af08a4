/* SPDX-License-Identifier: BSD-3-Clause */
/* What a line of a listing makes of a dataset; what its etag says of its time. */
#include "base/base_testing.h"
#include "base/hash.h"
#include "subscriber/mirror/dataset.h"
#include "subscriber/mirror/described.h"

static void the_time_of_a_dataset_is_that_of_its_etag(void **state)
{
    static const struct {
        const char *etag;
        int64_t mtime_ms;
    } cases[] = {{"1714000029.1234567:5", 1714000029123},
                 {"1714000029.0:7", 1714000029000},
                 {"12:7", 12000},
                 {"1.5:0", 1500},
                 {"1.05:0", 1050},
                 {"1.005:0", 1005},
                 {"1.0009:0", 1000},
                 {"0.9:0-2", 900},
                 {"9223372036854775806.0:1", -1},
                 {"u-3e23-18ebf25cb54cc3b8", 1795795356429},
                 {"u-3e23-", -1},
                 {"u-3e23", -1},
                 {"u-0-18ebf25cb54cc3b80", -1},
                 {"u-0-12z", -1},
                 {"yesterday", -1},
                 {"", -1}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_ds ds = {.etag = (char *)(uintptr_t)cases[i].etag};
        assert_int_equal(c2_ds_mtime_ms(&ds), cases[i].mtime_ms);
    }
}

#define METADATA                                                                                             \
    "\"metadata\":{\"shape\":[10],\"chunks\":[10],\"blocks\":[10],\"dtype\":\">i4\",\"schunk\":{\"cbytes\":" \
    "62,"                                                                                                    \
    "\"chunkshape\":10,\"chunksize\":40,\"contiguous\":true,\"cparams\":{\"codec\":5,\"filters\":[0,0,0,0,"  \
    "0,1],"                                                                                                  \
    "\"filters_meta\":[0,0,0,0,0,0],\"typesize\":4,\"blocksize\":40,\"filters, "                             \
    "meta\":[[1,0]]},\"cratio\":0.64,"                                                                       \
    "\"nbytes\":40,\"urlpath\":\"\",\"vlmeta\":{\"units\":\"Kelvin\"},\"nchunks\":1}}"

#define TAIL_MAX                                                                                             \
    (C2_TRAILER_NBYTES_MAX + (long long)C2_NCHUNKS_MAX * 8 + 64) /* of a frame: index, trailer               \
                                                                  */

static struct c2_subscriber *subscriber;
static int nfreed;

static void free_rest(struct c2_subscriber *sub)
{
    assert_ptr_equal(sub, subscriber);
    nfreed++;
}

static int make_subscriber(void **state)
{
    subscriber = calloc(1, sizeof(*subscriber));
    subscriber->free_rest = free_rest;
    return subscriber ? 0 : -1;
}

static int drop_subscriber(void **state)
{
    c2_described_forget(subscriber);
    free(subscriber);
    return 0;
}

/* Of a line with a path, the metadata, and these members. */
static struct c2_ds *made(const char *members)
{
    C2_AUTO(c2_buf) line = C2_BUF_INIT(10000);
    struct c2_root_state root = {.sub = subscriber, .root = {.name = "r"}};
    struct cat2_error err;
    struct c2_ds *ds;

    assert_true(c2_buf_printf(&line, &err, "{\"path\":\"d/a.b2nd\",%s,%s}", members, METADATA));
    if (!c2_ds_from_line(&root, c2_buf_str(&line), true, &ds, &err)) fail_msg("%s", err.message);
    return ds;
}

static void a_generation_is_asked_for_by_its_validator_else_by_its_etag(void **state)
{
    char long_one[300], line[400];
    static const struct {
        const char *members, *match, *key;
    } cases[] = {{"\"etag\":\"1.5:3\",\"validator\":\"v1\"", "\"v1\"", "1.5:3 v1"},
                 {"\"etag\":\"1.5:3\",\"validator\":\"v\\\"1\"", "\"1.5:3\"", "1.5:3"},
                 {"\"etag\":\"1.5:3\",\"validator\":\"v\\r\\n1\"", "\"1.5:3\"", "1.5:3"},
                 {"\"etag\":\"1.5:3\",\"validator\":\"\"", "\"1.5:3\"", "1.5:3"},
                 {"\"etag\":\"1.5:3\"", "\"1.5:3\"", "1.5:3"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_ds *ds = made(cases[i].members);
        assert_string_equal(ds->match, cases[i].match);
        assert_string_equal(ds->key, cases[i].key);
        assert_string_equal(ds->quoted, "\"1.5:3\"");
        c2_ds_unref(ds);
    }
    for (int n = 199; n <= 200; n++) { /* such long ones are none of ours */
        memset(long_one, 'v', (size_t)n);
        long_one[n] = '\0';
        snprintf(line, sizeof(line), "\"etag\":\"1.5:3\",\"validator\":\"%s\"", long_one);
        struct c2_ds *ds = made(line);
        assert_int_equal(strlen(ds->match), n == 199 ? 201 : 7);
        c2_ds_unref(ds);
    }
    struct c2_ds *ds = made("\"etag\":\"1.5:3\"");
    struct cat2_error err;
    assert_true(c2_ds_name_etag(ds, C2_STR("1.5:3"), 2, &err));
    assert_string_equal(ds->quoted, "\"1.5:3-2\"");
    assert_true(c2_ds_name_etag(ds, C2_STR(""), 2, &err));
    assert_string_equal(ds->quoted, "\"\"");
    c2_ds_unref(ds);
    ds = made("\"etag\":\"1.5 3\"");
    assert_string_equal(ds->error, "etag holds a blank or a quote");
    assert_string_equal(ds->etag, "");
    c2_ds_unref(ds);
}

static void what_is_told_of_a_dataset_says_why_it_is_refused(void **state)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    C2_AUTO(c2_buf) info = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    struct cat2_error err;
    struct c2_str text;
    struct c2_ds *ds = made("\"etag\":\"1.5:3\",\"refusal\":\"is \\\"lazy\\\"\"");

    assert_true(ds->refused);
    assert_true(c2_ds_put_info(ds, &info, &err) && c2_json_parse(c2_buf_str(&info), &json, &err));
    assert_true(c2_jstr(c2_jget(c2_json_root(json), "refusal"), &text) && c2_str_is(text, "is \"lazy\""));
    assert_true(c2_jstr(c2_jget(c2_json_root(json), "mtime"), &text));
    c2_ds_unref(ds);
    ds = made("\"etag\":\"1.5:3\"");
    assert_false(ds->refused);
    c2_buf_clear(&info);
    assert_true(c2_ds_put_info(ds, &info, &err));
    assert_false(c2_str_has(c2_buf_str(&info), "refusal"));
    assert_true(c2_ds_is_found(ds, 0, C2_STR("D/A")));
    assert_false(c2_ds_is_found(ds, 2, C2_STR("d/a")));
    assert_true(c2_ds_is_found(ds, 2, C2_STR("kelvin")));
    assert_false(c2_ds_is_found(ds, 0, C2_STR("kelvins")));
    c2_ds_unref(ds);
}

static void the_bounds_of_a_frame_are_taken_where_they_can_be(void **state)
{
    static const struct {
        long long header_len, index_off, frame_len;
        bool can_be;
    } cases[] = {{87, 87, 88, true},
                 {200, 400, 500, true},
                 {86, 400, 500, false},
                 {(long long)C2_HEADER_NBYTES_MAX, 1LL << 40, (1LL << 40) + 1, true},
                 {(long long)C2_HEADER_NBYTES_MAX + 1, 1LL << 40, (1LL << 40) + 1, false},
                 {200, 199, 500, false},
                 {200, 400, 400, false},
                 {200, 400, 400 + TAIL_MAX, true},
                 {200, 400, 400 + TAIL_MAX + 1, false},
                 {200, 400, 1LL << 50, false}};
    char members[200];

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        snprintf(members, sizeof(members),
                 "\"etag\":\"1.5:3\",\"frame\":{\"header_len\":%lld,\"index_off\":%lld,\"frame_len\":%lld}",
                 cases[i].header_len, cases[i].index_off, cases[i].frame_len);
        struct c2_ds *ds = made(members);
        assert_int_equal(ds->has_frame, cases[i].can_be);
        c2_ds_unref(ds);
    }
}

static void the_last_dataset_frees_what_a_subscriber_that_is_gone_left(void **state)
{
    struct c2_ds *one = made("\"etag\":\"1.5:3\""), *two = made("\"etag\":\"1.5:3\"");

    nfreed = 0;
    c2_ds_unref(made("\"etag\":\"1.5:3\""));
    subscriber->gone = true;
    c2_ds_unref(c2_ds_ref(one));
    c2_ds_unref(one);
    assert_int_equal(nfreed, 0);
    c2_ds_unref(two);
    assert_int_equal(nfreed, 1);
    subscriber->gone = false;
}

static struct c2_ds *read_line(const char *line)
{
    struct c2_root_state root = {.sub = subscriber, .root = {.name = "r"}};
    struct cat2_error err;
    struct c2_ds *ds;

    if (!c2_ds_from_line(&root, c2_str_of(line), true, &ds, &err)) fail_msg("%s", err.message);
    return ds;
}

static void assert_line(const struct c2_ds *ds, const char *line)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(10000);
    struct cat2_error err;

    assert_true(c2_ds_put_line(ds, &out, &err));
    assert_string_equal(c2_buf_cstr(&out), line);
    assert_true(c2_ds_is_line(ds, c2_str_of(line)) && c2_ds_same_line(ds, ds));
    assert_false(c2_ds_is_line(ds, (struct c2_str){line, strlen(line) - 1}));
    assert_true(c2_ds_hash_line(ds) == c2_hash64(line, strlen(line)));
}

static void datasets_that_are_described_alike_share_that(void **state)
{
    static const char A[] = "{\"path\":\"a.b2nd\",\"etag\":\"1:3\"," METADATA ",\"frame\":null}";
    static const char B[] = "{\"path\":\"b.b2nd\",\"etag\":\"1:3\"," METADATA ",\"frame\":null}";
    static const char C[] = "{\"path\":\"b.b2nd\",\"etag\":\"1:3\"," METADATA ",\"refusal\":\"is lazy\"}";
    static const char D[] = "{\"path\":\"d.b2nd\", \"etag\":\"1:3\",  " METADATA "}";
    static const char F[] = "{\"path\":\"b.b2frame\",\"etag\":\"1:3\"," METADATA ",\"frame\":null}";
    struct c2_ds *a = read_line(A), *b = read_line(B), *c = read_line(C), *f = read_line(F),
                 *d = read_line(D);

    (void)state;
    assert_ptr_equal(a->meta, b->meta);
    assert_ptr_not_equal(a->meta, c->meta);
    assert_ptr_not_equal(a->meta, f->meta); /* of another kind */
    assert_line(a, A);
    assert_line(b, B);
    assert_line(c, C);
    assert_line(d, D);
    assert_true(d->described->n > 0); /* however it is spaced */
    c2_ds_unref(d);
    assert_string_equal(c->error, "is lazy");
    assert_false(c2_ds_same_line(a, b) || c2_ds_same_line(b, c));
    c2_ds_unref(a);
    assert_int_equal(b->meta->grid.shape[0], 10);
    c2_ds_unref(b);
    c2_ds_unref(c);
    c2_ds_unref(f);
}

/* Each file has its own name, which is in its metadata. */
static void files_that_are_described_alike_but_for_their_names_share_that(void **state)
{
    static const char M[] =
        "\"metadata\":{\"shape\":[10],\"chunks\":[10],\"blocks\":[10],\"dtype\":\">i4\","
        "\"schunk\":{\"cbytes\":62,\"chunkshape\":10,\"chunksize\":40,\"contiguous\":true,"
        "\"cparams\":{\"codec\":5,\"filters\":[0,0,0,0,0,1],\"filters_meta\":[0,0,0,0,0,0],"
        "\"typesize\":4,\"blocksize\":40,\"filters, meta\":[[1,0]]},\"cratio\":0.64,"
        "\"nbytes\":40,\"urlpath\":\"%s\",\"vlmeta\":{%s},\"nchunks\":1}}";
    static const struct {
        const char *urlpath, *attrs, *said;
        bool cut;
    } cases[] = {{"/x/a.b2nd", "", "/x/a.b2nd", true},
                 {"/x/longer.b2nd", "", "/x/longer.b2nd", true},
                 {"", "", "", true},
                 {"/x/q\\\"uote", "", "/x/q\"uote", false},
                 {"/x/a.b2nd", "\"urlpath\":\"/y\"", "/x/a.b2nd", false}};
    const struct c2_meta *shared = NULL;

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        char members[2000], line[2200];
        C2_AUTO(c2_buf) info = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
        C2_AUTO_PTR(c2_json) *json = NULL;
        struct cat2_error err;
        struct c2_str text;
        snprintf(members, sizeof(members), M, cases[i].urlpath, cases[i].attrs);
        snprintf(line, sizeof(line), "{\"path\":\"a%zu.b2nd\",\"etag\":\"1:3\",%s,\"frame\":null}", i,
                 members);
        struct c2_ds *ds = read_line(line);
        assert_line(ds, line);
        assert_string_equal(c2_ds_urlpath(ds), cases[i].said);
        assert_int_equal(ds->urlpath != NULL, cases[i].cut);
        if (cases[i].cut && i) assert_ptr_equal(ds->meta, shared);
        shared = ds->meta;
        assert_true(c2_ds_put_info(ds, &info, &err) && c2_json_parse(c2_buf_str(&info), &json, &err));
        assert_true(c2_jstr(c2_jget(c2_jget(c2_json_root(json), "schunk"), "urlpath"), &text) &&
                    c2_str_is(text, cases[i].said));
        c2_ds_unref(ds);
    }
}

/* Whatever is in front of it or behind it, a line means what all of it says. */
static void a_line_that_is_put_together_otherwise_is_read_as_a_whole(void **state)
{
    static const struct {
        const char *line, *path;
    } cases[] = {
        {"{\"x\":{\"y\":1," METADATA "},\"path\":\"b.b2nd\",\"etag\":\"2:3\",\"metadata\":{}}", "b.b2nd"},
        {"{\"etag\":\"2:3\",\"path\":\"a.b2nd\"," METADATA ",\"error\":\"torn\"}", "a.b2nd"},
        {"{\"etag\":\"2:3\"," METADATA ",\"path\":\"c.b2nd\"}", "c.b2nd"},
        {"{" METADATA ",\"etag\":\"2:3\",\"path\":\"e.b2nd\"}", "e.b2nd"},
        {"{\"etag\":\"2:3\",\"x,\\\"metadata\":1,\"path\":\"f.b2nd\"," METADATA "}", "f.b2nd"},
        {"{\"path\":\"d\\\",\\\"metadata\\\":.b2nd\",\"etag\":\"2:3\"," METADATA "}",
         "d\",\"metadata\":.b2nd"},
    };

    (void)state;
    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_ds *ds = read_line(cases[i].line);
        assert_string_equal(ds->path, cases[i].path);
        assert_line(ds, cases[i].line);
        assert_int_equal(ds->error != NULL, i < 2);
        assert_int_equal(ds->meta->nchunks, i < 2 ? 0 : 1);
        c2_ds_unref(ds);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_time_of_a_dataset_is_that_of_its_etag),
        cmocka_unit_test(a_generation_is_asked_for_by_its_validator_else_by_its_etag),
        cmocka_unit_test(what_is_told_of_a_dataset_says_why_it_is_refused),
        cmocka_unit_test(the_bounds_of_a_frame_are_taken_where_they_can_be),
        cmocka_unit_test(datasets_that_are_described_alike_share_that),
        cmocka_unit_test(files_that_are_described_alike_but_for_their_names_share_that),
        cmocka_unit_test(a_line_that_is_put_together_otherwise_is_read_as_a_whole),
        cmocka_unit_test(the_last_dataset_frees_what_a_subscriber_that_is_gone_left),
    };
    return cmocka_run_group_tests(tests, make_subscriber, drop_subscriber);
}
