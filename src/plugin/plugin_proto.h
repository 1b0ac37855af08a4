/* SPDX-License-Identifier: BSD-3-Clause */
/* What a subscriber and its cat2plug say to each other over a socket pair, in the machine's byte order (both
 * are one build on one machine): heads, each followed by n bytes.
 *
 *   worker   HELLO (the plugin as JSON) or FAILED, once
 *   host     SHOW (the dataset as JSON)
 *   worker   FETCH (a slice; a: bytes expected)*      host  ITEMS (the bytes) or REFUSED (why)
 *   worker   PICTURE (a, b: width, height), TEXT or FAILED (why); then the next SHOW */
#ifndef C2_PLUGIN_PLUGIN_PROTO_H
#define C2_PLUGIN_PLUGIN_PROTO_H

#include <stdint.h>

#include "base/limits.h"

#define C2_PLUG_MAGIC    0x47503243 /* C2PG */
#define C2_PLUG_TEXT_MAX (1 << 20)  /* bytes of HELLO, SHOW, FETCH, TEXT, FAILED, REFUSED */
#define C2_PLUG_SIDE_MAX 2048       /* pixels of a plugin's picture, as of ours */

enum c2_plug_kind {
    C2_PLUG_HELLO,
    C2_PLUG_SHOW,
    C2_PLUG_FETCH,
    C2_PLUG_ITEMS,
    C2_PLUG_REFUSED,
    C2_PLUG_PICTURE,
    C2_PLUG_TEXT,
    C2_PLUG_FAILED
};
struct c2_plug_head {
    uint32_t magic, kind;
    int64_t a, b;
    uint64_t n;
};

#endif
