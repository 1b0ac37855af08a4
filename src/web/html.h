/* SPDX-License-Identifier: BSD-3-Clause */
/* Writing HTML: text goes in through holes of a fixed frame and is escaped on the way; no other way exists.
 */
#ifndef C2_WEB_HTML_H
#define C2_WEB_HTML_H

#include "base/buf.h"

/* Errors stick: check `ok` once, at the end. */
struct c2_html {
    struct c2_buf *out;
    struct cat2_error *err;
    bool ok;
    const char *base; /* in front of each ="/ in a frame: "../..", where the page is two folders deep; NULL:
                         nothing */
};
void c2_html_init(struct c2_html *h, struct c2_buf *out, struct cat2_error *err);
/** What the page needs was made, or not, and why: without memory for it the page fails as well. @return made
 */
bool c2_html_has(struct c2_html *h, bool made, const struct cat2_error *why);
/** A frame with holes, each filled by a `const char *`: '$' text, escaped for elements and quoted attributes;
 * '~' a path or query value inside a URL, percent-encoded ('/' kept). Frames are literals of this program. */
void c2_html(struct c2_html *h, const char *frame, ...);
/** Text of any length, escaped; bytes that are not UTF-8 become U+FFFD. */
void c2_html_text(struct c2_html *h, struct c2_str text);
void c2_html_int(struct c2_html *h, int64_t value);
/** HTML made by a renderer of this program. */
void c2_html_made(struct c2_html *h, struct c2_str html);

#endif
