/* The charts' screen: charts, lists, progress, the control strip. */
#include "draw.h"
#include "reading.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static void draw_progress(struct grid *grid, const struct snapshot *snapshot, struct rect row)
{
    bool ended = run_state_ended(snapshot->state);
    char elapsed[32], left[32], rate[32], tails[4][192];
    double part =
        snapshot->total_steps > 0 ? (double)snapshot->step / (double)snapshot->total_steps : 0;
    draw_duration(snapshot->seconds, elapsed, sizeof(elapsed));
    draw_count(snapshot->samples_per_second, rate, sizeof(rate));
    if (ended)
        left[0] = '\0';
    else if (isfinite(snapshot->eta)) {
        draw_duration(snapshot->eta, left, sizeof(left));
        text_copy(left + strlen(left), sizeof(left) - strlen(left), " left");
    } else {
        text_copy(left, sizeof(left), "? left");
    }
    int percent = (int)(100 * fmin(part, 1));
    const char *gap = ended ? "" : "  ";
    snprintf(tails[0], sizeof(tails[0]),
             "%d%%  step %" PRId64 "/%" PRId64 "  %s elapsed%s%s  %s samples/s", percent,
             snapshot->step, snapshot->total_steps, elapsed, gap, left, rate);
    snprintf(tails[1], sizeof(tails[1]), "%d%%  step %" PRId64 "  %s%s%s  %s samples/s", percent,
             snapshot->step, elapsed, ended ? "" : ", ", left, rate);
    snprintf(tails[2], sizeof(tails[2]), "%s  %s/s", ended ? elapsed : left, rate);
    snprintf(tails[3], sizeof(tails[3]), "%s", ended ? elapsed : left);

    int x = row.x + 1;
    x += grid_text(grid, x, row.y, row.width, STYLE_DIM, "epoch ");
    if (ended && fmod(snapshot_epochs(snapshot, snapshot->step), 1) == 0)
        x += grid_print(grid, x, row.y, row.width, STYLE_BOLD, "%.0f",
                        snapshot_epochs(snapshot, snapshot->step));
    else
        x += grid_print(grid, x, row.y, row.width, STYLE_BOLD, "%.1f",
                        floor(10 * snapshot_epochs(snapshot, snapshot->step)) / 10);
    x += grid_print(grid, x, row.y, row.width, STYLE_PLAIN, "/%" PRId64 " ", snapshot->epochs);
    int right = row.x + row.width - 1, tail = 0, least = 12;
    while (tail < 3 && right - x - 1 - grid_text_columns(tails[tail]) < least) {
        tail++;
        least = 6;
    }
    int columns = grid_text_columns(tails[tail]);
    int bar = right - x - 1 - columns;
    if (bar > 60)
        bar = 60;
    if (bar > 0)
        draw_bar(grid, x, row.y, bar, part);
    else
        bar = 0;
    grid_text(grid, x + bar + 1, row.y, right - x - bar - 1, STYLE_PLAIN, tails[tail]);
}

/* The control strip: labelled values that flow into its rows. */
struct strip {
    struct grid *grid;
    struct rect where;
    int x, y;
};

static void strip_put(struct strip *strip, const char *label, enum style style, const char *value)
{
    int label_columns = grid_text_columns(label), columns = grid_text_columns(value);
    int whole = label_columns + 1 + columns, start = strip->where.x + 1;
    int right = strip->where.x + strip->where.width - 1;
    if (strip->x > start && strip->x + whole > right) {
        if (strip->y + 1 >= strip->where.y + strip->where.height)
            return;
        strip->x = start;
        strip->y++;
    }
    if (strip->x + whole > right)
        return;
    grid_text(strip->grid, strip->x, strip->y, label_columns, STYLE_DIM, label);
    grid_text(strip->grid, strip->x + label_columns + 1, strip->y, columns, style, value);
    strip->x += whole + 3;
}

/* The value of a setting, in the colour of an edit for as long as that is news. */
static void strip_setting(struct strip *strip, const struct state *state,
                          const struct snapshot *snapshot, const char *name, const char *label,
                          const char *value)
{
    const struct answer *answer = &snapshot->answer;
    char text[SETTINGS_TEXT];
    if (value == NULL) {
        settings_format(&snapshot->settings, settings_find(name, NULL), text, sizeof(text));
        value = text;
    }
    bool fresh = answer->state == ANSWER_APPLIED && state->now < answer->clock + 6 &&
                 strstr(answer->line, name) != NULL;
    strip_put(strip, label, fresh ? STYLE_EDIT : STYLE_BOLD, value);
}

static void draw_strip(struct grid *grid, const struct state *state,
                       const struct snapshot *snapshot, struct rect where)
{
    struct strip strip = {grid, where, where.x + 1, where.y};
    bool narrow = where.width < 60;
    char value[128], age[32], epoch[32];
    const struct settings *settings = &snapshot->settings;

    snprintf(value, sizeof(value), "%.4g", snapshot->learning_rate);
    strip_setting(&strip, state, snapshot, "train.learning_rate", narrow ? "rate" : "learning rate",
                  value);
    snprintf(value, sizeof(value), settings->augment.noise ? "on %.4g" : "off (%.4g)",
             settings->augment.noise_level);
    strip_setting(&strip, state, snapshot, "augment.noise", "noise", value);
    if (!narrow) {
        strip_setting(&strip, state, snapshot, "train.l2", "l2", NULL);
        strip_setting(&strip, state, snapshot, "train.momentum", "momentum", NULL);
        if (where.width >= 110) {
            strip_setting(&strip, state, snapshot, "train.batch_size", "batch", NULL);
            strip_setting(&strip, state, snapshot, "train.optimizer", "optimizer", NULL);
            strip_setting(&strip, state, snapshot, "train.schedule", "schedule", NULL);
        }
    }
    if (where.height > 1) { /* what follows has a row of its own */
        strip.x = where.x + 1;
        strip.y = where.y + 1;
    }

    if (isfinite(snapshot->best_validation_accuracy)) {
        draw_epoch(snapshot_epochs(snapshot, snapshot->best_step), epoch, sizeof(epoch));
        snprintf(value, sizeof(value), "%.2f%% (epoch %s)",
                 100 * snapshot->best_validation_accuracy, epoch);
    } else {
        text_copy(value, sizeof(value), "none yet");
    }
    strip_put(&strip, narrow ? "best" : "best validation",
              isfinite(snapshot->best_validation_accuracy) ? STYLE_GOOD : STYLE_DIM, value);

    if (snapshot->checkpoint_step >= 0) {
        draw_age(state->now - snapshot->checkpoint_clock, age, sizeof(age));
        snprintf(value, sizeof(value), narrow ? "%" PRId64 : "step %" PRId64 ", %s ago",
                 snapshot->checkpoint_step, age);
        strip_put(&strip, narrow ? "saved" : "checkpoint", STYLE_BOLD, value);
    } else {
        strip_put(&strip, narrow ? "saved" : "checkpoint", STYLE_DIM, "none yet");
    }
}

/* What is at the cursor, in the place of the strip. */
static void draw_reading(struct grid *grid, const struct state *state,
                         const struct history *history, struct rect where)
{
    struct reading reading;
    struct strip strip = {grid, where, where.x + 1, where.y};
    const bool narrow = where.width < 60;
    const char *to = grid->ascii ? ".." : "…";
    char text[128], epoch[32];
    reading_take(&state->charts, history, &reading);
    snprintf(text, sizeof(text), "%" PRId64, reading.step);
    strip_put(&strip, "step", STYLE_BOLD, text);
    snprintf(text, sizeof(text), "%.2f", snapshot_epochs(&history->snapshot, reading.step));
    strip_put(&strip, "epoch", STYLE_BOLD, text);
    if (reading.abandoned)
        strip_put(&strip, "abandoned", STYLE_GHOST, "");
    if (!narrow) {
        draw_seconds(reading.seconds, text, sizeof(text));
        strip_put(&strip, "time", STYLE_BOLD, text);
    }
    if (!reading.losses)
        snprintf(text, sizeof(text), "none");
    else if (narrow || reading.minimum == reading.maximum || isnan(reading.mean))
        snprintf(text, sizeof(text), "%.4f", reading.mean);
    else
        snprintf(text, sizeof(text), "%.4f (%.4f%s%.4f)", reading.mean, reading.minimum, to,
                 reading.maximum);
    strip_put(&strip, "loss", reading.losses ? STYLE_TRAIN : STYLE_DIM, text);
    if (where.height > 1) {
        strip.x = where.x + 1;
        strip.y = where.y + 1;
    }
    if (reading.evaluation != NULL) {
        const struct evaluation *row = reading.evaluation;
        draw_epoch(snapshot_epochs(&history->snapshot, row->step), epoch, sizeof(epoch));
        if (narrow)
            snprintf(text, sizeof(text), "%.2f%%", 100 * row->validation_accuracy);
        else
            snprintf(text, sizeof(text), "%.4f %.2f%% @ %s", row->validation_loss,
                     100 * row->validation_accuracy, epoch);
        strip_put(&strip, "val", STYLE_VALIDATION, text);
    }
    if (isfinite(reading.learning_rate)) {
        snprintf(text, sizeof(text), "%.4g", reading.learning_rate);
        strip_put(&strip, "rate", STYLE_BOLD, text);
        strip_put(&strip, "noise", STYLE_BOLD, reading.noise ? "on" : "off");
    }
    for (size_t i = 0; i < reading.setting_count; i++)
        strip_put(&strip, reading.settings[i].name, STYLE_BOLD, reading.settings[i].value);
}

void dashboard_draw(struct grid *grid, const struct layout *layout, struct state *state,
                    const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    curves_draw(grid, state, history, layout);
    lists_draw(grid, state, history, layout);
    draw_progress(grid, snapshot, layout->progress);
    if (state->charts.cursor)
        draw_reading(grid, state, history, layout->strip);
    else
        draw_strip(grid, state, snapshot, layout->strip);
}
