/* SPDX-License-Identifier: BSD-3-Clause */
/* Finding libnats, and its functions. */
#include "bus/nats/nats_lib.h"

#include <dlfcn.h>

#include "base/log.h"

static struct c2_nats_lib functions;

static bool find_all(void *library, struct cat2_error *err)
{
    static const struct {
        const char *name;
        size_t at;
    } all[] = {
#define ROW(name) {#name, offsetof(struct c2_nats_lib, name)},
        C2_NATS_FUNCTIONS(ROW)
#undef ROW
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(all); i++) {
        void *found = dlsym(library, all[i].name);
        if (!found) return c2_fail(err, CAT2_EUNSUPPORTED, "libnats is too old: it has no %s", all[i].name);
        memcpy((char *)&functions + all[i].at, &found, sizeof(found));
    }
    return true;
}

const struct c2_nats_lib *c2_nats_lib_load(struct cat2_error *err)
{
    static const char *const names[] = {C2_NATS_LIBRARY, "libnats.so"};
    static bool loaded;

    for (size_t i = 0; i < C2_ARRAY_LEN(names) && !loaded; i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (!library) continue;
        if (!find_all(library, err)) return NULL;
        loaded = true;
        c2_log_info("libnats %s", functions.nats_GetVersion());
    }
    if (loaded) return &functions;
    c2_fail(err, CAT2_EUNSUPPORTED, "a bus on NATS needs the library %s (Debian: libnats%d.%d): %s",
            C2_NATS_LIBRARY, NATS_VERSION_MAJOR, NATS_VERSION_MINOR, dlerror());
    return NULL;
}
