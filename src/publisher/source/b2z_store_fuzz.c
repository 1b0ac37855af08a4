/* SPDX-License-Identifier: BSD-3-Clause */
/* A Blosc2 store: what is listed can be asked for, its chunks are made or refused, and so are attributes. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "publisher/source/b2z_table.h"

#define LEAVES 32        /* of one input, and chunks of each: more only cost time */
#define NBYTES (1 << 20) /* of a chunk */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(int fd, const struct c2_b2z *store, const struct c2_b2z_leaf *leaf)
{
    C2_AUTO_PTR(c2_codec) *codec = c2_codec_new();
    C2_AUTO_PTR(c2_frame) *frame = NULL;
    C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 28);
    struct c2_item *rows = NULL;
    struct cat2_error err;

    if (c2_b2z_find(store, leaf->path) != leaf) abort();
    (void)c2_b2z_attrs(C2_ZIP_HERE(fd), "fuzz", store, leaf->path, &out, &err);
    c2_buf_clear(&out);
    if (!leaf->table && c2_b2z_open(C2_ZIP_HERE(fd), "fuzz", leaf, &frame, &err) &&
        c2_frame_meta(frame)->nchunks)
        (void)c2_frame_chunk(frame, 0, &out, &err);
    if (leaf->table && c2_b2z_table_open(C2_ZIP_HERE(fd), "fuzz", store, leaf, codec, &rows, &err)) {
        for (int64_t i = 0; i < rows->meta->nchunks && i < LEAVES && rows->meta->chunksize <= NBYTES; i++)
            (void)rows->ops->chunk(rows, i, &out, &err);
        rows->ops->free(rows);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_b2z) store = {0};
    C2_AUTO(c2_buf) attrs = C2_BUF_INIT(1 << 26);
    struct cat2_error err;
    int fd = memfd_create("b2z", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    if (c2_b2z_read(C2_ZIP_HERE(fd), "fuzz", &store, &err)) {
        (void)c2_b2z_attrs(C2_ZIP_HERE(fd), "fuzz", &store, "", &attrs, &err);
        for (size_t i = 0; i < store.n && i < LEAVES; i++)
            ask(fd, &store, &store.p[i]);
    }
    close(fd);
    return 0;
}
