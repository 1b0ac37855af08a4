/* SPDX-License-Identifier: BSD-3-Clause */
/* List a root's datasets with their shapes and types:  list HOST:PORT ROOT */
#include <stdio.h>

#include <caterva2/caterva2.h>

static bool print_dataset(cat2_client *client, const char *root, const char *name, struct cat2_error *err)
{
    char path[1300];
    cat2_dataset *dataset;

    snprintf(path, sizeof(path), "%s/%s", root, name);
    if (!cat2_dataset_open(client, path, &dataset, err)) return false;
    printf("%-30s %-12s (", name, cat2_dataset_dtype(dataset));
    for (int axis = 0; axis < cat2_dataset_ndim(dataset); axis++)
        printf("%s%lld", axis ? ", " : "", (long long)cat2_dataset_shape(dataset)[axis]);
    printf(")\n");
    cat2_dataset_free(dataset);
    return true;
}

int main(int argc, char **argv)
{
    struct cat2_error err;
    cat2_client *client = NULL;
    cat2_strings *names = NULL;

    if (argc != 3) {
        fprintf(stderr, "usage: list HOST:PORT ROOT\n");
        return 2;
    }
    bool ok = cat2_client_new(argv[1], NULL, &client, &err) && cat2_client_subscribe(client, argv[2], &err) &&
              cat2_client_list(client, argv[2], &names, &err);
    for (size_t i = 0; ok && i < cat2_strings_count(names); i++)
        ok = print_dataset(client, argv[2], cat2_strings_at(names, i), &err);
    if (!ok) fprintf(stderr, "list: %s\n", err.message);
    cat2_strings_free(names);
    cat2_client_free(client);
    return ok ? 0 : 1;
}
