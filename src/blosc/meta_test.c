/* SPDX-License-Identifier: BSD-3-Clause */
/* Metadata as JSON: what Python publishers sent is read and printed again to the byte; wrong things name
 * their key. */
#include "blosc/blosc_testing.h"

#include <dirent.h>

#include "blosc/b2nd.h"

#define META_DIR C2_TEST_DATA "/corpus/meta"

static size_t read_text(const char *name, char *text, size_t size)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/%s", META_DIR, name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    size_t n = fread(text, 1, size, f);
    fclose(f);
    assert_true(n < size);
    return n;
}

static bool parse(struct c2_str text, enum c2_kind kind, struct c2_meta *meta, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;

    return c2_json_parse(text, &json, err) && c2_meta_from_json(c2_json_root(json), kind, meta, err);
}

static void print(const struct c2_meta *meta, bool extended, int64_t mtime_ms, struct c2_buf *out)
{
    struct cat2_error err = {0};
    struct c2_jw w;

    c2_buf_clear(out);
    c2_jw_init(&w, out, C2_JSON_COMPACT, &err);
    if (!c2_meta_to_json(meta, extended, mtime_ms, &w) || !c2_jw_finish(&w)) fail_msg("%s", err.message);
}

static void metadata_of_python_publishers_survives_to_the_byte(void **state)
{
    DIR *dir = opendir(META_DIR);
    char text[65536];
    int count = 0;

    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        C2_AUTO(c2_meta) meta = {0};
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        struct cat2_error err = {0};
        if (!strstr(e->d_name, "-info-")) continue;
        size_t n = read_text(e->d_name, text, sizeof(text));
        struct c2_str json = {text + 1, n - 1};
        if (!parse(json, text[0] == 'a' ? C2_KIND_ARRAY : C2_KIND_FILE, &meta, &err))
            fail_msg("%s: %s", e->d_name, err.message);
        print(&meta, false, -1, &out);
        if (!c2_str_eq(c2_buf_str(&out), json))
            fail_msg("%s:\n%.*s\n%s", e->d_name, C2_STR_ARG(json), c2_buf_cstr(&out));
        count++;
    }
    closedir(dir);
    assert_true(count > 50);
}

static const char good[] =
    "{\"shape\":[4,6],\"chunks\":[3,4],\"blocks\":[2,2],\"dtype\":\"int16\",\"schunk\":{\"cbytes\":90,"
    "\"chunkshape\":16,"
    "\"chunksize\":32,\"contiguous\":true,\"cparams\":{\"codec\":5,\"filters\":[0,0,0,0,0,1],\"filters_"
    "meta\":[0,0,0,0,0,0],"
    "\"typesize\":2,\"blocksize\":8,\"filters, meta\":[[1,0]]},\"cratio\":1.4222222222222223,\"nbytes\":128,"
    "\"urlpath\":\"/srv/a.b2nd\",\"vlmeta\":{\"a\":1},\"nchunks\":4}}";

static void wrong_metadata_names_its_key(void **state)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"\"nchunks\":4", "\"nchunks\":5", "nchunks"},
        {"\"chunksize\":32", "\"chunksize\":30", "chunksize"},
        {"\"blocksize\":8", "\"blocksize\":6", "blocksize"},
        {"\"nbytes\":128", "\"nbytes\":129", "129 bytes"},
        {"\"typesize\":2", "\"typesize\":4", "typesize 4"},
        {"\"typesize\":2", "\"typesize\":0", "typesize"},
        {"\"int16\"", "\"object\"", "dtype"},
        {"[4,6]", "[4,-6]", "shape"},
        {"[4,6]", "[4,6,7]", "chunks"},
        {"[4,6]", "[9223372036854775807,9223372036854775807]", ""},
        {"[3,4]", "[0,4]", ""},
        {"\"vlmeta\":{\"a\":1}", "\"vlmeta\":[]", "vlmeta"},
        {"[0,0,0,0,0,1]", "[0,0,0,0,256,1]", "filters"},
        {"\"codec\":5", "\"codec\":\"5\"", "codec"},
        {"\"contiguous\":true", "\"contiguous\":1", "contiguous"},
        {"\"schunk\"", "\"chunk\"", "schunk"},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO(c2_meta) meta = {0};
        struct cat2_error err = {0};
        char text[1024];
        const char *at = strstr(good, cases[i].from);
        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - good), good, cases[i].to,
                 at + strlen(cases[i].from));
        if (parse(c2_str_of(text), C2_KIND_ARRAY, &meta, &err)) fail_msg("accepted: %s", cases[i].to);
        if (err.code != CAT2_EDATA && err.code != CAT2_ELIMIT) fail_msg("%s: %s", cases[i].to, err.message);
        if (!strstr(err.message, cases[i].says)) fail_msg("%s: %s", cases[i].to, err.message);
    }
}

static void todays_clients_get_six_more_keys(void **state)
{
    C2_AUTO(c2_meta) meta = {0};
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    assert_true(parse(C2_STR(good), C2_KIND_ARRAY, &meta, &err));
    print(&meta, true, 1714000000250, &out);
    assert_non_null(strstr(c2_buf_cstr(&out),
                           "\"filters, meta\":[[1,0]],\"codec_meta\":0,\"clevel\":1,\"splitmode\":4,"
                           "\"use_dict\":false,\"nthreads\":1,\"tuner\":0}"));
    assert_true(c2_str_ends(c2_buf_str(&out),
                            "},\"mtime\":\"2024-04-24T23:06:40.250000Z\",\"accept_ranges\":\"bytes\"}"));
    print(&meta, true, -1, &out);
    assert_true(c2_str_ends(c2_buf_str(&out), "},\"mtime\":null,\"accept_ranges\":\"bytes\"}"));
}

static void a_copy_is_equal_and_its_own(void **state)
{
    C2_AUTO(c2_meta) meta = {0}, copy = {0};
    C2_AUTO(c2_buf) a = C2_BUF_INIT(1 << 20), b = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    assert_true(parse(C2_STR(good), C2_KIND_ARRAY, &meta, &err) && c2_meta_copy(&meta, &copy, &err));
    print(&meta, true, 0, &a);
    c2_meta_fini(&meta);
    print(&copy, true, 0, &b);
    assert_true(c2_str_eq(c2_buf_str(&a), c2_buf_str(&b)));
}

static void kinds_are_decided_by_the_suffix(void **state)
{
    assert_int_equal(c2_kind_of(C2_STR("a/b.b2nd")), C2_KIND_ARRAY);
    assert_int_equal(c2_kind_of(C2_STR("b.b2frame")), C2_KIND_FRAME);
    assert_int_equal(c2_kind_of(C2_STR("b.B2ND")), C2_KIND_FILE);
    assert_int_equal(c2_kind_of(C2_STR("b.b2")), C2_KIND_FILE);
}

static void a_metalayer_without_dtype_is_of_bytes(void **state)
{
    static const uint8_t layer[] = {0x95, 0,    1, 0x91, 0xd3, 0, 0,    0,    0, 0, 0, 0, 6,
                                    0x91, 0xd2, 0, 0,    0,    4, 0x91, 0xd2, 0, 0, 0, 2};
    struct cat2_error err = {0};

    for (size_t n = 0; n <= sizeof(layer); n++) {
        C2_AUTO(c2_meta) meta = {.cparams = {.typesize = 7, .blocksize = 14}, .chunksize = 28, .nbytes = 56};
        bool ok = c2_b2nd_parse((struct c2_bytes){layer, n}, &meta, &err);
        assert_int_equal(ok, n == sizeof(layer));
        if (!ok) continue;
        assert_int_equal(meta.dtype.kind, 'S');
        assert_int_equal(meta.dtype.itemsize, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_of_python_publishers_survives_to_the_byte),
        cmocka_unit_test(wrong_metadata_names_its_key),
        cmocka_unit_test(todays_clients_get_six_more_keys),
        cmocka_unit_test(a_copy_is_equal_and_its_own),
        cmocka_unit_test(kinds_are_decided_by_the_suffix),
        cmocka_unit_test(a_metalayer_without_dtype_is_of_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
