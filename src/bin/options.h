/* SPDX-License-Identifier: BSD-3-Clause */
/* Command lines, caterva2.toml and CATERVA2_* variables for every program: command line > environment > file
 * > default. Options and commands are declared once; help text, man-page check, shell completion and the
 * configuration keys follow from it. */
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
    C2_OPT_SERVICE /* HOST:PORT or http[s]://HOST:PORT */,
    C2_OPT_LEVEL,
    C2_OPT_LIST /* may be given several times: the values, one a line */
};
struct c2_option {
    const char *name; /* "http" -> --http, key "http" of the program's section, CATERVA2_<SECTION>_HTTP */
    char letter;      /* 'h' or 0; where no other option has it, the other case means the same */
    enum c2_opt_kind kind;
    const char *fallback; /* text form, NULL = none */
    const char *arg;      /* "HOST:PORT", for help. FILE, DIR and DATASET are completed as what they say; of
                           * "HOURS|never" and "lz4|zstd" the words in lower case, and where there are only such
                           * words no other value is taken */
    const char *help;
    const char *
        key; /* other full configuration key, e.g. "broker.http"; NULL: SECTION.name; "" = not configurable */
};
/* What comes first among the arguments of a program that has commands. */
struct c2_command {
    const char *name, *args; /* "download", "DATASET [OUTDIR]" */
    const char *help, *more; /* one line; what else `PROGRAM COMMAND --help` says, or NULL */
    const char *takes;       /* what the arguments are, as below */
    const char *options;     /* those of its own, with blanks between: "long time". An option that any command
                              * names is of those that name it only; all others are of every command */
    const char *examples;    /* lines that --help shows, or NULL */
    int args_min, args_max;
    bool pages; /* it may print more than a screen: a pager is of use */
    bool (*run)(void *ctx, struct cat2_error *err);
};
#define C2_SERVICE_URL_MAX 1100 /* bytes of a public-url and a scheme */

struct c2_options;
struct c2_offers;
/** Offer what arguments of kind `what` may be, given what is typed of it. For what no table tells. */
typedef void c2_offer_fn(const struct c2_options *options, struct c2_str what, struct c2_str typed,
                         struct c2_offers *to);
struct c2_options_spec {
    const char *program, *synopsis, *about;
    const char *section; /* "subscriber"; with --id X the section is "subscriber.X" */
    const struct c2_option *options;
    size_t noptions;
    int args_min, args_max; /* positional; -1 = no limit */
    const char *args_key;   /* of the program's section: the arguments, when none are given; NULL: none */
    const struct c2_command *commands; /* NULL: no commands. Else args_min and args_max are the commands' */
    size_t ncommands;
    const char *takes; /* for completion, what the arguments are: "file dir", of the last as many as there may
                        * be; "-" nothing that could be told; others are for `offer` */
    c2_offer_fn *offer;
    bool bare; /* no configuration: of the common options just --help and --version */
};
/** Parse. Handles --help, --version (prints, exits 0) and --conf FILE, --id ID; usage errors print on stderr
 * and exit 2. A wrong key or type in the file is an error "FILE:LINE: ..." (exit 1). Options may stand before
 * or after arguments and be abbreviated when unambiguous. Letters may share a word ("-lr"), and the value of
 * the last may follow at once ("-oFILE"). "PROGRAM help COMMAND" is the same as --help. "--" ends options.
 * Where nothing says "statedir" it is $STATE_DIRECTORY, which systemd sets, before the default. */
bool c2_options_parse(const struct c2_options_spec *spec, int argc, char **argv, struct c2_options **out,
                      struct cat2_error *err);
void c2_options_free(struct c2_options *options);
const char *c2_options_text(const struct c2_options *options, const char *name); /* NULL when unset */
/** Not by default: on the command line, in the environment or in the file. */
bool c2_options_given(const struct c2_options *options, const char *name);
int64_t c2_options_int(const struct c2_options *options, const char *name);
/** The number of an option that is set; one that is not leaves *out.
 *  @errors CAT2_EINVAL "--NAME is a number from LEAST to MOST". */
bool c2_options_number(const struct c2_options *options, const char *name, int64_t least, int64_t most,
                       int64_t *out, struct cat2_error *err);
/** Milliseconds; -1 never, 0 when unset. */
int64_t c2_options_period(const struct c2_options *options, const char *name);
bool c2_options_flag(const struct c2_options *options, const char *name);
/** The command, whose arguments are args 1 and on; NULL where the program has none. */
const struct c2_command *c2_options_command(const struct c2_options *options);
int c2_options_nargs(const struct c2_options *options);
const char *c2_options_arg(const struct c2_options *options, int i);
const char *c2_options_id(const struct c2_options *options); /* --id, NULL without */
/** Any configuration key of the file ("publisher.foo.root"), NULL when absent. */
const char *c2_options_conf(const struct c2_options *options, const char *key);
/** Where a service is: as `option` says (NULL: there is none); but if that is what the file's section of the
 * service has, its public-url there if it has a certificate, or http, in `out`. NULL: nothing says it. */
const char *c2_options_service(const struct c2_options *options, const char *option, const char *section,
                               char out[C2_SERVICE_URL_MAX]);
/** One more value for the shell. whole: the word ends there, else it may go on (a folder).
 * Left out when it does not begin with what is typed, or holds control characters. help may be NULL. */
void c2_offer(struct c2_offers *to, struct c2_str value, bool whole, const char *help);

#endif
