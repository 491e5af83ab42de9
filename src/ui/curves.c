/* The two charts, from the history's arrays. */
#include "chart.h"
#include "draw.h"
#include "earlier.h"
#include "screens.h"
#include "tails.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The x axis ends at a round number of epochs a little ahead of the run and of what it abandoned,
 * so that curves fill it and yet stand still for a while. */
static double span(const struct history *history)
{
    static const double round[] = {1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10};
    const struct snapshot *snapshot = &history->snapshot;
    int64_t last = snapshot->step;
    for (size_t i = 0; i < history->bucket_count; i++)
        if (history->buckets[i].last >= last)
            last = history->buckets[i].last + 1;
    double steps = (double)last, total = (double)snapshot->total_steps;
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

enum measure { TRAIN_LOSS, VALIDATION_LOSS, TRAIN_ACCURACY, VALIDATION_ACCURACY };

static struct chart_point loss_point(const struct loss_bucket *bucket)
{
    double middle = (double)(bucket->first + bucket->last + 1) / 2;
    return (struct chart_point){middle, bucket->mean, bucket->minimum, bucket->maximum};
}

/* Point i of the history, in the order of time. */
static struct chart_point point_at(const struct history *history, enum measure measure, size_t i)
{
    if (measure == TRAIN_LOSS)
        return loss_point(&history->buckets[i]);
    const struct evaluation *row = &history->evaluations[i];
    double value = measure == VALIDATION_LOSS  ? row->validation_loss
                   : measure == TRAIN_ACCURACY ? row->train_accuracy
                                               : row->validation_accuracy;
    return (struct chart_point){(double)row->step, value, value, value};
}

/* What is live of one measure, and the ghosts of what is not. */
struct curve {
    struct chart_series live, *ghosts;
    size_t ghost_count;
    struct chart_point *points; /* of both */
};

/* Where a tail begins: on the live line where there is one, and else at the point before. */
static struct chart_point root_of(const struct history *history, enum measure measure,
                                  const struct tail *tail)
{
    struct chart_point root = point_at(history, measure, tail->joint);
    if (measure == TRAIN_LOSS || history->evaluations[tail->joint].abandoned)
        return root;
    size_t next = tail->joint + 1;
    while (next < history->evaluation_count &&
           (history->evaluations[next].abandoned || history->evaluations[next].step <= tail->step))
        next++;
    if (next == history->evaluation_count || (double)tail->step <= root.x)
        return root;
    struct chart_point after = point_at(history, measure, next);
    double x = (double)tail->step;
    double value = root.mean + (after.mean - root.mean) * (x - root.x) / (after.x - root.x);
    return (struct chart_point){x, value, value, value};
}

/* A tail and the point that it grew out of. */
static struct chart_series ghost_of(const struct history *history, enum measure measure,
                                    const struct chart_series *live, const struct tail *tail,
                                    struct chart_point *points)
{
    size_t count = 0;
    if (tail->joint != SIZE_MAX)
        points[count++] = root_of(history, measure, tail);
    for (size_t i = 0; i < tail->count; i++)
        points[count++] = point_at(history, measure, tail->first + i);
    return (struct chart_series){
        .style = STYLE_GHOST,
        .band = STYLE_GHOST,
        .dotted = live->dotted,
        .lines = live->lines,
        .ghost = true,
        .points = points,
        .count = count,
    };
}

static struct curve curve_create(const struct history *history, enum measure measure,
                                 const char *name)
{
    bool losses = measure == TRAIN_LOSS;
    bool train = measure == TRAIN_LOSS || measure == TRAIN_ACCURACY;
    size_t all = losses ? history->bucket_count : history->evaluation_count;
    struct tails tails;
    if (losses)
        tails_of_losses(history, &tails);
    else
        tails_of_evaluations(history, &tails);
    struct curve curve = {
        .live =
            {
                .name = name,
                .style = train ? STYLE_TRAIN : STYLE_VALIDATION,
                .band = losses  ? STYLE_TRAIN_BAND
                        : train ? STYLE_TRAIN
                                : STYLE_VALIDATION,
                .dotted = !train,
                .lines = !losses,
            },
        .ghosts = mem_alloc(tails.count * sizeof(*curve.ghosts)),
        .points = mem_alloc((all + tails.count) * sizeof(*curve.points)),
    };
    size_t used = 0;
    for (size_t i = 0; i < all; i++)
        if (losses ? !history->buckets[i].abandoned : !history->evaluations[i].abandoned)
            curve.points[used++] = point_at(history, measure, i);
    curve.live.points = curve.points;
    curve.live.count = used;
    for (size_t i = 0; i < tails.count; i++) {
        struct chart_series *ghost = &curve.ghosts[curve.ghost_count++];
        *ghost = ghost_of(history, measure, &curve.live, &tails.list[i], &curve.points[used]);
        used += ghost->count;
    }
    tails_fini(&tails);
    return curve;
}

static void curve_fini(struct curve *curve)
{
    mem_free(curve->ghosts);
    mem_free(curve->points);
}

/* The validation of the earlier run that is compared with, drawn below all others. */
static struct chart_series earlier_series(const struct earlier_run *earlier, bool losses,
                                          const char *name, struct chart_point *points)
{
    for (size_t i = 0; i < earlier->evaluation_count; i++) {
        const struct evaluation *row = &earlier->evaluations[i];
        double value = losses ? row->validation_loss : row->validation_accuracy;
        points[i] = (struct chart_point){(double)row->step, value, value, value};
    }
    return (struct chart_series){
        .name = name,
        .style = STYLE_GHOST,
        .band = STYLE_GHOST,
        .lines = true,
        .ghost = true,
        .points = points,
        .count = earlier->evaluation_count,
    };
}

/* Draws a curve of training and one of validation. */
static void draw_pair(struct grid *grid, struct rect where, struct chart chart,
                      const struct history *history, struct curve curves[2])
{
    const struct earlier_run *earlier = &history->earlier;
    struct chart_point *points = mem_alloc(earlier->evaluation_count * sizeof(*points));
    char name[160];
    size_t count = 0;
    struct chart_series *ghosts =
        mem_alloc((1 + curves[0].ghost_count + curves[1].ghost_count) * sizeof(*ghosts));
    if (earlier->evaluation_count > 0) {
        earlier_name(history, name, sizeof(name));
        ghosts[count++] = earlier_series(earlier, !chart.percent, name, points);
    }
    for (size_t c = 0; c < 2; c++)
        for (size_t i = 0; i < curves[c].ghost_count; i++)
            ghosts[count++] = curves[c].ghosts[i];
    chart.series = (const struct chart_series[]){curves[0].live, curves[1].live};
    chart.series_count = 2;
    chart.ghosts = ghosts;
    chart.ghost_count = count;
    chart_draw(grid, where, &chart);
    mem_free(points);
    mem_free(ghosts);
    curve_fini(&curves[0]);
    curve_fini(&curves[1]);
}

/* Marks by step, those of the same step in the order of time. */
static struct chart_mark *marks_create(const struct history *history)
{
    struct chart_mark *marks = mem_alloc(history->edit_count * sizeof(*marks));
    for (size_t i = 0; i < history->edit_count; i++) {
        const struct edit_mark *edit = &history->edits[i];
        struct chart_mark mark = {
            .x = (double)edit->step,
            .label = draw_brief_label(edit->label),
            .style = edit->abandoned ? STYLE_GHOST : STYLE_EDIT,
            .kind = edit->returned ? MARK_RETURN : MARK_CHANGE,
        };
        size_t at = i;
        for (; at > 0 && marks[at - 1].x > mark.x; at--)
            marks[at] = marks[at - 1];
        marks[at] = mark;
    }
    return marks;
}

/* The row with the lowest validation loss of the whole run, NULL: none. */
static const struct evaluation *best_by_loss(const struct history *history)
{
    const struct evaluation *best = NULL;
    for (size_t i = 0; i < history->evaluation_count; i++) {
        const struct evaluation *row = &history->evaluations[i];
        if (isfinite(row->validation_loss) &&
            (best == NULL || row->validation_loss < best->validation_loss))
            best = row;
    }
    return best;
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

/* Whether noise was on in the last step of the live curve. */
static bool drawn_with_noise(const struct history *history)
{
    for (size_t i = history->bucket_count; i-- > 0;)
        if (!history->buckets[i].abandoned)
            return history->buckets[i].noise;
    return false;
}

/* What the accuracy of training is measured on. */
static const char *train_name(const struct history *history)
{
    if (history->snapshot.settings.train.evaluate != EVALUATE_RUNNING)
        return "train";
    return drawn_with_noise(history) ? "train with noise (running)" : "train (running)";
}

static void draw_loss(struct grid *grid, struct rect where, struct chart chart,
                      const struct history *history)
{
    if (history->bucket_count == 0) {
        wait_text(grid, where, "loss",
                  run_state_ended(history->snapshot.state) ? "no step was trained"
                                                           : "waiting for the first step");
        return;
    }
    const struct evaluation *best = best_by_loss(history);
    chart.title = "loss";
    chart.value_format = "%.4f";
    struct chart_point at = {0};
    if (best != NULL) {
        at = (struct chart_point){.x = (double)best->step, .mean = best->validation_loss};
        chart.best = &at;
    }
    const char *name = drawn_with_noise(history) ? "train with noise" : "train";
    draw_pair(grid, where, chart, history,
              (struct curve[]){curve_create(history, TRAIN_LOSS, name),
                               curve_create(history, VALIDATION_LOSS, "validation")});
}

static void draw_accuracy(struct grid *grid, struct rect where, struct chart chart,
                          const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    const struct evaluation *last = history_last_evaluation(history);
    if (history->evaluation_count == 0 || (where.height == 1 && last == NULL)) {
        char text[160] = "not evaluated";
        if (!run_state_ended(snapshot->state))
            snprintf(text, sizeof(text),
                     "first evaluation at the end of epoch 1, step %" PRId64 "; v evaluates now",
                     snapshot->steps_per_epoch);
        wait_text(grid, where, "accuracy", text);
        return;
    }
    if (where.height == 1) {
        accuracy_row(grid, where, train_name(history), last);
        return;
    }
    const struct evaluation *best = history_best_evaluation(history);
    chart.title = "accuracy";
    chart.value_format = "%.2f%%";
    chart.percent = true;
    chart.log_y = false;
    struct chart_point at = {.x = (double)best->step, .mean = best->validation_accuracy};
    chart.best = &at;
    draw_pair(grid, where, chart, history,
              (struct curve[]){curve_create(history, TRAIN_ACCURACY, train_name(history)),
                               curve_create(history, VALIDATION_ACCURACY, "validation")});
}

void curves_draw(struct grid *grid, const struct state *state, const struct history *history,
                 const struct layout *layout)
{
    int64_t per_epoch = history->snapshot.steps_per_epoch;
    struct chart_mark *marks = marks_create(history);
    struct chart chart = {
        .log_y = state->log_y,
        .x_last = span(history),
        .x_scale = per_epoch > 0 ? (double)per_epoch : 1,
        .x_label = "epoch",
        .marks = marks,
        .mark_count = history->edit_count,
        .glyphs = state->glyphs,
    };
    draw_loss(grid, inset(layout->loss), chart, history);
    draw_accuracy(grid, inset(layout->accuracy), chart, history);
    mem_free(marks);
}
