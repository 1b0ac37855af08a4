/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes in place of a state file: what is in it can be read and changed, or there is a reason. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fs.h"
#include "state/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct c2_state_kind kind = {.program = "cat2fuzz", .costs = "nothing", .shrinks = true};
static char folder[64];

static void clear(void)
{
    static const char *const names[] = {"cat2fuzz.sqlite3", "cat2fuzz.sqlite3-wal", "cat2fuzz.sqlite3-shm",
                                        "LOCK", C2_STATE_MARK};
    char path[128];

    for (size_t i = 0; i < C2_ARRAY_LEN(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        unlink(path);
    }
}

static void leave(void)
{
    clear();
    rmdir(folder);
}

static bool see(void *ctx, struct c2_str key, struct c2_str value, struct cat2_error *err)
{
    size_t *n = ctx;

    (void)err;
    *n += (key.n && key.p[key.n - 1]) || (value.n && value.p[value.n - 1]) ? 2 : 1; /* touches both ends */
    return true;
}

static void use(struct c2_state *state)
{
    C2_AUTO(c2_buf) value = C2_BUF_INIT(1 << 20);
    struct cat2_error err;
    size_t n = 0;

    c2_state_each(state, "roots", C2_STR(""), see, &n, &err);
    c2_state_each(state, "etags", C2_STR("a"), see, &n, &err);
    if (c2_state_put(state, "roots", C2_STR("foo"), C2_STR("bar"), &err) &&
        c2_state_get(state, "roots", C2_STR("foo"), &value, &err))
        C2_ASSERT(c2_str_is(c2_buf_str(&value), "bar"));
    c2_state_del_prefix(state, "roots", C2_STR("f"), &err);
    c2_state_trim(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_state *state = NULL;
    struct cat2_error err = {0};
    char path[128];

    if (!folder[0]) {
        snprintf(folder, sizeof(folder), "%s/c2-state-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        C2_ASSERT(mkdtemp(folder) && atexit(leave) == 0);
    }
    clear();
    snprintf(path, sizeof(path), "%s/cat2fuzz.sqlite3", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    C2_ASSERT(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    if (c2_state_open(folder, &kind, &state, &err)) {
        use(state);
        c2_state_close(state);
    } else {
        C2_ASSERT(err.code != CAT2_OK && err.message[0]);
    }
    return 0;
}
