/* SPDX-License-Identifier: BSD-3-Clause */
/* Real frames of two Blosc2 generations are read, re-written and read again; broken ones say why they are
 * refused. */
#include "blosc/blosc_testing.h"

#include "base/endian.h"
#include "base/fs.h"
#include "blosc/chunk_format.h"
#include "blosc/frame_impl.h"

static const struct {
    const char *name, *why;
} known_exceptions[] = {
    {"v2-partial.b2frame", "its chunks are not of whole items"},
    {"v4-partial.b2frame", "its chunks are not of whole items"},
};

static const char *exception(const char *name)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(known_exceptions); i++)
        if (strcmp(known_exceptions[i].name, name) == 0) return known_exceptions[i].why;
    return NULL;
}

static void every_frame_of_python_decodes_to_its_data(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    int count = 0;

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        long long nbytes;
        count++;
        if (exception(s.name)) {
            assert_string_equal(c2_frame_refusal(frame), exception(s.name));
            continue;
        }
        assert_null(c2_frame_refusal(frame));
        uint64_t h = hash_frame(codec, frame, &nbytes);
        if (nbytes != s.nbytes || h != s.hash) fail_msg("%s decodes to other data", s.name);
    }
    assert_true(count > 140);
}

/* A file whose every reading is counted. */
struct counted {
    int fd, nreads, nfreed;
    bool away;
};

static bool counted_read(void *self, void *to, size_t n, int64_t off, struct cat2_error *err)
{
    struct counted *file = self;

    if (file->away) return c2_fail(err, CAT2_EUPSTREAM, "away");
    file->nreads++;
    return c2_fs_pread(file->fd, to, n, off, err);
}

static void counted_free(void *self)
{
    ((struct counted *)self)->nfreed++;
}

static bool open_elsewhere(const char *name, struct counted *file, struct c2_frame **out)
{
    struct cat2_error err;
    char path[400];
    struct stat st;

    snprintf(path, sizeof(path), FRAMES_DIR "/%s", name);
    *file = (struct counted){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    assert_true(file->fd >= 0 && fstat(file->fd, &st) == 0);
    if (S_ISDIR(st.st_mode)) return false;
    const struct c2_frame_bytes bytes = {counted_read, counted_free, file};
    assert_true(c2_frame_open_bytes(&bytes, st.st_size, name, out, &err));
    return true;
}

static void frames_may_be_elsewhere(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};
    long long nbytes;
    int count = 0;

    while (next_sample(&s)) {
        struct counted file;
        struct c2_frame *frame;
        if (exception(s.name)) continue;
        if (open_elsewhere(s.name, &file, &frame)) {
            count++;
            assert_true(c2_frame_is_elsewhere(frame) && c2_frame_fd(frame) == -1);
            if (hash_frame(codec, frame, &nbytes) != s.hash) fail_msg("%s decodes to other data", s.name);
            c2_frame_free(frame);
            assert_int_equal(file.nfreed, 1);
        }
        close(file.fd);
    }
    assert_true(count > 100);
}

/* What is between two chunks is a chunk: one reading for each; and none for what is in the index alone. */
static void a_chunk_elsewhere_is_one_reading(void **state)
{
    struct sample s = {0};
    int64_t nchunks = 0, nmore = 0;

    while (next_sample(&s)) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        struct cat2_error err;
        struct counted file;
        struct c2_frame *frame;
        bool is_file = open_elsewhere(s.name, &file, &frame);
        for (int64_t i = 0; is_file && !c2_frame_refusal(frame) && i < c2_frame_meta(frame)->nchunks; i++) {
            file.nreads = 0;
            assert_true(c2_frame_chunk(frame, i, &out, &err));
            if (c2_frame_chunk_off(frame, i) < 0) assert_int_equal(file.nreads, 0);
            nchunks++;
            nmore += file.nreads > 1;
            file.away = true;
            size_t before = out.n;
            if (file.nreads) assert_false(c2_frame_chunk(frame, i, &out, &err));
            if (file.nreads) assert_true(out.n == before && err.code == CAT2_EUPSTREAM);
            file.away = false;
        }
        if (is_file) c2_frame_free(frame);
        close(file.fd);
    }
    assert_true(nchunks > 300);
    assert_true(nmore * 20 < nchunks); /* frames that were rewritten */
}

static void shapes_are_those_python_shows(void **state)
{
    struct sample s = {0};

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        const struct c2_meta *meta = c2_frame_meta(frame);
        char shape[200] = "";
        if (s.shape[0] == '-') {
            assert_int_equal(meta->kind, C2_KIND_FRAME);
            continue;
        }
        assert_int_equal(meta->kind, C2_KIND_ARRAY);
        for (int i = 0; i < meta->grid.ndim; i++)
            snprintf(shape + strlen(shape), sizeof(shape) - strlen(shape), "%s%lld", i ? "," : "",
                     (long long)meta->grid.shape[i]);
        assert_string_equal(meta->grid.ndim ? shape : "scalar", s.shape);
    }
}

static void lazy_objects_and_proxies_show_metadata_but_no_data(void **state)
{
    static const struct {
        const char *name, *says;
    } cases[] = {{"v4-lazy.b2nd", "expression"}, {"v4-proxy.b2nd", "partial copy"}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(cases[i].name);
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
        struct cat2_error err = {0};
        assert_int_equal(c2_frame_meta(frame)->grid.shape[0], 10);
        assert_false(c2_frame_chunk(frame, 0, &chunk, &err));
        assert_int_equal(err.code, CAT2_EUNSUPPORTED);
        assert_non_null(strstr(err.message, cases[i].says));
    }
}

/* Copy a frame chunk by chunk through the writer into memory. */
static struct c2_frame *rewrite(struct c2_frame *frame)
{
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 26);
    struct cat2_error err = {0};
    struct c2_frame *copy = NULL;

    bool ok = c2_frame_writer_new(-1, c2_frame_meta(frame), &w, &err);
    for (int64_t i = 0; ok && i < c2_frame_meta(frame)->nchunks; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        ok = c2_frame_chunk(frame, i, &chunk, &err) && c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err);
    }
    ok = ok && c2_frame_writer_finish(w, &bytes, &err) && c2_frame_open_buf(&bytes, "copy", &copy, &err);
    if (!ok) fail_msg("%s: %s", c2_frame_meta(frame)->urlpath, err.message);
    return copy;
}

static void frames_written_by_us_hold_the_same(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    struct sample s = {0};

    while (next_sample(&s)) {
        C2_AUTO_PTR(c2_frame) *frame = open_sample(s.name);
        long long nbytes;
        if (c2_frame_refusal(frame)) continue;
        C2_AUTO_PTR(c2_frame) *copy = rewrite(frame);
        const struct c2_meta *a = c2_frame_meta(frame), *b = c2_frame_meta(copy);
        if (hash_frame(codec, copy, &nbytes) != s.hash)
            fail_msg("%s: its copy decodes to other data", s.name);
        if (a->nbytes != b->nbytes || a->cbytes != b->cbytes) fail_msg("%s: sizes differ", s.name);
        assert_memory_equal(a->vlmeta.p, b->vlmeta.p, a->vlmeta.n + 1);
        assert_true(memcmp(&a->cparams.filters, &b->cparams.filters, 12) == 0 &&
                    a->cparams.codec == b->cparams.codec);
    }
}

static void attributes_show_as_json(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-values.b2nd");
    C2_AUTO(c2_buf) packed = C2_BUF_INIT(1000);
    struct cat2_error err = {0};
    struct c2_str name;

    assert_string_equal(
        c2_buf_cstr(&c2_frame_meta(frame)->vlmeta),
        "{\"i\":1,\"neg\":-7,\"big\":1099511627776,\"f\":1.5,\"s\":\"str\",\"uni\":\"ñandú\",\"b\":true,"
        "\"n\":null,\"l\":[1,\"a\",2.5],\"d\":{\"k\":[1,{\"z\":0}]},\"bts\":\"abc\",\"t\":[1,2],\"e\":\"\","
        "\"f0\":1.0,\"exp\":1e+300}");
    assert_int_equal(c2_frame_nvlmeta(frame), 15);
    assert_true(c2_frame_vlmeta(frame, 4, &name, &packed, &err));
    assert_true(c2_str_is(name, "s"));
    assert_memory_equal(packed.p, "\xa3str", 4);
    assert_false(c2_frame_vlmeta(frame, 15, &name, &packed, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
}

static void more_attributes_than_python_writes_are_fine(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-one.b2nd");
    C2_AUTO(c2_meta) meta = {0};
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 24), chunk = C2_BUF_INIT(1 << 20);
    C2_AUTO_PTR(c2_frame) *copy = NULL;
    struct cat2_error err = {0};

    assert_true(c2_meta_copy(c2_frame_meta(frame), &meta, &err));
    c2_buf_clear(&meta.vlmeta);
    for (int i = 0; i < 3000; i++)
        assert_true(c2_buf_printf(&meta.vlmeta, &err, "%s\"key %d\":%d", i ? "," : "{", i, i));
    assert_true(c2_buf_putc(&meta.vlmeta, '}', &err));
    assert_true(c2_frame_writer_new(-1, &meta, &w, &err) && c2_frame_chunk(frame, 0, &chunk, &err) &&
                c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err) &&
                c2_frame_writer_finish(w, &bytes, &err) && c2_frame_open_buf(&bytes, "copy", &copy, &err));
    assert_int_equal(c2_frame_nvlmeta(copy), 3000);
    assert_true(c2_str_eq(c2_buf_str(&c2_frame_meta(copy)->vlmeta), c2_buf_str(&meta.vlmeta)));
}

static void a_chunk_too_few_or_too_many_is_refused(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-lz4.b2nd");
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20), bytes = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    assert_true(c2_frame_writer_new(-1, c2_frame_meta(frame), &w, &err) &&
                c2_frame_chunk(frame, 0, &chunk, &err));
    for (int64_t i = 0; i < c2_frame_meta(frame)->nchunks; i++)
        assert_true(c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err));
    assert_false(c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    c2_frame_writer_free(w);
    assert_true(c2_frame_writer_new(-1, c2_frame_meta(frame), &w, &err));
    assert_false(c2_frame_writer_finish(w, &bytes, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
}

static void chunks_out_of_range_are_refused(void **state)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-lz4.b2nd");
    C2_AUTO(c2_buf) chunk = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};
    int64_t n = c2_frame_meta(frame)->nchunks;

    assert_false(c2_frame_chunk(frame, n, &chunk, &err));
    assert_int_equal(err.code, CAT2_EINVAL);
    assert_false(c2_frame_chunk(frame, -1, &chunk, &err));
    assert_true(c2_frame_chunk(frame, n - 1, &chunk, &err));
}

/* A frame in memory with one byte changed must either open or say EDATA (or EUNSUPPORTED): never anything
 * else. */
/* The index of a frame with these places of its chunks, the others at 0. */
static bool takes_index(int64_t first, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_frame) *frame = open_sample("v2-codec-lz4.b2nd");
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO(c2_buf) index = C2_BUF_INIT(1 << 20);
    size_t nbytes = 8 * (size_t)c2_frame_meta(frame)->nchunks;
    struct c2_cparams cparams = c2_cparams_default(8, (int32_t)nbytes);
    uint8_t *places = calloc(1, nbytes);

    c2_put_le64(places, (uint64_t)first);
    assert_true(c2_codec_encode(codec, &cparams, places, (int32_t)nbytes, &index, err));
    free(places);
    free(frame->offsets);
    frame->offsets = NULL;
    return c2_frame_parse_index(frame, codec, c2_buf_bytes(&index), err);
}

static void places_of_chunks_that_cannot_be_are_refused(void **state)
{
    const int64_t special = INT64_MIN; /* the kind in the next seven bits, zeros below */
    const int64_t good[] = {0, special | (int64_t)C2_SPECIAL_ZERO << 56,
                            special | (int64_t)C2_SPECIAL_UNINIT << 56};
    const int64_t bad[] = {INT64_MAX,
                           1 << 30,
                           special,
                           -1,
                           special | (int64_t)C2_SPECIAL_ZERO << 56 | 1,
                           special | INT64_C(0x7f) << 56};
    struct cat2_error err = {0};

    for (size_t i = 0; i < C2_ARRAY_LEN(good); i++)
        if (!takes_index(good[i], &err)) fail_msg("%s", err.message);
    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++) {
        if (takes_index(bad[i], &err)) fail_msg("place %lld is taken", (long long)bad[i]);
        assert_int_equal(err.code, CAT2_EDATA);
    }
}

static void changed_bytes_are_noticed_or_harmless(void **state)
{
    char path[512];
    C2_AUTO(c2_buf) whole = C2_BUF_INIT(1 << 20);
    struct cat2_error err = {0};

    snprintf(path, sizeof(path), "%s/v2-values.b2nd", FRAMES_DIR);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_true(c2_buf_resize(&whole, 1 << 16, &err));
    whole.n = fread(whole.p, 1, 1 << 16, f);
    fclose(f);
    for (size_t i = 0; i < whole.n; i++)
        for (int bit = 0; bit < 8; bit++) {
            C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 20), chunk = C2_BUF_INIT(1 << 20);
            C2_AUTO_PTR(c2_frame) *frame = NULL;
            assert_true(c2_buf_append(&bytes, whole.p, whole.n, &err));
            bytes.p[i] ^= (uint8_t)(1 << bit);
            bool ok =
                c2_frame_open_buf(&bytes, "changed", &frame, &err) && c2_frame_chunk(frame, 0, &chunk, &err);
            if (!ok && err.code != CAT2_EDATA && err.code != CAT2_EUNSUPPORTED && err.code != CAT2_ELIMIT)
                fail_msg("byte %zu bit %d: %s", i, bit, err.message);
        }
}

static void plain_files_become_frames(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    static const size_t sizes[] = {0, 1, 87, 100000, (16 << 20) - 1, 16 << 20, (16 << 20) + 5};
    struct cat2_error err = {0};

    for (size_t i = 0; i < C2_ARRAY_LEN(sizes); i++) {
        FILE *in = tmpfile(), *out = tmpfile();
        C2_AUTO_PTR(c2_frame) *frame = NULL;
        uint64_t h = FNV_START;
        long long nbytes;
        for (size_t k = 0; k < sizes[i]; k++) {
            uint8_t c = (uint8_t)((size_t) "line of text "[k % 13] + (k / 1000) % 3);
            h = fnv1a(h, &c, 1);
            fputc(c, in);
        }
        rewind(in);
        bool ok = c2_frame_compress_file(codec, fileno(in), fileno(out), NULL, &err) &&
                  c2_frame_open_fd(dup(fileno(out)), "file", &frame, &err);
        if (!ok) fail_msg("%zu bytes: %s", sizes[i], err.message);
        assert_true(hash_frame(codec, frame, &nbytes) == h);
        assert_int_equal(nbytes, sizes[i]);
        assert_int_equal(c2_frame_meta(frame)->chunksize, 16 << 20);
        assert_int_equal(c2_frame_meta(frame)->cparams.blocksize, 0);
        fclose(in);
        fclose(out);
    }
}

static void compressing_stops_on_request(void **state)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    FILE *in = tmpfile(), *out = tmpfile();
    struct cat2_error err = {0};
    atomic_bool cancel = true;

    assert_false(c2_frame_compress_file(codec, fileno(in), fileno(out), &cancel, &err));
    assert_int_equal(err.code, CAT2_ECANCELLED);
    fclose(in);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_of_python_decodes_to_its_data),
        cmocka_unit_test(frames_may_be_elsewhere),
        cmocka_unit_test(a_chunk_elsewhere_is_one_reading),
        cmocka_unit_test(shapes_are_those_python_shows),
        cmocka_unit_test(lazy_objects_and_proxies_show_metadata_but_no_data),
        cmocka_unit_test(frames_written_by_us_hold_the_same),
        cmocka_unit_test(attributes_show_as_json),
        cmocka_unit_test(more_attributes_than_python_writes_are_fine),
        cmocka_unit_test(a_chunk_too_few_or_too_many_is_refused),
        cmocka_unit_test(chunks_out_of_range_are_refused),
        cmocka_unit_test(places_of_chunks_that_cannot_be_are_refused),
        cmocka_unit_test(changed_bytes_are_noticed_or_harmless),
        cmocka_unit_test(plain_files_become_frames),
        cmocka_unit_test(compressing_stops_on_request),
    };
    c2_codec_setup();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
