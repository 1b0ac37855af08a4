/* SPDX-License-Identifier: BSD-3-Clause */
/* --complete: what may stand at the cursor, told from the tables of options and commands. A shell asks in one
 * of these ways and gets a line that says what follows, then a candidate a line:
 *
 *   --complete bash LINE COMP_WORDBREAKS   LINE up to the cursor, with the command's name. "words" or "open"
 * (no blank follows), then what readline is to put in place
 *   --complete fish WORD... CURRENT        CURRENT with its quotes. "words", then VALUE TAB HELP; with +
 * before it
 *   --complete zsh WORD... CURRENT         when the word ends there, else -
 *   --complete table                       the options and commands themselves, for the tests
 *
 * "files" and "directories" say that the shell knows better. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <unistd.h>

#include "bin/options_impl.h"
#include "bin/options_shell.h"

#define PATIENCE_MS 1500      /* then somebody who typed a tab gets nothing */
#define OFFER_MAX   (8 << 20) /* of what is offered: a root of 100 000 paths */

enum shell { BASH, OTHERS };
struct c2_offers {
    enum shell shell;
    struct c2_str typed;  /* of the value */
    struct c2_str before; /* what is typed of the word before the value: "--view=" */
    struct c2_buf text;   /* the answer */
    size_t n;
    bool open;                        /* the last one may go on */
    const struct c2_shell_line *line; /* bash: where it all goes */
    const char *replaced, *end;
    const char *files; /* "files" or "directories": the shell's part; NULL: ours */
};

static void too_late(int signal_number)
{
    (void)signal_number;
    _exit(0);
}

/* Whatever happens, the shell is not kept waiting. */
static void hurry(void)
{
    struct sigaction action = {.sa_handler = too_late};
    struct itimerval soon = {.it_value = {PATIENCE_MS / 1000, PATIENCE_MS % 1000 * 1000}};

    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
}

static bool is_printable(struct c2_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f) return false;
    return true;
}

/* What is typed from where readline replaces, then the rest of the value, quoted as the line is. */
static bool offer_bash(struct c2_offers *to, struct c2_str rest, struct cat2_error *err)
{
    struct c2_str kept = {to->replaced, (size_t)(to->end - to->replaced)};

    return c2_buf_append_str(&to->text, kept, err) && c2_shell_quote(rest, to->line->state, &to->text, err) &&
           c2_buf_putc(&to->text, '\n', err);
}

static bool offer_line(struct c2_offers *to, struct c2_str value, bool whole, const char *help,
                       struct cat2_error *err)
{
    return c2_buf_putc(&to->text, whole ? '+' : '-', err) && c2_buf_append_str(&to->text, to->before, err) &&
           c2_buf_append_str(&to->text, value, err) && c2_buf_putc(&to->text, '\t', err) &&
           c2_buf_puts(&to->text, help ? help : "", err) && c2_buf_putc(&to->text, '\n', err);
}

void c2_offer(struct c2_offers *to, struct c2_str value, bool whole, const char *help)
{
    struct cat2_error ignored;
    size_t n = to->typed.n, length = to->text.n;

    if (value.n < n || (n && memcmp(value.p, to->typed.p, n) != 0) || !is_printable(value)) return;
    struct c2_str rest = {value.p + n, value.n - n};
    bool ok =
        to->shell == BASH ? offer_bash(to, rest, &ignored) : offer_line(to, value, whole, help, &ignored);
    if (!ok) {
        to->text.n = length; /* no room: half a line is no offer */
        return;
    }
    to->n++;
    to->open = !whole;
}

/* `what` of c2_options_spec.takes, or an option's `arg`. */
static void offer_kind(const struct c2_options *o, struct c2_str what, struct c2_offers *to)
{
    if (c2_str_is(what, "file"))
        to->files = "files";
    else if (c2_str_is(what, "dir"))
        to->files = "directories";
    else if (!c2_str_is(what, "-") && o->spec->offer)
        o->spec->offer(o, what, to->typed, to);
}

static void offer_value(const struct c2_options *o, const struct c2_option *option, struct c2_offers *to)
{
    struct c2_str rest = c2_str_of(option->arg), word;

    if (option->kind == C2_OPT_LEVEL) rest = C2_STR("critical|error|warning|info|debug");
    while (c2_option_word(option, &rest, &word))
        c2_offer(to, word, true, NULL);
    if (c2_str_is(c2_str_of(option->arg), "FILE")) offer_kind(o, C2_STR("file"), to);
    if (c2_str_is(c2_str_of(option->arg), "DIR")) offer_kind(o, C2_STR("dir"), to);
    if (c2_str_is(c2_str_of(option->arg), "DATASET")) offer_kind(o, C2_STR("dataset"), to);
}

static void offer_options(const struct c2_options *o, struct c2_offers *to)
{
    const struct c2_option *option;
    char name[64];

    for (size_t i = 0; (option = c2_option_at(o->spec, i)); i++) {
        if ((o->values[i] && option->kind != C2_OPT_LIST) || !c2_option_is_of(o->spec, option, o->command))
            continue;
        int n = snprintf(name, sizeof(name), "--%s", option->name);
        c2_offer(to, (struct c2_str){name, (size_t)n}, true, option->help);
    }
}

/* The i-th of "root dir"; the last is for all that follow where the number of arguments has no limit. */
static struct c2_str taken(const char *takes, int i, int max)
{
    struct c2_str rest = c2_str_of(takes ? takes : ""), word = {0};

    if (max >= 0 && i >= max) return word;
    do {
        c2_str_cut(rest, ' ', &word, &rest);
    } while (i-- > 0 && rest.n);
    return word;
}

static void offer_argument(const struct c2_options *o, struct c2_offers *to)
{
    const struct c2_options_spec *spec = o->spec;
    const struct c2_command *command = o->command;

    if (!spec->commands) {
        offer_kind(o, taken(spec->takes, o->nargs, spec->args_max), to);
    } else if (o->nargs == 0) {
        for (size_t i = 0; i < spec->ncommands; i++)
            c2_offer(to, c2_str_of(spec->commands[i].name), true, spec->commands[i].help);
    } else if (command) {
        offer_kind(o, taken(command->takes, o->nargs - 1, command->args_max), to);
    }
}

/* "-lr", "-oFILE": returns the option whose value is the next word, or -1. */
static int understand_letters(struct c2_options *o, const char *letters)
{
    struct cat2_error ignored;

    for (; *letters; letters++) {
        int i = c2_option_of_letter(o->spec, *letters);
        if (i < 0) return -1;
        bool flag = c2_option_at(o->spec, (size_t)i)->kind == C2_OPT_FLAG;
        if (!flag && !letters[1]) return i;
        (void)c2_options_set(o, i, flag ? "1" : letters + 1, "", &ignored);
        if (!flag) return -1;
    }
    return -1;
}

/* One word before the cursor. *option: the one whose value comes next, or -1. */
static void understand(struct c2_options *o, const char *word, bool *only_args, int *option)
{
    struct c2_str name, value, text = c2_str_of(word);
    struct cat2_error ignored;

    if (*option >= 0) {
        (void)c2_options_set(o, *option, word, "", &ignored);
        *option = -1;
        return;
    }
    if (*only_args || text.n < 2 || text.p[0] != '-') {
        if (o->nargs < C2_ARGS_MAX) o->args[o->nargs++] = word;
        return;
    }
    *only_args = c2_str_is(text, "--");
    if (!c2_str_starts(text, "--")) {
        *option = understand_letters(o, word + 1);
        return;
    }
    bool inline_value = c2_str_cut(text, '=', &name, &value);
    int i = c2_option_find(o->spec, (struct c2_str){name.p + 2, name.n - 2});
    if (i < 0) return;
    bool flag = c2_option_at(o->spec, (size_t)i)->kind == C2_OPT_FLAG;
    if (flag || inline_value)
        (void)c2_options_set(o, i, flag ? "1" : value.p, "", &ignored);
    else
        *option = i;
}

/* The words before the one at the cursor, then that. */
static void complete(struct c2_options *o, const char *const *words, size_t n, struct c2_offers *to)
{
    bool only_args = false;
    int option = -1;
    struct c2_str name, value;
    struct cat2_error ignored;

    for (size_t i = 0; i + 1 < n; i++)
        understand(o, words[i], &only_args, &option);
    to->typed = c2_str_of(words[n - 1]);
    if (o->spec->commands && o->nargs) o->command = c2_command_find(o->spec, o->args[0]);
    if (option < 0 && !only_args && c2_str_starts(to->typed, "--") &&
        c2_str_cut(to->typed, '=', &name, &value)) {
        option = c2_option_find(o->spec, (struct c2_str){name.p + 2, name.n - 2});
        if (option < 0) return;
        to->before = (struct c2_str){name.p, name.n + 1};
        to->typed = value;
    }
    bool options = option < 0 && !only_args && c2_str_starts(to->typed, "-");
    if (options) {
        offer_options(o, to);
        return;
    }
    if (!c2_options_fill(o, &ignored)) return; /* where to ask is not known */
    if (option >= 0)
        offer_value(o, c2_option_at(o->spec, (size_t)option), to);
    else
        offer_argument(o, to);
}

static void answer(const struct c2_offers *to)
{
    const char *head = to->files ? to->files : to->n == 1 && to->open ? "open" : "words";

    printf("%s\n", to->shell == OTHERS && !to->files ? "words" : head);
    if (!to->files && to->text.n) fwrite(to->text.p, 1, to->text.n, stdout);
    fflush(stdout);
}

static void complete_bash(struct c2_options *o, const char *text, const char *breaks)
{
    C2_AUTO(c2_shell_line) line = {0};
    struct c2_str whole = c2_str_of(text);
    struct c2_offers to = {.shell = BASH, .text = C2_BUF_INIT(OFFER_MAX), .line = &line};
    struct cat2_error ignored;
    size_t first = 0;

    if (!c2_shell_split(whole, false, &line, &ignored) || line.unclear) return;
    while (first + 1 < line.nwords && strchr(line.words[first], '=')) /* A=b before the command */
        first++;
    to.replaced = c2_shell_replaced(&line, whole, breaks);
    to.end = whole.p + whole.n;
    if (line.redirected)
        to.files = "files";
    else if (line.nwords > first + 1)
        complete(o, line.words + first + 1, line.nwords - first - 1, &to);
    answer(&to);
    c2_buf_fini(&to.text);
}

static void complete_words(struct c2_options *o, bool fish, int argc, char **argv)
{
    C2_AUTO(c2_shell_line) line = {0};
    struct c2_offers to = {.shell = OTHERS, .text = C2_BUF_INIT(OFFER_MAX)};
    const char *words[C2_WORDS_MAX];
    struct cat2_error ignored;

    if (argc < 1 || argc > C2_WORDS_MAX) return;
    for (int i = 0; i < argc; i++)
        words[i] = argv[i];
    if (fish) { /* the word at the cursor has its quotes still */
        if (!c2_shell_split(c2_str_of(argv[argc - 1]), true, &line, &ignored) || line.unclear) return;
        words[argc - 1] = line.nwords ? line.words[line.nwords - 1] : "";
    }
    complete(o, words, (size_t)argc, &to);
    answer(&to);
    c2_buf_fini(&to.text);
}

static void print_table(const struct c2_options_spec *spec)
{
    const struct c2_option *option;
    char key[300];

    printf("program\t%s\t%s\t%s\n", spec->program, spec->bare ? "-" : spec->section, spec->synopsis);
    if (spec->args_key) printf("arguments\t%s\t\t%s.%s\n", spec->args_key, spec->section, spec->args_key);
    for (size_t i = 0; i < spec->ncommands; i++)
        printf("command\t%s\t%s\t%s\n", spec->commands[i].name, spec->commands[i].args,
               spec->commands[i].help);
    for (size_t i = 0; (option = c2_option_at(spec, i)); i++) {
        c2_option_key(spec, option, NULL, key, sizeof(key));
        printf("option\t%s\t%s\t%s\t%s\t%s\n", option->name, option->arg ? option->arg : "",
               spec->bare ? "" : key, option->fallback ? option->fallback : "", option->help);
    }
}

void c2_complete_exit(const struct c2_options_spec *spec, int argc, char **argv)
{
    struct c2_options *o = calloc(1, sizeof(*o));

    if (!o) exit(0);
    hurry();
    o->spec = spec;
    if (strcmp(argv[0], "table") == 0)
        print_table(spec);
    else if (strcmp(argv[0], "bash") == 0 && argc == 3)
        complete_bash(o, argv[1], argv[2]);
    else if (strcmp(argv[0], "zsh") == 0 || strcmp(argv[0], "fish") == 0)
        complete_words(o, argv[0][0] == 'f', argc - 1, argv + 1);
    c2_options_free(o);
    exit(0);
}
