/* SPDX-License-Identifier: BSD-3-Clause */
/* Index pages of directories. Of HTML only the links are read, and the text up to the end of their line. */
#include "base/buf.h"
#include "publisher/source/object_listing.h"
#include "wire/json.h"
#include "wire/url.h"
#include "wire/xml.h"

struct index {
    c2_index_entry *sink;
    void *ctx;
    size_t nlinks;
};

/* ---- JSON: [{"name":"a","type":"file","mtime":"Fri, ...","size":7},...] ---- */

static bool json_entry(struct index *index, struct c2_jval value, struct cat2_error *err)
{
    C2_AUTO(c2_buf) says = C2_BUF_INIT(4096);
    struct c2_str name, type = C2_STR("");
    bool is_dir;

    if (!c2_jstr(c2_jget(value, "name"), &name) || name.n == 0)
        return c2_fail(err, CAT2_EDATA, "the index has an entry without a name");
    if (!c2_jbool(c2_jget(value, "is_dir"), &is_dir)) { /* Caddy's, else nginx's */
        c2_jstr(c2_jget(value, "type"), &type);
        is_dir = c2_str_is(type, "directory");
        if (!is_dir && !c2_str_is(type, "file")) return true; /* nginx: "other", such as sockets */
    }
    name = c2_str_no_slashes(name);
    if (name.n == 0 || memchr(name.p, '/', name.n) || c2_str_is(name, ".") || c2_str_is(name, ".."))
        return true;
    return c2_json_print(value, C2_JSON_COMPACT, &says, err) &&
           index->sink(index->ctx, name, is_dir, c2_buf_str(&says), err);
}

static bool json_page(struct index *index, struct c2_str page, struct cat2_error *err)
{
    C2_AUTO_PTR(c2_json) *json = NULL;
    struct c2_str key;
    struct c2_jval value;

    if (!c2_json_parse(page, &json, err)) return c2_fail_within(err, "the index");
    if (c2_jval_kind(c2_json_root(json)) != C2_JARRAY)
        return c2_fail(err, CAT2_EDATA, "the index is JSON, but no array");
    struct c2_jiter it = c2_jiter_of(c2_json_root(json));
    while (c2_jnext(&it, &key, &value))
        if (!json_entry(index, value, err)) return false;
    return true;
}

/* ---- HTML: <a href="NAME">NAME</a>   27-Nov-2026 15:46   7 ---- */

/* Is it a name beneath this directory, and nothing else? */
static bool is_beneath(struct c2_str href)
{
    struct c2_str name = c2_str_no_slashes(href);

    if (name.n == 0 || href.n - name.n > 1 || name.p[0] == '?' || name.p[0] == '#') return false;
    for (size_t i = 0; i < name.n; i++)
        if (name.p[i] == '/' || name.p[i] == '?' || name.p[i] == '#' || name.p[i] == ':') return false;
    return true;
}

static bool link_name(struct c2_str href, struct c2_buf *out, bool *is_dir, struct cat2_error *err)
{
    C2_AUTO(c2_buf) plain = C2_BUF_INIT(4 * C2_PART_MAX);
    struct cat2_error ignored;

    if (href.n > 4 * C2_PART_MAX || !c2_xml_decode(href, &plain, &ignored)) return true;
    struct c2_str text = c2_buf_str(&plain);
    if (c2_str_starts(text, "./")) text = (struct c2_str){text.p + 2, text.n - 2};
    if (!is_beneath(text)) return true;
    *is_dir = c2_str_ends(text, "/");
    if (!c2_url_decode(c2_str_no_slashes(text), false, out, err)) return false;
    struct c2_str name = c2_buf_str(out);
    if (memchr(name.p, '/', name.n) || c2_str_is(name, ".") || c2_str_is(name, "..")) c2_buf_clear(out);
    return true;
}

/* The value of href in a tag; false: it has none. */
static bool href_of(struct c2_str tag, struct c2_str *out)
{
    size_t at = c2_str_find_nocase(tag, C2_STR("href="));

    if (at + 6 > tag.n) return false;
    char quote = tag.p[at + 5];
    if (quote != '"' && quote != '\'') return false;
    struct c2_str rest, value = {tag.p + at + 6, tag.n - at - 6};
    bool ends = c2_str_cut(value, quote, out, &rest);
    return ends;
}

/* One link, and what is beside it; *rest is what follows. */
static bool html_link(struct index *index, struct c2_str *rest, struct cat2_error *err)
{
    C2_AUTO(c2_buf) name = C2_BUF_INIT(4 * C2_PART_MAX);
    struct c2_str tag, line, after, href;
    bool is_dir = false;

    c2_str_cut(*rest, '>', &tag, rest);
    if (!href_of(tag, &href)) return true;
    index->nlinks++;
    size_t end = c2_str_find_nocase(*rest, C2_STR("</a>"));
    struct c2_str beside = {rest->p + end, rest->n - end};
    c2_str_cut(beside, '\n', &line, &after);
    if (!link_name(href, &name, &is_dir, err)) return false;
    return name.n == 0 || index->sink(index->ctx, c2_buf_str(&name), is_dir, c2_str_trim(line), err);
}

static bool html_page(struct index *index, struct c2_str page, struct cat2_error *err)
{
    for (;;) {
        size_t at = c2_str_find_nocase(page, C2_STR("<a "));
        if (at == page.n) break;
        page = (struct c2_str){page.p + at + 3, page.n - at - 3};
        if (!html_link(index, &page, err)) return false;
    }
    return index->nlinks > 0 || c2_fail(err, CAT2_EDATA, "the page is no index: there is no link in it");
}

bool c2_index_page(struct c2_str page, c2_index_entry *sink, void *ctx, struct cat2_error *err)
{
    struct index index = {sink, ctx, 0};
    struct c2_str text = c2_str_trim(page);

    if (text.n && (text.p[0] == '[' || text.p[0] == '{')) return json_page(&index, text, err);
    return html_page(&index, text, err);
}
