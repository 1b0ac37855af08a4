/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines, caterva2.toml and CATERVA2_* variables for every program: command line > environment > file
 * > default. An option is declared once; help text, man-page check, shell completion and the configuration
 * key follow from it. */
#ifndef C2_BIN_OPTIONS_H
#define C2_BIN_OPTIONS_H

#include "base/buf.h"

enum c2_opt_kind {
    C2_OPT_TEXT,
    C2_OPT_FLAG,
    C2_OPT_INT,
    C2_OPT_SIZE /* 10GiB, 500M */,
    C2_OPT_PERIOD /* seconds, 0.5, or never */,
    C2_OPT_ENDPOINT,
    C2_OPT_LEVEL,
    C2_OPT_LIST /* may be given several times: the values, one a line */
};
struct c2_option {
    const char *name; /* "http" -> --http, key "http" of the program's section, CATERVA2_<SECTION>_HTTP */
    char letter;      /* 'h' or 0 */
    enum c2_opt_kind kind;
    const char *fallback; /* text form, NULL = none */
    const char *arg;      /* "HOST:PORT", for help */
    const char *help;
    const char *
        key; /* other full configuration key, e.g. "broker.http"; NULL: SECTION.name; "" = not configurable */
};
struct c2_options_spec {
    const char *program, *synopsis, *about;
    const char *section; /* "subscriber"; with --id X the section is "subscriber.X" */
    const struct c2_option *options;
    size_t noptions;
    int args_min, args_max; /* positional; -1 = no limit */
    const char *args_key;   /* of the program's section: the arguments, when none are given; NULL: none */
};
struct c2_options;
/** Parse. Handles --help, --version (prints, exits 0) and --conf FILE, --id ID; usage errors print on stderr
 * and exit 2. A wrong key or type in the file is an error "FILE:LINE: ..." (exit 1). Options may stand before
 * or after arguments and be abbreviated when unambiguous. "--" ends options. Where nothing says "statedir" it
 * is $STATE_DIRECTORY, which systemd sets, before the default. */
bool c2_options_parse(const struct c2_options_spec *spec, int argc, char **argv, struct c2_options **out,
                      struct cat2_error *err);
void c2_options_free(struct c2_options *options);
const char *c2_options_text(const struct c2_options *options, const char *name); /* NULL when unset */
/** Not by default: on the command line, in the environment or in the file. */
bool c2_options_given(const struct c2_options *options, const char *name);
int64_t c2_options_int(const struct c2_options *options, const char *name);
/** Milliseconds; -1 never, 0 when unset. */
int64_t c2_options_period(const struct c2_options *options, const char *name);
bool c2_options_flag(const struct c2_options *options, const char *name);
int c2_options_nargs(const struct c2_options *options);
const char *c2_options_arg(const struct c2_options *options, int i);
const char *c2_options_id(const struct c2_options *options); /* --id, NULL without */
/** Any configuration key of the file ("publisher.foo.root"), NULL when absent. */
const char *c2_options_conf(const struct c2_options *options, const char *key);

#endif
