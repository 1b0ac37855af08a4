/* SPDX-License-Identifier: BSD-3-Clause */
/* XML as object stores answer: elements and their text, read from front to back. Strict about what it reads:
 * every element ends, in order, and nothing follows the last. There are no document types, hence no entities
 * but the five of XML and numbers. Attributes are skipped. */
#ifndef C2_WIRE_XML_H
#define C2_WIRE_XML_H

#include "base/buf.h"

#define C2_XML_DEPTH_MAX 16 /* elements in each other: answers of object stores have 4 */

enum c2_xml_kind { C2_XML_OPEN, C2_XML_TEXT, C2_XML_CLOSE, C2_XML_END };
struct c2_xml {
    struct c2_cursor in;
    struct c2_str names[C2_XML_DEPTH_MAX]; /* of the elements that are open */
    int depth;
    bool closes; /* the last one opened was <name/> */
    bool over;   /* the outermost element has ended */
};
struct c2_xml_event {
    enum c2_xml_kind kind;
    struct c2_str text; /* the name, without its namespace; or text as it is written: c2_xml_decode() */
};
struct c2_xml c2_xml_of(struct c2_str text);
/** What comes next. Blank text between elements is passed over. @errors CAT2_EDATA. */
bool c2_xml_next(struct c2_xml *xml, struct c2_xml_event *out, struct cat2_error *err);
/** Text without its entities, appended as UTF-8. @errors CAT2_EDATA; CAT2_ELIMIT. */
bool c2_xml_decode(struct c2_str text, struct c2_buf *out, struct cat2_error *err);
/** Is the reader just below these elements, the outermost first? path: names with '/' between. */
bool c2_xml_is_at(const struct c2_xml *xml, const char *path);

#endif
