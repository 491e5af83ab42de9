/*
 * Reads journal.jsonl back; journal.c has its format. Every line must continue
 * the chain of checksums and the row of numbers, so a journal is whole up to its
 * end or refused with the line that is wrong.
 *
 * The end may be torn: a crash leaves the beginning of a line without its end, or
 * zero bytes where the line would have been. Such a line was never acknowledged;
 * it is left out, and `torn` says so.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { CRC_DIGITS = 10, JOURNAL_MAX = 1 << 30 };

/* Where in which file. */
struct spot {
    const char *name;
    size_t line;
};

static int wrong(const struct spot *spot, struct err *err, const char *what)
{
    return err_set(err, ERR_FILE, "%s:%zu: %s", spot->name, spot->line, what);
}

/* Checks the line's bytes, without its end, against the chain. */
static int check_crc(const char *line, size_t length, uint32_t *crc, const struct spot *spot,
                     struct err *err)
{
    static const char member[] = ",\"crc\":";
    const size_t member_length = sizeof member - 1;
    const size_t end = length ? length - 1 : 0; /* of the digits */
    size_t digits = 0;
    while (digits < end && digits <= CRC_DIGITS && line[end - 1 - digits] >= '0' &&
           line[end - 1 - digits] <= '9')
        digits++;
    if (end < digits + member_length || !digits || digits > CRC_DIGITS || line[end] != '}' ||
        memcmp(line + end - digits - member_length, member, member_length) != 0)
        return wrong(spot, err, "not a line of a journal: it does not end with its crc");
    const size_t body = end - digits - member_length;
    char number[CRC_DIGITS + 1] = "";
    memcpy(number, line + end - digits, digits);
    *crc = digest_crc32(digest_crc32(*crc, line, body), "}", 1);
    if (strtoull(number, NULL, 10) != *crc)
        return wrong(spot, err,
                     "its crc does not match: this line is damaged, or one before it is missing");
    return 0;
}

static int find_source(const char *name)
{
    for (int source = SOURCE_KEY; source <= SOURCE_REPLAY; source++)
        if (strcmp(command_source_name((enum command_source)source), name) == 0)
            return source;
    return -1;
}

/* A whole number from `least` on. */
static int read_integer(json_t *object, const char *key, int64_t least, int64_t *out,
                        const struct spot *spot, struct err *err)
{
    json_t *value = json_object_get(object, key);
    *out = 0;
    if (!json_is_integer(value) || json_integer_value(value) < least)
        return err_set(err, ERR_FILE, "%s:%zu: \"%s\" is not a whole number from %" PRId64 " on",
                       spot->name, spot->line, key, least);
    *out = json_integer_value(value);
    return 0;
}

static const char *read_text(json_t *object, const char *key, const struct spot *spot,
                             struct err *err)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        err_set(err, ERR_FILE, "%s:%zu: \"%s\" is not a text", spot->name, spot->line, key);
    return text;
}

/* A text that may be left out. */
static int read_optional(json_t *object, const char *key, const char **out, const struct spot *spot,
                         struct err *err)
{
    if (!json_object_get(object, key))
        return 0;
    return (*out = read_text(object, key, spot, err)) ? 0 : -1;
}

static bool copy_text(char *out, size_t size, json_t *value)
{
    const char *text = json_string_value(value);
    if (!text || strlen(text) >= size)
        return false;
    text_copy(out, size, text);
    return true;
}

/* "old" and "new" have the same members. */
static int read_edits(struct journal_line *line, json_t *object, const struct spot *spot,
                      struct err *err)
{
    json_t *old = json_object_get(object, "old"), *new = json_object_get(object, "new");
    size_t count = json_object_size(new);
    if (!old && !new)
        return 0;
    if (!count || count > EDITS_MAX || json_object_size(old) != count)
        return wrong(spot, err, "\"old\" and \"new\" do not name the same settings");
    line->edits = mem_alloc(count * sizeof *line->edits);
    const char *name;
    json_t *value;
    json_object_foreach(new, name, value)
    {
        struct edit *edit = &line->edits[line->edit_count++];
        edit->row = settings_find(name, NULL);
        if (!edit->row || !copy_text(edit->new, sizeof edit->new, value) ||
            !copy_text(edit->old, sizeof edit->old, json_object_get(old, name)))
            return wrong(spot, err, "\"old\" and \"new\" make no sense");
    }
    return 0;
}

/* Of undo, redo and rollback: where it led to, and how long the files were. */
static int read_jump(struct journal_line *line, json_t *object, const struct spot *spot,
                     struct err *err)
{
    json_t *to = json_object_get(object, "to");
    int64_t seq, metrics, steps;
    if (!to)
        return 0;
    struct jump *jump = line->jump = mem_alloc(sizeof *line->jump);
    if (!copy_text(jump->state, sizeof jump->state, json_object_get(to, "state")))
        return wrong(spot, err, "\"to\" names no state");
    if (read_integer(to, "seq", 1, &seq, spot, err) != 0 ||
        read_integer(to, "step", 0, &jump->step, spot, err) != 0 ||
        read_integer(object, "metrics_length", 0, &metrics, spot, err) != 0 ||
        read_integer(object, "steps_length", 0, &steps, spot, err) != 0)
        return -1;
    jump->seq = (uint64_t)seq;
    jump->metrics_length = (uint64_t)metrics;
    jump->steps_length = (uint64_t)steps;
    return 0;
}

static void line_fini(struct journal_line *line)
{
    mem_free(line->edits);
    mem_free(line->jump);
    json_decref(line->object);
}

/* Takes `object` over. */
static int read_line(struct journal_line *line, json_t *object, const struct spot *spot,
                     struct err *err)
{
    int64_t seq;
    const char *source = read_text(object, "source", spot, err);
    line->object = object;
    if (!source || read_integer(object, "seq", 1, &seq, spot, err) != 0 ||
        read_integer(object, "step", 0, &line->step, spot, err) != 0 ||
        !(line->command = read_text(object, "command", spot, err)) ||
        read_optional(object, "refused", &line->refused, spot, err) != 0 ||
        read_optional(object, "why", &line->why, spot, err) != 0 ||
        read_edits(line, object, spot, err) != 0 || read_jump(line, object, spot, err) != 0)
        return -1;
    if ((uint64_t)seq != spot->line)
        return err_set(err, ERR_FILE, "%s:%zu: \"seq\" is %" PRId64 " where %zu is expected",
                       spot->name, spot->line, seq, spot->line);
    line->seq = (uint64_t)seq;
    int known = find_source(source);
    if (known < 0 && (strcmp(source, "start") != 0 || seq != 1))
        return wrong(spot, err, "an unknown \"source\"");
    line->source = known < 0 ? SOURCE_RESUME : (enum command_source)known;
    if (strlen(line->command) >= COMMAND_LINE)
        return wrong(spot, err, "\"command\" is too long");
    return 0;
}

static int read_head(struct journal_file *file, const struct spot *spot, struct err *err)
{
    const struct journal_line *head = &file->lines[0];
    int64_t format;
    if (strcmp(head->command, "start") != 0)
        return wrong(spot, err, "the first line is not a journal's head");
    if (read_integer(head->object, "format", 1, &format, spot, err) != 0)
        return -1;
    if (format != JOURNAL_FORMAT)
        return err_set(err, ERR_FILE, "%s:1: its format is %" PRId64 " where %d is expected",
                       spot->name, format, JOURNAL_FORMAT);
    const char *digest = read_text(head->object, "data_digest", spot, err);
    if (!digest || read_integer(head->object, "seed", 0, &file->seed, spot, err) != 0)
        return -1;
    if (strlen(digest) != 8 || strspn(digest, "0123456789abcdef") != 8)
        return wrong(spot, err, "\"data_digest\" is not eight hexadecimal digits");
    file->data_digest = (uint32_t)strtoul(digest, NULL, 16);
    return 0;
}

static int add_line(struct journal_file *file, const char *bytes, size_t length,
                    const struct spot *spot, struct err *err)
{
    json_error_t error;
    if (check_crc(bytes, length, &file->crc, spot, err) != 0)
        return -1;
    json_t *object = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(object)) {
        json_decref(object);
        return wrong(spot, err, "not a JSON object");
    }
    if ((file->count & (file->count - 1)) == 0)
        file->lines =
            mem_resize(file->lines, (file->count ? 2 * file->count : 1) * sizeof *file->lines);
    struct journal_line *line = &file->lines[file->count];
    *line = (struct journal_line){0};
    if (read_line(line, object, spot, err) != 0) {
        line_fini(line);
        return -1;
    }
    file->count++;
    return file->count == 1 ? read_head(file, spot, err) : 0;
}

/* Whether these bytes, the last of a journal, are what a crash leaves of one line. */
static bool is_torn(const char *bytes, size_t length)
{
    static const char begin[] = "{\"seq\":";
    const char *hole = memrchr(bytes, '\0', length);
    if (!memchr(bytes, '\n', length))
        return true;
    /* Where another line follows the hole, lines are lost that were whole. */
    return hole && !memmem(hole, length - (size_t)(hole - bytes), begin, strlen(begin));
}

static int journal_parse(const char *bytes, size_t length, const char *name,
                         struct journal_file *out, struct err *err)
{
    struct spot spot = {name, 0};
    *out = (struct journal_file){0};
    while (out->length < length) {
        const char *line = bytes + out->length;
        size_t left = length - out->length;
        const char *end = memchr(line, '\n', left);
        spot.line++;
        out->torn = (!end || end == bytes + length - 1) && is_torn(line, left);
        if (out->torn)
            break;
        if (add_line(out, line, (size_t)(end - line), &spot, err) != 0) {
            journal_file_fini(out);
            return -1;
        }
        out->length = (size_t)(end - bytes) + 1;
    }
    if (out->count)
        return 0;
    err_set(err, ERR_FILE, "%s: the journal has no head", name);
    journal_file_fini(out);
    return -1;
}

int journal_load(const char *path, struct journal_file *out, struct err *err)
{
    unsigned char *bytes;
    size_t length;
    if (file_read(path, JOURNAL_MAX, &bytes, &length, err) != 0)
        return -1;
    int result = journal_parse((const char *)bytes, length, path, out, err);
    mem_free(bytes);
    return result;
}

void journal_show(const struct journal_file *file, struct publication *publication)
{
    const size_t first = file->count > FEED_JOURNAL_LINES ? file->count - FEED_JOURNAL_LINES : 0;
    for (size_t i = first; i < file->count; i++) {
        const struct journal_line *line = &file->lines[i];
        const struct journal_entry entry = {
            .step = line->step,
            .command = line->command,
            .refused = line->refused,
            .why = line->why,
            .edits = line->edits,
            .edit_count = line->edit_count,
            .jump = line->jump,
        };
        struct journal_record record;
        journal_record(&entry, line->seq, line->object, &record);
        publication_journal(publication, &record);
    }
}

void journal_file_fini(struct journal_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        line_fini(&file->lines[i]);
    mem_free(file->lines);
    *file = (struct journal_file){0};
}

int run_parse_journal(const char *bytes, size_t length, const char *name, uint64_t *lines,
                      uint64_t *whole, struct err *err)
{
    struct journal_file file;
    if (journal_parse(bytes, length, name, &file, err) != 0)
        return -1;
    *lines = file.count;
    *whole = file.length;
    journal_file_fini(&file);
    return 0;
}
