/* SPDX-License-Identifier: BSD-3-Clause */
/* libmicrohttpd's responses, as far as src/net uses them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "mhd.h"

static struct MHD_Response *response_new(uint64_t size)
{
    struct MHD_Response *r = calloc(1, sizeof(*r));

    C2_ASSERT(r);
    r->refs = 1;
    r->size = size;
    r->fd = -1;
    c2_buf_init(&r->headers, 1 << 20);
    return r;
}

struct MHD_Response *MHD_create_response_from_buffer(size_t size, void *buffer,
                                                     enum MHD_ResponseMemoryMode mode)
{
    struct MHD_Response *r = response_new(size);

    C2_ASSERT(mode != MHD_RESPMEM_MUST_COPY);
    r->bytes = buffer;
    if (mode == MHD_RESPMEM_MUST_FREE) r->owned = buffer;
    return r;
}

#if MHD_VERSION >= 0x01000000
#define BODY const void
#else
#define BODY void
#endif
struct MHD_Response *MHD_create_response_from_buffer_with_free_callback_cls(
    size_t size, BODY *buffer, MHD_ContentReaderFreeCallback bytes_free, void *cls)
{
    struct MHD_Response *r = response_new(size);

    r->bytes = buffer;
    r->reader_free = bytes_free;
    r->reader_cls = cls;
    return r;
}

struct MHD_Response *MHD_create_response_from_callback(uint64_t size, size_t block,
                                                       MHD_ContentReaderCallback reader, void *cls,
                                                       MHD_ContentReaderFreeCallback reader_free)
{
    struct MHD_Response *r = response_new(size);

    r->reader = reader;
    r->reader_cls = cls;
    r->reader_free = reader_free;
    r->block = block;
    return r;
}

struct MHD_Response *MHD_create_response_from_fd_at_offset64(uint64_t size, int fd, uint64_t offset)
{
    struct MHD_Response *r = response_new(size);

    r->fd = fd;
    r->off = offset;
    return r;
}

struct MHD_Response *MHD_create_response_for_upgrade(MHD_UpgradeHandler handler, void *cls)
{
    struct MHD_Response *r = response_new(0);

    (void)handler;
    r->upgrade = true;
    r->ws = cls;
    return r;
}

enum MHD_Result MHD_add_response_header(struct MHD_Response *r, const char *name, const char *value)
{
    struct cat2_error err;

    return c2_buf_printf(&r->headers, &err, "%s: %s\r\n", name, value) ? MHD_YES : MHD_NO;
}

void MHD_destroy_response(struct MHD_Response *r)
{
    if (--r->refs > 0) return;
    if (r->reader_free) r->reader_free(r->reader_cls);
    if (r->fd >= 0) close(r->fd);
    if (r->ws) c2_ws_refused(r->ws);
    c2_buf_fini(&r->headers);
    free(r->owned);
    free(r);
}

ssize_t c2_mhd_read(struct MHD_Response *r, uint64_t pos, uint8_t *to, size_t room)
{
    if (r->reader) {
        if (pos == r->size) return MHD_CONTENT_READER_END_OF_STREAM;
        size_t most = r->size == MHD_SIZE_UNKNOWN || room < r->size - pos ? room : (size_t)(r->size - pos);
        return r->reader(r->reader_cls, pos, (char *)to, most);
    }
    if (pos >= r->size) return MHD_CONTENT_READER_END_OF_STREAM;
    if (room > r->size - pos) room = (size_t)(r->size - pos);
    if (r->fd >= 0) {
        ssize_t n = pread(r->fd, to, room, (off_t)(r->off + pos));
        return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
    }
    memcpy(to, r->bytes + pos, room);
    return (ssize_t)room;
}
