/* The main screen: head, charts, progress, the control strip, keys. */
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static double epochs_at(const struct snapshot *snapshot, int64_t step)
{
    return snapshot->steps_per_epoch > 0 ? (double)step / (double)snapshot->steps_per_epoch : 0;
}

static double epochs_done(const struct snapshot *snapshot)
{
    return epochs_at(snapshot, snapshot->step);
}

static enum style state_style(enum run_state state)
{
    switch (state) {
    case RUN_RUNNING:
    case RUN_FINISHED:
        return STYLE_GOOD;
    case RUN_PAUSED:
    case RUN_INTERRUPTED:
        return STYLE_WARN;
    case RUN_EVALUATING:
    case RUN_RANGE_TEST:
    case RUN_TESTING:
        return STYLE_EDIT;
    case RUN_DIVERGED:
    case RUN_FAILED:
        return STYLE_BAD;
    case RUN_STARTING:
        break;
    }
    return STYLE_BOLD;
}

static enum style style_of(const struct snapshot *snapshot)
{
    return snapshot->diverged ? STYLE_BAD : state_style(snapshot->state);
}

/* A few words on why a rule or a limit paused the run, and not a person; "": it did not, or it
 * takes more than a few. */
static const char *pause_word(const struct snapshot *snapshot)
{
    if (snapshot->state != RUN_PAUSED)
        return "";
    if (snapshot->diverged)
        return "diverged";
    return grid_text_columns(snapshot->pause_reason) <= 24 ? snapshot->pause_reason : "";
}

/* "paused", "paused: epoch end", "evaluating 43%" */
static void state_text(const struct snapshot *snapshot, char *out, size_t size)
{
    const char *name = run_state_name(snapshot->state), *why = pause_word(snapshot);
    bool part = snapshot->state == RUN_EVALUATING || snapshot->state == RUN_RANGE_TEST ||
                snapshot->state == RUN_TESTING;
    if (part && isfinite(snapshot->evaluation_progress))
        snprintf(out, size, "%s %.0f%%", name, 100 * snapshot->evaluation_progress);
    else
        snprintf(out, size, "%s%s%.40s", name, why[0] != '\0' ? ": " : "", why);
}

void dashboard_banner(const struct snapshot *snapshot, char *out, size_t size)
{
    const char *name = run_state_name(snapshot->state);
    char epoch[32];
    int length;
    out[0] = '\0';
    switch (snapshot->state) {
    case RUN_FINISHED:
        if (isfinite(snapshot->test_accuracy))
            length = snprintf(out, size, "%s: test accuracy %.2f%%", name,
                              100 * snapshot->test_accuracy);
        else
            length = snprintf(out, size, "%s", name);
        if (isfinite(snapshot->best_validation_accuracy)) {
            draw_epoch(epochs_at(snapshot, snapshot->best_step), epoch, sizeof(epoch));
            snprintf(out + length, size - (size_t)length, " (best validation %.2f%% at epoch %s)",
                     100 * snapshot->best_validation_accuracy, epoch);
        }
        break;
    case RUN_DIVERGED:
    case RUN_FAILED:
        snprintf(out, size, "%s: %s", name, snapshot->error);
        break;
    case RUN_INTERRUPTED:
        snprintf(out, size, "%s at step %" PRId64 "%s", name, snapshot->step,
                 snapshot->checkpoint_step == snapshot->step ? ": the state is saved" : "");
        break;
    default:
        if (snapshot->diverged)
            snprintf(out, size, "%s (Enter: what now)", snapshot->pause_reason);
        break;
    }
}

static void draw_head(struct grid *grid, const struct snapshot *snapshot, struct rect row)
{
    char state[64], left[512];
    state_text(snapshot, state, sizeof(state));
    draw_fill(grid, row, STYLE_BAR);
    int word = grid_text_columns(state);
    int room = row.width - word - 5;
    /* Whole parts only: the network goes first, then the dataset. */
    const char *dot = grid->ascii ? "|" : "·";
    for (int parts = 3; parts > 0; parts--) {
        snprintf(left, sizeof(left), "%s%s%s%s%s%s%s%s%s", snapshot->name, parts > 1 ? "  " : "",
                 parts > 1 ? dot : "", parts > 1 ? "  " : "", parts > 1 ? snapshot->dataset : "",
                 parts > 2 ? "  " : "", parts > 2 ? dot : "", parts > 2 ? "  " : "",
                 parts > 2 ? snapshot->network : "");
        if (grid_text_columns(left) <= room)
            break;
    }
    grid_text(grid, row.x + 1, row.y, room, STYLE_BAR, left);
    enum style style = style_of(snapshot);
    grid_print(grid, row.x + row.width - word - 4, row.y, word + 4, style, " %s %s ",
               grid->ascii ? "*" : "●", state);
}

static void draw_banner(struct grid *grid, const struct snapshot *snapshot, struct rect where)
{
    char text[sizeof(snapshot->error) + 128];
    dashboard_banner(snapshot, text, sizeof(text));
    enum style style = style_of(snapshot);
    if (where.height >= 3) {
        draw_frame(grid, where, style, "");
        where = (struct rect){where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    }
    if (draw_wrapped_lines(text, where.width) == 1)
        draw_centered(grid, where, style, text);
    else
        draw_wrapped(grid, where, style, text);
}

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
    if (ended && fmod(epochs_done(snapshot), 1) == 0)
        x += grid_print(grid, x, row.y, row.width, STYLE_BOLD, "%.0f", epochs_done(snapshot));
    else
        x += grid_print(grid, x, row.y, row.width, STYLE_BOLD, "%.1f",
                        floor(10 * epochs_done(snapshot)) / 10);
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
        draw_epoch(epochs_at(snapshot, snapshot->best_step), epoch, sizeof(epoch));
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

/* Whether a key still does something after the run has ended. */
static bool key_outlives(const struct key_info *key)
{
    struct command command;
    if (command_parse(key->command, &command, NULL) != 0)
        return false;
    return command_info(command.id)->scope == COMMAND_SCOPE_VIEW &&
           command.id != COMMAND_PAUSE_OR_CONTINUE && command.id != COMMAND_ASK;
}

static const struct key_info *key_by_rank(size_t place)
{
    for (int rank = 1; rank < 100; rank++)
        for (size_t i = 0; i < key_count(); i++)
            if (key_row(i)->rank == rank && place-- == 0)
                return key_row(i);
    return NULL;
}

/* "space pause  + - rate": the first name of each key that has these words. */
static void draw_keys(struct grid *grid, const struct state *state, const struct snapshot *snapshot,
                      struct rect row)
{
    int x = row.x + 1, right = row.x + row.width - 1;
    const struct key_info *key, *next;
    for (size_t place = 0; (key = key_by_rank(place)) != NULL; place++) {
        char names[64] = "";
        size_t used = 0;
        for (next = key;;) {
            used +=
                (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s", used > 0 ? " " : "",
                                 (int)strcspn(next->keys, " "), next->keys);
            next = key_by_rank(place + 1);
            if (next == NULL || strcmp(next->brief, key->brief) != 0 || used > 40)
                break;
            place++;
        }
        if (run_state_ended(snapshot->state) && !key_outlives(key))
            continue;
        const char *brief = key->brief;
        if (strcmp(key->command, "pause-or-continue") == 0 && state->paused)
            brief = "continue";
        int columns = grid_text_columns(names);
        if (x + columns + 1 + grid_text_columns(brief) > right)
            continue;
        grid_text(grid, x, row.y, columns, STYLE_KEY, names);
        x += columns + 1;
        x += grid_text(grid, x, row.y, right - x, STYLE_DIM, brief) + 2;
    }
}

static void draw_warning(struct grid *grid, const struct snapshot *snapshot, struct rect where)
{
    char text[sizeof(snapshot->warning) + 16];
    snprintf(text, sizeof(text), "warning: %s", snapshot->warning);
    where.x++;
    where.width -= 2;
    draw_wrapped(grid, where, STYLE_WARN, text);
}

/* A warning that is longer than its row takes the one above it, too; of what is no more than good
 * to know, the last parts are left out. */
static void draw_news(struct grid *grid, const struct state *state, const struct history *history,
                      const struct layout *layout)
{
    struct news news;
    news_choose(state, history, &news);
    struct rect where = {layout->news.x + 1, layout->news.y, layout->news.width - 2, 1};
    for (char *part = news.text + strlen(news.text); news.parts && part > news.text; part--)
        if (grid_text_columns(news.text) > where.width && (*part == ';' || *part == '('))
            *part = '\0';
    if (news.style == STYLE_WARN && draw_wrapped_lines(news.text, where.width) > 1 &&
        layout->strip.height > 1) {
        where.y--;
        where.height++;
        draw_fill(grid, (struct rect){layout->news.x, where.y, layout->news.width, 2}, STYLE_PLAIN);
    }
    draw_wrapped(grid, where, news.style, news.text);
}

void dashboard_draw(struct grid *grid, const struct state *state, const struct history *history,
                    const struct layout *layout)
{
    const struct snapshot *snapshot = &history->snapshot;
    draw_head(grid, snapshot, layout->head);
    if (layout->warning.height > 0)
        draw_warning(grid, snapshot, layout->warning);
    if (layout->banner.height > 0)
        draw_banner(grid, snapshot, layout->banner);
    curves_draw(grid, state, history, layout);
    lists_draw(grid, history, layout);
    draw_progress(grid, snapshot, layout->progress);
    draw_strip(grid, state, snapshot, layout->strip);
    draw_news(grid, state, history, layout);
    draw_keys(grid, state, snapshot, layout->keys);
}

/* Writes a part of the status line where it fits whole. */
static int line_part(struct grid *grid, struct rect row, int x, enum style style, const char *text)
{
    int columns = grid_text_columns(text);
    if (x > row.x && x + columns > row.x + row.width)
        return x;
    return x + grid_text(grid, x, row.y, row.x + row.width - x, style, text) + 2;
}

void dashboard_line(struct grid *grid, const struct snapshot *snapshot, struct rect row)
{
    char text[96];
    state_text(snapshot, text, sizeof(text));
    int x = line_part(grid, row, row.x, style_of(snapshot), text);
    if (snapshot->warning[0] != '\0' && grid->height > 1)
        draw_wrapped(grid, (struct rect){row.x, row.y + 1, row.width, grid->height - 1}, STYLE_WARN,
                     snapshot->warning);
    else if (snapshot->warning[0] != '\0')
        x += grid_text(grid, x, row.y, row.x + row.width - x, STYLE_WARN, snapshot->warning) + 2;
    if (isfinite(snapshot->test_accuracy)) {
        snprintf(text, sizeof(text), "test %.2f%%", 100 * snapshot->test_accuracy);
        x = line_part(grid, row, x, STYLE_GOOD, text);
    }
    snprintf(text, sizeof(text), "epoch %.1f/%" PRId64, floor(10 * epochs_done(snapshot)) / 10,
             snapshot->epochs);
    x = line_part(grid, row, x, STYLE_PLAIN, text);
    if (snapshot->last.step >= 0) {
        snprintf(text, sizeof(text), "val %.2f%%", 100 * snapshot->last.validation_accuracy);
        x = line_part(grid, row, x, STYLE_VALIDATION, text);
    }
    if (isfinite(snapshot->loss)) {
        snprintf(text, sizeof(text), "loss %.4f", snapshot->loss);
        x = line_part(grid, row, x, STYLE_TRAIN, text);
    }
    snprintf(text, sizeof(text), "rate %.4g", snapshot->learning_rate);
    line_part(grid, row, x, STYLE_PLAIN, text);
}
