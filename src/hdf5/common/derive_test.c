/* SPDX-License-Identifier: BSD-3-Clause */
/* Which attributes hold values of which datatypes. */
#include "base/base_testing.h"
#include "hdf5/common/derive.h"

static void values_of_another_kind_are_not_derived(void **state)
{
    uint8_t out[16];
    struct cat2_error err;
    const struct {
        const char *packed;
        size_t n;
        hid_t type;
        bool good;
    } cases[] = {{"\x07", 1, H5T_STD_I8LE, true},
                 {"\xcd\x01\x00", 3, H5T_STD_I8LE, false},
                 {"\xff", 1, H5T_STD_U32LE, false},
                 {"\xa1x", 2, H5T_STD_I32LE, false},
                 {"\xcb\x3f\xe0\0\0\0\0\0\0", 9, H5T_IEEE_F32LE, true},
                 {"\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a", 9, H5T_IEEE_F32LE, false},
                 {"\x92\x01\x02", 3, H5T_STD_I32LE, false}};

    for (size_t i = 0; i < C2_ARRAY_LEN(cases); i++) {
        struct c2_bytes packed = {(const uint8_t *)cases[i].packed, cases[i].n};
        assert_int_equal(c2_h5_derive(packed, cases[i].type, NULL, 0, 1, out, &err), cases[i].good);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_of_another_kind_are_not_derived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
