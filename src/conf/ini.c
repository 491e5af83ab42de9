/*
 * ini: settings as an INI file, read through libinih and written.
 *
 *   # a comment; so is a line that starts with ;
 *   [train]
 *   learning_rate = 0.02
 *
 * libinih sees a file line by line through read_line below, which knows the
 * line's number and refuses what the library would misread: a line that it
 * would cut in two, a zero byte that would end a line early, text behind a
 * section's bracket and a section that has no keys.
 */
#include "kdt/conf.h"

#include <ini.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MOST = 4095, FILE_MOST = 1 << 20, COMMENT_WIDTH = 79 };

struct reader {
    const char *next, *end;
    int line;                /* number of the line that was read last */
    struct settings *parsed; /* a copy, so that an error leaves no traces */
    /* Per row the line that set it, 0 none; then per row the line of [search] that lists its
     * values. */
    int *given_in;
    struct err *err;
    bool failed; /* *err is filled, without path and line */
};

/* libinih's settings are globals; set once, before the first use. */
static void configure_library(void)
{
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_stop_on_first_error = true;
    ini_allow_no_value = false;
    /* A buffer on the heap has ini_initial_alloc bytes whatever ini_max_line says. */
    ini_use_stack = false;
    ini_allow_realloc = false;
    ini_max_line = LINE_MOST + 1;
    ini_initial_alloc = LINE_MOST + 1;
}

static const char *next_section(size_t i, const void *of)
{
    (void)of;
    return i < settings_section_count() ? settings_section(i)->name : NULL;
}

static int check_section_line(const char *line, struct err *err)
{
    char name[64];
    size_t length = strcspn(line, "]");

    if (line[length] != ']' || line[length + 1 + strspn(line + length + 1, " \t\r\f\v")] != '\0')
        return err_set(err, ERR_USAGE, "%.200s: [section] alone is expected in this line", line);
    text_copy(name, length < sizeof name ? length : sizeof name, line + 1);
    for (size_t i = 0; i < settings_section_count(); i++) {
        if (strcmp(settings_section(i)->name, name) == 0)
            return 0;
    }
    const char *meant = text_nearest(name, next_section, NULL);
    if (meant)
        return err_set(err, ERR_USAGE, "[%s]: no such section; did you mean [%s]?", name, meant);
    struct text known = {0};
    for (size_t i = 0; i < settings_section_count(); i++)
        text_print(&known, " [%s]", settings_section(i)->name);
    err_set(err, ERR_USAGE, "[%s]: no such section; there are%s", name, known.bytes);
    text_fini(&known);
    return -1;
}

/* libinih's ini_reader: one line, without its end, into str. */
static char *read_line(char *str, int num, void *stream)
{
    struct reader *reader = stream;
    size_t length = (size_t)(reader->end - reader->next);

    if (reader->failed || length == 0)
        return NULL;
    reader->line++;
    const char *newline = memchr(reader->next, '\n', length);
    if (newline)
        length = (size_t)(newline - reader->next);
    if (length > LINE_MOST || length >= (size_t)num) {
        err_set(reader->err, ERR_USAGE, "a line of %zu bytes: at most %d are expected", length,
                LINE_MOST);
        reader->failed = true;
        return NULL;
    }
    if (memchr(reader->next, '\0', length)) {
        err_set(reader->err, ERR_USAGE, "a zero byte: a text file is expected");
        reader->failed = true;
        return NULL;
    }
    memcpy(str, reader->next, length);
    str[length] = '\0';
    reader->next = newline ? newline + 1 : reader->end;

    const char *first = str + strspn(str, " \t\r\f\v");
    if (*first == '[' && check_section_line(first, reader->err)) {
        reader->failed = true;
        return NULL;
    }
    return str;
}

static int take_value(struct reader *reader, const char *section, const char *key,
                      const char *value)
{
    char name[LINE_MOST + 64];

    if (*section == '\0')
        return err_set(reader->err, ERR_USAGE,
                       "%.200s: a [section] is expected before the first key", key);
    if (*key == '\0')
        return err_set(reader->err, ERR_USAGE, "a key is expected before =");
    snprintf(name, sizeof name, "%s.%s", section, key);
    const bool list = settings_is_list(section, key);
    const struct setting *row = settings_find(list ? key : name, reader->err);
    if (!row)
        return -1;
    int *given_in = &reader->given_in[row - settings_row(0) + (list ? (int)settings_count() : 0)];
    if (*given_in)
        return err_set(reader->err, ERR_USAGE, "%s: given twice, first in line %d", name,
                       *given_in);
    *given_in = reader->line;
    if (list)
        return settings_set_list(reader->parsed, key, value, reader->err);
    return settings_set(reader->parsed, row, value, reader->err);
}

/* libinih's ini_handler: 0 stops. */
static int handle_pair(void *user, const char *section, const char *key, const char *value)
{
    struct reader *reader = user;

    reader->failed = take_value(reader, section, key, value) != 0;
    return !reader->failed;
}

int settings_parse(struct settings *settings, const char *bytes, size_t length, const char *path,
                   struct err *err)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct err unused;
    struct settings parsed = *settings;
    struct reader reader = {
        .next = bytes,
        .end = bytes + length,
        .parsed = &parsed,
        .given_in = mem_alloc(2 * settings_count() * sizeof(int)),
        .err = err ? err : &unused,
    };

    pthread_once(&configured, configure_library);
    if (length >= 3 && memcmp(bytes, byte_order_mark, 3) == 0)
        reader.next += 3;
    int status = ini_parse_stream(read_line, &reader, handle_pair, &reader);
    mem_free(reader.given_in);
    if (status != 0 && !reader.failed) {
        reader.failed = true;
        err_set(reader.err, ERR_USAGE, "`key = value`, [section] or # comment is expected");
    }
    if (reader.failed)
        return err_context(reader.err, "%s:%d", path, reader.line);
    *settings = parsed;
    return 0;
}

int settings_load(struct settings *settings, const char *path, bool optional, struct err *err)
{
    unsigned char *bytes;
    size_t length;

    if (optional && !file_exists(path))
        return 0;
    if (file_read(path, FILE_MOST, &bytes, &length, err))
        return -1;
    int status = settings_parse(settings, (const char *)bytes, length, path, err);
    mem_free(bytes);
    return status;
}

/* Words as comment lines; `indent` spaces before all but the first line. */
static void print_comment(struct text *out, size_t indent, const char *words)
{
    size_t column = 1;

    text_print(out, "#");
    while (*words) {
        size_t length = strcspn(words, " ");
        if (column + 1 + length > COMMENT_WIDTH) {
            text_print(out, "\n#%*s", (int)indent, "");
            column = 1 + indent;
        }
        text_print(out, " %.*s", (int)length, words);
        column += 1 + length;
        words += length;
        words += *words == ' ';
    }
    text_print(out, "\n");
}

static void print_row_comment(const struct setting *row, struct text *out)
{
    char accepted[256];
    struct text line = {0};

    print_comment(out, 0, row->meaning);
    if (row->type == SETTING_CHOICE) {
        for (const struct setting_choice *choice = row->choices; choice->word; choice++) {
            text_print(&line, "  %s: %s", choice->word, choice->meaning);
            print_comment(out, 4, line.bytes);
            line.length = 0;
        }
    } else {
        settings_accepted(row, accepted, sizeof accepted);
        text_print(&line, "Accepted: %s%s%s%s.", accepted, *row->unit ? " (" : "", row->unit,
                   *row->unit ? ")" : "");
        print_comment(out, 2, line.bytes);
    }
    if (row->change == SETTING_LIVE)
        print_comment(out, 0, "Can be changed during a run.");
    text_fini(&line);
}

void settings_print(const struct settings *settings, bool comments, struct text *out)
{
    char value[SETTINGS_TEXT];

    if (comments) {
        print_comment(out, 0,
                      "Settings of kdtui; kdtui.ini(5) says where it looks for this file. A line "
                      "that is left out keeps its default.");
    }
    for (size_t i = 0; i < settings_section_count(); i++) {
        const struct setting_section *section = settings_section(i);

        text_print(out, "%s", comments || i ? "\n" : "");
        if (comments)
            print_comment(out, 0, section->title);
        text_print(out, "[%s]\n", section->name);
        for (size_t j = 0; j < settings_count(); j++) {
            const struct setting *row = settings_row(j);

            if (strcmp(row->section, section->name) != 0)
                continue;
            if (comments) {
                text_print(out, "\n");
                print_row_comment(row, out);
            }
            settings_format(settings, row, value, sizeof value);
            text_print(out, "%s =%s%s\n", row->key, *value ? " " : "", value);
        }
        if (strcmp(section->name, "search") == 0)
            text_print(out, "%s", settings->search_lists);
    }
}
