/*
 * The table of default keys.
 */
#include "kdt/cmd.h"

#include <assert.h>
#include <string.h>

/* The formatter does not see through these macros. */
/* clang-format off */
static const struct key_info table[] = {
#define KEY(keys, command, brief, rank, meaning) {keys, command, brief, rank, meaning},
#define LOCAL_KEY(keys, meaning) {keys, NULL, "", 0, meaning},
#include "kdt/keys.def"
};

/* The same rows, with a title where a group of them begins. */
static const char *const titles[] = {
#define GROUP(title) title,
#define KEY(keys, command, brief, rank, meaning) NULL,
#define LOCAL_KEY(keys, meaning) NULL,
#include "kdt/keys.def"
};
/* clang-format on */

size_t key_count(void)
{
    return sizeof table / sizeof *table;
}

const struct key_info *key_row(size_t i)
{
    assert(i < key_count());
    return &table[i];
}

const char *key_group(size_t i)
{
    const char *title = NULL;
    assert(i < key_count());
    for (size_t entry = 0, row = 0; row <= i; entry++) {
        if (titles[entry] != NULL)
            title = titles[entry];
        else
            row++;
    }
    return title;
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
        if (table[i].command != NULL && has_word(table[i].keys, key))
            return &table[i];
    return NULL;
}
