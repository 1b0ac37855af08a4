/* SPDX-License-Identifier: BSD-3-Clause */
/* States of other files. */
#include "publisher/source/h5_others.h"
#include "base/bisect.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

void c2_h5_others_fini(struct c2_h5_others *others)
{
    for (size_t i = 0; i < others->n; i++)
        free(others->p[i].path);
    c2_vec_fini(others);
}

/* Index of path, or where it would be inserted. */
static size_t place_of(const struct c2_h5_others *others, struct c2_str path, bool *found)
{
    size_t at;

    c2_bisect(at, others->n, c2_str_cmp(c2_str_of(others->p[at].path), path) < 0);
    *found = at < others->n && c2_str_is(path, others->p[at].path);
    return at;
}

static bool add(struct c2_h5_others *others, struct c2_str path, const struct c2_h5_state *state,
                bool *differ, struct cat2_error *err)
{
    bool found;
    size_t at = place_of(others, path, &found);

    if (found) {
        if (memcmp(&others->p[at].state, state, sizeof(*state)) != 0) *differ = true;
        return true;
    }
    if (!c2_vec_room(others, C2_VEC_NO_MAX, "files", err)) return false;
    char *copy = c2_str_dup(path);
    if (!copy) return c2_fail_nomem(err, "list of files");
    memmove(others->p + at + 1, others->p + at, (others->n - at) * sizeof(*others->p));
    others->p[at] = (struct c2_h5_other_at){copy, *state};
    others->n++;
    return true;
}

bool c2_h5_others_add(struct c2_h5_others *others, struct c2_bytes told, bool *differ, struct cat2_error *err)
{
    struct c2_h5_other_file file;

    while (told.n) {
        if (told.n < sizeof(file)) return c2_fail(err, CAT2_EDATA, "the HDF5 worker told of no file");
        memcpy(&file, told.p, sizeof(file));
        told = (struct c2_bytes){told.p + sizeof(file), told.n - sizeof(file)};
        if (file.path_len > told.n) return c2_fail(err, CAT2_EDATA, "the HDF5 worker told of no file");
        struct c2_str path = {(const char *)told.p, (size_t)file.path_len};
        if (!add(others, path, &file.state, differ, err)) return false;
        told = (struct c2_bytes){told.p + path.n, told.n - path.n};
    }
    return true;
}

uint64_t c2_h5_others_hash(const struct c2_h5_others *others, bool now)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < others->n; i++) {
        struct c2_h5_state state = others->p[i].state;
        if (now) c2_h5_stat(others->p[i].path, &state);
        hash = c2_hash64_seeded(others->p[i].path, strlen(others->p[i].path), hash);
        hash = c2_hash64_seeded(&state, sizeof(state), hash);
    }
    return others->n ? hash | 1 : 0;
}

int64_t c2_h5_others_newest(const struct c2_h5_others *others)
{
    int64_t newest = 0;

    for (size_t i = 0; i < others->n; i++) {
        const struct c2_h5_state *state = &others->p[i].state;
        newest = c2_max_i64(newest, state->ctime_sec * 1000000000 + state->ctime_nsec);
    }
    return newest;
}
