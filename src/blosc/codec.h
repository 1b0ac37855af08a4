/* SPDX-License-Identifier: BSD-3-Clause */
/* Compression contexts of one worker thread. The library never sees bytes that have not passed the guard. */
#ifndef C2_BLOSC_CODEC_H
#define C2_BLOSC_CODEC_H

#include "blosc/codec_names.h"
#include "blosc/guard.h"
#include "blosc/meta.h"

/* One per thread; not thread-safe. Holds contexts and scratch. */
struct c2_codec;
/** Process-wide library set-up: unset BLOSC_* variables, blosc2_init. Call once in main before threads. */
void c2_codec_setup(void);
struct c2_codec *c2_codec_new(void); /* NULL when out of memory */
void c2_codec_free(struct c2_codec *codec);
C2_DEFINE_AUTO_PTR(c2_codec, c2_codec_free);

/** Can chunks of this codec and these filters be decoded here? @errors CAT2_EUNSUPPORTED names the codec and
 * a package. */
bool c2_codec_supports(const struct c2_cparams *cparams, struct cat2_error *err);

/** Decode a whole guarded chunk. UNINIT decodes to zeros. `meta` gives array context to codecs and filters
 * that need it.
 *  @param out  info.nbytes bytes. */
bool c2_codec_decode(struct c2_codec *codec, const struct c2_meta *meta, struct c2_bytes chunk, uint8_t *out,
                     struct cat2_error *err);
/** Decode some blocks, ascending, given prefix (header, bstarts, dictionary) and each block's bytes
 * concatenated in the order of `blocks`. Built as a legal chunk of nblocks blocks. Not for DELTA, VL blocks,
 * special or memcpyed chunks.
 *  @param out  block after block, each info->blocksize bytes (the chunk's last block may be short). */
bool c2_codec_decode_blocks(struct c2_codec *codec, const struct c2_meta *meta, struct c2_bytes prefix,
                            const int32_t *blocks, int32_t nblocks, const int32_t *lens, struct c2_bytes data,
                            uint8_t *out, struct cat2_error *err);
/** Compress nbytes bytes of items into one chunk, appended to out, with meta's cparams (or fast LZ4 ones of
 * c2_cparams_fast()). */
bool c2_codec_encode(struct c2_codec *codec, const struct c2_cparams *cparams, const uint8_t *items,
                     int32_t nbytes, struct c2_buf *out, struct cat2_error *err);
/** LZ4 clevel 5, SHUFFLE: for answers made on the fly. */
struct c2_cparams c2_cparams_fast(int32_t typesize, int32_t blocksize);
/** ZSTD clevel 1, SHUFFLE: Python's default. */
struct c2_cparams c2_cparams_default(int32_t typesize, int32_t blocksize);

/* ---- codec_plugins.c ---- */
/** Load codecs that are packages of their own from the folders of CATERVA2_CODEC_PATH. Part of the setup. */
void c2_codec_load_separate(void);
/** Of a codec with a package: was it? Any thread. */
bool c2_codec_is_loaded(const struct c2_codec_name *codec);

#endif
