/* SPDX-License-Identifier: BSD-3-Clause */
/* Replays fuzz corpora in an ordinary test run: every file of the folders given goes once through the target.
 * A folder that does not exist counts as empty, so that a target without findings needs none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    size_t cap = 1u << 24;
    uint8_t *bytes = malloc(cap);
    size_t n = bytes ? fread(bytes, 1, cap, file) : 0;
    fclose(file);
    if (bytes) {
        uint8_t *exact = malloc(n ? n : 1); /* exact size, so that ASan sees one byte too far */
        if (exact) {
            for (size_t i = 0; i < n; i++)
                exact[i] = bytes[i];
            LLVMFuzzerTestOneInput(exact, n);
        }
        free(exact);
    }
    free(bytes);
    return 1;
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    int nfiles = 0;
    if (!dir) return 0;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        int n = snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (n > 0 && (size_t)n < sizeof(path)) nfiles += replay_file(path);
    }
    closedir(dir);
    return nfiles;
}

int main(int argc, char **argv)
{
    int nfiles = 0;
    for (int i = 1; i < argc; i++)
        nfiles += replay_folder(argv[i]);
    printf("%d inputs replayed\n", nfiles);
    return 0;
}
