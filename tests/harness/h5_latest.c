/* SPDX-License-Identifier: BSD-3-Clause */
/* h5_latest FILE OTHER: what libraries since HDF5 2 write in their latest format, and nobody wrote before.
 * Made tests/goldens/inputs/latest.h5, with HDF5 2.2.0; tests/system/test_hdf5_library.py knows what is in
 * it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "hdf5/common/hdf5_api.h"

#define N      20
#define LATEST ((H5F_libver_t)5) /* of HDF5 2.0 */

/* Types that the headers may not know. */
extern hid_t H5T_COMPLEX_IEEE_F16LE_g, H5T_COMPLEX_IEEE_F32LE_g, H5T_COMPLEX_IEEE_F32BE_g,
    H5T_COMPLEX_IEEE_F64LE_g, H5T_FLOAT_BFLOAT16LE_g, H5T_FLOAT_BFLOAT16BE_g, H5T_FLOAT_F8E4M3_g,
    H5T_FLOAT_F8E5M2_g, H5T_FLOAT_F6E2M3_g, H5T_FLOAT_F6E3M2_g, H5T_FLOAT_F4E2M1_g, H5T_STD_REF_g,
    H5T_IEEE_F16LE_g;

/* References of HDF5 1.12. */
struct reference {
    uint64_t bytes[8];
};
herr_t H5Rcreate_object(hid_t loc, const char *name, hid_t oapl, struct reference *ref);
herr_t H5Rcreate_region(hid_t loc, const char *name, hid_t space, hid_t oapl, struct reference *ref);
herr_t H5Rcreate_attr(hid_t loc, const char *name, const char *attr, hid_t oapl, struct reference *ref);

static int failures;
static void check(const char *what, hid_t result)
{
    if (result >= 0) return;
    fprintf(stderr, "%s failed\n", what);
    failures++;
}

static void put(hid_t file, const char *name, hid_t type, int ndim, const hsize_t *dims, const hsize_t *most,
                hid_t dcpl, const void *items)
{
    hid_t space = H5Screate_simple(ndim, dims, most);
    hid_t ds = H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);

    check(name, ds);
    check(name, H5Dwrite(ds, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, items));
    H5Dclose(ds);
    H5Sclose(space);
}

/* Every index of chunks: one chunk, implicit, fixed array, extensible array, B-tree; plain and under deflate.
 */
static void put_indexes(hid_t file)
{
    static const hsize_t FIXED[] = {N, N}, ONE_GROWS[] = {H5S_UNLIMITED, N},
                         BOTH_GROW[] = {H5S_UNLIMITED, H5S_UNLIMITED};
    static const hsize_t CHUNK[] = {3, 7};
    const struct {
        const char *name;
        const hsize_t *most, *chunk;
        int early, deflate;
    } kinds[] = {{"single", FIXED, FIXED, 0, 0},       {"implicit", FIXED, CHUNK, 1, 0},
                 {"fixed", FIXED, CHUNK, 0, 0},        {"extensible", ONE_GROWS, CHUNK, 0, 0},
                 {"tree", BOTH_GROW, CHUNK, 0, 0},     {"single-gzip", FIXED, FIXED, 0, 1},
                 {"fixed-gzip", FIXED, CHUNK, 0, 1},   {"extensible-gzip", ONE_GROWS, CHUNK, 0, 1},
                 {"tree-gzip", BOTH_GROW, CHUNK, 0, 1}};
    int items[N * N];

    for (int i = 0; i < N * N; i++)
        items[i] = i;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(dcpl, 2, kinds[i].chunk);
        if (kinds[i].early) H5Pset_alloc_time(dcpl, H5D_ALLOC_TIME_EARLY);
        if (kinds[i].deflate) H5Pset_deflate(dcpl, 6);
        put(file, kinds[i].name, H5T_STD_I32LE, 2, FIXED, kinds[i].most, dcpl, items);
        H5Pclose(dcpl);
    }
}

static void put_bits(hid_t file, const char *name, hid_t type, hsize_t n)
{
    uint8_t items[2 * 256];
    size_t size = H5Tget_size(type);

    for (hsize_t i = 0; i < n; i++) {
        items[size * i] = (uint8_t)i;
        if (size == 2) {
            items[2 * i] = (uint8_t)(H5Tget_order(type) == H5T_ORDER_BE ? i : 0);
            items[2 * i + 1] = (uint8_t)(H5Tget_order(type) == H5T_ORDER_BE ? 0 : i);
        }
    }
    put(file, name, type, 1, &n, NULL, H5P_DEFAULT, items);
}

static void put_complex(hid_t file)
{
    float halves[2 * N];
    double items[2 * N];
    const hsize_t n = N;
    struct record {
        double a;
        float z[2];
    } records[N];

    for (int i = 0; i < 2 * N; i++) {
        items[i] = i + 0.5;
        halves[i] = (float)i + 0.5f;
    }
    for (int i = 0; i < N; i++)
        records[i] = (struct record){i, {halves[2 * i], halves[2 * i + 1]}};
    put(file, "complex64", H5T_COMPLEX_IEEE_F32LE_g, 1, &n, NULL, H5P_DEFAULT, halves);
    put(file, "complex128", H5T_COMPLEX_IEEE_F64LE_g, 1, &n, NULL, H5P_DEFAULT, items);
    hid_t space = H5Screate_simple(1, &n, NULL);
    static const char *const NAMES[] = {"complex64-big", "complex32"};
    const hid_t types[] = {H5T_COMPLEX_IEEE_F32BE_g, H5T_COMPLEX_IEEE_F16LE_g};
    for (int i = 0; i < 2; i++) {
        hid_t ds = H5Dcreate2(file, NAMES[i], types[i], space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        check(NAMES[i], H5Dwrite(ds, H5T_COMPLEX_IEEE_F32LE_g, H5S_ALL, H5S_ALL, H5P_DEFAULT, halves));
        hid_t attr = H5Acreate2(ds, "z", H5T_COMPLEX_IEEE_F32LE_g, space, H5P_DEFAULT, H5P_DEFAULT);
        check("attribute", H5Awrite(attr, H5T_COMPLEX_IEEE_F32LE_g, halves));
        H5Aclose(attr);
        H5Dclose(ds);
    }
    H5Sclose(space);
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(struct record));
    H5Tinsert(type, "a", 0, H5T_IEEE_F64LE);
    H5Tinsert(type, "z", 8, H5T_COMPLEX_IEEE_F32LE_g);
    put(file, "records", type, 1, &n, NULL, H5P_DEFAULT, records);
    H5Tclose(type);
    const hsize_t pair = 2, half = N / 2;
    type = H5Tarray_create2(H5T_COMPLEX_IEEE_F64LE_g, 1, &pair);
    put(file, "pairs", type, 1, &half, NULL, H5P_DEFAULT, items);
    H5Tclose(type);
}

/* To an object, a region, an attribute; one of nothing; and one that leads into another file. */
static void put_references(hid_t file, const char *other_name)
{
    static const hsize_t N_REFS = 5, START[] = {2, 3}, COUNT[] = {4, 5}, DIMS[] = {N, N}, ONE = 1;
    struct reference refs[5] = {0};
    hid_t space = H5Screate_simple(2, DIMS, NULL);
    hid_t other = H5Fcreate(other_name, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const int item = 1;

    put(other, "elsewhere", H5T_STD_I32LE, 1, &ONE, NULL, H5P_DEFAULT, &item);
    H5Sselect_hyperslab(space, H5S_SELECT_SET, START, NULL, COUNT, NULL);
    check("object", H5Rcreate_object(file, "fixed", H5P_DEFAULT, &refs[0]));
    check("region", H5Rcreate_region(file, "single", space, H5P_DEFAULT, &refs[1]));
    check("attribute", H5Rcreate_attr(file, "complex32", "z", H5P_DEFAULT, &refs[2]));
    check("elsewhere", H5Rcreate_object(other, "elsewhere", H5P_DEFAULT, &refs[4]));
    put(file, "references", H5T_STD_REF_g, 1, &N_REFS, NULL, H5P_DEFAULT, refs);
    H5Sclose(space);
    H5Fclose(other);
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    check("latest format", H5Pset_libver_bounds(fapl, LATEST, LATEST));
    hid_t file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    check(argv[1], file);
    put_indexes(file);
    put_complex(file);
    put_bits(file, "float16", H5T_IEEE_F16LE_g, 256);
    put_bits(file, "bfloat16", H5T_FLOAT_BFLOAT16LE_g, 256);
    put_bits(file, "bfloat16-big", H5T_FLOAT_BFLOAT16BE_g, 256);
    put_bits(file, "f8e4m3", H5T_FLOAT_F8E4M3_g, 256);
    put_bits(file, "f8e5m2", H5T_FLOAT_F8E5M2_g, 256);
    put_bits(file, "f6e2m3", H5T_FLOAT_F6E2M3_g, 64);
    put_bits(file, "f6e3m2", H5T_FLOAT_F6E3M2_g, 64);
    put_bits(file, "f4e2m1", H5T_FLOAT_F4E2M1_g, 16);
    put_references(file, argv[2]);
    check("closing", H5Fclose(file));
    H5Pclose(fapl);
    return failures != 0;
}
