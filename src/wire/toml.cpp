/* SPDX-License-Identifier: BSD-3-Clause */
/* toml++ behind a C face. The one C++ file: no exception leaves it. */
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

extern "C" bool c2_toml_parse(struct c2_str text, const char *file, struct c2_toml **out,
                              struct cat2_error *err)
{
    if (text.n > C2_TOML_NBYTES_MAX)
        return c2_fail(err, CAT2_ELIMIT, "%.100s: longer than %d bytes", file, C2_TOML_NBYTES_MAX);
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
    }
}

extern "C" void c2_toml_free(struct c2_toml *toml)
{
    delete toml;
}

namespace
{
struct visitor {
    c2_toml_visit *visit;
    void *ctx;
    std::vector<c2_str> keys;
};

c2_toml_value value_of(const toml::node &node)
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
    } else {
        value.kind = node.is_table() ? C2_TOML_TABLE : node.is_array() ? C2_TOML_ARRAY : C2_TOML_DATE;
    }
    return value;
}

bool walk(const toml::table &table, visitor &v, struct cat2_error *err)
{
    for (const auto &[key, node] : table) {
        v.keys.push_back({key.str().data(), key.str().size()});
        const toml::table *inner = node.as_table();
        bool ok;
        if (inner && !inner->empty()) {
            ok = walk(*inner, v, err);
        } else {
            const c2_toml_value value = value_of(node);
            ok = v.visit(v.ctx, v.keys.data(), v.keys.size(), &value, err);
        }
        v.keys.pop_back();
        if (!ok) return false;
    }
    return true;
}
} // namespace

extern "C" bool c2_toml_walk(const struct c2_toml *toml, c2_toml_visit *visit, void *ctx,
                             struct cat2_error *err)
{
    try {
        visitor v = {visit, ctx, {}};
        return walk(toml->root, v, err);
    } catch (const std::exception &) {
        return c2_fail_nomem(err, "configuration");
    }
}
