/*
 * The learning-rate range test: from the present state, but with the optimizer
 * at rest, some steps on the coming mini-batches, each with a rate that is larger by the same
 * factor, and how the loss took it. Only the net moves meanwhile, and it is put back from a copy,
 * so the run goes on bit for bit as if there had been no test. The position, the rate in force,
 * what accumulates over steps, the files and the clock of the run's seconds are not touched at all.
 *
 * The smoothed loss is the geometric mean of the points around, weighted with a
 * bell curve: one batch that explodes at the end does not lift what was before
 * it, and no rate is told later than it was, as a running mean would have it.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { POINTS_PER_DECADE = 25, REACH = 12 /* points to each side that smoothing looks at */ };
#define LOWEST 1e-5
#define HIGHEST 10.0
#define HIGHEST_RATE 1000.0 /* of train.learning_rate */
#define SIGMA 4.0           /* points */
/* It ends where the smoothed loss is so many times its minimum, */
#define GIVE_UP 4.0
/* and a loss that is this part above its minimum has risen. */
#define RISEN 0.1

/* To two digits, so that what is shown is what was trained with. */
static double rounded(double rate)
{
    double unit = pow(10, floor(log10(rate)) - 1);
    return round(rate / unit) * unit;
}

/* A test that begins at the present state. */
static void plan(const struct run *run, struct range_test *test)
{
    double rate = run_rate(run), low = LOWEST, high = HIGHEST;
    if (rate > 0) {
        low = fmin(low, rate / 100);
        high = fmin(fmax(high, rate * 100), HIGHEST_RATE);
    }
    double points = ceil(POINTS_PER_DECADE * log10(high / low)) + 1;
    *test = (struct range_test){
        .number = run->range.number + 1,
        .running = true,
        .step = run->step,
        .rate = rate,
        .low = low,
        .high = high,
        .planned = points < RANGE_POINTS ? (size_t)points : RANGE_POINTS,
        .steepest = NAN,
        .lowest = NAN,
    };
}

static void smooth(struct range_test *test)
{
    const int count = (int)test->count;
    double weight[REACH + 1];
    for (int i = 0; i <= REACH; i++)
        weight[i] = exp(-i * i / (2 * SIGMA * SIGMA));
    for (int i = 0; i < count; i++) {
        double sum = 0, weights = 0;
        for (int k = i - REACH < 0 ? 0 : i - REACH; k < count && k <= i + REACH; k++) {
            double share = weight[k < i ? i - k : k - i];
            sum += share * log(fmax(test->points[k].loss, 1e-12));
            weights += share;
        }
        test->points[i].smooth = exp(sum / weights);
    }
}

static size_t find_lowest(const struct range_test *test)
{
    size_t lowest = 0;
    for (size_t i = 1; i < test->count; i++)
        if (test->points[i].smooth < test->points[lowest].smooth)
            lowest = i;
    return lowest;
}

/* Whether the loss falls up to there by more than batches differ. */
static bool falls(const struct range_test *test, size_t lowest)
{
    double squares = 0;
    for (size_t i = 0; i <= lowest; i++) {
        double off = test->points[i].loss - test->points[i].smooth;
        squares += off * off;
    }
    double spread = sqrt(squares / (double)(lowest + 1));
    return test->points[0].smooth - test->points[lowest].smooth > spread;
}

static size_t find_steepest(const struct range_test *test, size_t lowest)
{
    enum { APART = 2 };
    size_t steepest = lowest;
    double most = 0;
    for (size_t i = APART; i + APART <= lowest; i++) {
        double fall = test->points[i - APART].smooth - test->points[i + APART].smooth;
        if (fall > most) {
            most = fall;
            steepest = i;
        }
    }
    return steepest;
}

/* The first point from which on the loss stays above its minimum; count: there is none. */
static size_t find_rise(const struct range_test *test, size_t lowest)
{
    double limit = test->points[lowest].smooth * (1 + RISEN);
    size_t i = test->count;
    while (i > lowest && test->points[i - 1].smooth > limit)
        i--;
    return i;
}

/* Points of interest, and the words for them. */
static void conclude(struct range_test *test, struct text *text)
{
    smooth(test);
    size_t lowest = find_lowest(test), rise = find_rise(test, lowest);
    if (falls(test, lowest)) {
        test->lowest = test->points[lowest].rate;
        test->steepest = test->points[find_steepest(test, lowest)].rate;
        text_print(text, "the loss falls fastest at %.2g, is lowest at %.2g", test->steepest,
                   test->lowest);
    } else {
        text_print(text, "the loss falls at no rate");
    }
    if (rise < test->count)
        text_print(text, ", rises from %.2g on", test->points[rise].rate);
    else
        text_print(text, ", and does not rise up to %.2g", test->points[test->count - 1].rate);
}

/* Whether the loss has risen so far that larger rates tell nothing new. */
static bool has_exploded(struct range_test *test)
{
    smooth(test);
    const struct range_point *points = test->points;
    return points[test->count - 1].smooth > GIVE_UP * points[find_lowest(test)].smooth;
}

static bool makes_way(struct run *run)
{
    return queue_leaving(&run->queue) != QUEUE_EMPTY || queue_urgent(&run->queue);
}

/* Velocities that large rates have left would go on for a while, whatever the rate is now. Adam's
 * moments begin anew. */
static int stand_still(struct run *run, struct err *err)
{
    float *zeros = mem_array(run->copies.layout.numbers, sizeof *zeros, err);
    if (!zeros)
        return -1;
    memset(zeros, 0, run->copies.layout.numbers * sizeof *zeros);
    for (int i = 0; i < run->copies.layout.count; i++)
        if (run->copies.layout.tensors[i].optimizer)
            net_tensor_write(run->net, i, zeros);
    mem_free(zeros);
    return 0;
}

/* The steps; false where it made way. */
static bool train_on(struct run *run, struct range_test *test)
{
    const double factor = pow(test->high / test->low, 1 / (double)(test->planned - 1));
    double product = 1;
    while (test->count < test->planned) {
        const double rate = rounded(test->low * pow(factor, (double)test->count));
        if (makes_way(run))
            return false;
        const int64_t step = run->step + (int64_t)test->count;
        struct net_update update = update_terms(&run->settings, rate, step, product);
        update.updates = (int64_t)test->count;
        const struct gather gather = batches_take(&run->batches, &run->settings, step);
        const struct net_source source = gather_source(&gather);
        const struct net_step_result result = net_train_step(run->net, &source, run->batches.labels,
                                                             run->batch, &update, run->loss_limit);
        if (!result.updated)
            return true;
        product *= update.momentum;
        test->points[test->count++] = (struct range_point){.rate = rate, .loss = result.loss};
        if (has_exploded(test))
            return true;
        run->now.evaluation_progress = (double)test->count / (double)test->planned;
        publication_range(&run->publication, test);
        run_publish(run, false);
    }
    return true;
}

int run_range_test(struct run *run, struct text *text)
{
    struct range_test *test = &run->range;
    struct image before;
    struct err err;
    if (run_image(run, &before, &err) != 0 || stand_still(run, &err) != 0) {
        text_print(text, "the present state cannot be kept: %s", err.text);
        return -1;
    }
    copies_hold(&run->copies, before.copy);
    plan(run, test);
    publication_range(&run->publication, test);
    run_watch_stop(run);
    run_set_state(run, RUN_RANGE_TEST);
    bool whole = train_on(run, test);
    image_restore(&before, &run->copies, run->net);
    copies_release(&run->copies, before.copy);
    test->running = false;
    run->range_stopped = !whole;
    if (!whole)
        text_print(text, "the range test was stopped, the state is as before it");
    else if (test->count)
        conclude(test, text);
    else
        text_print(text, "the loss of the next mini-batch is not one to go on from");
    text_copy(test->text, sizeof test->text, text->bytes);
    publication_range(&run->publication, test);
    run->now.range_tests = test->number;
    run_settle(run);
    return whole ? 0 : 1;
}
