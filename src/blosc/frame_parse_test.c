/* SPDX-License-Identifier: BSD-3-Clause */
/* Each number of a frame's header at its bounds: the last that is taken, the first that is refused, and why.
 */
#include "blosc/blosc_testing.h"

#include "base/endian.h"
#include "blosc/frame_impl.h"

#define N       200 /* of the header made here */
#define NOTHING ""  /* it is no reason to refuse */

/* A frame of 100 bytes without array, as Blosc2 writes it: 4 chunks of 25, one metalayer "m" of 3 bytes. */
static void make(uint8_t header[N])
{
    static const uint8_t tags[][2] = {{0, 0x9e},    {1, 0xa8},    {0x0a, 0xd2}, {0x0f, 0xcf}, {0x18, 0xa4},
                                      {0x1d, 0xd3}, {0x26, 0xd3}, {0x2f, 0xd2}, {0x34, 0xd2}, {0x39, 0xd2}};
    static const uint8_t map[] = {0x93, 0xcd, 0, 15, 0xde, 0, 1, 0xa1, 'm', 0xd2, 0, 0, 0, 120, 0xdc, 0, 1};
    static const uint8_t content[] = {0xc6, 0, 0, 0, 3, 1, 2, 3};

    memset(header, 0, N);
    for (size_t i = 0; i < C2_ARRAY_LEN(tags); i++)
        header[tags[i][0]] = tags[i][1];
    memcpy(header + 2, "b2frame", 8);
    header[C2_FRAME_FLAGS] = 0x12;
    header[C2_FRAME_CODEC] = 0x51;
    c2_put_be64(header + C2_FRAME_NBYTES_AT, 100);
    c2_put_be64(header + C2_FRAME_CBYTES, 50);
    c2_put_be32(header + C2_FRAME_TYPESIZE, 1);
    c2_put_be32(header + C2_FRAME_BLOCKSIZE, 25);
    c2_put_be32(header + C2_FRAME_CHUNKSIZE, 25);
    memcpy(header + C2_FRAME_METALAYERS, map, sizeof(map));
    memcpy(header + 120, content, sizeof(content));
}

/* What parsing says, NOTHING when it is content. */
static const char *parse(const uint8_t *header, size_t n, struct c2_meta *meta, char refusal[100])
{
    static struct cat2_error err;
    struct c2_frame *frame = calloc(1, sizeof(*frame));
    struct cat2_error ignored;

    assert_non_null(frame);
    c2_buf_init(&frame->header, N);
    assert_true(c2_buf_append(&frame->header, header, n, &ignored));
    bool ok = c2_frame_parse_header(frame, &err);
    if (meta) *meta = frame->meta;
    snprintf(refusal, 100, "%s", frame->refusal ? frame->refusal : NOTHING);
    c2_dtype_fini(&frame->meta.dtype);
    c2_buf_fini(&frame->header);
    free(frame);
    return ok ? NOTHING : err.message;
}

static void expect(const uint8_t *header, size_t n, const char *says, const char *refused)
{
    char refusal[100];
    const char *told = parse(header, n, NULL, refusal);

    if (*says ? !strstr(told, says) : *told) fail_msg("says '%s', not '%s'", told, says);
    assert_string_equal(refusal, refused);
}

static void a_header_tells_its_numbers(void **state)
{
    uint8_t header[N];
    struct c2_meta meta;
    char refusal[100];

    make(header);
    assert_string_equal(parse(header, N, &meta, refusal), NOTHING);
    assert_int_equal(meta.nbytes, 100);
    assert_int_equal(meta.cbytes, 50);
    assert_int_equal(meta.nchunks, 4);
    assert_int_equal(meta.cparams.clevel, 5);
    assert_int_equal(meta.cparams.codec, 1);
    assert_int_equal(meta.cparams.typesize, 1);
}

static void numbers_are_taken_up_to_their_bounds(void **state)
{
    enum { PIB = 50 };
    static const struct {
        uint8_t at;
        char size;
        int64_t value;
        const char *says, *refusal;
    } cases[] = {
        {C2_FRAME_NBYTES_AT, 8, 0, NOTHING, NOTHING},
        {C2_FRAME_NBYTES_AT, 8, -1, "uncompressed size (-1)", NOTHING},
        {C2_FRAME_NBYTES_AT, 8, ((int64_t)1 << PIB) + 1, "uncompressed size (1125899906842625)", NOTHING},
        {C2_FRAME_NBYTES_AT, 8, (int64_t)C2_NCHUNKS_MAX * 25, NOTHING, NOTHING},
        {C2_FRAME_NBYTES_AT, 8, (int64_t)C2_NCHUNKS_MAX * 25 + 1, "number of chunks", NOTHING},
        {C2_FRAME_CBYTES, 8, (int64_t)1 << PIB, NOTHING, NOTHING},
        {C2_FRAME_CBYTES, 8, ((int64_t)1 << PIB) + 1, "compressed size (1125899906842625)", NOTHING},
        {C2_FRAME_CBYTES, 8, -1, "compressed size (-1)", NOTHING},
        {C2_FRAME_TYPESIZE, 4, 0, "typesize (0)", NOTHING},
        {C2_FRAME_TYPESIZE, 4, -1, "typesize (-1)", NOTHING},
        {C2_FRAME_TYPESIZE, 4, 25, NOTHING, NOTHING},
        {C2_FRAME_TYPESIZE, 4, 2, NOTHING, "its chunks are not of whole items"},
        {C2_FRAME_TYPESIZE, 4, 536866816, NOTHING, "its chunks are not of whole items"},
        {C2_FRAME_TYPESIZE, 4, 536866817, "typesize (536866817)", NOTHING},
        {C2_FRAME_BLOCKSIZE, 4, 0, NOTHING, NOTHING},
        {C2_FRAME_BLOCKSIZE, 4, -1, "blocksize (-1)", NOTHING},
        {C2_FRAME_BLOCKSIZE, 4, C2_CHUNK_NBYTES_MAX, NOTHING, NOTHING},
        {C2_FRAME_BLOCKSIZE, 4, (int64_t)C2_CHUNK_NBYTES_MAX + 1, "blocksize", NOTHING},
        {C2_FRAME_CHUNKSIZE, 4, 0, NOTHING, "its chunks have different sizes"},
        {C2_FRAME_CHUNKSIZE, 4, -1, "chunksize (-1)", NOTHING},
        {C2_FRAME_CHUNKSIZE, 4, C2_CHUNK_NBYTES_MAX, NOTHING, NOTHING},
        {C2_FRAME_CHUNKSIZE, 4, (int64_t)C2_CHUNK_NBYTES_MAX + 1, "chunksize", NOTHING},
        {C2_FRAME_FLAGS, 1, 0x13, NOTHING, NOTHING},
        {C2_FRAME_FLAGS, 1, 0x14, "version (4)", NOTHING},
        {C2_FRAME_FLAGS, 1, 0x52, NOTHING, "its chunks have different sizes"},
        {C2_FRAME_FLAGS, 1, 0x92, NOTHING, "its blocks have variable lengths"},
        {C2_FRAME_TYPE, 1, 1, "type (1)", NOTHING},
        {0x1d, 1, 0xd2, "header at byte (29)", NOTHING},
        {0x02, 1, 'B', "not a Blosc2 frame", NOTHING},
    };
    uint8_t header[N];

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        make(header);
        if (cases[i].size == 8)
            c2_put_be64(header + cases[i].at, (uint64_t)cases[i].value);
        else if (cases[i].size == 4)
            c2_put_be32(header + cases[i].at, (uint32_t)cases[i].value);
        else
            header[cases[i].at] = (uint8_t)cases[i].value;
        expect(header, N, cases[i].says, cases[i].refusal);
    }
}

static void an_empty_frame_may_say_chunks_of_minus_one(void **state)
{
    uint8_t header[N];

    make(header);
    c2_put_be64(header + C2_FRAME_NBYTES_AT, 0);
    c2_put_be32(header + C2_FRAME_CHUNKSIZE, (uint32_t)-1);
    expect(header, N, NOTHING, NOTHING);
}

static void headers_that_end_early_are_refused(void **state)
{
    uint8_t header[N];

    make(header);
    expect(header, 96, "header length (96)", NOTHING);
    expect(header, 97, "name of metalayer (0)", NOTHING); /* the table begins, its first entry is cut */
    expect(header, 127, "size of metalayer (3)", NOTHING);
    expect(header, 128, NOTHING, NOTHING);
}

static void metalayers_stay_within_the_header(void **state)
{
    enum { MAP = C2_FRAME_METALAYERS, COUNT = MAP + 6, NAME = MAP + 7, OFF = MAP + 10, LIST = MAP + 14 };
    static const struct {
        uint8_t at, value;
        const char *says;
    } cases[] = {
        {MAP, 0x92, "metalayer table at (87)"},
        {MAP + 1, 0xcc, "metalayer table at (87)"},
        {MAP + 4, 0xdf, "metalayer table at (87)"},
        {COUNT, C2_METALAYERS_MAX + 1, "number of metalayers (17)"},
        {COUNT, 0, "list of metalayers at (94)"},
        {NAME, 0xc1, "name of metalayer (0)"},
        {NAME, 0xa2, "place of metalayer (0)"},
        {NAME + 2, 0xd3, "place of metalayer (0)"},
        {OFF, 0x80, "place of metalayer (-2147483528)"},
        {OFF + 3, MAP - 1, "place of metalayer (86)"},
        {OFF + 3, N - 4, "place of metalayer (196)"},
        {OFF + 3, 121, "place of metalayer (121)"}, /* no content begins there */
        {123, 1, "size of metalayer (259)"},
        {124, N - 125, NOTHING}, /* to the header's end */
        {124, N - 124, "size of metalayer (76)"},
        {LIST, 0xdd, "list of metalayers at (101)"},
        {LIST + 2, 2, "list of metalayers at (101)"},
    };
    uint8_t header[N];

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        make(header);
        header[cases[i].at] = cases[i].value;
        expect(header, N, cases[i].says, NOTHING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_tells_its_numbers),
        cmocka_unit_test(numbers_are_taken_up_to_their_bounds),
        cmocka_unit_test(an_empty_frame_may_say_chunks_of_minus_one),
        cmocka_unit_test(headers_that_end_early_are_refused),
        cmocka_unit_test(metalayers_stay_within_the_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
