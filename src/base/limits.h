/* SPDX-License-Identifier: BSD-3-Clause */
/* The limits that rooms share, each with its reason. Those of one room stand at the top of its header or
 * file, with theirs; tools/check_limits.py sees to both. */
#ifndef C2_BASE_LIMITS_H
#define C2_BASE_LIMITS_H

#define C2_DIM_MAX            16        /* b2nd: ndim <= 16 since Blosc2 3 */
#define C2_PATH_MAX           4096      /* a dataset path; file systems stop there too */
#define C2_PART_MAX           1024      /* one name in it: 255 bytes that are not UTF-8 are 765 as text */
#define C2_NAME_MAX           255       /* one file name, a root name */
#define C2_TREE_DEPTH_MAX     1024      /* directories below a root, in each other */
#define C2_CHUNK_NBYTES_MAX   (1 << 30) /* one decoded chunk: a request may cost a few of these */
#define C2_CHUNK_CBYTES_MAX   ((1 << 30) + (1 << 24)) /* compressed, with room for incompressible overhead */
#define C2_NCHUNKS_MAX        (1 << 24)               /* index of 128 MiB */
#define C2_NBLOCKS_MAX        (1 << 22)               /* per chunk: bstarts of 16 MiB */
#define C2_VLMETA_MAX         8192                    /* readers of the format accept so many */
#define C2_VLMETA_NBYTES_MAX  (16 << 20)              /* one attribute's msgpack */
#define C2_HEADER_NBYTES_MAX  (1 << 20)               /* frame header with metalayers */
#define C2_TRAILER_NBYTES_MAX (64 << 20)              /* frame trailer: attributes */
#define C2_DTYPE_TEXT_MAX     65536                   /* a structured dtype may list hundreds of fields */
#define C2_DTYPE_DEPTH_MAX    16                      /* nested structures */
#define C2_DTYPE_FIELDS_MAX   4096                    /* over all levels */
#define C2_H5_LOOK_NBYTES     (16 << 20)              /* of a dataset, read to tell whether it changed */
#define C2_JSON_NBYTES_MAX    (256 << 20)             /* list of a big root: 10 000 datasets take 6 MB */
#define C2_MSGPACK_DEPTH_MAX  64         /* attributes as stored: they nest, attackers nest more */
#define C2_WS_MESSAGE_MAX     (16 << 20) /* as the Python broker */
#define C2_CONNECTIONS_MAX    16384      /* of one service: 12 288 event streams, and the rest for requests */
#define C2_UPSTREAM_MAX       16         /* parallel requests to one publisher */
#define C2_TOML_NBYTES_MAX    (1 << 20)  /* a configuration file */
#define C2_DIGEST_MAX         64         /* the text of one: "sha-256=:BASE64:" and a NUL */
#define C2_REMOTE_ETAG_MAX                                                                                   \
    128 /* bytes of another server's ETag; longer ones do not count: servers have less than 80 */
#define C2_REMOTE_MODIFIED_MAX 40   /* of its Last-Modified: "Fri, 27 Nov 2026 15:46:31 GMT" has 29 */
#define C2_RANGES_MAX          256  /* of one request: each is a part of the answer with a head of its own */
#define C2_HUB_LOG_MAX         4096 /* events kept per root: beyond, a late follower lists it anew */
#define C2_HUB_ROOTS_MAX       1000 /* each is a topic, and a line in every list */
/* So long a root's name is its owner's after the last sign of life: a publisher is started again, and
 * connects again, in less. Then another may take it, if nobody answers at its address. A mirror is forgotten
 * then. */
#define C2_HUB_LEASE_MS     60000
#define C2_MIRRORS_MAX      64          /* subscribers that mirror roots: each is a list of names */
#define C2_MIRRORS_BODY_MAX (512 << 10) /* of such a list: as many names as there may be roots */
#define C2_BUS_PLACES_MAX   8           /* brokers or upstreams: each is tried in turn, and measured */
#define C2_SCRUB_BAD_MAX    64          /* damaged chunks that one look at a cache file names */
#define C2_NPY_HEADER_MAX                                                                                    \
    (2 * C2_DTYPE_TEXT_MAX + 2048)        /* the dtype's text with quotes escaped, and the shape */
#define C2_LINE_PX_MAX        4096        /* pixels of a line: no screen is wider */
#define C2_TILE_SIDE          256         /* of a tile, in texels */
#define C2_TILE_Z_MAX         30          /* levels of zoom: 2^30 tiles of 256 items along an axis */
#define C2_LEVELS_TILE_NBYTES (1 << 20)   /* of a tile that is kept: a value and a count for each texel */
#define C2_PYRAMID_NAME_MAX   160         /* what is reduced, and how, in the name of a file */
#define C2_REDUCE_NBYTES_MAX  (256 << 20) /* decompressed for one answer; more is sampled */
#define C2_ORDER_ROWS_MAX     ((int64_t)1 << 24) /* rows of a sorted or filtered table: 64 MiB of row numbers */
#define C2_PICTURE_SIDE_MAX   2048               /* pixels of a PNG: 16 MiB while it is made */
#define C2_KEPT_BLOCKS_NBYTES (16 << 20)         /* of blocks that are asked for again and again */
#define C2_PLUGINS_MAX        64                 /* a process each */
#define C2_PLUG_FETCH_MAX     (64 << 20)         /* of one slice that a plugin asks for */

#define C2_WHY_MAX            200  /* bytes of a reason for people */
#define C2_MEANING_GROUPS_MAX 16   /* whose attributes one answer needs, asked for one after the other */
#define C2_MEANING_LOOKS_MAX  512  /* objects that one answer looks at, on the loop */
#define C2_STATE_TEND_MS      1000 /* between looks at a state: a disk is well again in minutes */
#define C2_HEALTH_MAX         32   /* conditions at a time: their names are in our source */
#define C2_METRICS_MAX        (16 << 20) /* of one answer: a few lines for each root, 1000 roots are 1 MiB */
#define C2_GRANTS_NBYTES_MAX  4096       /* patterns of roots of one key: some dozens of names */
#define C2_PASSWORD_MAX       1024       /* bytes: longer ones cost time and are no stronger */
#define C2_USER_MAX           64         /* bytes of a user's name: it stands in lines of the log */
#define C2_LABEL_MAX          200        /* bytes of what people call a key: the same */

#define C2_SO_FAR_MAX                                                                                        \
    (64 << 20) /* bytes of names of a first listing: 524 288 of 128 bytes; more are in the list */
#define C2_VEC_NO_MAX SIZE_MAX /* of an array that grows (base/vec.h): what bounds it is elsewhere */

#endif
