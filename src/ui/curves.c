/* The two charts, from the history's arrays. */
#include "axis.h"
#include "chart.h"
#include "draw.h"
#include "earlier.h"
#include "screens.h"
#include "smooth.h"
#include "tails.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

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

/* A chart of the screen: what both have in common, and of what. */
struct view_of {
    const struct history *history;
    enum window_unit unit;
    double smoothing; /* steps; 0: none */
    struct chart chart;
};

/* What is drawn of a history, and where. */
struct source {
    const struct history *history;
    enum window_unit unit;
    enum measure measure;
    double over;            /* steps to smooth over; 0: none */
    struct smooth *smooths; /* of each point that was drawn; NULL: none */
};

/* Point i of the history, in the order of time. */
static struct chart_point point_at(const struct source *source, size_t i)
{
    const struct history *history = source->history;
    if (source->measure == TRAIN_LOSS) {
        const struct loss_bucket *bucket = &history->buckets[i];
        return (struct chart_point){axis_of_bucket(history, source->unit, i), bucket->mean,
                                    bucket->minimum, bucket->maximum};
    }
    const struct evaluation *row = &history->evaluations[i];
    double value = source->measure == VALIDATION_LOSS  ? row->validation_loss
                   : source->measure == TRAIN_ACCURACY ? row->train_accuracy
                                                       : row->validation_accuracy;
    return (struct chart_point){axis_of_evaluation(source->unit, row), value, value, value};
}

static double weight_at(const struct source *source, size_t i)
{
    const struct loss_bucket *bucket = &source->history->buckets[i];
    return source->measure == TRAIN_LOSS ? (double)(bucket->last - bucket->first + 1) : 1;
}

static bool abandoned_at(const struct source *source, size_t i)
{
    return source->measure == TRAIN_LOSS ? source->history->buckets[i].abandoned
                                         : source->history->evaluations[i].abandoned;
}

/* What is live of one measure, and the ghosts of what is not. */
struct curve {
    struct chart_series live[2], *ghosts; /* live: losses of images as they are and augmented */
    size_t live_count, ghost_count;
    struct chart_point *points; /* of all, with their weights */
    double *weights;
    size_t used;
};

static void add_point(struct curve *curve, struct chart_point point, double weight)
{
    curve->points[curve->used] = point;
    curve->weights[curve->used++] = weight;
}

/* Point i as it is drawn: smoothed where that is wanted, its band as it is. */
static struct chart_point drawn_at(const struct source *source, size_t i)
{
    struct chart_point point = point_at(source, i);
    if (source->smooths != NULL && !isnan(point.mean))
        point.mean = smooth_value(&source->smooths[i]);
    return point;
}

/* Of augmented images it is another loss, so smoothing begins anew. */
static void smooth_point(const struct source *source, size_t before, size_t i)
{
    const struct loss_bucket *buckets = source->history->buckets;
    struct smooth *smooth = &source->smooths[i];
    if (before != SIZE_MAX && buckets[before].augmented == buckets[i].augmented)
        *smooth = source->smooths[before];
    smooth_add(smooth, buckets[i].mean, weight_at(source, i), source->over);
}

/* The live way, then the tails, which grow out of what was before them. */
static void smooth_all(const struct source *source, size_t all, const struct tails *tails)
{
    size_t before = SIZE_MAX;
    for (size_t i = 0; i < all; i++) {
        if (abandoned_at(source, i))
            continue;
        smooth_point(source, before, i);
        before = i;
    }
    for (size_t t = 0; t < tails->count; t++) {
        const struct tail *tail = &tails->list[t];
        before = tail->joint;
        for (size_t i = tail->first; i < tail->first + tail->count; before = i++)
            smooth_point(source, before, i);
    }
}

/* Where a tail begins: on the live line where there is one, and else at the point before. */
static struct chart_point root_of(const struct source *source, const struct tail *tail)
{
    const struct history *history = source->history;
    struct chart_point root = drawn_at(source, tail->joint);
    if (source->measure == TRAIN_LOSS || source->unit == WINDOW_SECONDS ||
        abandoned_at(source, tail->joint))
        return root;
    size_t next = tail->joint + 1;
    while (next < history->evaluation_count &&
           (history->evaluations[next].abandoned || history->evaluations[next].step <= tail->step))
        next++;
    if (next == history->evaluation_count || (double)tail->step <= root.x)
        return root;
    struct chart_point after = point_at(source, next);
    double x = (double)tail->step;
    double value = root.mean + (after.mean - root.mean) * (x - root.x) / (after.x - root.x);
    return (struct chart_point){x, value, value, value};
}

/* A tail and the point that it grew out of, which in seconds may be long ago. */
static void add_ghost(struct curve *curve, const struct source *source, const struct tail *tail)
{
    const struct chart_series *live = &curve->live[0];
    size_t first = curve->used;
    if (tail->joint != SIZE_MAX &&
        (source->unit != WINDOW_SECONDS || tail->joint + 1 == tail->first))
        add_point(curve, root_of(source, tail), 1);
    for (size_t i = tail->first; i < tail->first + tail->count; i++)
        add_point(curve, drawn_at(source, i), weight_at(source, i));
    curve->ghosts[curve->ghost_count++] = (struct chart_series){
        .style = STYLE_GHOST,
        .band = STYLE_GHOST,
        .dotted = live->dotted,
        .lines = live->lines,
        .ghost = true,
        .points = &curve->points[first],
        .weights = &curve->weights[first],
        .count = curve->used - first,
    };
}

/* The points that are not abandoned, of losses those of augmented images or those of
 * the others. There are gaps where
 * the run was elsewhere, in seconds also where it was on its way to what it abandoned. Where that
 * changed the line goes on from the other one's end. */
static void add_live(struct curve *curve, const struct source *source, size_t all, bool augmented)
{
    const bool losses = source->measure == TRAIN_LOSS;
    struct chart_series *live = &curve->live[curve->live_count];
    size_t first = curve->used, other = SIZE_MAX;
    bool apart = false;
    for (size_t i = 0; i < all; i++) {
        if (abandoned_at(source, i)) {
            apart = apart || source->unit == WINDOW_SECONDS;
            if (source->unit == WINDOW_SECONDS)
                other = SIZE_MAX;
            continue;
        }
        if (losses && source->history->buckets[i].augmented != augmented) {
            apart = true;
            other = i;
            continue;
        }
        struct chart_point point = drawn_at(source, i);
        if (apart && curve->used > first)
            add_point(curve, (struct chart_point){point.x, NAN, NAN, NAN}, 1);
        if (other != SIZE_MAX) {
            struct chart_point end = drawn_at(source, other);
            end.minimum = end.maximum = end.mean;
            add_point(curve, end, 1e-9);
        }
        apart = false;
        other = SIZE_MAX;
        add_point(curve, point, weight_at(source, i));
    }
    live->points = &curve->points[first];
    live->weights = &curve->weights[first];
    live->count = curve->used - first;
    live->past = apart;
    if (live->count > 0 || !augmented)
        curve->live_count++;
}

static struct chart_series live_series(enum measure measure, bool augmented, const char *name)
{
    const bool train = measure == TRAIN_LOSS || measure == TRAIN_ACCURACY;
    const enum style style = augmented ? STYLE_AUGMENTED : train ? STYLE_TRAIN : STYLE_VALIDATION;
    return (struct chart_series){
        .name = name,
        .style = style,
        .band = measure == TRAIN_LOSS ? STYLE_TRAIN_BAND : style,
        .dashed = augmented,
        .dotted = !train,
        .lines = measure != TRAIN_LOSS,
    };
}

/* Whether noise is all that was done to the augmented images of the live curve. */
static bool only_noise(const struct history *history)
{
    for (size_t i = 0; i < history->bucket_count; i++) {
        const struct loss_bucket *bucket = &history->buckets[i];
        if (!bucket->abandoned && bucket->augmented && !bucket->noise)
            return false;
    }
    return true;
}

static void curve_create(struct curve *curve, const struct view_of *of, enum measure measure,
                         const char *name)
{
    const struct history *history = of->history;
    const bool losses = measure == TRAIN_LOSS;
    struct source source = {.history = history, .unit = of->unit, .measure = measure};
    size_t all = losses ? history->bucket_count : history->evaluation_count;
    struct tails tails;
    if (losses)
        tails_of_losses(history, &tails);
    else
        tails_of_evaluations(history, &tails);
    if (losses && of->smoothing > 0) {
        source.over = of->smoothing;
        source.smooths = mem_alloc(all * sizeof(*source.smooths));
        smooth_all(&source, all, &tails);
    }
    size_t most = 5 * all + tails.count; /* a gap and the other's end before every point */
    *curve = (struct curve){
        .live = {live_series(measure, false, name)},
        .ghosts = mem_alloc(tails.count * sizeof(*curve->ghosts)),
        .points = mem_alloc(most * sizeof(*curve->points)),
        .weights = mem_alloc(most * sizeof(*curve->weights)),
    };
    add_live(curve, &source, all, false);
    if (losses) {
        const bool noise = only_noise(history);
        curve->live[1] = live_series(measure, true, noise ? "train with noise" : "train augmented");
        curve->live[1].brief = noise ? "with noise" : "augmented";
        add_live(curve, &source, all, true);
        if (curve->live_count == 2 && curve->live[0].count == 0) /* from the beginning */
            curve->live[0] = curve->live[--curve->live_count];
    }
    for (size_t i = 0; i < tails.count; i++)
        add_ghost(curve, &source, &tails.list[i]);
    tails_fini(&tails);
    mem_free(source.smooths);
}

static void curve_fini(struct curve *curve)
{
    mem_free(curve->ghosts);
    mem_free(curve->points);
    mem_free(curve->weights);
}

/* The validation of the earlier run that is compared with, drawn below all others. */
static struct chart_series earlier_series(const struct earlier_run *earlier, enum window_unit unit,
                                          bool losses, const char *name, struct chart_point *points)
{
    for (size_t i = 0; i < earlier->evaluation_count; i++) {
        const struct evaluation *row = &earlier->evaluations[i];
        double value = losses ? row->validation_loss : row->validation_accuracy;
        points[i] = (struct chart_point){axis_of_evaluation(unit, row), value, value, value};
    }
    return (struct chart_series){
        .name = name,
        .brief = "earlier",
        .style = STYLE_EARLIER,
        .band = STYLE_EARLIER,
        .lines = true,
        .ghost = true,
        .points = points,
        .count = earlier->evaluation_count,
    };
}

/* Draws a measure of training and one of validation; the plot. */
static struct rect draw_pair(struct grid *grid, struct rect where, const struct view_of *of,
                             const enum measure measures[2], const char *name)
{
    struct curve curves[2];
    struct chart_series series[3];
    struct chart chart = of->chart;
    curve_create(&curves[0], of, measures[0], name);
    curve_create(&curves[1], of, measures[1], "validation");
    const struct earlier_run *earlier = &of->history->earlier;
    struct chart_point *points = mem_alloc(earlier->evaluation_count * sizeof(*points));
    char earlier_text[160];
    struct chart_series *ghosts =
        mem_alloc((1 + curves[0].ghost_count + curves[1].ghost_count) * sizeof(*ghosts));
    if (earlier->evaluation_count > 0) {
        earlier_name(of->history, earlier_text, sizeof(earlier_text));
        ghosts[chart.ghost_count++] =
            earlier_series(earlier, of->unit, !chart.percent, earlier_text, points);
    }
    for (size_t c = 0; c < 2; c++) {
        for (size_t i = 0; i < curves[c].live_count; i++)
            series[chart.series_count++] = curves[c].live[i];
        for (size_t i = 0; i < curves[c].ghost_count; i++)
            ghosts[chart.ghost_count++] = curves[c].ghosts[i];
    }
    chart.series = series;
    chart.ghosts = ghosts;
    const struct rect plot = chart_draw(grid, where, &chart);
    mem_free(points);
    mem_free(ghosts);
    curve_fini(&curves[0]);
    curve_fini(&curves[1]);
    return plot;
}

/* Marks by x, those at the same in the order of time. What was before a logarithmic axis begins is
 * at its beginning. */
static struct chart_mark *marks_create(const struct history *history, const struct charts *charts,
                                       const struct range *range)
{
    const struct window *window = &charts->window;
    struct chart_mark *marks = mem_alloc(history->edit_count * sizeof(*marks));
    for (size_t i = 0; i < history->edit_count; i++) {
        const struct edit_mark *edit = &history->edits[i];
        struct chart_mark mark = {
            .x = axis_of_edit(window->unit, edit),
            .label = draw_brief_label(edit->label),
            .style = edit->abandoned ? STYLE_GHOST : STYLE_EDIT,
            .kind = edit->returned ? MARK_RETURN
                    : edit->note   ? MARK_NOTE
                                   : MARK_CHANGE,
        };
        if (window->log && !window->part)
            mark.x = fmax(mark.x, range->first);
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

/* Of the last step of the live curve; NULL: there is none. */
static const struct loss_bucket *drawn_last(const struct history *history)
{
    for (size_t i = history->bucket_count; i-- > 0;)
        if (!history->buckets[i].abandoned)
            return &history->buckets[i];
    return NULL;
}

/* What the accuracy of training is measured on. */
static const char *train_name(const struct history *history)
{
    if (history->snapshot.settings.train.evaluate != EVALUATE_RUNNING)
        return "train";
    const struct loss_bucket *last = drawn_last(history);
    if (last == NULL || !last->augmented)
        return "train (running)";
    return last->noise ? "train with noise (running)" : "train augmented (running)";
}

static struct rect draw_loss(struct grid *grid, struct rect where, const struct view_of *of)
{
    const struct history *history = of->history;
    if (history->bucket_count == 0) {
        wait_text(grid, where, "loss",
                  run_state_ended(history->snapshot.state) ? "no step was trained"
                                                           : "waiting for the first step");
        return (struct rect){0};
    }
    const struct evaluation *best = best_by_loss(history);
    struct view_of loss = *of;
    loss.chart.title = "loss";
    loss.chart.value_format = "%.4f";
    struct chart_point at = {0};
    if (best != NULL) {
        at = (struct chart_point){.x = axis_of_evaluation(of->unit, best),
                                  .mean = best->validation_loss};
        loss.chart.best = &at;
    }
    char name[32] = "train";
    if (of->smoothing > 0)
        snprintf(name, sizeof(name), "train (%g)", of->smoothing);
    return draw_pair(grid, where, &loss, (const enum measure[]){TRAIN_LOSS, VALIDATION_LOSS}, name);
}

static struct rect draw_accuracy(struct grid *grid, struct rect where, const struct view_of *of)
{
    const struct history *history = of->history;
    const struct snapshot *snapshot = &history->snapshot;
    const struct evaluation *last = history_last_evaluation(history);
    if (history->evaluation_count == 0 || (where.height == 1 && last == NULL)) {
        char text[160] = "not evaluated";
        if (!run_state_ended(snapshot->state))
            snprintf(text, sizeof(text),
                     "first evaluation at the end of epoch 1, step %" PRId64 "; v evaluates now",
                     snapshot->steps_per_epoch);
        wait_text(grid, where, "accuracy", text);
        return (struct rect){0};
    }
    if (where.height == 1) {
        accuracy_row(grid, where, train_name(history), last);
        return (struct rect){0};
    }
    const struct evaluation *best = history_best_evaluation(history);
    struct view_of accuracy = *of;
    accuracy.chart.title = "accuracy";
    accuracy.chart.value_format = "%.2f%%";
    accuracy.chart.percent = true;
    accuracy.chart.log_y = false;
    struct chart_point at = {.x = axis_of_evaluation(of->unit, best),
                             .mean = best->validation_accuracy};
    accuracy.chart.best = &at;
    return draw_pair(grid, where, &accuracy,
                     (const enum measure[]){TRAIN_ACCURACY, VALIDATION_ACCURACY},
                     train_name(history));
}

void curves_draw(struct grid *grid, struct state *state, const struct history *history,
                 const struct layout *layout)
{
    static const double steps[] = {[SMOOTHING_OFF] = 0,
                                   [SMOOTHING_10] = 10,
                                   [SMOOTHING_100] = 100,
                                   [SMOOTHING_1000] = 1000,
                                   [SMOOTHING_10000] = 10000};
    static const char *const units[WINDOW_UNITS] = {"epoch", "step", "s"};
    struct charts *charts = &state->charts;
    const enum window_unit unit = charts->window.unit;
    const int64_t per_epoch = history->snapshot.steps_per_epoch;
    const struct range range = charts_range(charts, history);
    struct chart_mark *marks = marks_create(history, charts, &range);
    const struct view_of of = {
        .history = history,
        .unit = unit,
        .smoothing = steps[state->chosen.view.smoothing],
        .chart =
            {
                .log_y = state->log_y,
                .x_first = range.first,
                .x_last = range.last,
                .log_x = charts->window.log,
                .cursor = charts->cursor ? &charts->x : NULL,
                .x_scale = unit == WINDOW_EPOCHS && per_epoch > 0 ? (double)per_epoch : 1,
                .x_label = units[unit],
                .x_after = unit == WINDOW_SECONDS,
                .marks = marks,
                .mark_count = history->edit_count,
                .glyphs = state->glyphs,
            },
    };
    charts->plots[0] = draw_loss(grid, inset(layout->loss), &of);
    charts->plots[1] = draw_accuracy(grid, inset(layout->accuracy), &of);
    mem_free(marks);
}
