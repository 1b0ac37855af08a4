/* SPDX-License-Identifier: BSD-3-Clause */
/* Types of files, as a table. */
#include "base/base_testing.h"
#include "subscriber/api/file_type.h"

static void files_are_what_their_names_say(void **state)
{
    static const struct {
        const char *path, *type;
        bool is_active;
    } rows[] = {
        {"a/b.png", "image/png", false},
        {"a/B.JPG", "image/jpeg", false},
        {"notes.txt", "text/plain; charset=utf-8", false},
        {"README.md", "text/plain; charset=utf-8", false},
        {"x.js", "text/plain; charset=utf-8", false}, /* no page may load it as a script */
        {"x.css", "text/plain; charset=utf-8", false},
        {"x.ipynb", "application/json", false},
        {"x.html", "text/html; charset=utf-8", true},
        {"x.SVG", "image/svg+xml", true},
        {"x.xhtml", "application/xhtml+xml", true},
        {"x.xml", "application/xml", true},
        {"x.pdf", "application/pdf", true},
        {"x.svgz", "application/octet-stream", false},
        {"x.html.b2nd", "application/octet-stream", false},
        {"html", "application/octet-stream", false},
        {"x.", "application/octet-stream", false},
        {"x.html/y", "application/octet-stream", false},
        {"x.html htm", "application/octet-stream", false},
        {"", "application/octet-stream", false},
    };

    for (size_t i = 0; i < C2_ARRAY_LEN(rows); i++) {
        const struct c2_file_type *type = c2_file_type_of(c2_str_of(rows[i].path));
        if (strcmp(type->type, rows[i].type) != 0 || type->is_active != rows[i].is_active)
            fail_msg("%s is %s, %d", rows[i].path, type->type, type->is_active);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_what_their_names_say)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
