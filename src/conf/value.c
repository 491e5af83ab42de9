/*
 * value: one setting's value as text: parsing, printing, and saying what is
 * accepted.
 */
#include "kdt/conf.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { NUMBER_TEXT = 64 };

/* The same set whatever the locale. */
static bool is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static int parse_integer(const struct setting *row, const char *value, int64_t *out)
{
    if (number_parse_integer(value, out))
        return -1;
    return (double)*out >= row->minimum && (double)*out <= row->maximum ? 0 : -1;
}

static int parse_number(const struct setting *row, const char *value, double *out)
{
    if (number_parse_double(value, out))
        return -1;
    return *out >= row->minimum && *out <= row->maximum ? 0 : -1;
}

static int parse_switch(const char *value, bool *out)
{
    *out = strcmp(value, "on") == 0;
    return *out || strcmp(value, "off") == 0 ? 0 : -1;
}

static int parse_choice(const struct setting *row, const char *value, int *out)
{
    for (int i = 0; row->choices[i].word; i++) {
        if (strcmp(row->choices[i].word, value) == 0) {
            *out = i;
            return 0;
        }
    }
    return -1;
}

static int parse_text(const char *value, char out[SETTINGS_TEXT])
{
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return -1;
    }
    memset(out, 0, SETTINGS_TEXT);
    text_copy(out, SETTINGS_TEXT, value);
    return 0;
}

static int parse_widths(const struct setting *row, const char *value, struct settings_widths *out)
{
    memset(out, 0, sizeof *out);
    for (;;) {
        char word[NUMBER_TEXT];
        size_t length = 0;
        int64_t units;

        while (is_blank(*value))
            value++;
        if (*value == '\0')
            return 0;
        for (; *value && !is_blank(*value); value++) {
            if (length == sizeof word - 1)
                return -1;
            word[length++] = *value;
        }
        word[length] = '\0';
        if (out->count == SETTINGS_MAX_LAYERS || parse_integer(row, word, &units))
            return -1;
        out->units[out->count++] = (int)units;
    }
}

static int parse_space(const struct setting *row, const char *value, char out[SETTINGS_TEXT],
                       struct err *err)
{
    struct space space;

    if (strlen(value) >= SETTINGS_TEXT || parse_text(value, out))
        return -1;
    return *value && space_parse(settings_find(row->of, NULL), row->name, value, &space, err) ? -1
                                                                                              : 0;
}

/* Parses into the field; what *settings held is kept where the value is bad. *err has what there
 * is to say beyond what is accepted. */
static int parse_value(struct settings *settings, const struct setting *row, const char *value,
                       struct err *err)
{
    void *field = (char *)settings + row->offset;
    union {
        int64_t integer;
        double number;
        bool on;
        int choice;
        char text[SETTINGS_TEXT];
        struct settings_widths widths;
    } parsed;
    size_t size = 0;
    int status = -1;

    /* Every list of choices is an enum without negative values. */
    _Static_assert(sizeof(enum settings_dataset) == sizeof(int), "a choice is stored as an int");
    switch (row->type) {
    case SETTING_INTEGER:
        status = parse_integer(row, value, &parsed.integer);
        size = sizeof parsed.integer;
        break;
    case SETTING_NUMBER:
        status = parse_number(row, value, &parsed.number);
        size = sizeof parsed.number;
        break;
    case SETTING_SWITCH:
        status = parse_switch(value, &parsed.on);
        size = sizeof parsed.on;
        break;
    case SETTING_CHOICE:
        status = parse_choice(row, value, &parsed.choice);
        size = sizeof parsed.choice;
        break;
    case SETTING_TEXT:
        status = parse_text(value, parsed.text);
        size = sizeof parsed.text;
        break;
    case SETTING_WIDTHS:
        status = parse_widths(row, value, &parsed.widths);
        size = sizeof parsed.widths;
        break;
    case SETTING_SPACE:
        status = parse_space(row, value, parsed.text, err);
        size = sizeof parsed.text;
        break;
    }
    if (status == 0)
        memcpy(field, &parsed, size);
    return status;
}

static int refuse(const struct setting *row, const char *value, struct err *err)
{
    char accepted[256];

    settings_accepted(row, accepted, sizeof accepted);
    /* Cut, so that what is accepted always finds its place in the error. */
    return err_set(err, ERR_USAGE, "%s = %.200s%s: %s is expected", row->name, value,
                   strlen(value) > 200 ? "…" : "", accepted);
}

int settings_set(struct settings *settings, const struct setting *row, const char *value,
                 struct err *err)
{
    char trimmed[4096];
    size_t length;

    while (is_blank(*value))
        value++;
    for (length = strlen(value); length > 0 && is_blank(value[length - 1]);)
        length--;
    size_t most = row->type == SETTING_TEXT ? SETTINGS_TEXT : sizeof trimmed;
    if (length >= most)
        return refuse(row, value, err);
    memcpy(trimmed, value, length);
    trimmed[length] = '\0';
    struct err why = {.code = ERR_OK};
    if (parse_value(settings, row, trimmed, &why) == 0)
        return 0;
    if (why.code == ERR_OK)
        return refuse(row, trimmed, err);
    return err_set(err, why.code, "%s", why.text);
}

int settings_set_relative(struct settings *settings, const struct setting *row, const char *value,
                          struct err *err)
{
    bool numeric = row->type == SETTING_INTEGER || row->type == SETTING_NUMBER;
    char present[NUMBER_TEXT], result[NUMBER_TEXT], accepted[256];
    double from, factor;

    while (is_blank(*value))
        value++;
    if (!numeric || (*value != '*' && *value != '/'))
        return settings_set(settings, row, value, err);

    if (number_parse_double(value + 1, &factor) || !(factor > 0))
        return err_set(err, ERR_USAGE, "%s %.200s: a number above 0 is expected after %c",
                       row->name, value, *value);
    settings_format(settings, row, present, sizeof present);
    int status = number_parse_double(present, &from);
    assert(status == 0);
    (void)status;
    double to = *value == '*' ? from * factor : from / factor;
    if (row->type == SETTING_INTEGER)
        to = round(to);
    if (!(to >= row->minimum && to <= row->maximum)) {
        settings_accepted(row, accepted, sizeof accepted);
        number_format_double(result, sizeof result, to);
        return err_set(err, ERR_USAGE, "%s %.200s gives %s: %s is expected", row->name, value,
                       result, accepted);
    }
    void *field = (char *)settings + row->offset;
    if (row->type == SETTING_INTEGER)
        *(int64_t *)field = (int64_t)to;
    else
        *(double *)field = to;
    return 0;
}

int settings_set_line(struct settings *settings, const char *line, struct err *err)
{
    char name[128];
    const char *equals = strchr(line, '=');

    if (!equals)
        return err_set(err, ERR_USAGE, "%.200s: SECTION.KEY=VALUE is expected", line);
    const char *end = equals;
    while (line < end && is_blank(*line))
        line++;
    while (line < end && is_blank(end[-1]))
        end--;
    size_t length = (size_t)(end - line);
    text_copy(name, length < sizeof name ? length + 1 : sizeof name, line);
    const char *key = strncmp(name, "search.", 7) == 0 ? name + 7 : NULL;
    if (key && settings_is_list("search", key))
        return settings_set_list(settings, key, equals + 1, err);
    const struct setting *row = settings_find(name, err);
    if (!row)
        return -1;
    return settings_set(settings, row, equals + 1, err);
}

void settings_format(const struct settings *settings, const struct setting *row, char *out,
                     size_t size)
{
    const void *field = (const char *)settings + row->offset;
    struct text text = {0};

    switch (row->type) {
    case SETTING_INTEGER:
        text_print(&text, "%lld", (long long)*(const int64_t *)field);
        break;
    case SETTING_NUMBER: {
        char number[NUMBER_TEXT];
        number_format_double(number, sizeof number, *(const double *)field);
        text_print(&text, "%s", number);
        break;
    }
    case SETTING_SWITCH:
        text_print(&text, "%s", *(const bool *)field ? "on" : "off");
        break;
    case SETTING_CHOICE: {
        int choice;
        memcpy(&choice, field, sizeof choice);
        text_print(&text, "%s", row->choices[choice].word);
        break;
    }
    case SETTING_TEXT:
    case SETTING_SPACE:
        text_print(&text, "%s", (const char *)field);
        break;
    case SETTING_WIDTHS: {
        const struct settings_widths *widths = field;
        text_print(&text, "%s", "");
        for (int i = 0; i < widths->count; i++)
            text_print(&text, "%s%d", i ? " " : "", widths->units[i]);
        break;
    }
    }
    text_copy(out, size, text.bytes);
    text_fini(&text);
}

void settings_accepted(const struct setting *row, char *out, size_t size)
{
    struct text text = {0};
    char minimum[NUMBER_TEXT], maximum[NUMBER_TEXT];

    switch (row->type) {
    case SETTING_INTEGER:
        text_print(&text, "a whole number from %.0f to %.0f", row->minimum, row->maximum);
        break;
    case SETTING_NUMBER:
        number_format_double(minimum, sizeof minimum, row->minimum);
        number_format_double(maximum, sizeof maximum, row->maximum);
        text_print(&text, "a number from %s to %s", minimum, maximum);
        break;
    case SETTING_SWITCH:
        text_print(&text, "on or off");
        break;
    case SETTING_CHOICE:
        for (const struct setting_choice *choice = row->choices; choice->word; choice++) {
            const char *before = choice == row->choices ? "" : choice[1].word ? ", " : " or ";
            text_print(&text, "%s%s", before, choice->word);
        }
        break;
    case SETTING_TEXT:
        text_print(&text, "text of at most %d bytes without control characters", SETTINGS_TEXT - 1);
        break;
    case SETTING_WIDTHS:
        text_print(&text,
                   "a list of at most %d whole numbers from %.0f to %.0f with spaces between",
                   SETTINGS_MAX_LAYERS, row->minimum, row->maximum);
        break;
    case SETTING_SPACE:
        text_print(&text,
                   "log A B [N], uniform A B [N], A:B:STEP, or values with spaces between; empty: "
                   "%s",
                   row->of);
        break;
    }
    text_copy(out, size, text.bytes);
    text_fini(&text);
}
