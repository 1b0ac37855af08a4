/* SPDX-License-Identifier: BSD-3-Clause */
/* libcmark in its safe mode, and before it our own look at every node. */
#include "web/markdown.h"

#include <cmark.h>
#include <stdlib.h>

#include "base/limits.h"
#include "wire/url.h"

/* libcmark's time grows with the square of what is not finished or nested; these are tenths of a second. */
#define MARKS_WORK   INT64_C(2000000000) /* marks times bytes of their paragraph, over all paragraphs */
#define NESTING_WORK INT64_C(50000000)   /* the deepest nesting times lines and nesting */
#define REFS_NBYTES  (16 << 20)          /* definitions of links, each as often as it may be used */

bool c2_markdown_link_ok(struct c2_str url)
{
    static const char *const schemes[] = {"http", "https", "mailto"};
    size_t n = 0;

    for (size_t i = 0; i < url.n; i++) /* browsers skip blanks and controls inside schemes */
        if ((unsigned char)url.p[i] <= ' ' || url.p[i] == '\\') return false;
    while (n < url.n && !strchr(":/?#", url.p[n]))
        n++;
    if (n == url.n || url.p[n] != ':') return true; /* no scheme: relative */
    for (size_t i = 0; i < C2_ARRAY_LEN(schemes); i++)
        if (c2_str_eq_nocase((struct c2_str){url.p, n}, c2_str_of(schemes[i]))) return true;
    return false;
}

/* Raw HTML becomes what it looks like: a code block, or code inside a line. */
static cmark_node *shown(cmark_node *node)
{
    bool block = cmark_node_get_type(node) == CMARK_NODE_HTML_BLOCK;
    cmark_node *code = cmark_node_new(block ? CMARK_NODE_CODE_BLOCK : CMARK_NODE_CODE);

    if (!code || !cmark_node_set_literal(code, cmark_node_get_literal(node)) ||
        !cmark_node_replace(node, code)) {
        if (code) cmark_node_free(code);
        return NULL;
    }
    return code;
}

/* Of the page's own addresses those that name something beside the text: not "", #place, ?query or /from/top.
 */
static bool is_beside(struct c2_str url)
{
    for (size_t i = 0; i < url.n && !strchr("/?#", url.p[i]); i++)
        if (url.p[i] == ':') return false;
    return url.n && !strchr("/?#", url.p[0]);
}

static bool aim(cmark_node *node, const char *path, const struct c2_html *h)
{
    const char *given = cmark_node_get_url(node), *slash = path ? strrchr(path, '/') : NULL;
    bool picture = cmark_node_get_type(node) == CMARK_NODE_IMAGE;
    C2_AUTO(c2_buf) to = C2_BUF_INIT(8 * C2_PATH_MAX);
    struct c2_str url = c2_str_of(given ? given : "");

    if (!c2_markdown_link_ok(url)) return cmark_node_set_url(node, "") != 0;
    if (!slash || !is_beside(url)) return true;
    struct c2_str folder = {path, (size_t)(slash - path)};
    return c2_buf_printf(&to, h->err, "%s/%s/", h->base ? h->base : "", picture ? "files" : "roots") &&
           c2_url_encode(folder, true, &to, h->err) && c2_buf_printf(&to, h->err, "/%s", url.p) &&
           cmark_node_set_url(node, c2_buf_cstr(&to));
}

static bool tame(cmark_node *root, int deeper, const char *path, const struct c2_html *h)
{
    cmark_iter *iter = cmark_iter_new(root);
    bool ok = iter != NULL;

    for (cmark_event_type event; ok && (event = cmark_iter_next(iter)) != CMARK_EVENT_DONE;) {
        cmark_node *node = cmark_iter_get_node(iter);
        cmark_node_type type = cmark_node_get_type(node);
        if (type == CMARK_NODE_HTML_BLOCK || type == CMARK_NODE_HTML_INLINE) {
            cmark_node *code = shown(node);
            ok = code != NULL;
            if (!ok) break;
            cmark_iter_reset(iter, code, CMARK_EVENT_ENTER);
            cmark_node_free(node);
        } else if (event == CMARK_EVENT_ENTER && (type == CMARK_NODE_LINK || type == CMARK_NODE_IMAGE)) {
            ok = aim(node, path, h);
        } else if (event == CMARK_EVENT_ENTER && type == CMARK_NODE_HEADING && deeper > 0) {
            int level = cmark_node_get_heading_level(node) + deeper;
            ok = cmark_node_set_heading_level(node, level < 6 ? level : 6) != 0;
        }
    }
    if (iter) cmark_iter_free(iter);
    return ok;
}

/* ---- what it costs ---- */

/* What is counted of a text, with no bracket or quote understood: so there is no text that it misjudges. */
struct toll {
    int64_t work, lines, depth; /* depth: what a line begins with, which each level takes some of */
    int64_t marks, n;           /* of the paragraph */
    int64_t closings, definitions_longest; /* "]"; of paragraphs that may define links, the longest */
    bool defines;
};

static void end_paragraph(struct toll *toll)
{
    toll->work += toll->marks * toll->n;
    if (toll->defines) toll->definitions_longest = c2_max_i64(toll->definitions_longest, toll->n);
    toll->marks = toll->n = 0;
    toll->defines = false;
}

static void count_line(struct toll *toll, struct c2_str line)
{
    size_t begin = 0, blank = 0;

    while (begin < line.n && line.p[begin] && strchr(" \t>-+*.)0123456789", line.p[begin]))
        begin++;
    while (blank < line.n && (line.p[blank] == ' ' || line.p[blank] == '\t'))
        blank++;
    toll->lines++;
    toll->depth = c2_max_i64(toll->depth, (int64_t)begin);
    toll->n += (int64_t)line.n + 1;
    if (blank == line.n) end_paragraph(toll);
    for (size_t i = 0; i < line.n; i++) {
        toll->marks += line.p[i] && strchr("*_[]!<>`&", line.p[i]);
        toll->closings += line.p[i] == ']';
        toll->defines |= i > 0 && line.p[i] == ':' && line.p[i - 1] == ']';
    }
}

static bool is_costly(struct c2_str text)
{
    struct toll toll = {0};

    for (size_t i = 0, n; i <= text.n; i += n + 1) {
        for (n = 0; i + n < text.n && text.p[i + n] != '\n' && text.p[i + n] != '\r'; n++) {}
        count_line(&toll, (struct c2_str){text.p + i, n});
    }
    end_paragraph(&toll);
    return toll.work > MARKS_WORK || toll.depth * (toll.depth + toll.lines) > NESTING_WORK ||
           toll.closings * toll.definitions_longest > REFS_NBYTES;
}

static bool show_as_it_is(struct c2_str text, struct c2_html *h)
{
    c2_html(h, "<p class=\"card warn\">This text has so many unfinished or nested marks that it is not "
               "rendered.</p>\n<pre class=\"text\" tabindex=\"0\">");
    c2_html_text(h, text);
    c2_html(h, "</pre>\n");
    return h->ok;
}

bool c2_markdown(struct c2_str text, int deeper, const char *path, struct c2_html *h)
{
    if (is_costly(text)) return show_as_it_is(text, h);
    cmark_node *root = cmark_parse_document(text.p, text.n, CMARK_OPT_VALIDATE_UTF8);
    char *html = root && tame(root, deeper, path, h) ? cmark_render_html(root, CMARK_OPT_SAFE) : NULL;

    if (html) c2_html_made(h, c2_str_of(html));
    if (!html) h->ok = c2_fail_nomem(h->err, "markdown");
    free(html);
    if (root) cmark_node_free(root);
    return h->ok;
}
