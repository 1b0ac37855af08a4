/* SPDX-License-Identifier: BSD-3-Clause */
/* Which source a root is. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "publisher/source/container.h"
#include "publisher/source/object_store.h"

static bool directory_new(const char *root, const char *statedir, bool no_folders, struct c2_gens *gens,
                          struct c2_source **out, struct cat2_error *err)
{
    struct c2_source *bytes, *dir;

    if (!c2_source_dir_new(root, statedir, !no_folders && c2_formats_have_folders(), gens, &bytes, err))
        return false;
    if (!c2_source_names_new(bytes, &dir, err)) {
        c2_source_free(bytes);
        return false;
    }
    *out = dir;
    if (no_folders || c2_source_folders_new(dir, root, statedir, out, err)) return true;
    c2_source_free(dir);
    return false;
}

static bool objects_new(const char *url, const struct c2_object_store_settings *settings, bool no_folders,
                        struct c2_gens *gens, struct c2_source **out, struct cat2_error *err)
{
    struct c2_source *objects;

    if (!c2_source_objects_new(url, settings, gens, &objects, err)) return false;
    *out = objects;
    if (no_folders || c2_source_object_folders_new(objects, out, err)) return true;
    c2_source_free(objects);
    return false;
}

bool c2_source_new(const char *root, const char *statedir, bool no_folders,
                   const struct c2_object_store_settings *store, struct c2_gens *gens, struct c2_source **out,
                   struct cat2_error *err)
{
    bool elsewhere = strstr(root, "://") != NULL;
    const struct c2_format *format = NULL;
    const char *why = NULL;
    struct c2_candidate candidate = {root, -1, false};
    struct stat st = {0};

    if (!elsewhere) candidate.fd = open(root, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool is_file = candidate.fd >= 0 && fstat(candidate.fd, &st) == 0 && S_ISREG(st.st_mode);
    candidate.is_dir = candidate.fd >= 0 && S_ISDIR(st.st_mode);
    enum c2_claim claim = C2_CLAIM_NONE;
    if (elsewhere || is_file || candidate.is_dir) claim = c2_formats_probe(&candidate, &format, &why);
    if (candidate.fd >= 0) close(candidate.fd);
    if (claim >= C2_CLAIM_NAME) return c2_source_alone_new(format, root, statedir, gens, out, err);
    if (claim == C2_CLAIM_NONE && c2_is_object_store(root))
        return objects_new(root, store, no_folders, gens, out, err);
    if (elsewhere || is_file)
        return c2_fail(err, CAT2_EDATA, "%.160s %s", root, why ? why : "is nothing that can be published");
    return directory_new(root, statedir, no_folders, gens, out, err);
}
