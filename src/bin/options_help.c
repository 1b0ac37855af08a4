/* SPDX-License-Identifier: BSD-3-Clause */
/* What is printed of the tables: help, usage, and what somebody may have meant. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "bin/options_impl.h"
#include "bin/options_nearest.h"

#define LEFT_WIDTH 26
#define SHOWN_MAX  80 /* of a word that is no option */

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

static void print_examples(const struct c2_command *command)
{
    struct c2_str rest = c2_str_of(command->examples), line;

    if (!command->examples) return;
    printf("examples:\n");
    while (rest.n) {
        c2_str_cut(rest, '\n', &line, &rest);
        printf("  %.*s\n", C2_STR_ARG(line));
    }
    putchar('\n');
}

void c2_print_help(const struct c2_options_spec *spec, const struct c2_command *command)
{
    const struct c2_option *option;

    if (command) {
        printf("usage: %s %s%s%s\n\n%s\n\n", spec->program, command->name, *command->args ? " " : "",
               command->args, command->help);
        if (command->more) printf("%s\n\n", command->more);
        print_examples(command);
    } else {
        printf("usage: %s %s\n\n%s\n\n", spec->program, spec->synopsis, spec->about);
        if (spec->commands) print_commands(spec);
    }
    printf("options:\n");
    for (size_t i = 0; (option = c2_option_at(spec, i)); i++) {
        char left[100], letter[] = {'-', option->letter, ',', ' ', '\0'};
        if (!c2_option_is_of(spec, option, command)) continue;
        snprintf(left, sizeof(left), "%s--%s%s%s", option->letter ? letter : "", option->name,
                 option->arg ? " " : "", option->arg ? option->arg : "");
        print_row(left, option->help, option->kind == C2_OPT_FLAG ? NULL : option->fallback);
    }
}

static void print_usage(const struct c2_options_spec *spec, const struct c2_command *command)
{
    if (command)
        fprintf(stderr, "usage: %s %s%s%s\n", spec->program, command->name, *command->args ? " " : "",
                command->args);
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
    struct c2_nearest nearest = {.typed = name};
    for (size_t i = 0; (option = c2_option_at(spec, i)); i++)
        c2_nearest_consider(&nearest, option->name);
    print_usage(spec, NULL);
    fprintf(stderr, "%s option %.*s", several ? "ambiguous" : "unknown",
            (int)c2_min_i64((int64_t)text.n, SHOWN_MAX), text.p);
    if (several)
        print_several(spec, name);
    else if (nearest.name)
        fprintf(stderr, "; did you mean --%s?", nearest.name);
    fputc('\n', stderr);
    exit(2);
}

void c2_no_command_exit(const struct c2_options_spec *spec, const char *name)
{
    struct c2_nearest nearest = {.typed = c2_str_of(name)};
    bool begun = false;

    for (size_t i = 0; i < spec->ncommands && !begun; i++) {
        begun = nearest.typed.n > 1 && strncmp(spec->commands[i].name, name, nearest.typed.n) == 0;
        if (begun)
            nearest.name = spec->commands[i].name;
        else
            c2_nearest_consider(&nearest, spec->commands[i].name);
    }
    print_usage(spec, NULL);
    fprintf(stderr, "no command '%.60s'; ", name);
    if (nearest.name)
        fprintf(stderr, "did you mean '%s'?\n", nearest.name);
    else
        fprintf(stderr, "see %s --help\n", spec->program);
    exit(2);
}
