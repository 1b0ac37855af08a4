/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers and library may be of different versions: what passes between them is what it looks like. */
#include "base/base_testing.h"
#include "hdf5/common/hdf5_api.h"

#define GUARD 0xa5

static hid_t make_file(void)
{
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);

    assert_true(H5Pset_fapl_core(fapl, 1 << 16, 0) >= 0);
    hid_t file = H5Fcreate("api", H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    H5Pclose(fapl);
    assert_true(file >= 0);
    return file;
}

static hid_t make_dataset(hid_t file, const char *name, hid_t type, H5D_layout_t layout)
{
    hsize_t n = 6, chunk = 4;
    hid_t space = H5Screate_simple(1, &n, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);

    if (layout == H5D_CHUNKED)
        H5Pset_chunk(dcpl, 1, &chunk);
    else
        H5Pset_layout(dcpl, layout);
    hid_t ds = H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Pclose(dcpl);
    H5Sclose(space);
    assert_true(ds >= 0);
    return ds;
}

static void assert_guarded(const uint8_t *from, const uint8_t *to)
{
    for (; from < to; from++)
        assert_int_equal(*from, GUARD);
}

static void the_library_writes_no_more_than_the_structures_hold(void **state)
{
    union {
        H5O_info_t object;
        H5L_info_t link;
        H5A_info_t attr;
        uint8_t bytes[1024];
    } info;
    hid_t file = make_file(), ds = make_dataset(file, "x", H5T_STD_I32LE, H5D_CONTIGUOUS);
    hid_t scalar = H5Screate(H5S_SCALAR);
    hid_t attr = H5Acreate2(ds, "a", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);

    memset(&info, GUARD, sizeof(info));
    assert_true(H5Oget_info2(ds, &info.object, H5O_INFO_ALL) >= 0);
    assert_guarded(info.bytes + sizeof(info.object), info.bytes + sizeof(info));
    assert_int_equal(info.object.type, H5O_TYPE_DATASET);
    assert_int_equal(info.object.rc, 1);
    assert_int_equal(info.object.num_attrs, 1);
    assert_true(info.object.hdr.version == 1 || info.object.hdr.version == 2);
    haddr_t addr = info.object.addr;
    memset(&info, GUARD, sizeof(info));
    assert_true(H5Lget_info(file, "x", &info.link, H5P_DEFAULT) >= 0);
    assert_guarded(info.bytes + sizeof(info.link), info.bytes + sizeof(info));
    assert_int_equal(info.link.type, H5L_TYPE_HARD);
    assert_true(info.link.u.address == addr);
    memset(&info, GUARD, sizeof(info));
    assert_true(H5Aget_info(attr, &info.attr) >= 0);
    assert_guarded(info.bytes + sizeof(info.attr), info.bytes + sizeof(info));
    assert_int_equal(info.attr.data_size, 8);
    H5Aclose(attr);
    H5Sclose(scalar);
    H5Dclose(ds);
    H5Fclose(file);
}

static herr_t see_link(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
    (void)group;
    assert_string_equal(name, "to");
    assert_int_equal(info->type, H5L_TYPE_SOFT);
    assert_int_equal(info->u.val_size, sizeof("/from"));
    (*(int *)ctx)++;
    return 0;
}

static void links_are_told_as_the_headers_say(void **state)
{
    hid_t file = make_file();
    int n = 0;

    assert_true(H5Lcreate_soft("/from", file, "to", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, see_link, &n) >= 0);
    assert_int_equal(n, 1);
    H5Fclose(file);
}

struct told {
    hid_t class;
    int n;
    char cause[80];
};

/* Nothing of the library may be called here: it would forget the messages. */
static herr_t see_error(unsigned n, const H5E_error2_t *error, void *ctx)
{
    struct told *told = ctx;

    assert_int_equal(n, told->n++);
    assert_true(error->cls_id == told->class && error->maj_num > 0 && error->min_num > 0);
    assert_true(error->line > 0 && error->line < 1000000);
    assert_non_null(strstr(error->file_name, ".c"));
    assert_true(strncmp(error->func_name, "H5", 2) == 0);
    snprintf(told->cause, sizeof(told->cause), "%s", error->desc);
    return 0;
}

static void errors_are_told_as_the_headers_say(void **state)
{
    struct told told = {.class = H5E_ERR_CLS};
    hid_t file = make_file();

    assert_true(H5Eset_auto2(H5E_DEFAULT, NULL, NULL) >= 0);
    assert_true(H5Oopen(file, "nothing", H5P_DEFAULT) < 0);
    assert_true(H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, see_error, &told) >= 0);
    assert_true(told.n > 1);
    assert_string_equal(told.cause, "object 'nothing' doesn't exist");
    H5Fclose(file);
}

static void numbers_of_kinds_are_the_headers(void **state)
{
    const struct {
        hid_t type;
        H5T_class_t class;
    } types[] = {{H5T_STD_I8BE, H5T_INTEGER},      {H5T_IEEE_F64LE, H5T_FLOAT},  {H5T_C_S1, H5T_STRING},
                 {H5T_STD_REF_OBJ, H5T_REFERENCE}, {H5T_STD_B8LE, H5T_BITFIELD}, {H5T_UNIX_D32LE, H5T_TIME}};
    const H5D_layout_t layouts[] = {H5D_COMPACT, H5D_CONTIGUOUS, H5D_CHUNKED};
    const char *names[] = {"compact", "contiguous", "chunked"};
    hid_t file = make_file();

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        assert_int_equal(H5Tget_class(types[i].type), types[i].class);
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++) {
        hid_t ds = make_dataset(file, names[i], H5T_STD_I32LE, layouts[i]);
        hid_t dcpl = H5Dget_create_plist(ds);
        H5D_fill_value_t fill;
        assert_int_equal(H5Pget_layout(dcpl), layouts[i]);
        assert_true(H5Pfill_value_defined(dcpl, &fill) >= 0);
        assert_int_equal(fill, H5D_FILL_VALUE_DEFAULT);
        H5Pclose(dcpl);
        H5Dclose(ds);
    }
    hid_t type = H5Tvlen_create(H5T_STD_I8LE);
    assert_int_equal(H5Tget_class(type), H5T_VLEN);
    assert_int_equal(H5Tget_size(type), sizeof(hvl_t));
    assert_int_equal(H5Tget_size(H5T_STD_REF_OBJ), sizeof(hobj_ref_t));
    assert_int_equal(H5Tget_size(H5T_STD_REF_DSETREG), sizeof(hdset_reg_ref_t));
    H5Tclose(type);
    H5Fclose(file);
}

static size_t pass(unsigned flags, size_t nvalues, const unsigned values[], size_t nbytes, size_t *size,
                   void **buf)
{
    (void)size;
    (void)buf;
    assert_int_equal(flags & H5Z_FLAG_REVERSE, 0);
    assert_int_equal(nvalues, 1);
    assert_int_equal(values[0], 77);
    return nbytes;
}

static void filters_are_called_as_the_headers_say(void **state)
{
    const H5Z_class2_t filter = {H5Z_CLASS_T_VERS, 300, 1, 1, "pass", NULL, NULL, pass};
    hsize_t n = 4;
    const unsigned value = 77;
    int items[4] = {1, 2, 3, 4};
    hid_t file = make_file(), space = H5Screate_simple(1, &n, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);

    assert_true(H5Zregister(&filter) >= 0);
    H5Pset_chunk(dcpl, 1, &n);
    assert_true(H5Pset_filter(dcpl, 300, H5Z_FLAG_MANDATORY, 1, &value) >= 0);
    hid_t ds = H5Dcreate2(file, "x", H5T_STD_I32LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    assert_true(H5Dwrite(ds, H5T_NATIVE_INT, H5S_ALL, H5S_ALL, H5P_DEFAULT, items) >= 0);
    assert_true(H5Dclose(ds) >= 0);
    H5Pclose(dcpl);
    H5Sclose(space);
    H5Fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_library_writes_no_more_than_the_structures_hold),
        cmocka_unit_test(links_are_told_as_the_headers_say),
        cmocka_unit_test(errors_are_told_as_the_headers_say),
        cmocka_unit_test(numbers_of_kinds_are_the_headers),
        cmocka_unit_test(filters_are_called_as_the_headers_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
