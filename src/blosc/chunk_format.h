/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers of the Blosc2 chunk format: places in the 32-byte header, flag bits, special values, filter ids. */
#ifndef C2_BLOSC_CHUNK_FORMAT_H
#define C2_BLOSC_CHUNK_FORMAT_H

#define C2_CHUNK_HEADER      32
#define C2_CHUNK_VERSION     5 /* what we write for special chunks; every Blosc2 reads it */
#define C2_CHUNK_VERSION_MAX 6 /* later ones are not known here */

/* Bytes of the header; nbytes, blocksize and cbytes are i32 at 4, 8 and 12. */
#define C2_CHUNK_FLAGS    2
#define C2_CHUNK_TYPESIZE 3
#define C2_CHUNK_FILTERS  16
#define C2_CHUNK_CODEC                                                                                       \
    22 /* user codec id, when the codec bits say so; its meta is at 23, of the filters from 24 */
#define C2_CHUNK_FLAGS3 30 /* bit 0: variable-length blocks */
#define C2_CHUNK_FLAGS2 31

#define C2_FLAG_MEMCPYED 0x02
#define C2_FLAG_NOSPLIT  0x10
#define C2_CHUNK_UDCODEC 6 /* of flags >> 5 */

#define C2_FLAG2_DICT         0x01
#define C2_FLAG2_LAZY         0x08
#define C2_FLAG2_INSTRUMENTED 0x80

#define C2_SPECIAL_ZERO   1
#define C2_SPECIAL_NAN    2
#define C2_SPECIAL_VALUE  3
#define C2_SPECIAL_UNINIT 4

#define C2_FILTER_SHUFFLE      1
#define C2_FILTER_BITSHUFFLE   2
#define C2_FILTER_DELTA        3
#define C2_FILTER_FIRST_PLUGIN 32

#endif
