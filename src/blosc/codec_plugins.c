/* SPDX-License-Identifier: BSD-3-Clause */
/* Codecs of Blosc2's registry that are packages of their own. The library would run a shell and Python to
 * find one when it is first needed. So it gets such a chunk only if the codec's shared object was loaded here
 * before, from the folders of CATERVA2_CODEC_PATH or, in a wheel, from the site-packages beside it. The
 * library then finds it by its name. */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/log.h"
#include "blosc/codec.h"

#define PACKAGES_MAX 16 /* numbers from the first plug-in on; the registry has nine */

static bool is_here[PACKAGES_MAX]; /* by number from the first plug-in; set before there are threads */

static const char *object_of(const struct c2_codec_name *codec, char out[64])
{
    snprintf(out, 64, "lib%s.so", codec->package);
    for (char *at = out; (at = strchr(at, '-'));)
        *at = '_';
    return out;
}

/* A codec is usable only if the library finds it by its name without a path. */
static bool load(const struct c2_codec_name *codec, struct c2_str folder)
{
    char path[4096], object[64];

    snprintf(path, sizeof(path), "%.*s/%s", C2_STR_ARG(folder), object_of(codec, object));
    if (access(path, R_OK) != 0) return false;
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL) && dlopen(object, RTLD_NOW | RTLD_NOLOAD)) return true;
    c2_log_warn("codec %s cannot be used: %s", codec->name, dlerror());
    return false;
}

#ifdef C2_CODECS_BESIDE
/* Programs of a wheel: what pip put into the same environment, ../lib/python3.x/site-packages/PACKAGE. */
static bool load_beside(const struct c2_codec_name *codec)
{
    char package[64], pattern[PATH_MAX];
    bool loaded = false;
    glob_t found;

    object_of(codec, package);
    package[strlen(package) - strlen(".so")] = '\0';
    c2_beside_program("../lib/python3*/site-packages/", package + strlen("lib"), pattern);
    if (glob(pattern, 0, NULL, &found) != 0) return false;
    for (size_t i = 0; i < found.gl_pathc && !loaded; i++)
        loaded = load(codec, c2_str_of(found.gl_pathv[i]));
    globfree(&found);
    return loaded;
}
#endif

static bool load_from(const struct c2_codec_name *codec, const char *folders)
{
    struct c2_str rest = c2_str_of(folders), folder;
    bool loaded = false;

    for (bool more = rest.n > 0; more && !loaded;) {
        more = c2_str_cut(rest, ':', &folder, &rest);
        loaded = folder.n && load(codec, folder);
    }
    return loaded;
}

void c2_codec_load_separate(void)
{
    const char *path = getenv("CATERVA2_CODEC_PATH");

    for (int i = 0; i < PACKAGES_MAX; i++) {
        const struct c2_codec_name *codec = c2_codec_of_id(C2_CODEC_FIRST_PLUGIN + i);
        if (!codec || !codec->package || is_here[i]) continue;
        if (path) is_here[i] = load_from(codec, path);
#ifdef C2_CODECS_BESIDE
        else
            is_here[i] = load_beside(codec);
#endif
    }
}

bool c2_codec_is_loaded(const struct c2_codec_name *codec)
{
    return is_here[codec->id - C2_CODEC_FIRST_PLUGIN];
}
