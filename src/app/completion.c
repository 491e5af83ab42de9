/*
 * completion: scripts for bash, zsh and fish. Each is a fixed frame around
 * lists of subcommands, options, settings and presets.
 */
#include "completion.h"

#include "kdt/conf.h"
#include "usage.h"

#include <glob.h>
#include <string.h>

/* What an option's argument is completed with. */
enum argument_kind {
    ARGUMENT_NONE,
    ARGUMENT_ANY,
    ARGUMENT_FILE,
    ARGUMENT_FOLDER,
    ARGUMENT_PRESET,
    ARGUMENT_SETTING,
    ARGUMENT_SPLIT,
};

static const char splits[] = "train validation test";

static enum argument_kind argument_kind(const struct option_info *option)
{
    if (!option->argument)
        return ARGUMENT_NONE;
    if (strcmp(option->argument, "FILE") == 0)
        return ARGUMENT_FILE;
    if (strcmp(option->argument, "DIR") == 0)
        return ARGUMENT_FOLDER;
    if (strcmp(option->argument, "SPLIT") == 0)
        return ARGUMENT_SPLIT;
    if (strcmp(option->name, "preset") == 0)
        return ARGUMENT_PRESET;
    if (strcmp(option->name, "set") == 0)
        return ARGUMENT_SETTING;
    return ARGUMENT_ANY;
}

/* Presets' names with spaces between, in order. */
static int list_presets(const char *path, struct text *names, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct text pattern = {0};
    glob_t found;

    text_print(&pattern, "%.*s../presets/*.ini", slash ? (int)(slash + 1 - path) : 0, path);
    int status = glob(pattern.bytes, 0, NULL, &found);
    if (status == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *name = strrchr(found.gl_pathv[i], '/') + 1;
            text_print(names, "%s%.*s", i ? " " : "", (int)(strlen(name) - strlen(".ini")), name);
        }
        globfree(&found);
    } else {
        err_set(err, ERR_FILE, "%s: no preset is there", pattern.bytes);
    }
    text_fini(&pattern);
    return status ? -1 : 0;
}

static void list_subcommands(struct text *out, const char *between)
{
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++)
        text_print(out, "%s%s", i ? between : "", usage_subcommand(i)->name);
}

static void list_values(struct text *out, const struct setting *row)
{
    if (row->type == SETTING_SWITCH)
        text_print(out, "on off");
    for (size_t i = 0; row->type == SETTING_CHOICE && row->choices[i].word; i++)
        text_print(out, "%s%s", i ? " " : "", row->choices[i].word);
}

static bool has_values(const struct setting *row)
{
    return row->type == SETTING_SWITCH || row->type == SETTING_CHOICE;
}

/* "-c | --config", a pattern of `case`. */
static void list_option_pattern(struct text *out, const struct option_info *option)
{
    if (option->letter)
        text_print(out, "-%c | ", option->letter);
    text_print(out, "--%s", option->name);
}

static void print_bash_options(struct text *out)
{
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        text_print(out, "        %s) words=\"", usage_subcommand(i)->name);
        const char *between = "";
        for (size_t j = 0; j < usage_option_count(); j++) {
            const struct option_info *option = usage_option(j);
            if (!(option->subcommands & 1u << i))
                continue;
            if (option->letter)
                text_print(out, "%s-%c ", between, option->letter);
            text_print(out, "%s--%s", option->letter ? "" : between, option->name);
            between = " ";
        }
        text_print(out, "\" ;;\n");
    }
}

static void print_bash_arguments(struct text *out, const char *presets)
{
    for (size_t i = 0; i < usage_option_count(); i++) {
        const struct option_info *option = usage_option(i);
        const char *action = "words=";

        switch (argument_kind(option)) {
        case ARGUMENT_NONE:
            continue;
        case ARGUMENT_ANY:
            break;
        case ARGUMENT_FILE:
            action = "files=-f";
            break;
        case ARGUMENT_FOLDER:
            action = "files=-d";
            break;
        case ARGUMENT_PRESET:
            action = presets;
            break;
        case ARGUMENT_SETTING:
            action = "_kdtui_setting \"$word\"";
            break;
        case ARGUMENT_SPLIT:
            action = splits;
            break;
        }
        text_print(out, "    ");
        list_option_pattern(out, option);
        bool list = action == presets || action == splits;
        text_print(out, ") %s%s%s ;;\n", list ? "words=\"" : "", action, list ? "\"" : "");
    }
}

static void print_bash(struct text *out, const char *presets)
{
    text_print(out,
               "# bash completion for kdtui; generated from its tables.\n"
               "\n"
               "# Puts what SECTION.KEY=VALUE may become into words.\n"
               "_kdtui_setting()\n"
               "{\n"
               "    local name=${1%%%%=*} value\n"
               "\n"
               "    case $1 in\n");
    for (size_t i = 0; i < settings_count(); i++) {
        if (!has_values(settings_row(i)))
            continue;
        text_print(out, "    %s=*) words=\"", settings_row(i)->name);
        list_values(out, settings_row(i));
        text_print(out, "\" ;;\n");
    }
    text_print(out,
               "    *=*) words= ;;\n"
               "    *)\n"
               "        words=\"");
    for (size_t i = 0; i < settings_count(); i++)
        text_print(out, "%s%s=", i ? "\n            " : "", settings_row(i)->name);
    text_print(out,
               "\"\n"
               "        compopt -o nospace\n"
               "        return\n"
               "        ;;\n"
               "    esac\n"
               "    local values=$words\n"
               "    words=\n"
               "    for value in $values; do\n"
               "        words+=\" $name=$value\"\n"
               "    done\n"
               "}\n"
               "\n"
               "_kdtui()\n"
               "{\n"
               "    local line=${COMP_LINE:0:COMP_POINT} subcommand= option= before= i\n"
               "    local word=${line##*[[:space:]]} words= files=\n"
               "    local -a typed\n"
               "\n"
               "    # The line itself, since bash splits words at =.\n"
               "    read -ra typed <<<\"${line%%\"$word\"}\"\n"
               "    for ((i = 1; i < ${#typed[@]}; i++)); do\n"
               "        case ${typed[i]} in\n"
               "        ");
    list_subcommands(out, " | ");
    text_print(out,
               ")\n"
               "            subcommand=${typed[i]}\n"
               "            break\n"
               "            ;;\n"
               "        esac\n"
               "    done\n"
               "    option=${typed[${#typed[@]} - 1]}\n"
               "    if [[ $word == --*=* ]]; then\n"
               "        option=${word%%%%=*}\n"
               "        before=$option=\n"
               "        word=${word#*=}\n"
               "    fi\n"
               "\n"
               "    case $option in\n");
    print_bash_arguments(out, presets);
    text_print(out,
               "    *) option= ;;\n"
               "    esac\n"
               "    if [[ -z $option && $word == -* ]]; then\n"
               "        case ${subcommand:-run} in\n");
    print_bash_options(out);
    text_print(out,
               "        esac\n"
               "    elif [[ -z $option && -z $subcommand ]]; then\n"
               "        words=\"");
    list_subcommands(out, " ");
    text_print(out,
               "\"\n"
               "    elif [[ -z $option && $subcommand == settings ]]; then\n"
               "        _kdtui_setting \"$word\"\n"
               "        words=${words//=/}\n"
               "        compopt +o nospace\n"
               "    elif [[ -z $option && $subcommand == eval ]]; then\n"
               "        files=-f\n"
               "        words=\"last $(ls \"${XDG_STATE_HOME:-$HOME/.local/state}/kdtui/runs\" "
               "2>/dev/null)\"\n"
               "    fi\n"
               "\n"
               "    local IFS=$' \\t\\n'\n"
               "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
               "    if [[ -n $files ]]; then\n"
               "        compopt -o filenames\n"
               "        local IFS=$'\\n'\n"
               "        COMPREPLY+=($(compgen \"$files\" -- \"$word\"))\n"
               "    fi\n"
               "    # Only what follows the last = replaces the word that bash sees.\n"
               "    local seen=$before$word\n"
               "    seen=${seen%%\"${seen##*=}\"}\n"
               "    for i in \"${!COMPREPLY[@]}\"; do\n"
               "        COMPREPLY[i]=$before${COMPREPLY[i]}\n"
               "        COMPREPLY[i]=${COMPREPLY[i]#\"$seen\"}\n"
               "    done\n"
               "}\n"
               "\n"
               "complete -F _kdtui kdtui\n");
}

/* Text within single quotes, which a shell ends and opens around each '; with a
 * backslash before what zsh's _arguments would read as its own. */
static void print_quoted(struct text *out, const char *words, const char *special)
{
    for (; *words; words++) {
        if (*words == '\'')
            text_print(out, "'\\''");
        else
            text_print(out, "%s%c", strchr(special, *words) ? "\\" : "", *words);
    }
}

static void print_zsh_option(struct text *out, const struct option_info *option,
                             const char *presets)
{
    bool repeated = argument_kind(option) == ARGUMENT_SETTING;

    text_print(out, "            ");
    if (option->letter && repeated)
        text_print(out, "'*'");
    else if (option->letter)
        text_print(out, "'(-%c --%s)'", option->letter, option->name);
    if (option->letter)
        text_print(out, "{-%c%s,--%s%s}'[", option->letter, option->argument ? "+" : "",
                   option->name, option->argument ? "=" : "");
    else
        text_print(out, "'--%s%s[", option->name, option->argument ? "=" : "");
    print_quoted(out, option->meaning, "[]:\\");
    text_print(out, "]");
    if (option->argument)
        text_print(out, ":%s:", option->argument);
    switch (argument_kind(option)) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_ANY:
        text_print(out, " ");
        break;
    case ARGUMENT_FILE:
        text_print(out, "_files");
        break;
    case ARGUMENT_FOLDER:
        text_print(out, "_files -/");
        break;
    case ARGUMENT_PRESET:
        text_print(out, "(%s)", presets);
        break;
    case ARGUMENT_SETTING:
        text_print(out, "_kdtui_setting");
        break;
    case ARGUMENT_SPLIT:
        text_print(out, "(%s)", splits);
        break;
    }
    text_print(out, "' \\\n");
}

static void print_zsh(struct text *out, const char *presets)
{
    text_print(out,
               "#compdef kdtui\n"
               "# zsh completion for kdtui; generated from its tables.\n"
               "\n"
               "_kdtui_names() {\n"
               "    compadd \"$@\" --");
    for (size_t i = 0; i < settings_count(); i++)
        text_print(out, " \\\n        %s", settings_row(i)->name);
    text_print(out,
               "\n"
               "}\n"
               "\n"
               "_kdtui_setting() {\n"
               "    if ! compset -P '*='; then\n"
               "        _kdtui_names -S =\n"
               "        return\n"
               "    fi\n"
               "    case $IPREFIX in\n");
    for (size_t i = 0; i < settings_count(); i++) {
        if (!has_values(settings_row(i)))
            continue;
        text_print(out, "    (*%s=) compadd ", settings_row(i)->name);
        list_values(out, settings_row(i));
        text_print(out, " ;;\n");
    }
    text_print(out,
               "    (*) _message value ;;\n"
               "    esac\n"
               "}\n"
               "\n"
               "_kdtui_runs() {\n"
               "    local -a runs\n"
               "    runs=(last ${XDG_STATE_HOME:-$HOME/.local/state}/kdtui/runs/*(N:t))\n"
               "    compadd -a runs\n"
               "    _files\n"
               "}\n"
               "\n"
               "_kdtui() {\n"
               "    local subcommand word\n"
               "    for word in ${words[2,CURRENT-1]}; do\n"
               "        case $word in\n"
               "        (");
    list_subcommands(out, "|");
    text_print(out,
               ")\n"
               "            subcommand=$word\n"
               "            break\n"
               "            ;;\n"
               "        esac\n"
               "    done\n"
               "    case ${subcommand:-run} in\n");
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        text_print(out, "    (%s)\n        _arguments -s -S \\\n", usage_subcommand(i)->name);
        for (size_t j = 0; j < usage_option_count(); j++) {
            if (usage_option(j)->subcommands & 1u << i)
                print_zsh_option(out, usage_option(j), presets);
        }
        text_print(out, "            '1:subcommand:((");
        for (unsigned j = 0; j < SUBCOMMAND_COUNT; j++) {
            text_print(out, "%s%s\\:\"", j ? " " : "", usage_subcommand(j)->name);
            print_quoted(out, usage_subcommand(j)->meaning, ":\\\"");
            text_print(out, "\"");
        }
        text_print(out, "))'");
        if (i == SUBCOMMAND_EVAL)
            text_print(out, " \\\n            '2:run:_kdtui_runs'");
        if (i == SUBCOMMAND_SETTINGS)
            text_print(out, " \\\n            '*:setting:_kdtui_names'");
        text_print(out, "\n        ;;\n");
    }
    text_print(out,
               "    esac\n"
               "}\n"
               "\n"
               "_kdtui \"$@\"\n");
}

static void print_fish_option(struct text *out, const struct option_info *option,
                              const char *presets)
{
    text_print(out, "complete -c kdtui");
    if (option->subcommands != USAGE_ALL_SUBCOMMANDS) {
        text_print(out, " -n '__kdtui_is");
        for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
            if (option->subcommands & 1u << i)
                text_print(out, " %s", usage_subcommand(i)->name);
        }
        text_print(out, "'");
    }
    if (option->letter)
        text_print(out, " -s %c", option->letter);
    text_print(out, " -l %s", option->name);
    switch (argument_kind(option)) {
    case ARGUMENT_NONE:
        break;
    case ARGUMENT_ANY:
        text_print(out, " -x");
        break;
    case ARGUMENT_FILE:
        text_print(out, " -r -F");
        break;
    case ARGUMENT_FOLDER:
        text_print(out, " -x -a '(__fish_complete_directories)'");
        break;
    case ARGUMENT_PRESET:
        text_print(out, " -x -a '%s'", presets);
        break;
    case ARGUMENT_SETTING:
        text_print(out, " -x -a '(__kdtui_settings)'");
        break;
    case ARGUMENT_SPLIT:
        text_print(out, " -x -a '%s'", splits);
        break;
    }
    text_print(out, " -d '");
    print_quoted(out, option->meaning, "\\");
    text_print(out, "'\n");
}

static void print_fish(struct text *out, const char *presets)
{
    text_print(out,
               "# fish completion for kdtui; generated from its tables.\n"
               "\n"
               "function __kdtui_subcommand\n"
               "    for word in (commandline -opc)\n"
               "        if contains -- $word ");
    list_subcommands(out, " ");
    text_print(out,
               "\n"
               "            echo $word\n"
               "            return\n"
               "        end\n"
               "    end\n"
               "end\n"
               "\n"
               "# Whether the subcommand, run where there is none, is one of these.\n"
               "function __kdtui_is\n"
               "    set -l now (__kdtui_subcommand)\n"
               "    test -n \"$now\"; or set now run\n"
               "    contains -- $now $argv\n"
               "end\n"
               "\n"
               "function __kdtui_settings\n"
               "    printf '%%s\\n'");
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        if (row->type == SETTING_CHOICE) {
            for (size_t j = 0; row->choices[j].word; j++)
                text_print(out, " \\\n        %s=%s", row->name, row->choices[j].word);
        } else if (row->type == SETTING_SWITCH) {
            text_print(out, " \\\n        %s=on \\\n        %s=off", row->name, row->name);
        } else {
            text_print(out, " \\\n        %s=", row->name);
        }
    }
    text_print(out,
               "\n"
               "end\n"
               "\n"
               "function __kdtui_runs\n"
               "    set -l state $XDG_STATE_HOME\n"
               "    test -n \"$state\"; or set state ~/.local/state\n"
               "    echo last\n"
               "    command ls $state/kdtui/runs 2>/dev/null\n"
               "end\n"
               "\n"
               "complete -c kdtui -f\n");
    for (unsigned i = 0; i < SUBCOMMAND_COUNT; i++) {
        text_print(out, "complete -c kdtui -n 'test -z (__kdtui_subcommand)' -a %s -d '",
                   usage_subcommand(i)->name);
        print_quoted(out, usage_subcommand(i)->meaning, "\\");
        text_print(out, "'\n");
    }
    text_print(out,
               "complete -c kdtui -n '__kdtui_is eval' -F -a '(__kdtui_runs)'\n"
               "complete -c kdtui -n '__kdtui_is settings' -a '");
    for (size_t i = 0; i < settings_count(); i++)
        text_print(out, "%s%s", i ? " " : "", settings_row(i)->name);
    text_print(out, "'\n");
    for (size_t i = 0; i < usage_option_count(); i++)
        print_fish_option(out, usage_option(i), presets);
}

int completion_print(enum completion_shell shell, const char *path, struct text *out,
                     struct err *err)
{
    struct text presets = {0};

    if (list_presets(path, &presets, err))
        return -1;
    switch (shell) {
    case COMPLETION_BASH:
        print_bash(out, presets.bytes);
        break;
    case COMPLETION_ZSH:
        print_zsh(out, presets.bytes);
        break;
    case COMPLETION_FISH:
        print_fish(out, presets.bytes);
        break;
    }
    text_fini(&presets);
    return 0;
}
