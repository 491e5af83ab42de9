/* What bench measured, as a table and as a JSON object; see bench.h. */
#include "bench.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* With all threads at it. */
static double per_second(const struct pace *pace, double what)
{
    return pace->seconds > 0 ? what / pace->seconds : NAN;
}

static double of_peak(const struct bench *bench, const struct pace *pace)
{
    return per_second(pace, pace->operations) / bench->float32.most;
}

/* ---- the table ---- */

/* A number in its column, or "-" where nothing was counted. */
static void print_cell(int width, int digits, double value, const char *unit)
{
    if (isfinite(value) && value > 0)
        printf(" %*.*f%s", width - (int)strlen(unit), digits, value, unit);
    else
        printf(" %*s", width, "-");
}

/* `share` of the step's time; NaN: none. */
static void print_row(const struct bench *bench, const char *name, double share,
                      const struct pace *pace)
{
    printf("%-10s", name);
    print_cell(7, 1, 100 * share, "%");
    print_cell(11, 0, per_second(pace, pace->samples), "");
    print_cell(9, 1, 1e-9 * per_second(pace, pace->operations), "");
    print_cell(8, 1, 100 * of_peak(bench, pace), "%");
    print_cell(8, 1, 1e-9 * per_second(pace, pace->bytes), "");
    printf("\n");
}

static void print_head(const struct bench *bench)
{
    char processor[128], network[128];
    const struct settings *settings = bench->settings;
    const bool augmented = settings->augment.flip || settings->augment.shift > 0 ||
                           settings->augment.brightness > 0 || settings->augment.contrast > 0;
    run_processor(processor, sizeof processor);
    run_describe_network(&bench->shape, network, sizeof network);
    printf("machine   %s, %ld processors; %s\n", processor, sysconf(_SC_NPROCESSORS_ONLN),
           math_library());
    printf("network   %s, %zu parameters\n", network, bench->parameters);
    printf("training  %s, %llu images in mini-batches of %lld%s, threads: %d\n", bench->data->name,
           (unsigned long long)bench->data->count[DATA_TRAIN],
           (long long)settings->train.batch_size,
           settings->augment.noise ? " with noise"
           : augmented             ? " augmented"
                                   : "",
           bench->threads);
}

/* `value`: what counts of the spread. */
static void print_peak(const char *name, const struct spread *spread, double value, double unit,
                       const char *unit_name)
{
    if (value > 0)
        printf("%-20s %7.1f %s (half of %zu between %.1f and %.1f)\n", name, unit * value,
               unit_name, spread->count, unit * spread->lower, unit * spread->upper);
}

static void print_peaks(const struct bench *bench)
{
    const struct spread *exchange = &bench->exchange;
    print_peak("peak float32", &bench->float32, bench->float32.most, 1e-9, "GFLOP/s");
    print_peak("peak bfloat16", &bench->bfloat16, bench->bfloat16.most, 1e-9, "GFLOP/s");
    print_peak("reading memory", &bench->reading, bench->reading.median, 1e-9, "GB/s");
    if (exchange->count)
        printf("%-20s %7.1f ns (half of %zu between %.1f and %.1f; %.0f%% slow)\n",
               "cache line exchange", 1e9 * exchange->median, exchange->count,
               1e9 * exchange->lower, 1e9 * exchange->upper, 100 * bench->exchange_slow);
    printf("%-20s %7s%s\n", "mode of the machine", bench_mode_name(bench->mode),
           bench->disturbed ? ", disturbed: something else computes here" : "");
}

void bench_print(const struct bench *bench)
{
    const struct spread *step = &bench->step;
    print_head(bench);
    printf("\n");
    print_peaks(bench);
    printf("\n%-10s %7s %11s %9s %8s %8s\n", "phase", "time", "samples/s", "GFLOP/s", "of peak",
           "GB/s");
    for (int i = 0; i < BENCH_PHASES; i++)
        print_row(bench, bench_phase_name[i], bench->phase[i].seconds / bench->clocked_seconds,
                  &bench->phase[i]);
    print_row(bench, "step", 1, &bench->training);
    print_row(bench, "evaluation", NAN, &bench->evaluation);
    printf("\nstep   %.1f us, the median of %zu, half of them between %.1f and %.1f\n",
           1e6 * step->median, step->count, 1e6 * step->lower, 1e6 * step->upper);
    printf("epoch  %.4f s, %.0f samples/s, %.1f GFLOP/s, %.1f%% of the peak\n",
           bench->epoch_seconds, per_second(&bench->training, bench->training.samples),
           1e-9 * per_second(&bench->training, bench->training.operations),
           100 * of_peak(bench, &bench->training));
}

/* ---- JSON ---- */

/* null for what is not a number. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *spread(const struct spread *spread)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "count", (json_int_t)spread->count, "least",
                     number(spread->least), "lower", number(spread->lower), "median",
                     number(spread->median), "upper", number(spread->upper), "most",
                     number(spread->most));
}

/* Rates; null for what is not counted. */
static json_t *pace(const struct bench *bench, const struct pace *pace)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "samples_per_second",
                     number(pace->samples > 0 ? per_second(pace, pace->samples) : NAN), "flops",
                     number(pace->operations > 0 ? per_second(pace, pace->operations) : NAN),
                     "bytes_per_second",
                     number(pace->bytes > 0 ? per_second(pace, pace->bytes) : NAN), "share_of_peak",
                     number(pace->operations > 0 ? of_peak(bench, pace) : NAN));
}

static json_t *machine(const struct bench *bench)
{
    char processor[128];
    run_processor(processor, sizeof processor);
    return json_pack("{s:s, s:I, s:i, s:s, s:s, s:b}", "cpu", processor, "cpus",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "threads", bench->threads,
                     "kernels", math_library(), "mode", bench_mode_name(bench->mode), "disturbed",
                     (int)bench->disturbed);
}

static json_t *peak(const struct bench *bench)
{
    const bool has = bench->bfloat16.most > 0;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "float32", spread(&bench->float32), "bfloat16",
                     has ? spread(&bench->bfloat16) : json_null(), "read_bytes_per_second",
                     spread(&bench->reading), "exchange_seconds", spread(&bench->exchange),
                     "exchange_slow_share", number(bench->exchange_slow));
}

static json_t *phases(const struct bench *bench)
{
    json_t *phases = json_object();
    for (int i = 0; i < BENCH_PHASES; i++) {
        json_t *phase = pace(bench, &bench->phase[i]);
        json_object_set_new(phase, "share_of_time",
                            number(bench->phase[i].seconds / bench->clocked_seconds));
        json_object_set_new(phases, bench_phase_name[i], phase);
    }
    return phases;
}

void bench_print_json(const struct bench *bench)
{
    char network[128];
    const struct settings *settings = bench->settings;
    const struct pace *training = &bench->training;
    run_describe_network(&bench->shape, network, sizeof network);
    json_t *step = pace(bench, training);
    json_object_set_new(step, "seconds", spread(&bench->step));
    json_t *object = json_pack(
        "{s:s, s:o, s:s, s:I, s:s, s:I, s:I, s:b, s:b, s:I, s:f, s:f, s:o, s:o, s:o, s:o, s:o, "
        "s:o, "
        "s:o}",
        "version", KDT_VERSION, "machine", machine(bench), "network", network, "parameters",
        (json_int_t)bench->parameters, "dataset", bench->data->name, "train_images",
        (json_int_t)bench->data->count[DATA_TRAIN], "batch_size",
        (json_int_t)settings->train.batch_size, "noise", (int)settings->augment.noise, "flip",
        (int)settings->augment.flip, "shift", (json_int_t)settings->augment.shift, "brightness",
        settings->augment.brightness, "contrast", settings->augment.contrast, "peak", peak(bench),
        "epoch_seconds", number(bench->epoch_seconds), "flop_per_sample",
        number(training->operations / training->samples), "step", step, "phases", phases(bench),
        "clock_cost", number(bench->clock_cost), "evaluation", pace(bench, &bench->evaluation));
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9));
    printf("\n");
    json_decref(object);
}
