/* The line editor of the prompt. */
#include "editor.h"

#include <string.h>

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t before(const struct editor *editor, size_t at)
{
    while (at > 0 && continues(editor->text[--at]))
        ;
    return at;
}

static size_t after(const struct editor *editor, size_t at)
{
    if (at < editor->length)
        at++;
    while (at < editor->length && continues(editor->text[at]))
        at++;
    return at;
}

static void erase(struct editor *editor, size_t from, size_t to)
{
    memmove(editor->text + from, editor->text + to, editor->length - to + 1);
    editor->length -= to - from;
    editor->cursor = from;
}

static void insert(struct editor *editor, const char *bytes)
{
    size_t length = strlen(bytes);
    if (editor->length + length >= sizeof(editor->text))
        return;
    memmove(editor->text + editor->cursor + length, editor->text + editor->cursor,
            editor->length - editor->cursor + 1);
    memcpy(editor->text + editor->cursor, bytes, length);
    editor->length += length;
    editor->cursor += length;
}

static void put(struct editor *editor, const char *text)
{
    text_copy(editor->text, sizeof(editor->text), text);
    editor->length = editor->cursor = strlen(editor->text);
}

void editor_start(struct editor *editor, const char *text)
{
    put(editor, text);
    editor->replace = editor->length > 0;
    editor->past_at = editor->past_count;
    editor->draft[0] = '\0';
}

void editor_remember(struct editor *editor)
{
    int count = editor->past_count;
    if (editor->length == 0 || (count > 0 && strcmp(editor->past[count - 1], editor->text) == 0))
        return;
    if (count == EDITOR_PAST) {
        memmove(editor->past[0], editor->past[1], sizeof(editor->past) - sizeof(editor->past[0]));
        count--;
    }
    text_copy(editor->past[count], sizeof(editor->past[count]), editor->text);
    editor->past_count = count + 1;
}

static void show_past(struct editor *editor, int at)
{
    if (at < 0 || at > editor->past_count)
        return;
    if (editor->past_at == editor->past_count)
        text_copy(editor->draft, sizeof(editor->draft), editor->text);
    editor->past_at = at;
    put(editor, at == editor->past_count ? editor->draft : editor->past[at]);
}

static size_t word_start(const struct editor *editor)
{
    size_t at = editor->cursor;
    while (at > 0 && editor->text[at - 1] == ' ')
        at--;
    while (at > 0 && editor->text[at - 1] != ' ')
        at--;
    return at;
}

bool editor_key(struct editor *editor, const char *key)
{
    bool replace = editor->replace;
    editor->replace = false;
    if (strcmp(key, "left") == 0 || strcmp(key, "ctrl-b") == 0) {
        editor->cursor = before(editor, editor->cursor);
    } else if (strcmp(key, "right") == 0 || strcmp(key, "ctrl-f") == 0) {
        editor->cursor = after(editor, editor->cursor);
    } else if (strcmp(key, "home") == 0 || strcmp(key, "ctrl-a") == 0) {
        editor->cursor = 0;
    } else if (strcmp(key, "end") == 0 || strcmp(key, "ctrl-e") == 0) {
        editor->cursor = editor->length;
    } else if (strcmp(key, "backspace") == 0 || strcmp(key, "ctrl-h") == 0) {
        erase(editor, before(editor, editor->cursor), editor->cursor);
    } else if (strcmp(key, "delete") == 0 || strcmp(key, "ctrl-d") == 0) {
        erase(editor, editor->cursor, after(editor, editor->cursor));
    } else if (strcmp(key, "ctrl-u") == 0) {
        erase(editor, 0, editor->cursor);
    } else if (strcmp(key, "ctrl-k") == 0) {
        erase(editor, editor->cursor, editor->length);
    } else if (strcmp(key, "ctrl-w") == 0) {
        erase(editor, word_start(editor), editor->cursor);
    } else if (strcmp(key, "up") == 0 || strcmp(key, "ctrl-p") == 0) {
        show_past(editor, editor->past_at - 1);
    } else if (strcmp(key, "down") == 0 || strcmp(key, "ctrl-n") == 0) {
        show_past(editor, editor->past_at + 1);
    } else {
        if (strcmp(key, "space") == 0)
            key = " ";
        else if (key[0] == '\0' || (key[1] != '\0' && !continues(key[1]))) {
            editor->replace = replace;
            return false; /* a named key, not a character */
        }
        if (replace)
            erase(editor, 0, editor->length);
        insert(editor, key);
    }
    return true;
}

void editor_draw(const struct editor *editor, struct grid *grid, int x, int y, int width)
{
    if (width < 2)
        return;
    int cursor = 0; /* in characters */
    for (size_t i = 0; i < editor->cursor; i++)
        cursor += !continues(editor->text[i]);
    const char *from = editor->text;
    for (; cursor >= width; cursor--) {
        from++;
        while (continues(*from))
            from++;
    }
    /* The cell under the cursor is free at the end, so cutting leaves room for it. */
    grid_text(grid, x, y, width, editor->replace ? STYLE_EDIT : STYLE_BOLD, from);
    const char *under = editor->text + editor->cursor;
    char character[8] = " ";
    if (*under != '\0') {
        size_t bytes = after(editor, editor->cursor) - editor->cursor;
        text_copy(character, bytes < sizeof(character) ? bytes + 1 : sizeof(character), under);
    }
    grid_text(grid, x + cursor, y, 1, STYLE_BAR, character);
}
