/* SPDX-License-Identifier: BSD-3-Clause */
/* toml++ behind a C face. The one C++ file: no exception leaves it. */
#include <algorithm>
#include <new>
#include <string>
#include <toml++/toml.h>
#include <vector>

extern "C" {
#include "base/limits.h"
#include "wire/toml.h"
}

struct c2_toml {
    toml::table root;
};

/* toml++ recurses once per part of a dotted key and per inline table; it limits neither the former nor their
 * product. Counted roughly, quotes ignored: no honest configuration comes near. */
static bool shallow(struct c2_str text)
{
    const int most = 32;
    int ndots = 0, depth = 0;

    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];
        if (c == '.')
            ndots++;
        else if (c == '\n' || c == '=' || c == ',' || c == '{')
            ndots = 0;
        if (c == '{') depth++;
        if (c == '}' && depth > 0) depth--;
        if (ndots > most || depth > most) return false;
    }
    return true;
}

extern "C" bool c2_toml_parse(struct c2_str text, const char *file, struct c2_toml **out,
                              struct cat2_error *err)
{
    if (text.n > C2_TOML_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%.100s: longer than %d bytes", file, C2_TOML_NBYTES_MAX);
    if (!shallow(text)) return c2_fail(err, CAT2_ELIMIT, "%.100s: nested too deep", file);
    try {
        *out =
            new c2_toml{toml::parse(std::string_view(text.p ? text.p : "", text.n), std::string_view(file))};
        return true;
    } catch (const toml::parse_error &why) {
        const auto &at = why.source().begin;
        return c2_fail(err, CAT2_EINVAL, "%.100s:%u:%u: %.*s", file, (unsigned)at.line, (unsigned)at.column,
                       (int)why.description().size(), why.description().data());
    } catch (const std::bad_alloc &) {
        return c2_fail_nomem(err, "configuration");
    } catch (const std::exception &why) {
        return c2_fail(err, CAT2_EINVAL, "%.100s: %.100s", file, why.what());
    } catch (...) {
        return c2_fail(err, CAT2_EINVAL, "%.100s: not readable", file);
    }
}

extern "C" void c2_toml_free(struct c2_toml *toml)
{
    delete toml;
}

namespace
{
struct leaf {
    std::vector<c2_str> keys;
    const toml::node *node;
};

/* An array of strings as lines; empty: it is something else. */
std::string lines_of(const toml::node &node)
{
    const toml::array *array = node.as_array();
    std::string lines;

    if (!array) return lines;
    for (const auto &item : *array) {
        const auto *text = item.as_string();
        if (!text || text->get().empty() || text->get().find('\n') != std::string::npos) return {};
        lines += (lines.empty() ? "" : "\n") + text->get();
    }
    return lines;
}

c2_toml_value value_of(const toml::node &node, const std::string &lines)
{
    c2_toml_value value = {};

    value.line = static_cast<int>(node.source().begin.line);
    if (const auto *text = node.as_string()) {
        value.kind = C2_TOML_STRING;
        value.text = {text->get().data(), text->get().size()};
    } else if (const auto *integer = node.as_integer()) {
        value.kind = C2_TOML_INT;
        value.number = integer->get();
        value.real = static_cast<double>(integer->get());
    } else if (const auto *real = node.as_floating_point()) {
        value.kind = C2_TOML_FLOAT;
        value.real = real->get();
    } else if (const auto *truth = node.as_boolean()) {
        value.kind = C2_TOML_BOOL;
        value.number = truth->get();
    } else if (!lines.empty()) {
        value.kind = C2_TOML_STRINGS;
        value.text = {lines.data(), lines.size()};
    } else {
        value.kind = node.is_table() ? C2_TOML_TABLE : node.is_array() ? C2_TOML_ARRAY : C2_TOML_DATE;
    }
    return value;
}

/* toml++ keeps tables sorted by key: gather, then sort by where things stand in the file. */
void gather(const toml::table &table, std::vector<c2_str> &keys, std::vector<leaf> &leaves)
{
    for (const auto &[key, node] : table) {
        keys.push_back({key.str().data(), key.str().size()});
        const toml::table *inner = node.as_table();
        if (inner && !inner->empty())
            gather(*inner, keys, leaves);
        else
            leaves.push_back({keys, &node});
        keys.pop_back();
    }
}

bool stands_before(const leaf &a, const leaf &b)
{
    const auto &x = a.node->source().begin, &y = b.node->source().begin;
    return x.line != y.line ? x.line < y.line : x.column < y.column;
}
} // namespace

extern "C" bool c2_toml_walk(const struct c2_toml *toml, c2_toml_visit *visit, void *ctx,
                             struct cat2_error *err)
{
    try {
        std::vector<c2_str> keys;
        std::vector<leaf> leaves;
        gather(toml->root, keys, leaves);
        std::stable_sort(leaves.begin(), leaves.end(), stands_before);
        for (const leaf &it : leaves) {
            const std::string lines = lines_of(*it.node);
            const c2_toml_value value = value_of(*it.node, lines);
            if (!visit(ctx, it.keys.data(), it.keys.size(), &value, err)) return false;
        }
        return true;
    } catch (...) {
        return c2_fail_nomem(err, "configuration");
    }
}
