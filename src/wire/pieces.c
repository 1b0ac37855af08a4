/* SPDX-License-Identifier: BSD-3-Clause */
/* Records of chunks and blocks: written, read as they arrive, and asked for. */
#include "wire/pieces.h"
#include "base/hash.h"

#include <stdlib.h>

#include "base/endian.h"

#define MAGIC        "C2P1"
#define MAGIC_HASHED "C2P2"
enum { FLAG_WHOLE = 1 };

static bool encode_head(const struct c2_piece *piece, struct c2_buf *out, struct cat2_error *err)
{
    uint8_t head[C2_PIECE_HEAD_SIZE], number[4];

    memcpy(head, piece->hashed ? MAGIC_HASHED : MAGIC, 4);
    c2_put_le32(head + 4, piece->whole ? FLAG_WHOLE : 0);
    c2_put_le64(head + 8, (uint64_t)piece->nchunk);
    c2_put_le32(head + 16, (uint32_t)piece->prefix.n);
    c2_put_le32(head + 20, (uint32_t)piece->nblocks);
    c2_put_le64(head + 24, piece->data.n);
    if (!c2_buf_append(out, head, sizeof(head), err)) return false;
    for (int32_t i = 0; i < piece->nblocks; i++) {
        c2_put_le32(number, (uint32_t)piece->blocks[i]);
        if (!c2_buf_append(out, number, 4, err)) return false;
    }
    return c2_buf_append(out, piece->prefix.p, piece->prefix.n, err);
}

bool c2_piece_ends(const struct c2_piece *piece, struct c2_buf *head, struct c2_buf *tail,
                   struct cat2_error *err)
{
    size_t start = head->n;
    struct c2_hasher hasher;
    uint8_t hash[C2_PIECE_HASH_SIZE];

    if (!encode_head(piece, head, err)) return false;
    if (!piece->hashed) return true;
    c2_hasher_begin(&hasher);
    c2_hasher_add(&hasher, head->p + start, head->n - start);
    c2_hasher_add(&hasher, piece->data.p, piece->data.n);
    c2_put_le64(hash, c2_hasher_end(&hasher));
    return c2_buf_append(tail, hash, sizeof(hash), err);
}

bool c2_piece_encode(const struct c2_piece *piece, struct c2_buf *out, struct cat2_error *err)
{
    size_t most = C2_PIECE_HEAD_SIZE + 4 * (size_t)piece->nblocks + C2_PIECE_HASH_SIZE;
    C2_AUTO(c2_buf) tail = C2_BUF_INIT(C2_PIECE_HASH_SIZE);

    return c2_buf_reserve(out, most + piece->prefix.n + piece->data.n, err) &&
           c2_piece_ends(piece, out, &tail, err) && c2_buf_append(out, piece->data.p, piece->data.n, err) &&
           c2_buf_append(out, tail.p, tail.n, err);
}

bool c2_piece_check(const struct c2_piece *piece, struct c2_bytes record, struct cat2_error *err)
{
    if (!piece->hashed) return true;
    size_t n = record.n - C2_PIECE_HASH_SIZE;
    return c2_hash64(record.p, n) == c2_le64(record.p + n) ||
           c2_fail(err, CAT2_EDATA, "pieces: a record does not have its hash");
}

void c2_pieces_reader_init(struct c2_pieces_reader *reader, size_t record_max)
{
    *reader = (struct c2_pieces_reader){.buf = C2_BUF_INIT(record_max)};
}

void c2_pieces_reader_fini(struct c2_pieces_reader *reader)
{
    c2_buf_fini(&reader->buf);
    free(reader->blocks);
    reader->blocks = NULL;
}

/* The head is here: how long is the record? */
static bool measure(struct c2_pieces_reader *reader, struct cat2_error *err)
{
    const uint8_t *head = reader->buf.p;
    uint32_t flags = c2_le32(head + 4), prefix_n = c2_le32(head + 16), nblocks = c2_le32(head + 20);
    uint64_t nchunk = c2_le64(head + 8), data_n = c2_le64(head + 24);

    bool hashed = memcmp(head, MAGIC_HASHED, 4) == 0;
    if ((!hashed && memcmp(head, MAGIC, 4) != 0) || flags > FLAG_WHOLE)
        return c2_fail(err, CAT2_EDATA, "pieces: not a record of ours");
    if (nchunk >= C2_NCHUNKS_MAX || nblocks > C2_NBLOCKS_MAX || prefix_n > C2_CHUNK_CBYTES_MAX ||
        data_n > C2_CHUNK_CBYTES_MAX)
        return c2_fail(err, CAT2_EDATA, "pieces: impossible sizes");
    if ((flags & FLAG_WHOLE) ? prefix_n != 0 || nblocks != 0 : nblocks == 0)
        return c2_fail(err, CAT2_EDATA, "pieces: whole chunks have no blocks, others do");
    reader->need = C2_PIECE_HEAD_SIZE + (size_t)nblocks * 4 + prefix_n + (size_t)data_n;
    if (hashed) reader->need += C2_PIECE_HASH_SIZE;
    if (reader->need > reader->buf.max)
        return c2_fail(err, CAT2_ELIMIT, "pieces: a record of %zu bytes is too large", reader->need);
    return true;
}

static bool read_blocks(struct c2_pieces_reader *reader, uint32_t nblocks, struct cat2_error *err)
{
    const uint8_t *at = reader->buf.p + C2_PIECE_HEAD_SIZE;

    if (nblocks > reader->nblocks_cap) {
        int32_t *grown = realloc(reader->blocks, nblocks * sizeof(*grown));
        if (!grown) return c2_fail_nomem(err, "block numbers");
        reader->blocks = grown;
        reader->nblocks_cap = nblocks;
    }
    for (uint32_t i = 0; i < nblocks; i++) {
        uint32_t block = c2_le32(at + (size_t)i * 4);
        if (block >= C2_NBLOCKS_MAX || (i > 0 && (int32_t)block <= reader->blocks[i - 1]))
            return c2_fail(err, CAT2_EDATA, "pieces: block numbers do not ascend");
        reader->blocks[i] = (int32_t)block;
    }
    return true;
}

static bool hand_over(struct c2_pieces_reader *reader, c2_piece_fn *fn, void *ctx, struct cat2_error *err)
{
    const uint8_t *head = reader->buf.p;
    uint32_t prefix_n = c2_le32(head + 16), nblocks = c2_le32(head + 20);
    const uint8_t *prefix = head + C2_PIECE_HEAD_SIZE + (size_t)nblocks * 4;

    if (!read_blocks(reader, nblocks, err)) return false;
    struct c2_piece piece = {.whole = c2_le32(head + 4) & FLAG_WHOLE,
                             .nchunk = (int64_t)c2_le64(head + 8),
                             .nblocks = (int32_t)nblocks,
                             .blocks = reader->blocks,
                             .prefix = {prefix, prefix_n},
                             .data = {prefix + prefix_n, (size_t)c2_le64(head + 24)},
                             .hashed = memcmp(head, MAGIC_HASHED, 4) == 0,
                             .record = &reader->buf};
    return fn(ctx, &piece, err);
}

bool c2_pieces_feed(struct c2_pieces_reader *reader, struct c2_bytes bytes, c2_piece_fn *fn, void *ctx,
                    struct cat2_error *err)
{
    while (bytes.n > 0 || (reader->need && reader->buf.n == reader->need)) {
        size_t goal = reader->need ? reader->need : C2_PIECE_HEAD_SIZE;
        size_t take = goal - reader->buf.n < bytes.n ? goal - reader->buf.n : bytes.n;

        if (!c2_buf_append(&reader->buf, bytes.p, take, err)) return false;
        bytes.p += take;
        bytes.n -= take;
        if (reader->buf.n < goal) return true;
        if (!reader->need) {
            if (!measure(reader, err) || !c2_buf_reserve(&reader->buf, reader->need - reader->buf.n, err))
                return false;
            continue;
        }
        if (!hand_over(reader, fn, ctx, err)) return false;
        c2_buf_clear(&reader->buf);
        reader->need = 0;
    }
    return true;
}

bool c2_pieces_end(const struct c2_pieces_reader *reader, struct cat2_error *err)
{
    return reader->buf.n == 0 || c2_fail(err, CAT2_EDATA, "pieces: the answer ends within a record");
}

/* ---- the question ---- */

void c2_pieces_want_fini(struct c2_pieces_want *want)
{
    c2_vec_fini(want);
    c2_vec_fini(&want->spans);
}

static bool read_number(struct c2_cursor *in, int64_t max, int64_t *out)
{
    bool overflow = false;
    char first = c2_cursor_peek(in);

    return first >= '0' && first <= '9' && c2_cursor_i64(in, out, &overflow) && !overflow && *out < max;
}

static bool read_span(struct c2_cursor *in, int64_t max, struct c2_span *out)
{
    if (!read_number(in, max, &out->first)) return false;
    out->last = out->first;
    return !c2_cursor_eat(in, "-") || (read_number(in, max, &out->last) && out->last >= out->first);
}

static bool read_spans(struct c2_cursor *in, const char *sep, struct c2_pieces_want *out,
                       struct cat2_error *err)
{
    struct c2_piece_want *item = &out->p[out->n - 1];

    do {
        struct c2_span span;
        if (!read_span(in, C2_NBLOCKS_MAX, &span) ||
            (item->nspans && span.first <= out->spans.p[out->spans.n - 1].last))
            return c2_fail(err, CAT2_EINVAL, "blocks: ascending ranges expected, like 0-4 and 7");
        if (!c2_vec_push(&out->spans, C2_PIECE_RANGES_MAX, "ranges", err, span)) return false;
        item->nspans++;
    } while (c2_cursor_eat(in, sep));
    return true;
}

static bool read_bytes(struct c2_cursor *in, struct c2_pieces_want *out, struct cat2_error *err)
{
    struct c2_piece_want *item = &out->p[out->n - 1];
    struct c2_span span;

    if (!read_span(in, C2_CHUNK_CBYTES_MAX, &span))
        return c2_fail(err, CAT2_EINVAL, "pieces: a range of bytes expected, like @4096-8191");
    if (!c2_vec_push(&out->spans, C2_PIECE_RANGES_MAX, "ranges", err, span)) return false;
    item->nspans = 1;
    item->bytes = true;
    return true;
}

static bool add_item(struct c2_pieces_want *out, struct c2_span chunks, struct cat2_error *err)
{
    return c2_vec_push(out, C2_PIECE_RANGES_MAX, "ranges of chunks", err,
                       (struct c2_piece_want){.chunks = chunks, .span_at = out->spans.n});
}

bool c2_pieces_parse(struct c2_str text, struct c2_pieces_want *out, struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of(text);

    do {
        struct c2_span chunks;
        if (!read_span(&in, C2_NCHUNKS_MAX, &chunks))
            return c2_fail(err, CAT2_EINVAL, "pieces: chunk numbers expected, like 3,5-9,12:0-4;7");
        if (!add_item(out, chunks, err)) return false;
        if (!c2_cursor_eat(&in, ":")) continue;
        if (chunks.first != chunks.last)
            return c2_fail(err, CAT2_EINVAL, "pieces: blocks are of one chunk, not of a range");
        bool bytes = c2_cursor_eat(&in, "@");
        if (bytes ? !read_bytes(&in, out, err) : !read_spans(&in, ";", out, err)) return false;
    } while (c2_cursor_eat(&in, ","));
    return c2_cursor_done(&in) || c2_fail(err, CAT2_EINVAL, "pieces: unexpected text after the numbers");
}

bool c2_pieces_parse_blocks(struct c2_str text, char sep, int64_t nchunk, struct c2_pieces_want *out,
                            struct cat2_error *err)
{
    struct c2_cursor in = c2_cursor_of(text);
    char between[2] = {sep, '\0'};

    if (!add_item(out, (struct c2_span){nchunk, nchunk}, err) || !read_spans(&in, between, out, err))
        return false;
    return c2_cursor_done(&in) || c2_fail(err, CAT2_EINVAL, "blocks: unexpected text after the numbers");
}
