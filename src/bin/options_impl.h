/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the options share. */
#ifndef C2_BIN_OPTIONS_IMPL_H
#define C2_BIN_OPTIONS_IMPL_H

#include "bin/options.h"
#include "bin/options_conf.h"

#define C2_ARGS_MAX   256 /* more than any command takes: cat2serve the most, 64 */
#define C2_VALUES_MAX 48  /* options of a program with the common ones; checked when it starts */

struct c2_options {
    const struct c2_options_spec *spec;
    char *values[C2_VALUES_MAX];  /* by option of the whole table: the program's, then the common ones */
    bool defaults[C2_VALUES_MAX]; /* nobody gave it */
    const char *args[C2_ARGS_MAX];
    int nargs;
    char *args_lines; /* of the configuration, cut into args */
    const struct c2_command *command;
    const char *conf_path, *id;
    struct c2_conf *conf;
};

/** The i-th of the program's options and the common ones; NULL past the end. */
const struct c2_option *c2_option_at(const struct c2_options_spec *spec, size_t i);
/** By full name, or by a prefix that only one option has. -1 none, -2 several. */
int c2_option_find(const struct c2_options_spec *spec, struct c2_str name);
/** By its letter, in either case when only one option has it. -1 none. */
int c2_option_of_letter(const struct c2_options_spec *spec, char letter);
/** May it be given with the command (NULL: none is known yet)? */
bool c2_option_is_of(const struct c2_options_spec *spec, const struct c2_option *option,
                     const struct c2_command *command);
const struct c2_command *c2_command_find(const struct c2_options_spec *spec, const char *name);
/** The configuration key of an option, with --id; empty when it has none. */
void c2_option_key(const struct c2_options_spec *spec, const struct c2_option *option, const char *id,
                   char *out, size_t size);
/** Is the option's value one of few words? Else anything of its kind. */
bool c2_option_has_words_only(const struct c2_option *option);
/** The next of the words that an option's value may be; start with *rest = option->arg. */
bool c2_option_word(const struct c2_option *option, struct c2_str *rest, struct c2_str *word);
bool c2_options_set(struct c2_options *o, int i, const char *value, const char *where,
                    struct cat2_error *err);
/** What the command line left open: configuration (read here), environment, defaults. */
bool c2_options_fill(struct c2_options *o, struct cat2_error *err);

void c2_print_help(const struct c2_options_spec *spec, const struct c2_command *command);
/** Usage and what is wrong on stderr; exit 2. command may be NULL. */
_Noreturn void c2_usage_exit(const struct c2_options_spec *spec, const struct c2_command *command,
                             const char *fmt, ...) C2_PRINTF(3, 4);
/** The same for an option that is none, or several; text as it was given, without its value. */
_Noreturn void c2_no_option_exit(const struct c2_options_spec *spec, struct c2_str text, bool several);
_Noreturn void c2_no_command_exit(const struct c2_options_spec *spec, const char *name);

/** --complete SHELL ...: what may stand at the cursor, one a line. Prints nothing that is not asked for and
 * ends soon, whatever is typed. */
_Noreturn void c2_complete_exit(const struct c2_options_spec *spec, int argc, char **argv);
/** --print-completion SHELL: the script that asks. False: no such shell. */
bool c2_print_completion(const struct c2_options_spec *spec, const char *shell);

#endif
