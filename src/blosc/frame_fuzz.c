/* SPDX-License-Identifier: BSD-3-Clause */
/* A whole frame: open it, show its metadata, decode every chunk; write it again and it must open again. */
#include <stdlib.h>

#include "blosc/codec.h"
#include "blosc/frame.h"
#include "blosc/fuzz_edge.h"

#define CHUNK_MAX (1 << 20) /* larger chunks, and more of them, only cost time */
#define CHUNKS    32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_all(struct c2_codec *codec, struct c2_frame *frame, struct c2_frame_writer *w)
{
    const struct c2_meta *meta = c2_frame_meta(frame);
    struct c2_chunks chunks = c2_frame_chunks(frame);
    struct cat2_error err = {0};
    static uint8_t *base;
    uint8_t *plain = edge(&base, CHUNK_MAX, (size_t)meta->chunksize);

    for (int64_t i = 0; i < meta->nchunks && i < CHUNKS; i++) {
        C2_AUTO(c2_buf) chunk = C2_BUF_INIT(C2_CHUNK_CBYTES_MAX);
        struct c2_chunk_stat stat;
        (void)c2_chunk_stat(&chunks, i, &stat, &err);
        if (!c2_frame_chunk(frame, i, &chunk, &err)) continue;
        (void)c2_codec_decode(codec, meta, c2_buf_bytes(&chunk), plain, &err);
        if (w) (void)c2_frame_writer_add(w, c2_buf_bytes(&chunk), &err);
    }
}

static void write_again(struct c2_frame_writer *w)
{
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 28);
    C2_AUTO_PTR(c2_frame) *copy = NULL;
    struct cat2_error err = {0};

    if (!c2_frame_writer_finish(w, &bytes, &err)) return;
    if (!c2_frame_open_buf(&bytes, "copy", &copy, &err)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct c2_codec *codec; /* kept, as workers keep theirs */
    C2_AUTO(c2_buf) bytes = C2_BUF_INIT(1 << 28), json = C2_BUF_INIT(1 << 28);
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    C2_AUTO_PTR(c2_frame_writer) *w = NULL;
    struct cat2_error err = {0};
    struct c2_jw jw;

    if (!codec) {
        c2_codec_setup();
        codec = c2_codec_new();
    }
    if (!codec || !c2_buf_append(&bytes, data, size, &err) ||
        !c2_frame_open_buf(&bytes, "input", &frame, &err))
        return 0;
    c2_jw_init(&jw, &json, C2_JSON_COMPACT, &err);
    (void)c2_meta_to_json(c2_frame_meta(frame), true, 0, &jw);
    if (c2_frame_meta(frame)->chunksize > CHUNK_MAX || c2_frame_refusal(frame)) return 0;
    if (!c2_frame_writer_new(-1, c2_frame_meta(frame), &w, &err)) return 0;
    decode_all(codec, frame, w);
    write_again(w);
    return 0;
}
