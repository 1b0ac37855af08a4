/* SPDX-License-Identifier: BSD-3-Clause */
/* Codecs of Blosc2's registry that are packages of their own. The library would look for one on first use by
 * running a shell and Python; so it is let near such a chunk only when its object has been loaded here, from
 * the folders CATERVA2_CODEC_PATH names (in a wheel, also from its neighbours): then the library finds it by
 * its name. */
#include <dlfcn.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beside.h"
#include "base/log.h"
#include "blosc/codec.h"

static struct separate {
    int id;
    const char *name, *package, *object;
    bool here; /* set before there are threads */
} separate[] = {
    {36, "OpenHTJ2K", "blosc2-openhtj2k", "libblosc2_openhtj2k.so", false},
    {37, "JPEG 2000 (grok)", "blosc2-grok", "libblosc2_grok.so", false},
    {38, "OpenZL", "blosc2-openzl", "libblosc2_openzl.so", false},
    {39, "JPEG 2000", "blosc2-j2k", "libblosc2_j2k.so", false},
    {40, "High-throughput JPEG 2000", "blosc2-htj2k", "libblosc2_htj2k.so", false},
};

/* Only what the library will find again by its bare name is of use. */
static bool load(struct separate *codec, struct c2_str folder)
{
    char path[4096];

    snprintf(path, sizeof(path), "%.*s/%s", C2_STR_ARG(folder), codec->object);
    if (access(path, R_OK) != 0) return false;
    if (dlopen(path, RTLD_NOW | RTLD_LOCAL) && dlopen(codec->object, RTLD_NOW | RTLD_NOLOAD)) return true;
    c2_log_warn("codec %s cannot be used: %s", codec->name, dlerror());
    return false;
}

#ifdef C2_CODECS_BESIDE
/* Programs of a wheel: what pip put into the same environment, ../lib/python3.x/site-packages/PACKAGE. */
static void load_beside(struct separate *codec)
{
    char package[64], pattern[PATH_MAX];
    int n = (int)(strlen(codec->object) - strlen("lib.so"));
    glob_t found;

    snprintf(package, sizeof(package), "%.*s", n, codec->object + strlen("lib"));
    c2_beside_program("../lib/python3*/site-packages/", package, pattern);
    if (glob(pattern, 0, NULL, &found) != 0) return;
    for (size_t i = 0; i < found.gl_pathc && !codec->here; i++)
        codec->here = load(codec, c2_str_of(found.gl_pathv[i]));
    globfree(&found);
}
#endif

void c2_codec_load_separate(void)
{
    const char *path = getenv("CATERVA2_CODEC_PATH");
    struct c2_str rest = c2_str_of(path ? path : ""), folder;

    for (bool more = rest.n > 0; more;) {
        more = c2_str_cut(rest, ':', &folder, &rest);
        for (size_t i = 0; folder.n && i < C2_ARRAY_LEN(separate); i++)
            separate[i].here = separate[i].here || load(&separate[i], folder);
    }
#ifdef C2_CODECS_BESIDE
    for (size_t i = 0; i < C2_ARRAY_LEN(separate) && !path; i++)
        load_beside(&separate[i]);
#endif
}

bool c2_codec_separate(int id, const char **name, const char **package, bool *here)
{
    for (size_t i = 0; i < C2_ARRAY_LEN(separate); i++) {
        if (separate[i].id != id) continue;
        *name = separate[i].name;
        *package = separate[i].package;
        *here = separate[i].here;
        return true;
    }
    return false;
}
