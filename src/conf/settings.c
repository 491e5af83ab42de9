/*
 * settings: the table of all settings, made from settings.def, and what needs
 * the table alone: looking rows up, the defaults, checks across rows.
 */
#include "kdt/conf.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* clang-format off */
#define CHOICES_BEGIN(list) static const struct setting_choice choices_##list[] = {
#define CHOICE(constant, word, meaning) {word, meaning},
#define CHOICES_END(list) {NULL, NULL}};
#include "kdt/settings.def"

#define ROW_OF(section, key, type, standard, minimum, maximum, choices, unit, of, change, meaning) \
    {#section "." #key, #section, #key, type, standard, minimum, maximum, choices, unit, of,    \
     SETTING_##change, meaning, offsetof(struct settings, section.key)},
#define ROW(section, key, type, standard, minimum, maximum, choices, unit, change, meaning)     \
    ROW_OF(section, key, type, standard, minimum, maximum, choices, unit, NULL, change, meaning)

static const struct setting rows[] = {
#define INTEGER(section, key, standard, minimum, maximum, unit, change, meaning) \
    ROW(section, key, SETTING_INTEGER, standard, minimum, maximum, NULL, unit, change, meaning)
#define NUMBER(section, key, standard, minimum, maximum, unit, change, meaning) \
    ROW(section, key, SETTING_NUMBER, standard, minimum, maximum, NULL, unit, change, meaning)
#define SWITCH(section, key, standard, change, meaning) \
    ROW(section, key, SETTING_SWITCH, standard, 0, 0, NULL, "", change, meaning)
#define CHOOSE(section, key, list, standard, change, meaning) \
    ROW(section, key, SETTING_CHOICE, standard, 0, 0, choices_##list, "", change, meaning)
#define TEXT(section, key, standard, change, meaning) \
    ROW(section, key, SETTING_TEXT, standard, 0, 0, NULL, "", change, meaning)
/* Units of a layer, so that a product of two widths stays far below 2^63. */
#define WIDTHS(section, key, standard, change, meaning) \
    ROW(section, key, SETTING_WIDTHS, standard, 1, 65536, NULL, "", change, meaning)
#define SPACE(section, key, of, standard, change, meaning) \
    ROW_OF(section, key, SETTING_SPACE, standard, 0, 0, NULL, "", of, change, meaning)
#include "kdt/settings.def"
};

static const struct setting_section sections[] = {
#define SECTION_BEGIN(section, title) {#section, title},
#include "kdt/settings.def"
};
/* clang-format on */

size_t settings_count(void)
{
    return sizeof rows / sizeof *rows;
}

const struct setting *settings_row(size_t i)
{
    assert(i < settings_count());
    return &rows[i];
}

size_t settings_section_count(void)
{
    return sizeof sections / sizeof *sections;
}

const struct setting_section *settings_section(size_t i)
{
    assert(i < settings_section_count());
    return &sections[i];
}

static const char *next_name(size_t i, const void *of)
{
    (void)of;
    return i < settings_count() ? rows[i].name : NULL;
}

/* What `name` was meant to be: the right key in a wrong section or in none,
 * else a name that is spelt like it. */
static const char *name_meant(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *key = dot ? dot + 1 : name;

    for (size_t i = 0; i < settings_count(); i++) {
        if (strcmp(rows[i].key, key) == 0)
            return rows[i].name;
    }
    return text_nearest(name, next_name, NULL);
}

const struct setting *settings_find(const char *name, struct err *err)
{
    for (size_t i = 0; i < settings_count(); i++) {
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    }
    const char *meant = name_meant(name);
    if (meant)
        err_set(err, ERR_USAGE, "%s: no such setting; did you mean %s?", name, meant);
    else
        err_set(err, ERR_USAGE, "%s: no such setting; `kdtui settings` prints all", name);
    return NULL;
}

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < settings_count(); i++) {
        int status = settings_set(settings, &rows[i], rows[i].standard, NULL);
        assert(status == 0);
        (void)status;
    }
}

static int check_rates(const struct settings *settings, const char *schedule, double highest,
                       const char *highest_name, struct err *err)
{
    char low[32], high[32];

    if (settings->train.rate_min <= highest)
        return 0;
    number_format_double(low, sizeof low, settings->train.rate_min);
    number_format_double(high, sizeof high, highest);
    return err_set(err, ERR_USAGE,
                   "train.rate_min = %s: with train.schedule = %s at most %s = %s is expected", low,
                   schedule, highest_name, high);
}

/* The widest decreasing architecture: where the ranges have none, there is none at all. */
static int check_decreasing(const struct settings *settings, struct err *err)
{
    struct space space;
    double before = INFINITY;

    if (!settings->search.decreasing || !*settings->search.hidden ||
        space_parse(settings_find("network.hidden", NULL), "search.hidden", settings->search.hidden,
                    &space, NULL) != 0 ||
        space.kind != SPACE_LAYERS)
        return 0;
    for (int i = 0; i < space.layers; i++) {
        int64_t value = space.layer[i].count - 1;
        while (value >= 0 && space_step(&space.layer[i], value) >= before)
            value--;
        if (value < 0)
            return err_set(err, ERR_USAGE,
                           "search.hidden = %.200s: with search.decreasing = on an architecture "
                           "with each layer narrower than the one before is expected",
                           settings->search.hidden);
        before = space_step(&space.layer[i], value);
    }
    return 0;
}

int settings_check(const struct settings *settings, struct err *err)
{
    int64_t train_size = settings->data.train_size, batch_size = settings->train.batch_size;

    if (train_size != 0 && train_size < batch_size)
        return err_set(err, ERR_USAGE,
                       "data.train_size = %lld: 0 or at least train.batch_size = %lld is expected",
                       (long long)train_size, (long long)batch_size);
    if (check_decreasing(settings, err) != 0)
        return -1;
    if (settings->train.schedule == SCHEDULE_CYCLICAL)
        return check_rates(settings, "cyclical", settings->train.rate_max, "train.rate_max", err);
    if (settings->train.schedule == SCHEDULE_COSINE)
        return check_rates(settings, "cosine", settings->train.learning_rate, "train.learning_rate",
                           err);
    return 0;
}
