/* SPDX-License-Identifier: BSD-3-Clause */
/* Pieces survive the wire byte by byte; bad ones are refused. */
#include "base/base_testing.h"
#include "wire/pieces.h"

struct seen {
    int n;
    int64_t nchunk;
    int32_t blocks[4];
    char data[16];
};

static bool see(void *ctx, const struct c2_piece *piece, struct cat2_error *err)
{
    struct seen *seen = ctx;

    (void)err;
    seen->n++;
    seen->nchunk = piece->nchunk;
    for (int32_t i = 0; i < piece->nblocks && i < 4; i++)
        seen->blocks[i] = piece->blocks[i];
    memcpy(seen->data, piece->data.p, piece->data.n);
    return true;
}

static void records_arrive_byte_by_byte(void **state)
{
    struct cat2_error err;
    struct seen seen = {0};
    C2_AUTO(c2_buf) wire = C2_BUF_INIT(4096);
    C2_AUTO(c2_pieces_reader) reader;
    const int32_t blocks[] = {0, 7};
    struct c2_piece whole = {.whole = true, .nchunk = 3, .data = {(const uint8_t *)"chunk", 5}};
    struct c2_piece part = {.nchunk = 9,
                            .nblocks = 2,
                            .blocks = blocks,
                            .prefix = {(const uint8_t *)"head", 4},
                            .data = {(const uint8_t *)"blocks", 6}};

    assert_true(c2_piece_encode(&whole, &wire, &err) && c2_piece_encode(&part, &wire, &err));
    c2_pieces_reader_init(&reader, 1024);
    for (size_t i = 0; i < wire.n; i++)
        assert_true(c2_pieces_feed(&reader, (struct c2_bytes){wire.p + i, 1}, see, &seen, &err));
    assert_true(c2_pieces_end(&reader, &err));
    assert_int_equal(seen.n, 2);
    assert_int_equal(seen.nchunk, 9);
    assert_int_equal(seen.blocks[1], 7);
    assert_memory_equal(seen.data, "blocks", 6);
    assert_true(c2_pieces_feed(&reader, (struct c2_bytes){wire.p, 9}, see, &seen, &err));
    assert_false(c2_pieces_end(&reader, &err));
}

/* Every record is checked, and taken over without a copy. */
static bool check(void *ctx, const struct c2_piece *piece, struct cat2_error *err)
{
    int *good = ctx;
    C2_AUTO(c2_buf) record = c2_buf_steal(piece->record);

    if (!piece->hashed || !c2_piece_check(piece, c2_buf_bytes(&record), err)) return false;
    assert_memory_equal(piece->data.p, "blocks", 6);
    ++*good;
    return true;
}

static void no_flipped_bit_of_a_record_passes(void **state)
{
    const int32_t blocks[] = {0, 7};
    struct c2_piece piece = {.nchunk = 9,
                             .nblocks = 2,
                             .blocks = blocks,
                             .prefix = {(const uint8_t *)"head", 4},
                             .data = {(const uint8_t *)"blocks", 6},
                             .hashed = true};
    struct cat2_error err;
    int good = 0;
    C2_AUTO(c2_buf) wire = C2_BUF_INIT(4096);

    assert_true(c2_piece_encode(&piece, &wire, &err) && c2_piece_encode(&piece, &wire, &err));
    for (size_t bit = 0; bit <= wire.n / 2 * 8; bit++) {
        bool last = bit == wire.n / 2 * 8; /* none flipped */
        C2_AUTO(c2_pieces_reader) reader;
        c2_pieces_reader_init(&reader, 1024);
        if (!last) wire.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        good = 0;
        bool ok =
            c2_pieces_feed(&reader, c2_buf_bytes(&wire), check, &good, &err) && c2_pieces_end(&reader, &err);
        assert_int_equal(ok, last);
        assert_int_equal(good, last ? 2 : 0);
        if (!last) wire.p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void questions_are_parsed_or_refused(void **state)
{
    static const struct {
        const char *text;
        bool good;
        size_t n, nspans;
    } cases[] = {{"3", true, 1, 0},
                 {"3,5-9,12:0-4;7;9-11", true, 3, 3},
                 {"", false, 0, 0},
                 {"3,", false, 0, 0},
                 {"-1", false, 0, 0},
                 {"5-3", false, 0, 0},
                 {"1-2:0", false, 0, 0},
                 {"1:4;2", false, 0, 0},
                 {"1:", false, 0, 0},
                 {"1:0-0;1,1", true, 2, 2},
                 {"1:@40-99,2:3", true, 2, 2},
                 {"1:@40-99;120", false, 0, 0},
                 {"1:@", false, 0, 0},
                 {"1:@9-3", false, 0, 0},
                 {"+1", false, 0, 0},
                 {"1 ", false, 0, 0},
                 {"99999999999999999999", false, 0, 0}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct cat2_error err;
        C2_AUTO(c2_pieces_want) want = {0};
        assert_int_equal(c2_pieces_parse(c2_str_of(cases[i].text), &want, &err), cases[i].good);
        if (!cases[i].good) continue;
        assert_int_equal(want.n, cases[i].n);
        assert_int_equal(want.spans.n, cases[i].nspans);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_arrive_byte_by_byte),
                                       cmocka_unit_test(no_flipped_bit_of_a_record_passes),
                                       cmocka_unit_test(questions_are_parsed_or_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
