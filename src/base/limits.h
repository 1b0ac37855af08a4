/* SPDX-License-Identifier: BSD-3-Clause */
/* Every ceiling of the house, with its reason. */
#ifndef C2_BASE_LIMITS_H
#define C2_BASE_LIMITS_H

#define C2_DIM_MAX            16 /* b2nd: ndim <= 16 since Blosc2 3 */
#define C2_SELS_MAX           64 /* parts of a slice text; more than C2_DIM_MAX so that the error names the axes */
#define C2_PATH_MAX           4096      /* a dataset path; file systems stop there too */
#define C2_PART_MAX           1024      /* one name in it: 255 bytes that are not UTF-8 are 765 as text */
#define C2_NAME_MAX           255       /* one file name, a root name */
#define C2_TREE_DEPTH_MAX     1024      /* directories below a root, in each other */
#define C2_CHUNK_NBYTES_MAX   (1 << 30) /* one decoded chunk: a request may cost a few of these */
#define C2_CHUNK_CBYTES_MAX   ((1 << 30) + (1 << 24)) /* compressed, with room for incompressible overhead */
#define C2_NCHUNKS_MAX        (1 << 24)               /* index of 128 MiB */
#define C2_NBLOCKS_MAX        (1 << 22)               /* per chunk: bstarts of 16 MiB */
#define C2_METALAYERS_MAX     16                      /* frame format */
#define C2_VLMETA_MAX         8192                    /* readers of the format accept so many */
#define C2_VLMETA_NBYTES_MAX  (16 << 20)              /* one attribute's msgpack */
#define C2_HEADER_NBYTES_MAX  (1 << 20)               /* frame header with metalayers */
#define C2_TRAILER_NBYTES_MAX (64 << 20)              /* frame trailer: attributes */
#define C2_DTYPE_TEXT_MAX     65536                   /* a structured dtype may list hundreds of fields */
#define C2_DTYPE_DEPTH_MAX    16                      /* nested structures */
#define C2_DTYPE_FIELDS_MAX   4096                    /* over all levels */
#define C2_JSON_NBYTES_MAX    (256 << 20)             /* list of a big root: 10 000 datasets take 6 MB */
#define C2_JSON_DEPTH_MAX     64                      /* attributes nest, attackers nest more */
#define C2_MSGPACK_DEPTH_MAX  64                      /* same, for attributes as stored */
#define C2_REQUEST_BODY_MAX   (1 << 20)               /* the largest body a service takes is a Root */
#define C2_REQUEST_ARENA_MAX  (4 << 20)               /* parsed parts of one request */
#define C2_WS_MESSAGE_MAX     (16 << 20)              /* as the Python broker */
#define C2_WS_QUEUE_MAX       (32 << 20) /* unsent bytes towards one WebSocket peer before it is dropped */
#define C2_CONNECTIONS_MAX    4096       /* of one service */
#define C2_ANSWER_NBYTES_MAX    (64 << 20) /* an answer that is made whole before it is sent */
#define C2_CACHE_MEMORY_MAX                                                                                  \
    (256 << 20)                      /* pieces a subscriber passes on while its cache cannot be written      \
                                      */
#define C2_UPSTREAM_MAX    16        /* parallel requests to one publisher */
#define C2_TOML_NBYTES_MAX (1 << 20) /* a configuration file */

#endif
