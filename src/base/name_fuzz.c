/* SPDX-License-Identifier: BSD-3-Clause */
/* Each name has one text, which is UTF-8, and each text one name. */
#include "base/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_buf) text = C2_BUF_INIT(1 << 20), back = C2_BUF_INIT(1 << 20), again = C2_BUF_INIT(1 << 20);
    struct c2_str path = {(const char *)data, size};
    struct cat2_error err;

    if (size > 65536 || memchr(data, '\0', size)) return 0;
    C2_ASSERT(c2_path_show(path, &text, &err) && c2_str_is_utf8(c2_buf_str(&text)));
    C2_ASSERT(c2_path_of_text(c2_buf_str(&text), &back, &err) && c2_str_eq(c2_buf_str(&back), path));
    c2_buf_clear(&back);
    if (c2_path_of_text(path, &back, &err) && c2_path_show(c2_buf_str(&back), &again, &err))
        C2_ASSERT(c2_str_is_utf8(c2_buf_str(&again)));
    return 0;
}
