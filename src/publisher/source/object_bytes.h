/* SPDX-License-Identifier: BSD-3-Clause */
/* An object as a container is read: parts of one of its states. Small parts come from blocks, which are kept
 * for all objects of a source, so that what is read in many small steps takes few requests. Any thread; calls
 * block. */
#ifndef C2_PUBLISHER_SOURCE_OBJECT_BYTES_H
#define C2_PUBLISHER_SOURCE_OBJECT_BYTES_H

#include "publisher/source/object_blocks.h"
#include "publisher/source/objects.h"

#define C2_OBJECT_DIRECT       65536 /* parts of so many bytes are read as they are, and not kept */
#define C2_OBJECT_AHEAD_BLOCKS 16    /* at most at once, where one follows the other */

/* A state that can be read. */
struct c2_object_pin {
    struct c2_object_state state;
    struct c2_generation gen;
    int64_t mtime_ms;
};
struct c2_object_bytes;
bool c2_object_bytes_new(struct c2_object_source *source, const char *path, struct c2_object_bytes **out,
                         struct cat2_error *err);
struct c2_object_bytes *c2_object_bytes_ref(struct c2_object_bytes *bytes);
void c2_object_bytes_free(struct c2_object_bytes *bytes); /* one reference; NULL is fine */
/** May it be had another time? The store is away or busy, or the object is another one by now. */
bool c2_object_is_passing(const struct cat2_error *err);
/** The present state, as far as is known; asks when there is doubt. @errors CAT2_ENOTFOUND; CAT2_EDATA why it
 * cannot be read; c2_is_busy() it is being written; those of c2_object_store_ask(). */
bool c2_object_bytes_pin(struct c2_object_bytes *bytes, struct c2_object_pin *out, struct cat2_error *err);
/** Equal for equal states, in place of what stat() says of a file. */
void c2_object_key(const struct c2_object_pin *pin, struct c2_file_key *out);
/** In this state the object is not what it is to be, and why: nothing of it need be read again. */
void c2_object_bytes_note_broken(struct c2_object_bytes *bytes, const struct c2_object_pin *pin,
                                 const struct cat2_error *why);
/** Was that noted of this state? @errors why, if so. */
bool c2_object_bytes_is_broken(struct c2_object_bytes *bytes, const struct c2_object_pin *pin,
                               struct cat2_error *err);
/** Where others can read the object in this state, as c2_object_direct(). */
bool c2_object_bytes_direct(struct c2_object_bytes *bytes, const struct c2_object_pin *pin,
                            struct c2_item_direct *out, struct cat2_error *err);
/** n bytes from off on, which are all in it, of this state. @errors those of c2_object_store_read(); after
 * CAT2_ECHANGED the next pin is of another state. */
bool c2_object_bytes_read(struct c2_object_bytes *bytes, const struct c2_object_pin *pin, int64_t off,
                          size_t n, void *to, struct cat2_error *err);

#endif
