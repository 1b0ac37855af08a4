/* SPDX-License-Identifier: BSD-3-Clause */
/* XML: it is read to its end or refused, and what is open at the end of it was closed. */
#include <stdlib.h>

#include "wire/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct c2_xml xml = c2_xml_of((struct c2_str){(const char *)data, size});
    C2_AUTO(c2_buf) text = C2_BUF_INIT(size);
    struct c2_xml_event event;
    struct cat2_error err;
    int depth = 0;

    while (c2_xml_next(&xml, &event, &err)) {
        if (event.kind == C2_XML_OPEN) depth++;
        if (event.kind == C2_XML_CLOSE) depth--;
        if (depth < 0 || depth > C2_XML_DEPTH_MAX) abort();
        c2_buf_clear(&text);
        if (event.kind == C2_XML_TEXT) (void)c2_xml_decode(event.text, &text, &err);
        if (event.kind != C2_XML_END) continue;
        if (depth != 0) abort();
        break;
    }
    return 0;
}
