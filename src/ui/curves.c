/* The two charts, from the history's arrays. */
#include "chart.h"
#include "draw.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The x axis ends at a round number of epochs a little ahead of the run, so that curves fill it
 * and yet stand still for a while. */
static double span(const struct snapshot *snapshot)
{
    static const double round[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
    double steps = (double)snapshot->step, total = (double)snapshot->total_steps;
    double per_epoch = (double)snapshot->steps_per_epoch;
    if (run_state_ended(snapshot->state) || per_epoch <= 0)
        return fmax(steps, 1);
    double epochs = fmax(steps / per_epoch * 1.02, 0.01);
    double ten = pow(10, floor(log10(epochs)));
    double end = total;
    for (size_t i = 0; i < sizeof(round) / sizeof(*round); i++) {
        double there = round[i] * ten;
        if (there >= 2)
            there = ceil(there);
        if (there >= epochs) {
            end = there * per_epoch;
            break;
        }
    }
    return fmin(end, fmax(total, steps));
}

/* Of the accuracy where there is but one row. */
static void accuracy_row(struct grid *grid, struct rect row, const char *train,
                         const struct evaluation *last)
{
    int x = row.x, right = row.x + row.width;
    x += grid_text(grid, x, row.y, right - x, STYLE_TITLE, "accuracy  ");
    x += grid_print(grid, x, row.y, right - x, STYLE_TRAIN, "%s %.2f%%  ", train,
                    100 * last->train_accuracy);
    grid_print(grid, x, row.y, right - x, STYLE_VALIDATION, "val %.2f%%",
               100 * last->validation_accuracy);
}

static void wait_text(struct grid *grid, struct rect where, const char *title, const char *text)
{
    if (where.height <= 0)
        return;
    grid_text(grid, where.x, where.y, where.width, STYLE_TITLE, title);
    if (where.height >= 2)
        draw_centered(grid,
                      (struct rect){where.x + 2, where.y + 1, where.width - 4, where.height - 1},
                      STYLE_DIM, text);
    else
        grid_text(grid, where.x + 2 + (int)strlen(title), where.y,
                  where.width - 2 - (int)strlen(title), STYLE_DIM, text);
}

struct curves {
    struct chart_point *train_loss, *validation_loss, *train_accuracy, *validation_accuracy;
    struct chart_mark *marks;
};

static struct chart_point point(double x, double value)
{
    return (struct chart_point){x, value, value, value};
}

static struct curves curves_create(const struct history *history)
{
    size_t rows = history->evaluation_count;
    struct curves curves = {
        .train_loss = mem_alloc(history->bucket_count * sizeof(struct chart_point)),
        .validation_loss = mem_alloc(rows * sizeof(struct chart_point)),
        .train_accuracy = mem_alloc(rows * sizeof(struct chart_point)),
        .validation_accuracy = mem_alloc(rows * sizeof(struct chart_point)),
        .marks = mem_alloc(history->edit_count * sizeof(struct chart_mark)),
    };
    for (size_t i = 0; i < history->bucket_count; i++) {
        const struct loss_bucket *bucket = &history->buckets[i];
        double middle = (double)(bucket->first + bucket->last + 1) / 2;
        curves.train_loss[i] =
            (struct chart_point){middle, bucket->mean, bucket->minimum, bucket->maximum};
    }
    for (size_t i = 0; i < rows; i++) {
        const struct evaluation *row = &history->evaluations[i];
        double x = (double)row->step;
        curves.validation_loss[i] = point(x, row->validation_loss);
        curves.train_accuracy[i] = point(x, row->train_accuracy);
        curves.validation_accuracy[i] = point(x, row->validation_accuracy);
    }
    for (size_t i = 0; i < history->edit_count; i++) {
        const char *label = history->edits[i].label;
        if (strncmp(label, "learning ", 9) == 0)
            label += 9;
        curves.marks[i] = (struct chart_mark){(double)history->edits[i].step, label, STYLE_EDIT};
    }
    return curves;
}

static void curves_destroy(struct curves *curves)
{
    mem_free(curves->train_loss);
    mem_free(curves->validation_loss);
    mem_free(curves->train_accuracy);
    mem_free(curves->validation_accuracy);
    mem_free(curves->marks);
}

/* A column free at both sides, where there is room. */
static struct rect inset(struct rect where)
{
    if (where.width >= 60) {
        where.x++;
        where.width -= 2;
    }
    return where;
}

/* Whether noise was on in the last step that is drawn: the setting as it is now, without what was
 * changed after that step. */
static bool drawn_with_noise(const struct history *history)
{
    bool noise = history->snapshot.settings.augment.noise;
    int64_t last = history->bucket_count ? history->buckets[history->bucket_count - 1].last : -1;
    for (size_t i = history->edit_count; i-- > 0 && history->edits[i].step > last;) {
        const char *label = history->edits[i].label;
        if (strstr(label, "noise off → on") != NULL)
            noise = false;
        else if (strstr(label, "noise on → off") != NULL)
            noise = true;
    }
    return noise;
}

/* What the accuracy of training is measured on. */
static const char *train_name(const struct history *history)
{
    if (history->snapshot.settings.train.evaluate != EVALUATE_RUNNING)
        return "train";
    return drawn_with_noise(history) ? "train with noise (running)" : "train (running)";
}

void curves_draw(struct grid *grid, const struct state *state, const struct history *history,
                 const struct layout *layout)
{
    const struct snapshot *snapshot = &history->snapshot;
    struct rect loss = inset(layout->loss), accuracy = inset(layout->accuracy);
    size_t rows = history->evaluation_count;
    struct curves curves = curves_create(history);
    struct chart chart = {
        .title = "loss",
        .value_format = "%.4f",
        .log_y = state->log_y,
        .x_last = span(snapshot),
        .x_scale = snapshot->steps_per_epoch > 0 ? (double)snapshot->steps_per_epoch : 1,
        .x_label = "epoch",
        .series_count = 2,
        .marks = curves.marks,
        .mark_count = history->edit_count,
        .glyphs = state->glyphs,
    };
    if (history->bucket_count > 0) {
        chart.series = (const struct chart_series[]){
            {
                .name = drawn_with_noise(history) ? "train with noise" : "train",
                .style = STYLE_TRAIN,
                .band = STYLE_TRAIN_BAND,
                .points = curves.train_loss,
                .count = history->bucket_count,
            },
            {
                .name = "validation",
                .style = STYLE_VALIDATION,
                .band = STYLE_VALIDATION,
                .dotted = true,
                .lines = true,
                .points = curves.validation_loss,
                .count = rows,
            },
        };
        chart_draw(grid, loss, &chart);
    } else {
        wait_text(grid, loss, "loss",
                  run_state_ended(snapshot->state) ? "no step was trained"
                                                   : "waiting for the first step");
    }
    if (rows > 0 && accuracy.height == 1) {
        accuracy_row(grid, accuracy, train_name(history), &history->evaluations[rows - 1]);
    } else if (rows > 0) {
        chart.title = "accuracy";
        chart.value_format = "%.2f%%";
        chart.percent = chart.higher_is_better = true;
        chart.log_y = false;
        chart.series = (const struct chart_series[]){
            {
                .name = train_name(history),
                .style = STYLE_TRAIN,
                .band = STYLE_TRAIN,
                .lines = true,
                .points = curves.train_accuracy,
                .count = rows,
            },
            {
                .name = "validation",
                .style = STYLE_VALIDATION,
                .band = STYLE_VALIDATION,
                .dotted = true,
                .lines = true,
                .points = curves.validation_accuracy,
                .count = rows,
            },
        };
        chart_draw(grid, accuracy, &chart);
    } else {
        char text[160] = "not evaluated";
        if (!run_state_ended(snapshot->state))
            snprintf(text, sizeof(text),
                     "first evaluation at the end of epoch 1, step %" PRId64 "; v evaluates now",
                     snapshot->steps_per_epoch);
        wait_text(grid, accuracy, "accuracy", text);
    }
    curves_destroy(&curves);
}
