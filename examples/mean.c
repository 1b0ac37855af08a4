/* SPDX-License-Identifier: BSD-3-Clause */
/* The mean of a slice of numbers:  mean HOST:PORT foo/dir1/ds-2d.b2nd '2:5, ::2' */
#include <stdio.h>
#include <string.h>

#include <caterva2/caterva2.h>

/* One item as a number; the types most data has, in this machine's byte order. */
static bool number(const char *dtype, const unsigned char *item, double *out)
{
#define CASE(name, type)                                                                                     \
    if (strcmp(dtype, name) == 0) {                                                                          \
        type value;                                                                                          \
        memcpy(&value, item, sizeof(value));                                                                 \
        *out = (double)value;                                                                                \
        return true;                                                                                         \
    }
    CASE("float64", double)
    CASE("float32", float)
    CASE("int64", int64_t)
    CASE("int32", int32_t)
    CASE("int16", int16_t)
    CASE("uint16", uint16_t)
    CASE("uint8", uint8_t)
#undef CASE
    return false;
}

static int print_mean(const cat2_array *array)
{
    const unsigned char *items = cat2_array_data(array);
    int64_t itemsize = cat2_array_itemsize(array), nitems = cat2_array_nbytes(array) / itemsize;
    double sum = 0, value;

    for (int64_t i = 0; i < nitems; i++, sum += value) {
        if (number(cat2_array_dtype(array), items + i * itemsize, &value)) continue;
        fprintf(stderr, "mean: no numbers in items of type %s\n", cat2_array_dtype(array));
        return 1;
    }
    printf("%g\n", nitems ? sum / (double)nitems : 0.0);
    return 0;
}

int main(int argc, char **argv)
{
    struct cat2_error err;
    cat2_client *client = NULL;
    cat2_dataset *dataset = NULL;
    cat2_array *array = NULL;
    int status = 1;

    if (argc != 4) {
        fprintf(stderr, "usage: mean HOST:PORT DATASET SLICE\n");
        return 2;
    }
    if (cat2_client_new(argv[1], NULL, &client, &err) && cat2_dataset_open(client, argv[2], &dataset, &err) &&
        cat2_dataset_fetch(dataset, argv[3], &array, &err))
        status = print_mean(array);
    else
        fprintf(stderr, "mean: %s\n", err.message);
    cat2_array_free(array);
    cat2_dataset_free(dataset);
    cat2_client_free(client);
    return status;
}
