/*
 * The run to be compared with: of those beside a run that were trained on the
 * same data, the one with the best validation accuracy. What cannot be read is
 * passed over, and the search ends when it takes too long or is not wanted any
 * more, with the best so far.
 */
#include "internal.h"

#include <dirent.h>
#include <math.h>
#include <string.h>

#define SECONDS_MAX 10.0
#define METRICS_BYTES ((size_t)64 << 20)

static bool read_digest(const char *directory, uint32_t *digest)
{
    struct journal_file journal = {0};
    struct err err;
    char *path = file_path(directory, "journal.jsonl");
    const bool read = file_exists(path) && journal_load(path, &journal, &err) == 0;
    *digest = journal.data_digest;
    if (read)
        journal_file_fini(&journal);
    mem_free(path);
    return read;
}

/* An epoch's last step is a whole number of them, any other row's less. */
static int64_t find_epoch(const struct metrics_file *file)
{
    int64_t steps = 0;
    for (size_t i = 0; i < file->evaluation_count; i++) {
        const struct evaluation *row = &file->evaluations[i].evaluation;
        if (row->epoch > 0 && (steps == 0 || row->step / row->epoch < steps))
            steps = row->step / row->epoch;
    }
    return steps;
}

static double find_best(const struct metrics_file *file)
{
    double best = NAN;
    for (size_t i = 0; i < file->evaluation_count; i++)
        best = fmax(best, file->evaluations[i].evaluation.validation_accuracy);
    return best;
}

/* The rows that were not abandoned, at the steps of a run with other epochs. */
static void take_rows(const struct metrics_file *file, int64_t theirs, int64_t ours,
                      struct earlier_run *out)
{
    size_t kept = file->evaluation_count;
    int64_t next = INT64_MAX;
    out->evaluations = mem_alloc(kept * sizeof *out->evaluations);
    for (size_t i = file->evaluation_count; i-- > 0;) {
        const struct evaluation *row = &file->evaluations[i].evaluation;
        if (row->step >= next)
            continue;
        next = row->step;
        out->evaluations[--kept] = *row;
        out->evaluations[kept].step = llround((double)row->step / (double)theirs * (double)ours);
    }
    out->evaluation_count = file->evaluation_count - kept;
    memmove(out->evaluations, out->evaluations + kept,
            out->evaluation_count * sizeof *out->evaluations);
}

/* Takes the run's place in *out where it is better. What one that still trains comes to is not
 * known yet. */
static void consider(const char *runs, const char *name, uint32_t digest, int64_t steps_per_epoch,
                     struct earlier_run *out)
{
    struct metrics_file file = {0};
    struct err err;
    uint32_t theirs;
    char *directory = file_path(runs, name), *settings = file_path(directory, "settings.ini");
    char *metrics = file_path(directory, "metrics.csv");
    if (strlen(name) < sizeof out->name && file_exists(settings) &&
        read_digest(directory, &theirs) && theirs == digest && !run_is_trained(directory) &&
        metrics_load_evaluations(&file, metrics, METRICS_BYTES, &err) == 0) {
        const int64_t epoch = find_epoch(&file);
        const double best = find_best(&file);
        if (epoch > 0 && isfinite(best) &&
            (!out->evaluation_count || best > out->best_validation_accuracy)) {
            mem_free(out->evaluations);
            text_copy(out->name, sizeof out->name, name);
            out->best_validation_accuracy = best;
            take_rows(&file, epoch, steps_per_epoch, out);
        }
    }
    metrics_file_fini(&file);
    mem_free(directory);
    mem_free(settings);
    mem_free(metrics);
}

bool run_earlier_find(const char *runs_directory, const char *name, int64_t steps_per_epoch,
                      const atomic_bool *stop, struct earlier_run *out)
{
    const double end = clock_seconds() + SECONDS_MAX;
    uint32_t digest;
    char *own = file_path(runs_directory, name);
    *out = (struct earlier_run){0};
    DIR *stream = read_digest(own, &digest) ? opendir(runs_directory) : NULL;
    mem_free(own);
    while (stream && !*stop && clock_seconds() < end) {
        const struct dirent *entry = readdir(stream);
        if (!entry)
            break;
        if (entry->d_name[0] != '.' && strcmp(entry->d_name, name) != 0)
            consider(runs_directory, entry->d_name, digest, steps_per_epoch, out);
    }
    if (stream)
        closedir(stream);
    return out->evaluation_count > 0;
}
