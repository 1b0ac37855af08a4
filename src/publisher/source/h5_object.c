/* SPDX-License-Identifier: BSD-3-Clause */
/* HDF5 files here and those that are objects of a store: their states, and what is asked of them. Ranges of
 * an object are of the state that the request names, which is compared with each answer of the store. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "publisher/source/h5_file_impl.h"
#include "publisher/source/h5_kind.h"
#include "publisher/source/object_bytes.h"

bool c2_h5_is_passing(const struct c2_h5_file *file, const struct cat2_error *err)
{
    return file->base.object ? c2_object_is_passing(err) : c2_is_busy(err);
}

/* ---- states ---- */

static void state_of(const struct c2_object_pin *pin, struct c2_h5_state *out)
{
    struct c2_file_key key;

    c2_object_key(pin, &key);
    memset(out, 0, sizeof(*out)); /* states are compared as bytes */
    out->dev = key.dev;
    out->ino = key.ino;
    out->size = key.size;
    out->sec = out->ctime_sec = key.mtime_ns / 1000000000;
    out->nsec = out->ctime_nsec = key.mtime_ns % 1000000000;
}

bool c2_h5_file_state(struct c2_h5_file *file, struct c2_h5_state *out, struct cat2_error *err)
{
    struct c2_object_pin pin;

    if (!file->base.object)
        return c2_h5_stat(file->base.filename, out) ||
               c2_fail_errno(err, errno, "%.160s", file->base.filename);
    if (!c2_object_bytes_pin(file->base.object, &pin, err)) return false;
    state_of(&pin, out);
    return true;
}

bool c2_h5_file_generation(struct c2_h5_file *file, const struct c2_h5_state *state,
                           struct c2_generation *out, struct cat2_error *err)
{
    struct c2_object_pin pin;
    struct c2_file_key key;
    struct c2_h5_state now;

    if (!file->base.object) {
        c2_h5_state_key(state, &key);
        return c2_gens_of_file(file->base.site->gens, file->base.prefix, &key, out, err);
    }
    if (!c2_object_bytes_pin(file->base.object, &pin, err)) return false;
    state_of(&pin, &now);
    if (!c2_h5_same_state(&now, state)) return c2_fail_busy(err, file->base.filename);
    *out = pin.gen;
    return true;
}

/* ---- requests ---- */

struct reading {
    struct c2_object_bytes *object;
    struct c2_object_pin pin;
    bool failed; /* a range */
};

static bool read_range(void *ctx, int64_t off, size_t n, void *to, struct cat2_error *err)
{
    const struct reading *reading = ctx;

    return c2_object_bytes_read(reading->object, &reading->pin, off, n, to, err);
}

bool c2_h5_file_ask(struct c2_h5_file *file, struct c2_h5_call *call, struct cat2_error *err)
{
    struct reading reading = {.object = file->base.object};
    struct c2_h5_state state;

    call->elsewhere = NULL;
    if (!reading.object) return c2_h5_workers_call(c2_h5_file_workers(file), call, err);
    if (!c2_object_bytes_pin(reading.object, &reading.pin, err)) return false;
    if (c2_object_bytes_is_broken(reading.object, &reading.pin, err)) return false;
    state_of(&reading.pin, &state);
    call->elsewhere = &state;
    call->range = read_range;
    call->range_ctx = &reading;
    bool ok = c2_h5_workers_call(c2_h5_file_workers(file), call, err);
    call->elsewhere = NULL;
    return ok;
}

/* ---- what it is ---- */

static bool read_object(void *ctx, int64_t off, size_t n, void *to)
{
    struct reading *reading = ctx;
    struct cat2_error ignored;

    bool ok = c2_object_bytes_read(reading->object, &reading->pin, off, n, to, &ignored);
    reading->failed = reading->failed || !ok;
    return ok;
}

static void say_what_object(struct c2_h5_file *file, struct cat2_error *err)
{
    struct reading reading = {.object = file->base.object};
    struct c2_h5_bytes bytes = {.read = read_object, .ctx = &reading};
    const char *title = c2_container_title(&file->base);
    struct cat2_error ignored;

    if (!c2_object_bytes_pin(reading.object, &reading.pin, &ignored)) return;
    bytes.nbytes = reading.pin.state.nbytes;
    if (c2_h5_bytes_signature(&bytes) || reading.failed) {
        c2_fail_within(err, "%.160s", title);
        return;
    }
    const char *what = c2_h5_bytes_not(&bytes);
    c2_fail(err, CAT2_EDATA, "%.160s %s", title, what);
    if (!reading.failed) c2_object_bytes_note_broken(reading.object, &reading.pin, err);
}

/* libhdf5 says of many files only that they have no signature. */
void c2_h5_file_say_what(struct c2_h5_file *file, struct cat2_error *err)
{
    if (file->base.object) {
        say_what_object(file, err);
        return;
    }
    int fd = open(file->base.filename, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && !c2_h5_signature(fd))
        c2_fail(err, CAT2_EDATA, "%.160s %s", c2_container_title(&file->base), c2_h5_not(fd));
    else
        c2_fail_within(err, "%.160s", c2_container_title(&file->base));
    if (fd >= 0) close(fd);
}
