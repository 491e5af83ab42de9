/* Completion of the prompt's last word. */
#include "complete.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *complete_word(const char *line)
{
    const char *space = strrchr(line, ' ');
    return space != NULL ? space + 1 : line;
}

bool complete_wants_setting(const char *line)
{
    const char *word = complete_word(line);
    int before = 0; /* words */
    for (const char *at = line; at < word; at++)
        before += *at != ' ' && at[1] == ' ';
    if (strncmp(line, "set ", 4) == 0)
        return before % 2 == 1;
    if (strncmp(line, "trial add ", 10) == 0)
        return before % 2 == 0;
    return before == 1 && (strncmp(line, "toggle ", 7) == 0 || strncmp(line, "ask ", 4) == 0);
}

/* The words that commands end with: what stands before the word (# is any number), and the word. */
static const struct {
    const char *before, *word;
} endings[] = {
    {"rollback ", "best"},
    {"rollback ", "last"},
    {"pause ", "when"},
    {"pause when ", "epoch"},
    {"pause when ", "validation"},
    {"pause when ", "loss"},
    {"pause when ", "never"},
    {"pause when epoch ", "end"},
    {"pause when validation ", "loss"},
    {"pause when validation loss ", "up"},
    {"pause when loss ", "above"},
    {"run # ", "steps"},
    {"run # ", "epochs"},
    {"trial ", "add"},
    {"trial ", "stop"},
    {"trial ", "freeze"},
    {"trial ", "take"},
};
enum { ENDINGS = sizeof(endings) / sizeof(*endings) };

/* Whether `line` is this and a last word. */
static bool follows(const char *line, const char *before)
{
    const char *word = complete_word(line);
    for (; *before != '\0' && line < word; before++) {
        size_t digits = strspn(line, "0123456789");
        if (*before == '#' ? digits == 0 : *before != *line)
            return false;
        line += *before == '#' ? digits : 1;
    }
    return *before == '\0' && line == word;
}

/* Candidate i in the order in which they are offered; "": it does not fit here. False: no more. */
static bool candidate(const struct history *history, const char *line, size_t i,
                      char out[COMPLETE_WORD])
{
    out[0] = '\0';
    if (complete_word(line) == line) {
        if (i < COMMAND_COUNT)
            text_copy(out, COMPLETE_WORD, command_info((enum command_id)i)->name);
        return i < COMMAND_COUNT;
    }
    if (complete_wants_setting(line) && strncmp(line, "trial ", 6) == 0) {
        if (i >= (size_t)history->board.now.axis_count)
            return false;
        text_copy(out, COMPLETE_WORD, history->board.now.axis[i].name);
        return true;
    }
    if (complete_wants_setting(line)) {
        if (i >= settings_count())
            return false;
        const struct setting *row = settings_row(i);
        if (row->change != SETTING_FIXED && (line[0] != 't' || row->type == SETTING_SWITCH))
            text_copy(out, COMPLETE_WORD, row->name);
        return true;
    }
    if (i < ENDINGS) {
        if (follows(line, endings[i].before))
            text_copy(out, COMPLETE_WORD, endings[i].word);
        return true;
    }
    i -= ENDINGS;
    if (i >= history->state_count || !follows(line, "rollback "))
        return false;
    for (size_t k = 0; k < i; k++) /* two states of one step */
        if (history->states[k].step == history->states[i].step)
            return true;
    snprintf(out, COMPLETE_WORD, "%" PRId64, history->states[i].step);
    return true;
}

bool complete_next(const struct history *history, const char *line, size_t *at,
                   char out[COMPLETE_WORD])
{
    const char *word = complete_word(line);
    while (candidate(history, line, (*at)++, out))
        if (out[0] != '\0' && strncmp(out, word, strlen(word)) == 0)
            return true;
    return false;
}

void complete_rest(const struct history *history, const char *line, char *out, size_t size)
{
    size_t at = 0, typed = strlen(complete_word(line));
    char first[COMPLETE_WORD], next[COMPLETE_WORD];
    out[0] = '\0';
    if (!complete_next(history, line, &at, first))
        return;
    size_t length = strlen(first);
    bool alone = true;
    while (complete_next(history, line, &at, next)) {
        alone = false;
        for (size_t i = typed; i < length; i++)
            if (next[i] != first[i])
                length = i;
    }
    first[length] = '\0';
    snprintf(out, size, "%s%s", first + typed, alone ? " " : "");
}
