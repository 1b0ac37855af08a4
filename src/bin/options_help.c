/* SPDX-License-Identifier: BSD-3-Clause */
/* What is printed of the tables: help, usage, and what somebody may have meant. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/options_impl.h"

#define LEFT_WIDTH 26
#define WORD_MAX   40 /* longer words are no slip of a name */

static void print_row(const char *left, const char *help, const char *fallback)
{
    printf("  %-*s", LEFT_WIDTH, left);
    if (strlen(left) > LEFT_WIDTH) printf("\n  %-*s", LEFT_WIDTH, "");
    printf(" %s", help);
    printf(fallback ? " (default %s)\n" : "\n", fallback);
}

static void print_commands(const struct c2_options_spec *spec)
{
    char left[100];

    printf("commands (%s COMMAND --help says more):\n", spec->program);
    for (size_t i = 0; i < spec->ncommands; i++) {
        const struct c2_command *command = &spec->commands[i];
        snprintf(left, sizeof(left), "%s %s", command->name, command->args);
        print_row(left, command->help, NULL);
    }
    putchar('\n');
}

void c2_print_help(const struct c2_options_spec *spec, const struct c2_command *command)
{
    const struct c2_option *option;

    if (command) {
        printf("usage: %s %s %s\n\n%s\n\n", spec->program, command->name, command->args, command->help);
        if (command->more) printf("%s\n\n", command->more);
    } else {
        printf("usage: %s %s\n\n%s\n\n", spec->program, spec->synopsis, spec->about);
        if (spec->commands) print_commands(spec);
    }
    printf("options:\n");
    for (size_t i = 0; (option = c2_option_at(spec, i)); i++) {
        char left[100];
        snprintf(left, sizeof(left), "%s--%s%s%s", option->letter ? "-h, " : "", option->name,
                 option->arg ? " " : "", option->arg ? option->arg : "");
        print_row(left, option->help, option->kind == C2_OPT_FLAG ? NULL : option->fallback);
    }
}

static void print_usage(const struct c2_options_spec *spec, const struct c2_command *command)
{
    if (command)
        fprintf(stderr, "usage: %s %s %s\n", spec->program, command->name, command->args);
    else
        fprintf(stderr, "usage: %s %s\n", spec->program, spec->synopsis);
    fprintf(stderr, "%s: ", spec->program);
}

void c2_usage_exit(const struct c2_options_spec *spec, const struct c2_command *command, const char *fmt, ...)
{
    va_list args;

    print_usage(spec, command);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
    exit(2);
}

/* How many letters to change, add, leave out or swap with their neighbour make b of a. */
static size_t distance(struct c2_str a, struct c2_str b)
{
    size_t rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b.n; j++)
        above[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t best = above[j - 1] + (a.p[i - 1] != b.p[j - 1]);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            row[j] = best;
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.n];
}

/* The nearest name so far; a third of the letters may be wrong. */
struct nearest {
    struct c2_str typed;
    const char *name;
    size_t distance;
};

static void consider(struct nearest *nearest, const char *name)
{
    struct c2_str text = c2_str_of(name);

    if (nearest->typed.n > WORD_MAX || text.n > WORD_MAX || nearest->typed.n < 2) return;
    size_t d = distance(nearest->typed, text);
    bool near = 3 * d <= (text.n > nearest->typed.n ? text.n : nearest->typed.n) + 1;
    if (!near || (nearest->name && d >= nearest->distance)) return;
    nearest->name = name;
    nearest->distance = d;
}

/* All that an ambiguous one may be: "--host, --help". */
static void print_several(const struct c2_options_spec *spec, struct c2_str name)
{
    const struct c2_option *option;
    const char *comma = ": ";

    for (size_t i = 0; (option = c2_option_at(spec, i)); i++) {
        if (strncmp(option->name, name.p, name.n) != 0) continue;
        fprintf(stderr, "%s--%s", comma, option->name);
        comma = ", ";
    }
}

void c2_no_option_exit(const struct c2_options_spec *spec, struct c2_str text, bool several)
{
    const struct c2_option *option;
    struct c2_str name = text;

    while (name.n && name.p[0] == '-')
        name = (struct c2_str){name.p + 1, name.n - 1};
    struct nearest nearest = {.typed = name};
    for (size_t i = 0; (option = c2_option_at(spec, i)); i++)
        consider(&nearest, option->name);
    print_usage(spec, NULL);
    fprintf(stderr, "%s option %.*s", several ? "ambiguous" : "unknown",
            (int)c2_min_i64((int64_t)text.n, 2 * WORD_MAX), text.p);
    if (several)
        print_several(spec, name);
    else if (nearest.name)
        fprintf(stderr, "; did you mean --%s?", nearest.name);
    fputc('\n', stderr);
    exit(2);
}

void c2_no_command_exit(const struct c2_options_spec *spec, const char *name)
{
    struct nearest nearest = {.typed = c2_str_of(name)};
    bool begun = false;

    for (size_t i = 0; i < spec->ncommands && !begun; i++) {
        begun = nearest.typed.n > 1 && strncmp(spec->commands[i].name, name, nearest.typed.n) == 0;
        if (begun)
            nearest.name = spec->commands[i].name;
        else
            consider(&nearest, spec->commands[i].name);
    }
    print_usage(spec, NULL);
    fprintf(stderr, "no command '%.60s'; ", name);
    if (nearest.name)
        fprintf(stderr, "did you mean '%s'?\n", nearest.name);
    else
        fprintf(stderr, "see %s --help\n", spec->program);
    exit(2);
}
