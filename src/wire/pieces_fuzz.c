/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers and questions of pieces from anybody. */

#include "wire/pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool touch(void *ctx, const struct c2_piece *piece, struct cat2_error *err)
{
    unsigned *sum = ctx;

    *sum += c2_piece_check(piece, c2_buf_bytes(piece->record), err);
    for (int32_t i = 0; i < piece->nblocks; i++)
        *sum += (unsigned)piece->blocks[i];
    for (size_t i = 0; i < piece->data.n; i++)
        *sum += piece->data.p[i];
    for (size_t i = 0; i < piece->prefix.n; i++)
        *sum += piece->prefix.p[i];
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err = {0};
    C2_AUTO(c2_pieces_reader) reader;
    C2_AUTO(c2_pieces_want) want = {0};
    unsigned sum = 0;
    size_t half = size / 3;

    c2_pieces_reader_init(&reader, 1 << 16);
    if (c2_pieces_feed(&reader, (struct c2_bytes){data, half}, touch, &sum, &err) &&
        c2_pieces_feed(&reader, (struct c2_bytes){data + half, size - half}, touch, &sum, &err))
        c2_pieces_end(&reader, &err);
    c2_pieces_parse((struct c2_str){(const char *)data, size}, &want, &err);
    return 0;
}
