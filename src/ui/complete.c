/* Completion of the prompt's last word. */
#include "complete.h"

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
    return before == 1 && (strncmp(line, "toggle ", 7) == 0 || strncmp(line, "ask ", 4) == 0);
}

const char *complete_next(const char *line, size_t *at)
{
    const char *word = complete_word(line);
    size_t length = strlen(word);
    bool setting = complete_wants_setting(line), toggle = line[0] == 't';
    if (!setting && word != line)
        return NULL;
    size_t count = setting ? settings_count() : COMMAND_COUNT;
    while (*at < count) {
        size_t i = (*at)++;
        if (!setting) {
            const char *name = command_info((enum command_id)i)->name;
            if (strncmp(name, word, length) == 0)
                return name;
            continue;
        }
        const struct setting *row = settings_row(i);
        if (row->change == SETTING_LIVE && (!toggle || row->type == SETTING_SWITCH) &&
            strncmp(row->name, word, length) == 0)
            return row->name;
    }
    return NULL;
}

void complete_rest(const char *line, char *out, size_t size)
{
    size_t at = 0, typed = strlen(complete_word(line));
    const char *first = complete_next(line, &at), *name;
    out[0] = '\0';
    if (first == NULL)
        return;
    size_t length = strlen(first);
    bool alone = true;
    while ((name = complete_next(line, &at)) != NULL) {
        alone = false;
        for (size_t i = typed; i < length; i++)
            if (name[i] != first[i])
                length = i;
    }
    text_copy(out, length - typed + 1 < size ? length - typed + 1 : size, first + typed);
    if (alone && length - typed + 2 <= size)
        memcpy(out + length - typed, " ", 2);
}
