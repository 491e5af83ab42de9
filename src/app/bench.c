/*
 * Measuring; see bench.h. The run is, in turn,
 *
 *   peaks | warm-up | plain block, clocked block, plain block, … | evaluation | peaks
 *
 * Whole steps are timed in plain blocks, phases in clocked ones, since the
 * clock takes time itself. After each block a cache line is passed to and fro.
 */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

/* Peaks are read this often before and after. */
enum { PEAK_BURSTS = 10, READ_BURSTS = 3 };
#define READ_BYTES ((size_t)256 << 20)
/* Parts of the time that was asked for. */
#define WARM_SHARE 0.05
#define EVALUATION_SHARE 0.1
#define BLOCK_SECONDS 0.05
/* A cache line takes long beyond so many times the tenth percentile, or beyond so many seconds,
 * which neighbours that share a cache do not need. */
#define SLOW_FACTOR 1.5
#define SLOW_SECONDS 100e-9
/* The mode is fast up to this share of slow ones, and slow from one less it. */
#define MIXED_SHARE 0.1
/* Something else computes here, too, where a quarter of the bursts stays below this share of the
 * best. */
#define DISTURBED_SHARE 0.9
#define SECONDS_STANDARD 10
#define SECONDS_MOST 3600

const char *const bench_phase_name[BENCH_PHASES] = {
    [NET_PHASE_GATHER] = "gather", [NET_PHASE_FORWARD] = "forward", [NET_PHASE_INNER] = "inner",
    [NET_PHASE_UPDATE] = "update", [BENCH_WAITING] = "waiting",
};

const char *bench_mode_name(enum bench_mode mode)
{
    static const char *const names[] = {[BENCH_FAST] = "fast",
                                        [BENCH_MIXED] = "mixed",
                                        [BENCH_SLOW] = "slow",
                                        [BENCH_UNKNOWN] = "unknown"};
    return names[mode];
}

/* ---- samples ---- */

struct samples {
    double *values;
    size_t count, capacity;
};

static void samples_add(struct samples *samples, double value)
{
    if (!isfinite(value))
        return;
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? 2 * samples->capacity : 256;
        samples->values = mem_resize(samples->values, samples->capacity * sizeof *samples->values);
    }
    samples->values[samples->count++] = value;
}

static int compare(const void *a, const void *b)
{
    const double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The value that `share` of the samples, which are in order, do not exceed. */
static double samples_at(const struct samples *samples, double share)
{
    return samples->count ? samples->values[(size_t)(share * (double)(samples->count - 1))] : NAN;
}

static struct spread samples_spread(struct samples *samples)
{
    if (samples->count)
        qsort(samples->values, samples->count, sizeof *samples->values, compare);
    return (struct spread){
        .count = samples->count,
        .least = samples_at(samples, 0),
        .lower = samples_at(samples, 0.25),
        .median = samples_at(samples, 0.5),
        .upper = samples_at(samples, 0.75),
        .most = samples_at(samples, 1),
    };
}

/* ---- what is measured with ---- */

struct meter {
    struct bench *bench;
    struct practice *practice;
    unsigned char *memory; /* READ_BYTES */
    struct samples float32, bfloat16, reading, exchange, steps;
    struct net_clock clock;
    int64_t plain_steps, clocked_steps;
    double plain_seconds, clocked_seconds;
};

static void meter_peaks(struct meter *meter)
{
    struct team *team = practice_team(meter->practice);
    for (int i = 0; i < PEAK_BURSTS; i++) {
        samples_add(&meter->float32, math_peak_flops(team, MATH_PEAK_FLOAT32));
        samples_add(&meter->bfloat16, math_peak_flops(team, MATH_PEAK_BFLOAT16));
    }
    for (int i = 0; i < READ_BURSTS; i++)
        samples_add(&meter->reading, math_peak_read(team, meter->memory, READ_BYTES));
}

static int diverged(struct err *err)
{
    return err_set(err, ERR_USAGE,
                   "the training has diverged, and only one that has not can be measured; a lower "
                   "train.learning_rate is expected");
}

/* What a step takes, and everything in place that the first ones make. */
static int meter_warm(struct meter *meter, double seconds, double *step, struct err *err)
{
    const double start = clock_seconds();
    double last = start, now;
    do {
        if (!practice_step(meter->practice))
            return diverged(err);
        now = clock_seconds();
        *step = now - last;
        last = now;
    } while (now - start < seconds);
    return 0;
}

static int meter_block(struct meter *meter, int64_t steps, bool clocked, struct err *err)
{
    const double start = clock_seconds();
    double last = start;
    net_clock_set(practice_net(meter->practice), clocked ? &meter->clock : NULL);
    for (int64_t i = 0; i < steps; i++) {
        if (!practice_step(meter->practice))
            return diverged(err);
        const double now = clock_seconds();
        if (!clocked)
            samples_add(&meter->steps, now - last);
        last = now;
    }
    *(clocked ? &meter->clocked_steps : &meter->plain_steps) += steps;
    *(clocked ? &meter->clocked_seconds : &meter->plain_seconds) += last - start;
    samples_add(&meter->exchange, math_peak_exchange(practice_team(meter->practice)));
    return 0;
}

static int meter_training(struct meter *meter, double seconds, double step, struct err *err)
{
    const double end = clock_seconds() + seconds;
    const int64_t steps = step < BLOCK_SECONDS ? (int64_t)(BLOCK_SECONDS / step) : 1;
    do {
        if (meter_block(meter, steps, false, err) != 0 || meter_block(meter, steps, true, err) != 0)
            return -1;
    } while (clock_seconds() < end);
    net_clock_set(practice_net(meter->practice), NULL);
    return 0;
}

/* The validation set, again and again. */
static int meter_evaluation(struct meter *meter, const struct dataset *dataset, double seconds,
                            struct err *err)
{
    struct pace *pace = &meter->bench->evaluation;
    struct evaluation_result result;
    struct net *net = practice_net(meter->practice);
    if (run_evaluate(net, dataset, DATA_VALIDATION, NULL, NULL, &result, err) != 0)
        return -1;
    const double start = clock_seconds();
    do {
        if (run_evaluate(net, dataset, DATA_VALIDATION, NULL, NULL, &result, err) != 0)
            return -1;
        pace->samples += (double)result.count;
        pace->seconds = clock_seconds() - start;
    } while (pace->seconds < seconds);
    return 0;
}

/* ---- what comes of it ---- */

static void judge_mode(struct meter *meter)
{
    struct bench *bench = meter->bench;
    const struct samples *samples = &meter->exchange;
    const double usual = SLOW_FACTOR * samples_at(samples, 0.1);
    size_t slow = 0;
    for (size_t i = 0; i < samples->count; i++)
        slow += samples->values[i] > usual || samples->values[i] > SLOW_SECONDS;
    bench->exchange_slow = (double)slow / (double)samples->count;
    bench->mode = !samples->count                           ? BENCH_UNKNOWN
                  : bench->exchange_slow <= MIXED_SHARE     ? BENCH_FAST
                  : bench->exchange_slow >= 1 - MIXED_SHARE ? BENCH_SLOW
                                                            : BENCH_MIXED;
}

/* Weights of the first layer, and of all the others. */
static void count_weights(const struct net_shape *shape, double *first, double *inner)
{
    *first = (double)shape->inputs * shape->units[0];
    *inner = 0;
    for (int l = 1; l < shape->layers; l++)
        *inner += (double)shape->units[l - 1] * shape->units[l];
}

/* Operations count a multiply-add as two; the first layer needs no gradient of its inputs. Bytes
 * are those of pixels once, and of weights and velocities each time they are read or written. */
static void fill_training(struct meter *meter)
{
    struct bench *bench = meter->bench;
    const int batch = (int)bench->settings->train.batch_size;
    const double steps = (double)meter->clocked_steps, samples = steps * batch;
    double first, inner, working = 0;
    count_weights(&bench->shape, &first, &inner);
    const double operations[] = {[NET_PHASE_GATHER] = 0,
                                 [NET_PHASE_FORWARD] = 2 * first,
                                 [NET_PHASE_INNER] = 6 * inner,
                                 [NET_PHASE_UPDATE] = 2 * first};
    const double bytes[] = {[NET_PHASE_GATHER] = (double)bench->shape.inputs * batch,
                            [NET_PHASE_FORWARD] = sizeof(float) * first,
                            [NET_PHASE_INNER] = 6 * sizeof(float) * inner,
                            [NET_PHASE_UPDATE] = 4 * sizeof(float) * first};
    bench->clocked_seconds = meter->clocked_seconds;
    for (int i = 0; i < NET_PHASES; i++) {
        struct pace *phase = &bench->phase[i];
        *phase = (struct pace){samples, samples * operations[i], steps * bytes[i],
                               1e-9 * (double)meter->clock.phase[i] / bench->threads};
        working += phase->seconds;
    }
    bench->phase[BENCH_WAITING] =
        (struct pace){.seconds = fmax(meter->clocked_seconds - working, 0)};

    const double plain = (double)meter->plain_steps;
    bench->step = samples_spread(&meter->steps);
    bench->training = (struct pace){.samples = plain * batch, .seconds = meter->plain_seconds};
    for (int i = 0; i < NET_PHASES; i++) {
        bench->training.operations += plain * batch * operations[i];
        bench->training.bytes += plain * bytes[i];
    }
    bench->epoch_seconds =
        meter->plain_seconds / plain * (double)(bench->data->count[DATA_TRAIN] / (uint64_t)batch);
    bench->clock_cost = meter->clocked_seconds / steps / (meter->plain_seconds / plain) - 1;
    bench->evaluation.operations = bench->evaluation.samples * 2 * (first + inner);
}

static void fill(struct meter *meter)
{
    struct bench *bench = meter->bench;
    bench->float32 = samples_spread(&meter->float32);
    bench->bfloat16 = samples_spread(&meter->bfloat16);
    bench->reading = samples_spread(&meter->reading);
    bench->exchange = samples_spread(&meter->exchange);
    bench->disturbed = bench->float32.lower < DISTURBED_SHARE * bench->float32.most;
    judge_mode(meter);
    fill_training(meter);
}

static int measure(struct meter *meter, const struct dataset *dataset, struct err *err)
{
    const double seconds = meter->bench->seconds;
    double step = BLOCK_SECONDS;
    meter->memory = mem_array(READ_BYTES, 1, err);
    if (!meter->memory)
        return -1;
    memset(meter->memory, 1, READ_BYTES); /* every page its own */
    const double start = clock_seconds();
    meter_peaks(meter);
    const double peaks = clock_seconds() - start;
    const double training = seconds * (1 - WARM_SHARE - EVALUATION_SHARE) - 2 * peaks;
    if (meter_warm(meter, seconds * WARM_SHARE, &step, err) != 0 ||
        meter_training(meter, training, step, err) != 0 ||
        meter_evaluation(meter, dataset, seconds * EVALUATION_SHARE, err) != 0)
        return -1;
    meter_peaks(meter);
    fill(meter);
    return 0;
}

static int bench_on(struct bench *bench, const struct dataset *dataset, struct err *err)
{
    struct meter meter = {.bench = bench};
    int result = practice_create(bench->settings, dataset, &meter.practice, err);
    if (result == 0) {
        bench->shape = *net_shape(practice_net(meter.practice));
        bench->parameters = net_parameters(practice_net(meter.practice));
        bench->threads = team_threads(practice_team(meter.practice));
        result = measure(&meter, dataset, err);
    }
    practice_destroy(meter.practice);
    mem_free(meter.memory);
    mem_free(meter.float32.values);
    mem_free(meter.bfloat16.values);
    mem_free(meter.reading.values);
    mem_free(meter.exchange.values);
    mem_free(meter.steps.values);
    return result;
}

static int parse_seconds(const char *word, double *out, struct err *err)
{
    *out = SECONDS_STANDARD;
    if (!word || (number_parse_double(word, out) == 0 && *out > 0 && *out <= SECONDS_MOST))
        return 0;
    return err_set(err, ERR_USAGE, "--seconds %s: a number above 0, at most %d, is expected", word,
                   SECONDS_MOST);
}

int bench_command(const struct options *options, struct err *err)
{
    struct settings settings;
    struct data_options data_options;
    struct dataset *dataset;
    struct bench bench = {.settings = &settings};
    if (parse_seconds(options->seconds, &bench.seconds, err) != 0 ||
        load_settings(options, &settings, err) != 0)
        return -1;
    math_init();
    run_data_options(&settings, &data_options);
    if (data_open(&data_options, &dataset, err) != 0)
        return -1;
    bench.data = data_info(dataset);
    int result = bench_on(&bench, dataset, err);
    if (result == 0 && options->json)
        bench_print_json(&bench);
    else if (result == 0)
        bench_print(&bench);
    data_close(dataset);
    return result;
}
