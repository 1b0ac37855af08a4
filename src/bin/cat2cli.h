/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of cat2cli share. */
#ifndef C2_BIN_CAT2CLI_H
#define C2_BIN_CAT2CLI_H

#include <stdio.h>

#include "bin/options.h"
#include "caterva2/caterva2.h"
#include "wire/json.h"

/* What a command is given: its ctx. */
struct c2_cli {
    cat2_client *client;
    const struct c2_options *options;
    struct cat2_client_options access; /* as the client was made */
    const char *args[2];               /* the first ones after the command; NULL where none */
    bool json;
    bool terminal; /* standard output is read by a person, perhaps through a pager */
    bool colour;
    bool utf8;  /* the terminal shows it */
    int pager;  /* its process, 0: none */
    int status; /* of the program, if the command does not fail */
};

#define C2_CLI_DIFFER 3 /* exit status of diff when there are differences */

/** The i-th argument after the command; NULL past the end. */
static inline const char *c2_cli_arg(const struct c2_cli *cli, int i)
{
    return c2_options_arg(cli->options, i + 1);
}

/* ---- cat2cli_out.c: what is printed ---- */

/** Find out what standard output is; with `pages`, put a pager behind a terminal. */
void c2_cli_out_open(struct c2_cli *cli, bool pages);
/** Wait until the pager has been left. false: what was printed did not arrive. */
bool c2_cli_out_close(struct c2_cli *cli, struct cat2_error *err);
/** Text that others chose: for a terminal, characters that would control it are replaced by '?'. */
void c2_cli_put(const struct c2_cli *cli, struct c2_str text);
/** The same for text of several lines, whose ends and tabs stay. */
void c2_cli_put_lines(const struct c2_cli *cli, struct c2_str text);
/** "Error: MESSAGE" on standard error, in the same way. */
void c2_cli_put_error(const char *prefix, const char *message);
/** The text in out (cut to room), with such characters replaced whatever it is for. */
const char *c2_cli_plain(const char *text, char *out, size_t room);
enum c2_cli_style { C2_CLI_FOLDER, C2_CLI_BROKEN, C2_CLI_FAINT, C2_CLI_ADDED, C2_CLI_REMOVED };
/** The same in a colour, where there are colours. */
void c2_cli_put_in(const struct c2_cli *cli, enum c2_cli_style style, struct c2_str text);
/** A line of JSON. */
bool c2_cli_put_json(const struct c2_buf *line, struct cat2_error *err);
/** An answer, re-printed as Python's json.dumps does. */
bool c2_cli_reprint(const char *json, struct cat2_error *err);
/** "2026-11-27 03:04", of this place; "-" when it is not known. */
const char *c2_cli_time(int64_t ms, char out[32]);

/** JSON as Python would lay out the same dict: one line where it fits `width` columns, else an item a line, 4
 * deeper. */
bool c2_pretty_print(struct c2_jval v, int width, struct c2_buf *out, struct cat2_error *err);

/** Columns of the terminal: COLUMNS, else what the terminal says, else 80. */
int c2_terminal_columns(void);

/* ---- progress on standard error, if that is a terminal ---- */

struct c2_cli_bar {
    bool visible;
    int64_t started_ms, shown_ms, first;
};
void c2_cli_bar_open(struct c2_cli_bar *bar);
/** what: a name, or "3 of 10". total -1: not known. Not too often; the last one, nbytes == total, always. */
void c2_cli_bar_show(struct c2_cli_bar *bar, const char *what, int64_t nbytes, int64_t total);
/** Take the line away, so that others may be printed. */
void c2_cli_bar_clear(struct c2_cli_bar *bar);
/** From now on Ctrl-C does not end the program, but makes c2_cli_interrupted() true. */
void c2_cli_catch_interrupts(void);
bool c2_cli_interrupted(void);
/** For cat2_client_on_wait(): until then. */
bool c2_cli_goes_on(void *ctx);

/* ---- */

/** Open what `arg` names, "DATASET[SLICE]"; brackets may be part of the name. *slice is yours, NULL without.
 */
bool c2_cli_open(const struct c2_cli *cli, const char *arg, cat2_dataset **dataset, char **slice,
                 struct cat2_error *err);
/** After an error: another path that may have been meant, appended to the message. */
void c2_cli_suggest(const struct c2_cli *cli, const char *path, struct cat2_error *err);

/* ---- commands, each in a file of its kind ---- */

bool c2_cmd_roots(void *ctx, struct cat2_error *err);
bool c2_cmd_subscribe(void *ctx, struct cat2_error *err);
bool c2_cmd_unsubscribe(void *ctx, struct cat2_error *err);
bool c2_cmd_list(void *ctx, struct cat2_error *err);
bool c2_cmd_url(void *ctx, struct cat2_error *err);
bool c2_cmd_info(void *ctx, struct cat2_error *err);
bool c2_cmd_show(void *ctx, struct cat2_error *err);
bool c2_cmd_ls(void *ctx, struct cat2_error *err);
bool c2_cmd_tree(void *ctx, struct cat2_error *err);
bool c2_cmd_find(void *ctx, struct cat2_error *err);
bool c2_cmd_du(void *ctx, struct cat2_error *err);
bool c2_cmd_attrs(void *ctx, struct cat2_error *err);
bool c2_cmd_stats(void *ctx, struct cat2_error *err);
bool c2_cmd_open(void *ctx, struct cat2_error *err);
bool c2_cmd_watch(void *ctx, struct cat2_error *err);
bool c2_cmd_diff(void *ctx, struct cat2_error *err);
bool c2_cmd_download(void *ctx, struct cat2_error *err);
bool c2_cmd_sync(void *ctx, struct cat2_error *err);

#endif
