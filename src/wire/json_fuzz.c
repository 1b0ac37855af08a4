/* SPDX-License-Identifier: BSD-3-Clause */
/* What parses must print, and what was printed must parse and print the same again, in both styles. */
#include "base/limits.h"
#include "wire/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_style(struct c2_jval root, enum c2_json_style style)
{
    struct cat2_error err;
    C2_AUTO_PTR(c2_json) *again = NULL;
    C2_AUTO(c2_buf) first = C2_BUF_INIT(C2_JSON_NBYTES_MAX);
    C2_AUTO(c2_buf) second = C2_BUF_INIT(C2_JSON_NBYTES_MAX);

    C2_ASSERT(c2_json_print(root, style, &first, &err));
    C2_ASSERT(c2_str_is_utf8(c2_buf_str(&first)));
    C2_ASSERT(c2_json_parse(c2_buf_str(&first), &again, &err));
    C2_ASSERT(c2_json_print(c2_json_root(again), style, &second, &err));
    C2_ASSERT(c2_str_eq(c2_buf_str(&first), c2_buf_str(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat2_error err;
    C2_AUTO_PTR(c2_json) *json = NULL;

    if (!c2_json_parse((struct c2_str){(const char *)data, size}, &json, &err)) return 0;
    check_style(c2_json_root(json), C2_JSON_COMPACT);
    check_style(c2_json_root(json), C2_JSON_PYTHON);
    return 0;
}
