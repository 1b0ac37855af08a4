/* SPDX-License-Identifier: BSD-3-Clause */
/* Whatever the markdown, wherever its file is, its HTML has tags and attributes of this list only, and no
 * address that is no ordinary one. */
#include "web/markdown.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_one_of(struct c2_str word, const char *words)
{
    struct c2_str rest = c2_str_of(words), one;

    while (rest.n) {
        c2_str_cut(rest, ' ', &one, &rest);
        if (c2_str_eq(word, one)) return true;
    }
    return false;
}

static struct c2_str word_at(struct c2_str *text)
{
    struct c2_str word = {text->p, 0};

    while (word.n < text->n && ((text->p[word.n] >= 'a' && text->p[word.n] <= 'z') ||
                                (text->p[word.n] >= '1' && text->p[word.n] <= '6')))
        word.n++;
    text->p += word.n;
    text->n -= word.n;
    return word;
}

/* Of an address, "&amp;" and the like stand for characters that no scheme has. */
static void attribute(struct c2_str *text)
{
    struct c2_str value, name;

    text->p++; /* the blank */
    text->n--;
    name = word_at(text);
    C2_ASSERT(is_one_of(name, "href src alt title start class") && text->n > 1 && text->p[0] == '=' &&
              text->p[1] == '"');
    *text = (struct c2_str){text->p + 2, text->n - 2};
    C2_ASSERT(c2_str_cut(*text, '"', &value, text));
    C2_ASSERT(!memchr(value.p, '<', value.n) && !memchr(value.p, '>', value.n));
    if (is_one_of(name, "href src")) C2_ASSERT(c2_markdown_link_ok(value));
}

static void tag(struct c2_str *text)
{
    bool closes = text->n && text->p[0] == '/';

    if (closes) *text = (struct c2_str){text->p + 1, text->n - 1};
    C2_ASSERT(
        is_one_of(word_at(text), "p h1 h2 h3 h4 h5 h6 em strong a img code pre ul ol li blockquote hr br"));
    while (text->n && text->p[0] == ' ' && text->n > 1 && text->p[1] != '/') {
        C2_ASSERT(!closes);
        attribute(text);
    }
    if (c2_str_starts(*text, " /")) *text = (struct c2_str){text->p + 2, text->n - 2};
    C2_ASSERT(text->n && text->p[0] == '>');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    C2_AUTO(c2_buf) out = C2_BUF_INIT(64 << 20);
    struct cat2_error err;
    struct c2_html h;

    if (size < 1) return 0;
    c2_html_init(&h, &out, &err);
    const char *path = data[0] & 8 ? "foo/dir/README.md" : NULL;
    h.base = data[0] & 16 ? "../.." : NULL;
    if (!c2_markdown((struct c2_str){(const char *)data + 1, size - 1}, data[0] % 8, path, &h)) return 0;
    struct c2_str rest = c2_buf_str(&out), before;
    C2_ASSERT(c2_str_is_utf8(rest));
    while (c2_str_cut(rest, '<', &before, &rest))
        tag(&rest);
    return 0;
}
