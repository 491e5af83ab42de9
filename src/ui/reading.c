/*
 * Reading at the cursor.
 *
 * Settings follow from the labels of the edits that are on the way to that step:
 * the last one before it says the new value, or else the first one after it the
 * old. Rate and noise are known step by step.
 */
#include "reading.h"
#include "axis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where x is in seconds, the curves of before a return have a place of their own. */
static bool on_the_way(const struct charts *charts, bool abandoned)
{
    return !abandoned || charts->window.unit == WINDOW_SECONDS;
}

/* ---- losses ---- */

static void take_bucket(const struct loss_bucket *bucket, struct reading *out, double *weight)
{
    double steps = (double)(bucket->last - bucket->first + 1);
    out->learning_rate = bucket->learning_rate;
    out->noise = bucket->noise;
    out->abandoned = bucket->abandoned;
    out->losses = true;
    if (isnan(bucket->mean))
        return;
    out->mean = *weight > 0 ? (out->mean * *weight + bucket->mean * steps) / (*weight + steps)
                            : bucket->mean;
    out->minimum = *weight > 0 ? fmin(out->minimum, bucket->minimum) : bucket->minimum;
    out->maximum = *weight > 0 ? fmax(out->maximum, bucket->maximum) : bucket->maximum;
    *weight += steps;
}

static void take_losses(const struct charts *charts, const struct history *history,
                        struct reading *out)
{
    const int columns = charts_columns(charts) > 0 ? charts_columns(charts) : 1;
    const struct range range = charts_range(charts, history);
    const double column = floor(window_share(&charts->window, &range, charts->x) * columns);
    double least = INFINITY, weight = 0;
    size_t nearest = history->bucket_count;
    for (size_t i = 0; i < history->bucket_count; i++) {
        const struct loss_bucket *bucket = &history->buckets[i];
        if (!on_the_way(charts, bucket->abandoned))
            continue;
        double x = axis_of_bucket(history, charts->window.unit, i), away = fabs(x - charts->x);
        if (away < least) {
            least = away;
            nearest = i;
        }
        if (floor(window_share(&charts->window, &range, x) * columns) == column)
            take_bucket(bucket, out, &weight);
    }
    if (nearest == history->bucket_count)
        return;
    const struct loss_bucket *bucket = &history->buckets[nearest];
    if (!out->losses)
        take_bucket(bucket, out, &weight);
    out->learning_rate = bucket->learning_rate;
    out->noise = bucket->noise;
    out->abandoned = bucket->abandoned;
}

static void take_evaluation(const struct charts *charts, const struct history *history,
                            struct reading *out)
{
    double least = INFINITY;
    for (size_t i = 0; i < history->evaluation_count; i++) {
        const struct evaluation *row = &history->evaluations[i];
        double away = fabs(axis_of_evaluation(charts->window.unit, row) - charts->x);
        if (!on_the_way(charts, row->abandoned) || away > least)
            continue;
        least = away;
        out->evaluation = row;
    }
}

/* ---- settings ---- */

/* The next "NAME OLD → NEW" of a label; false at its end, or where it was cut off. */
static bool next_part(const char **label, char name[48], char old[48], char new[48])
{
    static const char arrow[] = " → ";
    size_t length = strcspn(*label, ",");
    char part[64];
    snprintf(part, sizeof(part), "%.*s", (int)length, *label);
    *label += length + strspn(*label + length, ", ");
    char *to = strstr(part, arrow);
    if (to == NULL)
        return false;
    *to = '\0';
    char *value = strrchr(part, ' ');
    if (value == NULL)
        return false;
    *value = '\0';
    text_copy(name, 48, part);
    text_copy(old, 48, value + 1);
    text_copy(new, 48, to + sizeof(arrow) - 1);
    return true;
}

static struct reading_setting *find_setting(struct reading *reading, const char *name)
{
    for (size_t i = 0; i < reading->setting_count; i++)
        if (strcmp(reading->settings[i].name, name) == 0)
            return &reading->settings[i];
    if (reading->setting_count == READING_SETTINGS)
        return NULL;
    struct reading_setting *setting = &reading->settings[reading->setting_count++];
    text_copy(setting->name, sizeof(setting->name), name);
    setting->value[0] = '\0';
    return setting;
}

/* Whether the edit was made on the way to the cursor, and whether it is before it. */
static bool takes_part(const struct charts *charts, const struct edit_mark *edit,
                       const struct reading *reading, bool *before)
{
    if (edit->returned || edit->note || edit->abandoned)
        return false;
    *before = charts->window.unit == WINDOW_SECONDS ? edit->seconds <= charts->x
                                                    : edit->step <= reading->step;
    return true;
}

static void take_settings(const struct charts *charts, const struct history *history,
                          struct reading *out)
{
    for (size_t i = 0; i < history->edit_count; i++) {
        const struct edit_mark *edit = &history->edits[i];
        const char *label = edit->label;
        char name[48], old[48], new[48];
        bool before;
        if (!takes_part(charts, edit, out, &before))
            continue;
        while (label[0] != '\0' && next_part(&label, name, old, new)) {
            if (strcmp(name, "learning rate") == 0 || strcmp(name, "noise") == 0)
                continue;
            struct reading_setting *setting = find_setting(out, name);
            if (setting == NULL)
                break;
            if (before)
                text_copy(setting->value, sizeof(setting->value), new);
            else if (setting->value[0] == '\0')
                text_copy(setting->value, sizeof(setting->value), old);
        }
    }
}

void reading_take(const struct charts *charts, const struct history *history, struct reading *out)
{
    *out = (struct reading){.mean = NAN, .minimum = NAN, .maximum = NAN, .learning_rate = NAN};
    enum window_unit unit = charts->window.unit;
    double step = axis_convert(history, unit, WINDOW_STEPS, charts->x);
    out->step = (int64_t)floor(fmin(fmax(step, 0), (double)history->snapshot.step));
    if (unit == WINDOW_SECONDS) /* also on what was abandoned beyond the present step */
        out->step = (int64_t)floor(fmax(step, 0));
    out->seconds = axis_convert(history, unit, WINDOW_SECONDS, charts->x);
    take_losses(charts, history, out);
    take_evaluation(charts, history, out);
    if (!out->abandoned)
        take_settings(charts, history, out);
    size_t edit = charts_edit(charts, history);
    if (edit < history->edit_count)
        out->edit = &history->edits[edit];
}
