/* SPDX-License-Identifier: BSD-3-Clause */
/* Markdown as HTML that cannot harm: raw HTML is shown as text, links go only where a reader may be sent. */
#ifndef C2_WEB_MARKDOWN_H
#define C2_WEB_MARKDOWN_H

#include "web/html.h"

/** Append the rendered text. Any thread. @param deeper  so many levels are added to headings, for a text
 * inside a page with a heading of its own. @param path  of the file it is in, ROOT/PATH: relative pictures
 * are files beside it, below h->base /files, and relative links their pages, below /roots; NULL: they stay as
 * they are. A text that would take much longer than its length is shown as it is, with a word on it.
 * @errors CAT2_ENOMEM, CAT2_ELIMIT: the buffer of h. */
bool c2_markdown(struct c2_str text, int deeper, const char *path, struct c2_html *h);
/** Is this URL relative to its page, or http, https or mailto? */
bool c2_markdown_link_ok(struct c2_str url);

#endif
