/*
 * The run thread: the loop of steps, evaluation, and the ways to the end, which
 * is in ends.c. It alone touches net, settings, position, journal and the two
 * CSV files.
 *
 *               pause                          every step done, or stop
 *   STARTING ──> RUNNING <──────> PAUSED       RUNNING ──────> TESTING ──> FINISHED
 *                  ^  │  continue,  ^  │           │              │
 *   epoch's end or │  │  step N     │  │ evaluate  │ the loss     │ interrupt, abandon
 *   evaluate       │  v             │  v           v              v
 *                 EVALUATING     EVALUATING     DIVERGED      INTERRUPTED
 *
 *   A bad loss leads to DIVERGED where train.on_divergence says stop, else to
 *   PAUSED or on in RUNNING, at an earlier state each time.
 *   interrupt and abandon lead from everywhere to INTERRUPTED; what cannot go
 *   on (memory, a state that cannot be saved at the end, no result) to FAILED.
 *
 * Invariants:
 * 1. Commands take effect only between two steps, in the order of the queue,
 *    also while paused.
 * 2. An edit or a jump is journalled with its step and synced before it acts. Its
 *    effect is a function of state, step and command alone: time, drawing and other
 *    threads cannot enter.
 * 3. Six locks, those of hold, queue, publication, kept states, copies and writer:
 *    none is held across a step, a write or a callback. Who holds that of the kept
 *    states may release a copy; otherwise no code holds two.
 * 4. The run never waits for a reader, and for the disk only where more checkpoints
 *    are unwritten than memory has room for, at the journal line of an edit, at a
 *    jump to a state that only the disk has, and at the end.
 * 5. Whatever happens ends in a state, with the error in the snapshot.
 * 6. After the end files are closed and the lock file is free before the state
 *    is published; commands that still waited are refused.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#define PUBLISH_SECONDS 0.02
#define SPEED_SECONDS 1.0 /* what samples per second are smoothed over */

/* ---- publication ---- */

double run_rate(const struct run *run)
{
    return run->rate_scale * (net_schedule_rate(&run->schedule, run->step) / run->rate_anchor);
}

/* Mean of the newest losses; NaN before the first, also after a jump. */
static double recent_loss(const struct run *run)
{
    int64_t known = run->step - run->losses_from;
    int64_t count = known < run->metrics.stride ? known : run->metrics.stride;
    double sum = 0;
    for (int64_t i = 1; i <= count; i++)
        sum += run->losses[(run->step - i) % run->metrics.stride];
    return sum / (double)count;
}

static double seconds_left(const struct run *run)
{
    double steps = (double)(run->schedule.total_steps - run->step);
    if (!isnan(run->epoch_seconds))
        return steps * run->epoch_seconds / (double)run->schedule.steps_per_epoch;
    if (run->train_seconds < SPEED_SECONDS / 4)
        return NAN;
    return steps * run->batch * run->speed_seconds / run->speed_samples;
}

void run_publish(struct run *run, bool important)
{
    double clock = clock_seconds();
    if (!important && clock - run->published < PUBLISH_SECONDS)
        return;
    run->published = clock;
    struct snapshot *now = &run->now;
    now->settings = run->settings;
    now->step = run->step;
    now->epoch = run->step / run->schedule.steps_per_epoch;
    now->seconds = run_seconds(run);
    now->eta = seconds_left(run);
    now->learning_rate = run_rate(run);
    now->samples_per_second = run->speed_seconds > 0 ? run->speed_samples / run->speed_seconds : 0;
    now->loss = recent_loss(run);
    struct history_target to;
    bool undo = run_history_undo(&run->history, &to);
    now->undo_step = undo ? to.step : -1;
    text_copy(now->undo_label, sizeof now->undo_label, undo ? to.label : "");
    now->redo_step = run_history_redo(&run->history, &to) ? to.step : -1;
    now->best_step = run->best.step;
    now->best_epoch = run->best.epoch;
    now->best_validation_accuracy = run->best.step < 0 ? NAN : run->best.validation_accuracy;
    now->best_validation_loss = run->best.step < 0 ? NAN : run->best.validation_loss;
    publication_put(&run->publication, now);
}

void run_set_state(struct run *run, enum run_state state)
{
    run->now.state = state;
    run->now.evaluation_progress = 0;
    run_publish(run, true);
}

static void rest(struct run *run)
{
    run_watch_stop(run);
    run_set_state(run, RUN_PAUSED);
}

void run_pause(struct run *run, const char *reason)
{
    run->paused = true;
    run->steps_left = 0;
    text_copy(run->now.pause_reason, sizeof run->now.pause_reason, reason);
    run->limit[0] = '\0';
    run->now.diverged = false;
    rest(run);
}

void run_go(struct run *run)
{
    run->now.pause_reason[0] = '\0';
    run->now.diverged = false;
    run_watch_start(run);
    run_set_state(run, RUN_RUNNING);
}

static bool resting(const struct run *run)
{
    return run->paused && !run->steps_left;
}

void run_settle(struct run *run)
{
    if (resting(run))
        rest(run);
    else
        run_go(run);
}

void run_warn_metrics(struct run *run, int result, const struct err *err)
{
    if (result != 0)
        publication_warn(&run->publication, WARNING_METRICS, err->text);
    else if (!metrics_behind(&run->metrics))
        publication_warn(&run->publication, WARNING_METRICS, "");
}

/* ---- evaluation ---- */

struct progress {
    struct run *run;
    uint64_t before, total;
};

static bool watch_evaluation(void *of, uint64_t done)
{
    struct progress *progress = of;
    struct run *run = progress->run;
    run->now.evaluation_progress = (double)(progress->before + done) / (double)progress->total;
    run_publish(run, false);
    return queue_leaving(&run->queue) != QUEUE_EMPTY;
}

int run_measure_split(struct run *run, enum data_split split, uint64_t before, uint64_t total,
                      struct confusion *confusion, struct evaluation_result *out)
{
    struct progress progress = {run, before, total};
    struct evaluate_watch watch = {watch_evaluation, &progress};
    return evaluate_split(run->net, run->dataset, split, NULL, &watch, confusion, out);
}

static void keep_if_best(struct run *run, const struct evaluation *row)
{
    bool finite = isfinite(row->train_loss) && isfinite(row->validation_loss);
    if (!finite || !net_finite(run->net))
        return;
    if (run->best.step >= 0 && row->validation_accuracy <= run->best.validation_accuracy)
        return;
    run->best = *row;
    run_keep_best(run);
}

/* The training set: evaluated, or as the steps of this epoch have seen it. */
static int measure_train(struct run *run, uint64_t total, struct evaluation_result *out)
{
    const struct epoch_sums *sums = &run->sums;
    if (run->settings.train.evaluate == EVALUATE_FULL)
        return run_measure_split(run, DATA_TRAIN, 0, total, NULL, out);
    out->count = (uint64_t)sums->steps * (uint64_t)run->batch;
    out->loss = sums->loss / (double)sums->steps;
    out->accuracy = (double)sums->correct / (double)out->count;
    return 0;
}

int run_measure(struct run *run)
{
    const uint64_t *count = run->info->count;
    const bool full = run->settings.train.evaluate == EVALUATE_FULL;
    uint64_t before = full ? count[DATA_TRAIN] : 0, total = before + count[DATA_VALIDATION];
    struct evaluation_result train, validation;
    run_watch_start(run);
    run_set_state(run, RUN_EVALUATING);
    int given_up =
        measure_train(run, total, &train) ||
        run_measure_split(run, DATA_VALIDATION, before, total, &run->confusion, &validation);
    struct evaluation row;
    if (!given_up) {
        row = (struct evaluation){
            .epoch = run->step / run->schedule.steps_per_epoch,
            .step = run->step,
            .seconds = run_seconds(run),
            .learning_rate = run_rate(run),
            .train_loss = train.loss,
            .train_accuracy = train.accuracy,
            .validation_loss = validation.loss,
            .validation_accuracy = validation.accuracy,
        };
        struct err err;
        run_warn_metrics(run, metrics_evaluation(&run->metrics, &row, &err), &err);
        run->evaluation_due = false;
        run_note_patience(run, &row);
        keep_if_best(run, &row);
        run_offer_good(run);
        run->now.last = row;
        run->measured++;
        publication_evaluation(&run->publication, &row, run->seq, &run->confusion);
    }
    run_settle(run);
    if (!given_up) {
        run_condition_evaluated(run, &row);
        run_end_early(run);
    }
    return given_up;
}

/* ---- steps ---- */

/* A new epoch's first step begins new sums; an epoch's end leaves them to its evaluation. */
static void note_sums(struct run *run, const struct net_step_result *result)
{
    if (run->step % run->schedule.steps_per_epoch == 0)
        run->sums = (struct epoch_sums){0};
    run->sums.steps++;
    run->sums.correct += result->correct;
    run->sums.loss += result->loss;
}

static void note_speed(struct run *run, double seconds)
{
    double keep = exp(-seconds / SPEED_SECONDS);
    run->speed_samples = run->speed_samples * keep + run->batch;
    run->speed_seconds = run->speed_seconds * keep + seconds;
    run->train_samples += run->batch;
    run->train_seconds += seconds;
}

/* One step. False where its loss says that training has diverged; the state
 * is then as it was. */
static bool train_step(struct run *run, double *loss)
{
    double start = run_clock(run);
    const struct net_update update =
        update_terms(&run->settings, run_rate(run), run->step, run->momentum_product);
    const struct gather gather = batches_take(&run->batches, &run->settings, run->step);
    const struct net_source source = gather_source(&gather);
    const bool measured = run_layers_due(run, start);
    net_measure_set(run->net, measured ? run->layers : NULL);
    struct net_step_result result = net_train_step(run->net, &source, run->batches.labels,
                                                   run->batch, &update, run->loss_limit);
    net_measure_set(run->net, NULL);
    *loss = result.loss;
    if (!result.updated)
        return false;
    run_judge_good(run);
    run_net_changed(run);
    note_sums(run, &result);
    int64_t step = run->step++;
    run->momentum_product *= update.momentum;
    struct err err;
    run->losses[step % run->metrics.stride] = result.loss;
    publication_loss(&run->publication, step, run_seconds(run), result.loss, update.rate);
    run_warn_metrics(run, metrics_step(&run->metrics, step, result.loss, update.rate, &err), &err);
    note_speed(run, run_clock(run) - start);
    if (measured)
        run_layers_measured(run);
    run_publish(run, false);
    return true;
}

/* Evaluation and automatic checkpoint. 1 where it was interrupted. */
static int end_epoch(struct run *run)
{
    run->evaluation_due = true;
    if (run_measure(run) != 0)
        return 1;
    int64_t every = run->settings.checkpoint.every_epochs;
    int64_t epoch = run->step / run->schedule.steps_per_epoch;
    /* The last one is saved at the end in any case. */
    if (every && epoch % every == 0 && run->step < run->schedule.total_steps) {
        struct job job = {.target = TARGET_STEP};
        struct err err;
        (void)run_save(run, &job, &err); /* it has warned */
    }
    double now = run_seconds(run), seconds = now - run->epoch_start;
    if (!isnan(seconds))
        run->epoch_seconds =
            isnan(run->epoch_seconds) ? seconds : (run->epoch_seconds + seconds) / 2;
    run->epoch_start = now;
    run->halvings = 0;
    run_publish(run, true);
    return 0;
}

/* What was asked for, or an epoch's end. */
static int evaluate_due(struct run *run)
{
    return run->step % run->schedule.steps_per_epoch ? run_measure(run) : end_epoch(run);
}

/* A batch job that was paused for who looked at it does not wait once that one has gone. */
static enum queue_wait patience(const struct run *run)
{
    if (!resting(run) || run->stopping)
        return QUEUE_NO_WAIT;
    const bool batch = run->now.diverged && !run->options.watched &&
                       run->settings.train.on_divergence == ON_DIVERGENCE_AUTO;
    return batch ? QUEUE_WAIT_WATCHED : QUEUE_WAIT;
}

/* Performs what is in the queue, and waits in it while paused. */
static enum queue_event obey(struct run *run)
{
    for (;;) {
        struct queue_item item;
        enum queue_event event = queue_next(&run->queue, patience(run), &item);
        if (event != QUEUE_COMMAND)
            return event;
        const struct order order = {.id = item.id, .source = item.source, .line = item.line};
        struct err err;
        (void)run_apply(run, &order, &err); /* it has answered */
        if (run->stopping)
            return QUEUE_EMPTY;
    }
}

/* ---- from start to end ---- */

static enum run_state train(struct run *run)
{
    enum run_state end;
    struct err err;
    for (;;) {
        /* Of a state that was returned to, or gone on from. */
        if (run->evaluation_due && !resting(run))
            (void)evaluate_due(run); /* given up only where obey then says so */
        if (tape_perform(run, &err) != 0)
            return run_fail(run, &err);
        const enum queue_event event = obey(run);
        if (event == QUEUE_ALONE)
            return run_give_up(run);
        if (event != QUEUE_EMPTY)
            return run_leave(run);
        if (run->evaluation_due && !resting(run))
            continue;
        if (run->stopping || run->step == run->schedule.total_steps || verify_ends(run))
            return verify_end(run, &err) == 0 ? run_complete(run) : run_fail(run, &err);
        if (run->until && run->step >= run->until)
            return run_reach(run);
        double loss;
        if (!train_step(run, &loss)) {
            if (!run_diverge(run, loss, &end))
                return end;
            continue;
        }
        if (run->step % run->schedule.steps_per_epoch == 0 && end_epoch(run) != 0)
            continue;
        run_condition_stepped(run, loss);
    }
}

/* What takes long or much memory, and belongs to this thread. */
static int prepare(struct run *run, struct err *err)
{
    const struct settings *settings = &run->settings;
    math_thread_init();
    /* The writer first: the team may pin this thread, and new threads inherit that. */
    if (writer_start(&run->writer, run->directory, &run->publication, &run->states, err) != 0 ||
        team_create((int)settings->train.threads, &run->team, err) != 0 ||
        net_create(&run->shape, run->batch, run->team, &run->net, err) != 0 ||
        copies_init(&run->copies, run->net, err) != 0 ||
        batches_init(&run->batches, run->dataset, run->batch, run->team, err) != 0)
        return -1;
    states_fit(&run->states, &run->copies);
    writer_fit(&run->writer, &run->copies);
    const size_t classes = (size_t)run->info->classes;
    run->confusion.count = mem_alloc(classes * classes * sizeof *run->confusion.count);
    run->losses = mem_alloc((size_t)run->metrics.stride * sizeof *run->losses);
    draw_weights(settings, run->net);
    if (run->resume && resume_prepare(run, err) != 0)
        return -1;
    run->now.parameters = net_parameters(run->net);
    run->now.threads = team_threads(run->team);
    return 0;
}

/* After the writer's end: nobody else holds one. */
static void release_states(struct run *run)
{
    run_net_changed(run);
    run_drop_image(run, &run->best_image);
    run_drop_image(run, &run->good);
    run_drop_image(run, &run->candidate);
    tape_fini(&run->tape, &run->copies);
    states_clear(&run->states);
    copies_fini(&run->copies);
}

void *run_thread(void *of)
{
    struct run *run = of;
    struct err err;
    enum run_state state;
    run_watch_start(run);
    if (prepare(run, &err) != 0) {
        state = run_fail(run, &err);
    } else {
        run_offer_good(run);
        run_go(run);
        state = train(run);
    }
    bool abandoned = queue_leaving(&run->queue) == QUEUE_ABANDON;
    writer_stop(&run->writer, abandoned);
    run_watch_stop(run);
    release_states(run);
    net_destroy(run->net);
    team_destroy(run->team);
    journal_close(&run->journal);
    metrics_close(&run->metrics);
    close(run->lock_fd);
    queue_close(&run->queue);
    struct queue_item item;
    while (queue_next(&run->queue, QUEUE_NO_WAIT, &item) == QUEUE_COMMAND)
        publication_answer(&run->publication, item.id, ANSWER_REFUSED, run->step,
                           "the run has ended");
    run_set_state(run, state);
    return NULL;
}
