/* SPDX-License-Identifier: BSD-3-Clause */
/* Datatypes and values survive their description; descriptions that are none end in an error. */
#include "base/base_testing.h"
#include "hdf5/common/fail.h"
#include "hdf5/write/rebuild_impl.h"

static hid_t variable_text(void)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    return type;
}

static hid_t fixed_text(H5T_str_t pad)
{
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, 7);
    H5Tset_strpad(type, pad);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

static hid_t odd_integer(hid_t base, size_t size, size_t precision, size_t offset)
{
    hid_t type = H5Tcopy(base);
    H5Tset_precision(type, precision);
    H5Tset_size(type, size);
    H5Tset_offset(type, offset);
    H5Tset_pad(type, H5T_PAD_ONE, H5T_PAD_ZERO);
    return type;
}

static hid_t half(void)
{
    hid_t type = H5Tcopy(H5T_IEEE_F32BE);
    H5Tset_fields(type, 15, 10, 5, 0, 10);
    H5Tset_size(type, 2);
    H5Tset_ebias(type, 15);
    return type;
}

static hid_t enumeration(void)
{
    hid_t type = H5Tenum_create(H5T_STD_U16BE);
    H5Tenum_insert(type, "one", "\0\1");
    H5Tenum_insert(type, "\xc3\xa9 two", "\2\0");
    return type;
}

static hid_t opaque(void)
{
    hid_t type = H5Tcreate(H5T_OPAQUE, 5);
    H5Tset_tag(type, "a tag");
    return type;
}

static hid_t everything(void)
{
    hid_t type = H5Tcreate(H5T_COMPOUND, 200), text = variable_text(), sequence = H5Tvlen_create(text);
    hid_t array = H5Tarray_create2(H5T_STD_I16BE, 2, (hsize_t[]){2, 3}), names = enumeration();
    H5Tinsert(type, "late", 150, H5T_IEEE_F64LE);
    H5Tinsert(type, "text", 8, text);
    H5Tinsert(type, "sequence", 16, sequence);
    H5Tinsert(type, "array", 40, array);
    H5Tinsert(type, "names", 60, names);
    H5Tinsert(type, "reference", 64, H5T_STD_REF_OBJ);
    return type;
}

static bool describe(hid_t type, struct c2_buf *out, struct cat2_error *err)
{
    struct c2_mpw w;

    c2_mpw_init(&w, out, err);
    return c2_describe_type(&(struct c2_type_describing){.w = &w}, type, 0, err) && w.ok;
}

static void datatypes_survive_their_description(void **state)
{
    const hid_t types[] = {H5Tcopy(H5T_STD_I32LE),
                           H5Tcopy(H5T_STD_U8BE),
                           H5Tcopy(H5T_IEEE_F64BE),
                           H5Tcopy(H5T_NATIVE_LDOUBLE),
                           half(),
                           odd_integer(H5T_STD_I32LE, 4, 17, 3),
                           odd_integer(H5T_STD_U64BE, 8, 40, 0),
                           odd_integer(H5T_STD_I32LE, 3, 20, 2),
                           odd_integer(H5T_STD_B16LE, 2, 11, 1),
                           variable_text(),
                           fixed_text(H5T_STR_NULLTERM),
                           fixed_text(H5T_STR_NULLPAD),
                           fixed_text(H5T_STR_SPACEPAD),
                           c2_h5_bool(),
                           enumeration(),
                           opaque(),
                           H5Tcopy(H5T_UNIX_D32BE),
                           H5Tcopy(H5T_UNIX_D64LE),
                           H5Tvlen_create(H5T_STD_I8LE),
                           H5Tarray_create2(H5T_IEEE_F32LE, 1, (hsize_t[]){4}),
                           H5Tcopy(H5T_STD_REF_OBJ),
                           H5Tcopy(H5T_STD_REF_DSETREG),
                           everything()};
    struct cat2_error err;

    for (size_t i = 0; i < C2_ARRAY_LEN(types); i++) {
        C2_AUTO(c2_buf) out = C2_BUF_INIT(1 << 20);
        C2_AUTO(c2_mp) mp = {0};
        C2_AUTO(c2_hid) again = {-1};
        assert_true(types[i] >= 0);
        assert_true(describe(types[i], &out, &err));
        assert_true(c2_mp_parse(c2_buf_bytes(&out), 1000, &mp, &err));
        if (!c2_rebuild_type(NULL, mp.nodes, 0, &again, &err)) fail_msg("type %zu: %s", i, err.message);
        if (H5Tequal(types[i], again.id) <= 0) fail_msg("type %zu is another one", i);
        H5Tclose(types[i]);
    }
}

static void texts_that_fill_their_width_keep_their_last_byte(void **state)
{
    const struct c2_dtype from = {.kind = 'S', .order = '|', .itemsize = 7};
    const uint8_t items[] = "1234567ab\0\0\0\0\0";
    struct cat2_error err;

    for (int pad = H5T_STR_NULLTERM; pad <= H5T_STR_SPACEPAD; pad++) {
        C2_AUTO(c2_hid) type = {fixed_text((H5T_str_t)pad)};
        uint8_t out[14];
        memset(out, 0, sizeof(out));
        assert_true(c2_rebuild_items(NULL, type.id, &from, items, 2, out, &err));
        assert_memory_equal(out, pad == H5T_STR_SPACEPAD ? "1234567ab     " : "1234567ab\0\0\0\0\0", 14);
    }
}

static void descriptions_that_are_none_are_refused(void **state)
{
    static const char *const bad[] = {"\xa3"
                                      "<i9",
                                      "\x81\xa5"
                                      "class\xa3"
                                      "set",
                                      "\x82\xa5"
                                      "class\xa6"
                                      "string\xa4"
                                      "size\x05",
                                      "\x83\xa5"
                                      "class\xa8"
                                      "compound\xa4"
                                      "size\x04\xa7"
                                      "members\x91\x93\xa1"
                                      "a\x01\xa3"
                                      "<i4",
                                      "\x83\xa5"
                                      "class\xa5"
                                      "array\xa4"
                                      "base\xa3"
                                      "<i4\xa5"
                                      "shape\x91\xce\x7f\xff\xff\xff",
                                      "\x84\xa5"
                                      "class\xa4"
                                      "enum\xa4"
                                      "base\xa3"
                                      "<i4\xa5"
                                      "names\x91\xa1"
                                      "a\xa6"
                                      "values\xc4\x02xx",
                                      "\x82\xa5"
                                      "named\xa2"
                                      "/x\xa4"
                                      "type\xa3"
                                      "xyz",
                                      "\x86\xa5" /* an integer of VAX's order */
                                      "class\xa7"
                                      "integer\xa4"
                                      "size\x04\xa5"
                                      "order\x02\xa9"
                                      "precision\x1f\xa6"
                                      "offset\x01\xa6"
                                      "signed\xc3"};
    struct cat2_error err;

    c2_h5_quiet();
    for (size_t i = 0; i < C2_ARRAY_LEN(bad); i++) {
        C2_AUTO(c2_mp) mp = {0};
        C2_AUTO(c2_hid) type = {-1};
        assert_true(c2_mp_parse(c2_bytes_of(c2_str_of(bad[i])), 1000, &mp, &err));
        assert_false(c2_rebuild_type(NULL, mp.nodes, 0, &type, &err));
        assert_true(strlen(err.message) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datatypes_survive_their_description),
        cmocka_unit_test(texts_that_fill_their_width_keep_their_last_byte),
        cmocka_unit_test(descriptions_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
