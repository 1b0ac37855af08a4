/* SPDX-License-Identifier: BSD-3-Clause */
/* The options and commands of a program, found by number and by name. */
#include <string.h>

#include "bin/options_impl.h"

/* Every program has these; those without configuration the last two. */
static const struct c2_option common[] = {
    {"conf", 0, C2_OPT_TEXT, NULL, "FILE", "configuration file (default caterva2.toml, where there is one)",
     ""},
    {"id", 0, C2_OPT_TEXT, NULL, "ID", "use section SECTION.ID of the configuration file", ""},
    {"loglevel", 0, C2_OPT_LEVEL, "info", "LEVEL", "critical, error, warning, info or debug", NULL},
    {"help", 'h', C2_OPT_FLAG, NULL, NULL, "print this help and exit", ""},
    {"version", 'V', C2_OPT_FLAG, NULL, NULL, "print the version and exit", ""},
};
#define COMMON_BARE (C2_ARRAY_LEN(common) - 2)

const struct c2_option *c2_option_at(const struct c2_options_spec *spec, size_t i)
{
    if (i < spec->noptions) return &spec->options[i];
    i -= spec->noptions;
    if (spec->bare) i += COMMON_BARE;
    return i < C2_ARRAY_LEN(common) ? &common[i] : NULL;
}

int c2_option_find(const struct c2_options_spec *spec, struct c2_str name)
{
    const struct c2_option *option;
    int found = -1;

    for (size_t i = 0; (option = c2_option_at(spec, i)); i++) {
        if (c2_str_is(name, option->name)) return (int)i;
        if (name.n == 0 || strlen(option->name) < name.n || memcmp(option->name, name.p, name.n) != 0)
            continue;
        found = found == -1 ? (int)i : -2;
    }
    return found;
}

int c2_option_of_letter(const struct c2_options_spec *spec, char letter)
{
    const struct c2_option *option;
    int found = -1;

    for (size_t i = 0; (option = c2_option_at(spec, i)); i++) {
        if (option->letter == letter) return (int)i;
        if (option->letter && (option->letter ^ 0x20) == letter) found = (int)i;
    }
    return found;
}

static bool names(const struct c2_command *command, const struct c2_option *option)
{
    struct c2_str rest = c2_str_of(command->options ? command->options : ""), word;

    while (rest.n) {
        c2_str_cut(rest, ' ', &word, &rest);
        if (c2_str_is(word, option->name)) return true;
    }
    return false;
}

bool c2_option_is_of(const struct c2_options_spec *spec, const struct c2_option *option,
                     const struct c2_command *command)
{
    bool own = false;

    if (command && names(command, option)) return true;
    for (size_t i = 0; i < spec->ncommands && !own; i++)
        own = names(&spec->commands[i], option);
    return !own || !command;
}

const struct c2_command *c2_command_find(const struct c2_options_spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->ncommands; i++)
        if (strcmp(spec->commands[i].name, name) == 0) return &spec->commands[i];
    return NULL;
}

static bool is_word(struct c2_str part)
{
    return part.n > 0 && ((part.p[0] >= 'a' && part.p[0] <= 'z') || (part.p[0] >= '0' && part.p[0] <= '9'));
}

bool c2_option_word(const struct c2_option *option, struct c2_str *rest, struct c2_str *word)
{
    if (option->kind == C2_OPT_FLAG) return false;
    while (rest->n) {
        c2_str_cut(*rest, '|', word, rest);
        if (is_word(*word)) return true;
    }
    return false;
}

bool c2_option_has_words_only(const struct c2_option *option)
{
    struct c2_str rest = c2_str_of(option->arg), part;

    if (option->kind != C2_OPT_TEXT || !memchr(rest.p ? rest.p : "", '|', rest.n)) return false;
    while (rest.n) {
        c2_str_cut(rest, '|', &part, &rest);
        if (!is_word(part)) return false;
    }
    return true;
}
