/* SPDX-License-Identifier: BSD-3-Clause */
/* A Python subscriber pickles small answers. The opcodes are walked to find the one run of data bytes whose
 * length is known from the metadata; nothing is looked up or called, so a pickle cannot run code. */
#include "base/endian.h"
#include "client/internal.h"

/* Bytes of an opcode's fixed argument; -1: length-prefixed or unknown, see step(). */
static int fixed_argument(uint8_t op)
{
    switch (op) {
    case 0x80: /* PROTO */
    case 'K':  /* BININT1 */
    case 'h':  /* BINGET */
    case 'q':  /* BINPUT */
        return 1;
    case 'M': /* BININT2 */
        return 2;
    case 'J': /* BININT */
    case 'j': /* LONG_BINGET */
    case 'r': /* LONG_BINPUT */
        return 4;
    case 'G':  /* BINFLOAT */
    case 0x95: /* FRAME */
        return 8;
    case '(':
    case ')':
    case 'N':
    case 't':
    case 'R':
    case 'b':
    case 'l':
    case 'd':
    case ']':
    case '}':
    case 'a':
    case 'e':
    case 's':
    case 'u':
    case '.':
    case 0x85:
    case 0x86:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0x93:
    case 0x94:
    case 0x98:
        return 0;
    default:
        return -1;
    }
}

/* Length of a length-prefixed argument's prefix, and whether it is data. 0: unknown opcode. */
static size_t prefix_of(uint8_t op, bool *data)
{
    *data = op == 'C' || op == 'B' || op == 0x8e || op == 0x96;
    switch (op) {
    case 'C':
    case 0x8c:
    case 'U':
    case 0x8a:
        return 1; /* SHORT_BINBYTES, SHORT_BINUNICODE, SHORT_BINSTRING, LONG1 */
    case 'B':
    case 'X':
    case 'T':
        return 4; /* BINBYTES, BINUNICODE, BINSTRING */
    case 0x8e:
    case 0x8d:
    case 0x96:
        return 8; /* BINBYTES8, BINUNICODE8, BYTEARRAY8 */
    default:
        return 0;
    }
}

static uint64_t read_length(const uint8_t *p, size_t width)
{
    return width == 1 ? *p : width == 4 ? c2_le32(p) : c2_le64(p);
}

bool c2_pickle_data(struct c2_bytes pickle, size_t n, struct c2_bytes *out, struct cat2_error *err)
{
    const uint8_t *p = pickle.p, *end = pickle.p + pickle.n;
    bool data;

    while (p < end) {
        uint8_t op = *p++;
        int fixed = fixed_argument(op);
        size_t width = fixed < 0 ? prefix_of(op, &data) : 0;
        uint64_t length = (uint64_t)(fixed < 0 ? 0 : fixed);
        if (fixed < 0 && (width == 0 || (size_t)(end - p) < width)) break;
        if (fixed < 0) {
            length = read_length(p, width);
            p += width;
        }
        if (length > (uint64_t)(end - p)) break;
        if (fixed < 0 && data && length == n) {
            *out = (struct c2_bytes){p, n};
            return true;
        }
        p += length;
    }
    return c2_fail(err, CAT2_EDATA, "the answer's pickle does not hold %zu bytes of data", n);
}
