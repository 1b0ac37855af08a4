/* SPDX-License-Identifier: BSD-3-Clause */
/* Download every dataset of a root into a folder; interrupted, it goes on where it was:  mirror HOST:PORT
 * ROOT FOLDER */
#include <stdio.h>

#include <caterva2/caterva2.h>

static bool show_progress(void *ctx, int64_t nbytes, int64_t total)
{
    (void)total;
    fprintf(stderr, "\r%s: %lld bytes ", (const char *)ctx, (long long)nbytes);
    return true; /* false would cancel */
}

static bool save(cat2_client *client, const char *root, const char *name, const char *folder,
                 struct cat2_error *err)
{
    struct cat2_download_options options = CAT2_DOWNLOAD_OPTIONS_INIT;
    char path[1300], file[4096];
    cat2_dataset *dataset;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    snprintf(file, sizeof(file), "%s/%s", folder, name);
    options.progress = show_progress;
    options.ctx = path;
    if (!cat2_dataset_open(client, path, &dataset, err)) return false;
    bool ok = cat2_dataset_download(dataset, file, &options, err);
    fputc('\n', stderr);
    cat2_dataset_free(dataset);
    return ok;
}

int main(int argc, char **argv)
{
    struct cat2_error err;
    cat2_client *client = NULL;
    cat2_strings *names = NULL;

    if (argc != 4) {
        fprintf(stderr, "usage: mirror HOST:PORT ROOT FOLDER\n");
        return 2;
    }
    bool ok = cat2_client_new(argv[1], NULL, &client, &err) && cat2_client_subscribe(client, argv[2], &err) &&
              cat2_client_list(client, argv[2], &names, &err);
    for (size_t i = 0; ok && i < cat2_strings_count(names); i++)
        ok = save(client, argv[2], cat2_strings_at(names, i), argv[3], &err);
    if (!ok) fprintf(stderr, "mirror: %s\n", err.message);
    cat2_strings_free(names);
    cat2_client_free(client);
    return ok ? 0 : 1;
}
