/*
 * Reads metrics.csv and steps.csv back; metrics.c has their formats. What is
 * not exactly a row of the right numbers is refused with file and line.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { FIELDS_MAX = 8, FIELD_TEXT = 40 };
#define METRICS_MAX ((size_t)1 << 34)

/* One line's fields. */
struct row {
    const char *name; /* of the file */
    size_t line;
    char field[FIELDS_MAX][FIELD_TEXT];
};

/* `bytes` is the line without its end. */
static int split(struct row *row, const char *bytes, size_t length, int fields, struct err *err)
{
    const char *end = bytes + length;
    for (int i = 0; i < fields; i++) {
        const char *comma = memchr(bytes, ',', (size_t)(end - bytes));
        const char *stop = comma ? comma : end;
        size_t size = (size_t)(stop - bytes);
        if (!comma != (i == fields - 1) || size >= FIELD_TEXT || memchr(bytes, '\0', size))
            return err_set(err, ERR_FILE, "%s:%zu: not a row of %d numbers", row->name, row->line,
                           fields);
        memcpy(row->field[i], bytes, size);
        row->field[i][size] = '\0';
        bytes = comma ? comma + 1 : end;
    }
    return 0;
}

static int whole(const struct row *row, int i, int64_t *out, struct err *err)
{
    if (number_parse_integer(row->field[i], out) == 0 && *out >= 0)
        return 0;
    return err_set(err, ERR_FILE, "%s:%zu: '%s' is not a whole number from 0 on", row->name,
                   row->line, row->field[i]);
}

/* A diverging loss may be infinite, or no number at all. */
static int number(const struct row *row, int i, double *out, struct err *err)
{
    const char *text = row->field[i];
    if (number_parse_double(text, out) == 0)
        return 0;
    if (strcmp(text, "nan") == 0)
        *out = NAN;
    else if (strcmp(text, "inf") == 0 || strcmp(text, "-inf") == 0)
        *out = text[0] == '-' ? -INFINITY : INFINITY;
    else
        return err_set(err, ERR_FILE, "%s:%zu: '%s' is not a number", row->name, row->line, text);
    return 0;
}

/* The lines of a file, handed on one by one after the header. */
struct lines {
    const char *bytes, *name;
    size_t length, next, line;
};

static int begin(struct lines *lines, const char *header, struct err *err)
{
    size_t length = strlen(header);
    if (lines->length < length || memcmp(lines->bytes, header, length) != 0)
        return err_set(err, ERR_FILE, "%s:1: the header is not \"%.*s\"", lines->name,
                       (int)length - 1, header);
    lines->next = length;
    lines->line = 1;
    return 0;
}

/* 1: there is one; 0: no more. */
static int next_row(struct lines *lines, struct row *row, int fields, struct err *err)
{
    const char *line = lines->bytes + lines->next;
    size_t left = lines->length - lines->next;
    if (!left)
        return 0;
    const char *end = memchr(line, '\n', left);
    row->name = lines->name;
    row->line = ++lines->line;
    if (!end)
        return err_set(err, ERR_FILE, "%s:%zu: the row is cut off", row->name, row->line);
    lines->next += (size_t)(end - line) + 1;
    return split(row, line, (size_t)(end - line), fields, err) == 0 ? 1 : -1;
}

/* Room for one more. */
static void *grow(void *array, size_t count, size_t size)
{
    return count & (count - 1) ? array : mem_resize(array, (count ? 2 * count : 1) * size);
}

static int add_evaluation(struct metrics_file *file, const struct row *row, size_t begin,
                          struct err *err)
{
    struct evaluation e = {0};
    if (whole(row, 0, &e.epoch, err) != 0 || whole(row, 1, &e.step, err) != 0 ||
        number(row, 2, &e.seconds, err) != 0 || number(row, 3, &e.learning_rate, err) != 0 ||
        number(row, 4, &e.train_loss, err) != 0 || number(row, 5, &e.train_accuracy, err) != 0 ||
        number(row, 6, &e.validation_loss, err) != 0 ||
        number(row, 7, &e.validation_accuracy, err) != 0)
        return -1;
    file->evaluations = grow(file->evaluations, file->evaluation_count, sizeof *file->evaluations);
    file->evaluations[file->evaluation_count++] = (struct evaluation_row){e, begin};
    return 0;
}

static int add_step(struct metrics_file *file, const struct row *row, size_t begin, struct err *err)
{
    struct step_row s = {.begin = begin};
    if (whole(row, 0, &s.step, err) != 0 || number(row, 1, &s.loss, err) != 0 ||
        number(row, 2, &s.minimum, err) != 0 || number(row, 3, &s.maximum, err) != 0 ||
        number(row, 4, &s.learning_rate, err) != 0)
        return -1;
    file->steps = grow(file->steps, file->step_count, sizeof *file->steps);
    file->steps[file->step_count++] = s;
    return 0;
}

static int parse_evaluations(struct metrics_file *file, const char *bytes, size_t length,
                             const char *name, struct err *err)
{
    struct lines lines = {.bytes = bytes, .name = name, .length = length};
    struct row row;
    if (begin(&lines, METRICS_HEADER, err) != 0)
        return -1;
    for (size_t at = lines.next;; at = lines.next) {
        int result = next_row(&lines, &row, 8, err);
        if (result == 1)
            result = add_evaluation(file, &row, at, err) == 0 ? 1 : -1;
        if (result != 1)
            return result;
    }
}

static int parse_steps(struct metrics_file *file, const char *bytes, size_t length,
                       const char *name, struct err *err)
{
    struct lines lines = {.bytes = bytes, .name = name, .length = length};
    struct row row;
    if (begin(&lines, STEPS_HEADER, err) != 0)
        return -1;
    for (size_t at = lines.next;; at = lines.next) {
        int result = next_row(&lines, &row, 5, err);
        if (result == 1)
            result = add_step(file, &row, at, err) == 0 ? 1 : -1;
        if (result != 1)
            return result;
    }
}

/* The first *length bytes of a file, or what has an end. */
static int read_part(const char *path, uint64_t *length, unsigned char **bytes, struct err *err)
{
    size_t size;
    if (file_read(path, METRICS_MAX, bytes, &size, err) != 0)
        return -1;
    if (*length == METRICS_ALL)
        for (*length = size; *length && (*bytes)[*length - 1] != '\n';)
            --*length;
    if (size >= *length)
        return 0;
    mem_free(*bytes);
    *bytes = NULL;
    return err_set(err, ERR_FILE, "%s: %zu bytes where at least %" PRIu64 " are expected", path,
                   size, *length);
}

int metrics_load(struct metrics_file *file, const char *directory, uint64_t metrics_length,
                 uint64_t steps_length, struct err *err)
{
    char *metrics = file_path(directory, "metrics.csv"), *steps = file_path(directory, "steps.csv");
    unsigned char *metrics_bytes = NULL, *steps_bytes = NULL;
    *file = (struct metrics_file){0};
    int result = -1;
    if (read_part(metrics, &metrics_length, &metrics_bytes, err) == 0 &&
        read_part(steps, &steps_length, &steps_bytes, err) == 0 &&
        parse_evaluations(file, (const char *)metrics_bytes, metrics_length, metrics, err) == 0 &&
        parse_steps(file, (const char *)steps_bytes, steps_length, steps, err) == 0)
        result = 0;
    else
        metrics_file_fini(file);
    mem_free(metrics_bytes);
    mem_free(steps_bytes);
    mem_free(metrics);
    mem_free(steps);
    return result;
}

int metrics_load_evaluations(struct metrics_file *file, const char *path, size_t most,
                             struct err *err)
{
    unsigned char *bytes = NULL;
    size_t length;
    *file = (struct metrics_file){0};
    int result = file_read(path, most, &bytes, &length, err);
    if (result == 0) {
        while (length && bytes[length - 1] != '\n')
            length--;
        result = parse_evaluations(file, (const char *)bytes, length, path, err);
    }
    if (result != 0)
        metrics_file_fini(file);
    mem_free(bytes);
    return result;
}

void metrics_file_fini(struct metrics_file *file)
{
    mem_free(file->evaluations);
    mem_free(file->steps);
    *file = (struct metrics_file){0};
}

int run_read_metrics(const char *directory, struct evaluation **out, size_t *count, struct err *err)
{
    struct metrics_file file;
    if (metrics_load(&file, directory, METRICS_ALL, METRICS_ALL, err) != 0)
        return -1;
    *count = file.evaluation_count;
    *out = mem_alloc(*count * sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = file.evaluations[i].evaluation;
    metrics_file_fini(&file);
    return 0;
}

int run_parse_metrics(const char *bytes, size_t length, const char *name, size_t *rows,
                      struct err *err)
{
    struct metrics_file file = {0};
    int result = parse_evaluations(&file, bytes, length, name, err);
    *rows = file.evaluation_count;
    metrics_file_fini(&file);
    return result;
}

int run_parse_steps(const char *bytes, size_t length, const char *name, size_t *rows,
                    struct err *err)
{
    struct metrics_file file = {0};
    int result = parse_steps(&file, bytes, length, name, err);
    *rows = file.step_count;
    metrics_file_fini(&file);
    return result;
}
