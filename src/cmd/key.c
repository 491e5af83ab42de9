/*
 * The table of default keys.
 */
#include "kdt/cmd.h"

#include <assert.h>
#include <string.h>

static const struct key_info table[] = {
#define KEY(keys, command, brief, rank, meaning) {keys, command, brief, rank, meaning},
#include "kdt/keys.def"
};

size_t key_count(void)
{
    return sizeof table / sizeof *table;
}

const struct key_info *key_row(size_t i)
{
    assert(i < key_count());
    return &table[i];
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (;;) {
        size_t span = strcspn(words, " ");
        if (span && span == length && !memcmp(words, word, length))
            return true;
        if (!words[span])
            return false;
        words += span + 1;
    }
}

const struct key_info *key_find(const char *key)
{
    for (size_t i = 0; i < key_count(); i++)
        if (has_word(table[i].keys, key))
            return &table[i];
    return NULL;
}
