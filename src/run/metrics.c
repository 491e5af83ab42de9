/*
 * metrics.csv and steps.csv. Both only grow.
 *
 *   epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy
 *   1,490,3.2,0.019,1.43,0.51,1.52,0.48
 *
 *   step,loss,loss_min,loss_max,learning_rate
 *   8,2.41,2.30,2.55,0.02
 *
 * `step` of metrics.csv counts the steps done. A row of steps.csv is about
 * `stride` steps of one epoch (fewer at its end); `step` is the last of them,
 * the first of a run being 0. Numbers read back as the same doubles.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ROWS_PER_EPOCH = 50 };

static void append_number(struct text *text, double value, char end)
{
    char number[40];
    number_format_double(number, sizeof number, value);
    text_print(text, "%s%c", number, end);
}

/* Writes what waits. */
static int csv_write(struct csv *csv, bool sync, struct err *err)
{
    if (!csv->pending.length)
        return 0;
    if (file_log_append(csv->log, csv->pending.bytes, csv->pending.length, sync, err) != 0)
        return -1;
    csv->pending.length = 0;
    return 0;
}

static int csv_open(struct csv *csv, const char *directory, const char *name, const char *header,
                    struct err *err)
{
    char *path = file_path(directory, name);
    int result = file_log_open(path, true, &csv->log, err);
    mem_free(path);
    if (result != 0)
        return -1;
    text_append(&csv->pending, header, strlen(header));
    return csv_write(csv, true, err);
}

static int csv_reopen(struct csv *csv, const char *directory, const char *name, uint64_t length,
                      struct err *err)
{
    char *path = file_path(directory, name);
    int result = file_log_open(path, false, &csv->log, err);
    if (result == 0)
        result = file_log_cut(csv->log, length, err);
    mem_free(path);
    return result;
}

void metrics_plan(struct metrics *metrics, int64_t steps_per_epoch)
{
    metrics->steps_per_epoch = steps_per_epoch;
    metrics->stride = steps_per_epoch / ROWS_PER_EPOCH > 1 ? steps_per_epoch / ROWS_PER_EPOCH : 1;
}

int metrics_open(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                 struct err *err)
{
    metrics_plan(metrics, steps_per_epoch);
    if (csv_open(&metrics->evaluations, directory, "metrics.csv", METRICS_HEADER, err) != 0)
        return -1;
    return csv_open(&metrics->steps, directory, "steps.csv", STEPS_HEADER, err);
}

int metrics_reopen(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                   uint64_t metrics_length, uint64_t steps_length, struct err *err)
{
    metrics_plan(metrics, steps_per_epoch);
    if (csv_reopen(&metrics->evaluations, directory, "metrics.csv", metrics_length, err) != 0)
        return -1;
    return csv_reopen(&metrics->steps, directory, "steps.csv", steps_length, err);
}

int metrics_evaluation(struct metrics *metrics, const struct evaluation *row, struct err *err)
{
    struct text *text = &metrics->evaluations.pending;
    text_print(text, "%" PRId64 ",%" PRId64 ",", row->epoch, row->step);
    append_number(text, row->seconds, ',');
    append_number(text, row->learning_rate, ',');
    append_number(text, row->train_loss, ',');
    append_number(text, row->train_accuracy, ',');
    append_number(text, row->validation_loss, ',');
    append_number(text, row->validation_accuracy, '\n');
    return csv_write(&metrics->evaluations, true, err);
}

static void end_row(struct metrics *metrics, int64_t step, double learning_rate)
{
    struct text *text = &metrics->steps.pending;
    const struct step_row row = {
        .step = step,
        .loss = metrics->row.sum / (double)metrics->row.count,
        .minimum = metrics->row.minimum,
        .maximum = metrics->row.maximum,
        .learning_rate = learning_rate,
    };
    text_print(text, "%" PRId64 ",", row.step);
    append_number(text, row.loss, ',');
    append_number(text, row.minimum, ',');
    append_number(text, row.maximum, ',');
    append_number(text, row.learning_rate, '\n');
    metrics->row = (struct steps_row){0};
    metrics->newest = row;
    metrics->ended++;
}

int metrics_step(struct metrics *metrics, int64_t step, double loss, double learning_rate,
                 struct err *err)
{
    struct steps_row *row = &metrics->row;
    row->minimum = row->count ? fmin(row->minimum, loss) : loss;
    row->maximum = row->count ? fmax(row->maximum, loss) : loss;
    row->sum += loss;
    row->count++;
    int64_t in_epoch = step % metrics->steps_per_epoch + 1;
    if (in_epoch != metrics->steps_per_epoch && in_epoch % metrics->stride != 0)
        return 0;
    end_row(metrics, step, learning_rate);
    return csv_write(&metrics->steps, false, err);
}

struct metrics_cut metrics_cut(struct metrics *metrics, int64_t step, double learning_rate)
{
    struct metrics_cut cut = {.row = metrics->row, .pending = metrics->steps.pending.length};
    if (metrics->row.count)
        end_row(metrics, step, learning_rate);
    cut.metrics_length =
        file_log_length(metrics->evaluations.log) + metrics->evaluations.pending.length;
    cut.steps_length = file_log_length(metrics->steps.log) + metrics->steps.pending.length;
    return cut;
}

void metrics_uncut(struct metrics *metrics, const struct metrics_cut *cut)
{
    metrics->ended -= cut->row.count != 0;
    metrics->row = cut->row;
    metrics->steps.pending.length = cut->pending;
}

static int csv_sync(struct csv *csv, struct err *err)
{
    return csv_write(csv, true, err) != 0 ? -1 : file_log_sync(csv->log, err);
}

int metrics_sync(struct metrics *metrics, struct err *err)
{
    int steps = csv_sync(&metrics->steps, err);
    return csv_sync(&metrics->evaluations, err) != 0 ? -1 : steps;
}

int metrics_flush(struct metrics *metrics, int64_t step, double learning_rate, struct err *err)
{
    (void)metrics_cut(metrics, step, learning_rate);
    return metrics_sync(metrics, err);
}

bool metrics_behind(const struct metrics *metrics)
{
    return metrics->evaluations.pending.length || metrics->steps.pending.length;
}

void metrics_close(struct metrics *metrics)
{
    file_log_close(metrics->evaluations.log);
    file_log_close(metrics->steps.log);
    text_fini(&metrics->evaluations.pending);
    text_fini(&metrics->steps.pending);
}
