/* SPDX-License-Identifier: BSD-3-Clause */
/* Msgpack written, each value in its smallest form. */
#include "base/endian.h"
#include "wire/mp.h"

void c2_mpw_init(struct c2_mpw *w, struct c2_buf *out, struct cat2_error *err)
{
    *w = (struct c2_mpw){out, err, true};
}

static void put(struct c2_mpw *w, uint8_t tag, uint64_t value, int width)
{
    uint8_t bytes[9] = {tag}, wide[8];

    c2_put_be64(wide, value);
    memcpy(bytes + 1, wide + 8 - width, (size_t)width);
    w->ok = w->ok && c2_buf_append(w->out, bytes, 1 + (size_t)width, w->err);
}

static void append(struct c2_mpw *w, struct c2_bytes bytes)
{
    w->ok = w->ok && c2_buf_append(w->out, bytes.p, bytes.n, w->err);
}

void c2_mpw_nil(struct c2_mpw *w)
{
    put(w, 0xc0, 0, 0);
}

void c2_mpw_bool(struct c2_mpw *w, bool value)
{
    put(w, value ? 0xc3 : 0xc2, 0, 0);
}

void c2_mpw_uint(struct c2_mpw *w, uint64_t value)
{
    if (value < 0x80)
        put(w, (uint8_t)value, 0, 0);
    else if (value <= 0xff)
        put(w, 0xcc, value, 1);
    else if (value <= 0xffff)
        put(w, 0xcd, value, 2);
    else
        put(w, value <= UINT32_MAX ? 0xce : 0xcf, value, value <= UINT32_MAX ? 4 : 8);
}

void c2_mpw_int(struct c2_mpw *w, int64_t value)
{
    if (value >= 0)
        c2_mpw_uint(w, (uint64_t)value);
    else if (value >= -32)
        put(w, (uint8_t)value, 0, 0);
    else if (value >= INT8_MIN)
        put(w, 0xd0, (uint64_t)value, 1);
    else if (value >= INT16_MIN)
        put(w, 0xd1, (uint64_t)value, 2);
    else
        put(w, value >= INT32_MIN ? 0xd2 : 0xd3, (uint64_t)value, value >= INT32_MIN ? 4 : 8);
}

void c2_mpw_real(struct c2_mpw *w, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    put(w, 0xcb, bits, 8);
}

void c2_mpw_str(struct c2_mpw *w, struct c2_str s)
{
    size_t n = s.n;

    if (n < 32)
        put(w, (uint8_t)(0xa0 | n), 0, 0);
    else
        put(w, n <= 0xff ? 0xd9 : n <= 0xffff ? 0xda : 0xdb, n, n <= 0xff ? 1 : n <= 0xffff ? 2 : 4);
    append(w, c2_bytes_of(s));
}

void c2_mpw_text(struct c2_mpw *w, const char *s)
{
    c2_mpw_str(w, c2_str_of(s));
}

void c2_mpw_name(struct c2_mpw *w, struct c2_str name)
{
    if (c2_str_is_utf8(name))
        c2_mpw_str(w, name);
    else
        c2_mpw_bytes(w, c2_bytes_of(name));
}

void c2_mpw_bytes(struct c2_mpw *w, struct c2_bytes bytes)
{
    size_t n = bytes.n;

    put(w, n <= 0xff ? 0xc4 : n <= 0xffff ? 0xc5 : 0xc6, n, n <= 0xff ? 1 : n <= 0xffff ? 2 : 4);
    append(w, bytes);
}

void c2_mpw_head(struct c2_mpw *w, enum c2_mp_kind kind, uint64_t n)
{
    bool map = kind == C2_MP_MAP;

    if (n > UINT32_MAX) w->ok = w->ok && c2_fail(w->err, CAT2_ELIMIT, "msgpack: too many items");
    if (n < 16)
        put(w, (uint8_t)((map ? 0x80 : 0x90) | n), 0, 0);
    else if (n <= 0xffff)
        put(w, map ? 0xde : 0xdc, n, 2);
    else
        put(w, map ? 0xdf : 0xdd, n, 4);
}

size_t c2_mpw_open(struct c2_mpw *w, enum c2_mp_kind kind)
{
    put(w, kind == C2_MP_MAP ? 0xdf : 0xdd, 0, 4);
    return w->out->n;
}

void c2_mpw_close(struct c2_mpw *w, size_t opened, size_t n)
{
    if (w->ok) c2_put_be32(w->out->p + opened - 4, (uint32_t)n);
}
