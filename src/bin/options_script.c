/* SPDX-License-Identifier: BSD-3-Clause */
/* The completion scripts. They know nothing of the program but its name: what may stand at the cursor they
 * ask it for (options_complete.c). The program asked is the one on the line, so that the answer is of its
 * tables; a name that is no program, such as an alias, stands for the one that the script is for. */
#include <stdio.h>

#include "bin/options_impl.h"

#define NAME "PROGRAM"

static const char bash[] =
    "# bash completion of PROGRAM\n"
    "_caterva2_PROGRAM()\n"
    "{\n"
    "    local program=$1 line follows=\n"
    "    COMPREPLY=()\n"
    "    case $program in '~/'*) program=$HOME/${program#'~/'} ;; esac\n"
    "    type -P -- \"$program\" >/dev/null || program=PROGRAM\n"
    "    while IFS= read -r line; do\n"
    "        if [[ -z $follows ]]; then follows=$line; else COMPREPLY+=(\"$line\"); fi\n"
    "    done < <(\"$program\" --complete bash \"${COMP_LINE:0:COMP_POINT}\" \"$COMP_WORDBREAKS\" "
    "2>/dev/null)\n"
    "    case $follows in\n"
    "        files) compopt -o default ;;\n"
    "        directories) compopt -o dirnames ;;\n"
    "        open) compopt -o nospace ;;\n"
    "    esac\n"
    "}\n"
    "complete -F _caterva2_PROGRAM PROGRAM\n";

static const char zsh[] =
    "#compdef PROGRAM\n"
    "_PROGRAM() {\n"
    "    local program=${(Q)words[1]} quote=$compstate[quote] current line value help\n"
    "    local -a before lines ends ends_shown goes_on goes_on_shown\n"
    "    [[ $program == '~/'* ]] && program=$HOME${program#'~'}\n"
    "    [[ -n ${commands[$program]} || -x $program ]] || program=PROGRAM\n"
    "    before=(\"${(@Q)words[2,CURRENT-1]}\")\n"
    "    current=${(Q)${:-$quote$PREFIX$quote}}\n"
    "    lines=(\"${(@f)$(\"$program\" --complete zsh \"${before[@]}\" \"$current\" 2>/dev/null)}\")\n"
    "    case $lines[1] in\n"
    "    files|directories)\n"
    "        [[ $current == --*=* ]] && compset -P '*='\n"
    "        if [[ $lines[1] == files ]]; then _files; else _files -/; fi\n"
    "        return ;;\n"
    "    words) ;;\n"
    "    *) return 1 ;;\n"
    "    esac\n"
    "    for line in \"${(@)lines[2,-1]}\"; do\n"
    "        value=${${line[2,-1]}%%$'\\t'*} help=${line#*$'\\t'}\n"
    "        [[ -n $help ]] && help=\"${(r:24:)value} $help\"\n"
    "        if [[ $line == +* ]]; then\n"
    "            ends+=(\"$value\") ends_shown+=(\"${help:-$value}\")\n"
    "        else\n"
    "            goes_on+=(\"$value\") goes_on_shown+=(\"${help:-$value}\")\n"
    "        fi\n"
    "    done\n"
    "    local -a list\n"
    "    [[ -n $help ]] && list=(-l)\n"
    "    compadd $list -d ends_shown -a -- ends\n"
    "    compadd $list -S '' -d goes_on_shown -a -- goes_on\n"
    "}\n"
    "if [[ $funcstack[1] == _PROGRAM ]]; then\n"
    "    _PROGRAM \"$@\"\n"
    "else\n"
    "    compdef _PROGRAM PROGRAM\n"
    "fi\n";

static const char fish[] = "# fish completion of PROGRAM\n"
                           "function __caterva2_PROGRAM\n"
                           "    set -l before (commandline -opc)\n"
                           "    set -l current (commandline -ct)\n"
                           "    set -l program (string replace -r '^~/' \"$HOME/\" -- $before[1])\n"
                           "    set -e before[1]\n"
                           "    command -q -- $program; or set program PROGRAM\n"
                           "    set -l lines ($program --complete fish $before \"$current\" 2>/dev/null)\n"
                           "    set -l option (string match -r -- '^--[^=]*=' \"$current\")\n"
                           "    set -l path (string replace -r -- '^--[^=]*=' '' \"$current\")\n"
                           "    switch \"$lines[1]\"\n"
                           "        case files\n"
                           "            printf '%s\\n' \"$option\"(__fish_complete_path \"$path\")\n"
                           "        case directories\n"
                           "            printf '%s\\n' \"$option\"(__fish_complete_directories \"$path\")\n"
                           "        case words\n"
                           "            set -e lines[1]\n"
                           "            string sub -s 2 -- $lines\n"
                           "    end\n"
                           "end\n"
                           "complete -c PROGRAM -f -a '(__caterva2_PROGRAM)'\n";

static void print_script(const char *script, const char *program)
{
    const char *next;

    for (; (next = strstr(script, NAME)); script = next + strlen(NAME))
        printf("%.*s%s", (int)(next - script), script, program);
    printf("%s", script);
}

bool c2_print_completion(const struct c2_options_spec *spec, const char *shell)
{
    static const struct {
        const char *name, *script;
    } scripts[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

    for (size_t i = 0; i < C2_ARRAY_LEN(scripts); i++) {
        if (strcmp(shell, scripts[i].name) != 0) continue;
        print_script(scripts[i].script, spec->program);
        return true;
    }
    return false;
}
