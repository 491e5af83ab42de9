/*
 * What a replay is held against: every row and every checkpoint that the other
 * run still has, compared while the replay gets there.
 *
 * With the same program and kernels all of it must be the same bits, but for the
 * seconds. Elsewhere each number may be off by TOLERANCE, and the largest
 * difference is told.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of losses, rates and accuracies: of the larger of the number and 1. Of a tensor:
 * the norm of the difference, in norms of the tensor. */
#define TOLERANCE 0.1

/* Where the last line of the journal leads to, and the rows and states after it. */
static int64_t find_end(const struct verify *verify)
{
    const struct resume *other = verify->other;
    const struct journal_line *last = &other->journal.lines[other->journal.count - 1];
    const struct metrics_file *rows = &verify->rows;
    const struct jump *jump = NULL;
    for (size_t i = other->journal.count; i-- > 0 && !jump;)
        jump = other->journal.lines[i].refused ? NULL : other->journal.lines[i].jump;
    uint64_t steps = jump ? jump->steps_length : 0, metrics = jump ? jump->metrics_length : 0;
    int64_t end = last->jump ? last->jump->step : last->step;
    if (rows->step_count && rows->steps[rows->step_count - 1].begin >= steps &&
        rows->steps[rows->step_count - 1].step >= end)
        end = rows->steps[rows->step_count - 1].step + 1;
    if (rows->evaluation_count) {
        const struct evaluation_row *row = &rows->evaluations[rows->evaluation_count - 1];
        if (row->begin >= metrics && row->evaluation.step > end)
            end = row->evaluation.step;
    }
    if (other->candidate_count) {
        const struct candidate *newest = &other->candidates[other->candidate_count - 1];
        if (newest->seq == last->seq && newest->step > end)
            end = newest->step;
    }
    return end;
}

int verify_open(struct verify *verify, const struct resume *other, struct err *err)
{
    *verify = (struct verify){.other = other, .exact = true};
    /* What is damaged differs from what was written. */
    if (other->skipped)
        return err_set(err, ERR_FILE, "%.*s", (int)strcspn(other->notes.bytes, "\n"),
                       other->notes.bytes);
    if (metrics_load(&verify->rows, other->directory, METRICS_ALL, METRICS_ALL, err) != 0)
        return -1;
    for (size_t i = 0; i < other->journal.count; i++) {
        const struct journal_line *line = &other->journal.lines[i];
        if (line->seq == 1 || strcmp(line->command, "resume") == 0)
            verify->exact = verify->exact && journal_same_libraries(line);
    }
    verify->end = find_end(verify);
    return 0;
}

void verify_fini(struct verify *verify)
{
    metrics_file_fini(&verify->rows);
}

/* ---- comparing ---- */

/* What a difference is called. */
struct spot {
    const char *what, *file;
    int64_t step;
};

static int differs(const struct spot *spot, struct err *err, const char *ours, const char *theirs)
{
    return err_set(err, ERR_FILE, "first difference at step %" PRId64 ": %s is %s where %s has %s",
                   spot->step, spot->what, ours, spot->file, theirs);
}

static void note_largest(struct verify *verify, const struct spot *spot, double difference)
{
    if (!(difference > verify->largest))
        return;
    verify->largest = difference;
    snprintf(verify->where, sizeof verify->where, "%s, step %" PRId64, spot->what, spot->step);
}

static int compare(struct verify *verify, const struct spot *spot, double ours, double theirs,
                   struct err *err)
{
    if (ours == theirs || (isnan(ours) && isnan(theirs)))
        return 0;
    double difference = fabs(ours - theirs) / fmax(1, fabs(theirs));
    note_largest(verify, spot, difference);
    if (!verify->exact && difference <= TOLERANCE)
        return 0;
    char a[40], b[40];
    number_format_double(a, sizeof a, ours);
    number_format_double(b, sizeof b, theirs);
    return differs(spot, err, a, b);
}

static int compare_step(const struct spot *spot, int64_t ours, int64_t theirs, struct err *err)
{
    char a[40], b[40];
    if (ours == theirs)
        return 0;
    snprintf(a, sizeof a, "%" PRId64, ours);
    snprintf(b, sizeof b, "%" PRId64, theirs);
    return differs(spot, err, a, b);
}

static int compare_evaluation(struct verify *verify, const struct evaluation *ours, struct err *err)
{
    if (verify->evaluations == verify->rows.evaluation_count)
        return 0; /* the other was left before it was written */
    const struct evaluation *theirs = &verify->rows.evaluations[verify->evaluations++].evaluation;
    struct spot spot = {"the row's step", "metrics.csv", ours->step};
    if (compare_step(&spot, ours->step, theirs->step, err) != 0)
        return -1;
    const struct {
        const char *what;
        double ours, theirs;
    } numbers[] = {
        {"the learning rate", ours->learning_rate, theirs->learning_rate},
        {"the training loss", ours->train_loss, theirs->train_loss},
        {"the training accuracy", ours->train_accuracy, theirs->train_accuracy},
        {"the validation loss", ours->validation_loss, theirs->validation_loss},
        {"the validation accuracy", ours->validation_accuracy, theirs->validation_accuracy},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        spot.what = numbers[i].what;
        if (compare(verify, &spot, numbers[i].ours, numbers[i].theirs, err) != 0)
            return -1;
    }
    return 0;
}

static int compare_losses(struct verify *verify, const struct step_row *ours, struct err *err)
{
    if (verify->steps == verify->rows.step_count)
        return 0;
    const struct step_row *theirs = &verify->rows.steps[verify->steps++];
    struct spot spot = {"the row's step", "steps.csv", ours->step};
    if (compare_step(&spot, ours->step, theirs->step, err) != 0)
        return -1;
    const struct {
        const char *what;
        double ours, theirs;
    } numbers[] = {
        {"the loss", ours->loss, theirs->loss},
        {"the smallest loss", ours->minimum, theirs->minimum},
        {"the largest loss", ours->maximum, theirs->maximum},
        {"the learning rate", ours->learning_rate, theirs->learning_rate},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        spot.what = numbers[i].what;
        if (compare(verify, &spot, numbers[i].ours, numbers[i].theirs, err) != 0)
            return -1;
    }
    return 0;
}

static int compare_tensor(struct verify *verify, const struct spot *spot, const float *ours,
                          const float *theirs, size_t count, struct err *err)
{
    double difference = 0, norm = 0;
    size_t first = 0;
    if (memcmp(ours, theirs, count * sizeof *ours) == 0)
        return 0;
    while (memcmp(&ours[first], &theirs[first], sizeof *ours) == 0)
        first++;
    for (size_t i = 0; i < count; i++) {
        difference += ((double)ours[i] - theirs[i]) * ((double)ours[i] - theirs[i]);
        norm += (double)theirs[i] * theirs[i];
    }
    difference = sqrt(difference / fmax(norm, 1e-30));
    note_largest(verify, spot, difference);
    if (!verify->exact && difference <= TOLERANCE)
        return 0;
    char a[64], b[64];
    snprintf(a, sizeof a, "%.9g at number %zu", (double)ours[first], first);
    snprintf(b, sizeof b, "%.9g", (double)theirs[first]);
    return differs(spot, err, a, b);
}

static int compare_state(struct run *run, const struct candidate *theirs, struct err *err)
{
    struct image ours;
    struct image image;
    struct text path = {0};
    char file[160];
    text_print(&path, "%s/checkpoints/%s.safetensors", run->verify->other->directory, theirs->name);
    int result = run_image(run, &ours, err);
    if (result == 0)
        result = image_load(&image, &run->copies, path.bytes, err);
    text_fini(&path);
    if (result != 0)
        return -1;
    snprintf(file, sizeof file, "%s.safetensors", theirs->name);
    size_t at = 0;
    for (int i = 0; i < run->copies.layout.count && result == 0; i++) {
        const struct net_tensor *tensor = &run->copies.layout.tensors[i];
        const struct spot spot = {tensor->name, file, theirs->step};
        size_t count = net_tensor_numbers(tensor);
        result = compare_tensor(run->verify, &spot, ours.copy->values + at, image.copy->values + at,
                                count, err);
        at += count;
    }
    run_drop_image(run, &image);
    return result;
}

/* Those that are of the present state; in the order of time. */
static int compare_states(struct run *run, struct err *err)
{
    struct verify *verify = run->verify;
    for (; verify->checkpoints < verify->other->candidate_count; verify->checkpoints++) {
        const struct candidate *next = &verify->other->candidates[verify->checkpoints];
        if (next->seq > run->seq || (next->seq == run->seq && next->step > run->step))
            return 0;
        if (next->seq != run->seq || next->step != run->step)
            return err_set(err, ERR_FILE,
                           "first difference at step %" PRId64
                           ": %s.safetensors is of a state that was not met",
                           next->step, next->name);
        if (compare_state(run, next, err) != 0)
            return -1;
    }
    return 0;
}

int verify_check(struct run *run, struct err *err)
{
    struct verify *verify = run->verify;
    if (!verify)
        return 0;
    /* At most one of each since the last time. */
    if (run->metrics.ended != verify->seen) {
        verify->seen = run->metrics.ended;
        if (compare_losses(verify, &run->metrics.newest, err) != 0)
            return -1;
    }
    if (run->measured != verify->measured) {
        verify->measured = run->measured;
        if (compare_evaluation(verify, &run->now.last, err) != 0)
            return -1;
    }
    return compare_states(run, err);
}

bool verify_ends(const struct run *run)
{
    return run->verify && !tape_repeats(run) && run->step >= run->verify->end;
}

int verify_end(struct run *run, struct err *err)
{
    struct verify *verify = run->verify;
    if (!verify)
        return 0;
    (void)metrics_flush(&run->metrics, run->step - 1, run_rate(run), NULL);
    if (verify_check(run, err) != 0)
        return -1;
    if (tape_repeats(run) || verify->evaluations < verify->rows.evaluation_count ||
        verify->steps < verify->rows.step_count ||
        verify->checkpoints < verify->other->candidate_count)
        return err_set(err, ERR_FILE,
                       "first difference at step %" PRId64 ": the other run went on from here",
                       run->step);
    struct text text = {0};
    text_print(&text, "verified: %zu evaluations, %zu rows of losses and %zu checkpoints: ",
               verify->evaluations, verify->steps, verify->checkpoints);
    if (verify->exact)
        text_print(&text, "the same bits");
    else if (verify->where[0])
        text_print(&text,
                   "within %g, as program or kernels are others; the largest difference is %.3g "
                   "(%s)",
                   TOLERANCE, verify->largest, verify->where);
    else
        text_print(&text, "the same bits, though program or kernels are others");
    text_copy(run->verified, sizeof run->verified, text.bytes);
    text_fini(&text);
    return 0;
}
