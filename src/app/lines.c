/* Plain lines; see lines.h. */
#include "lines.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* 950, 142k, 1.25M. */
static void format_rate(char *out, size_t size, double rate)
{
    if (rate >= 1e6)
        snprintf(out, size, "%.2fM", rate / 1e6);
    else if (rate >= 1e3)
        snprintf(out, size, "%.0fk", rate / 1e3);
    else
        snprintf(out, size, "%.0f", rate);
}

static void print_head(const struct snapshot *now)
{
    fprintf(stderr, "data     %s\n", now->dataset_why);
    fprintf(stderr, "network  %s, %llu parameters\n", now->network,
            (unsigned long long)now->parameters);
    fprintf(stderr, "run      %s in %s\n", now->name, now->directory);
}

static void flush_output(struct lines *lines)
{
    if (fflush(stdout) != 0 && !lines->output_errno)
        lines->output_errno = errno;
}

static void print_evaluation(const struct snapshot *now, const struct evaluation *row)
{
    char speed[32];
    format_rate(speed, sizeof speed, now->samples_per_second);
    printf(
        "epoch %lld/%lld  step %lld  loss %.4f val %.4f  acc %.2f%% val %.2f%%  lr %.4g  "
        "%s samples/s\n",
        (long long)row->epoch, (long long)now->epochs, (long long)row->step, row->train_loss,
        row->validation_loss, 100 * row->train_accuracy, 100 * row->validation_accuracy,
        row->learning_rate, speed);
    fflush(stdout);
}

static void print_range_test(struct feed *feed)
{
    struct range_test test;
    feed->range(feed, &test);
    fprintf(stderr, "range    %s, at step %lld\n", test.text, (long long)test.step);
}

void lines_update(struct lines *lines, struct feed *feed)
{
    struct snapshot now;
    feed->snapshot(feed, &now);
    if (!lines->quiet && !lines->begun && now.state != RUN_STARTING) {
        lines->begun = true;
        print_head(&now);
    }
    struct evaluation row;
    while (!lines->quiet && feed->evaluations(feed, lines->evaluations, &row, 1) == 1) {
        lines->evaluations++;
        print_evaluation(&now, &row);
        flush_output(lines);
    }
    struct edit_mark edit;
    while (feed->edits(feed, lines->edits, &edit, 1) == 1) {
        lines->edits++;
        if (!lines->quiet && edit.source == SOURCE_RESUME)
            fprintf(stderr, "resume   %s at step %lld\n", edit.label, (long long)edit.step);
    }
    if (now.range_tests != lines->range_tests && !lines->quiet)
        print_range_test(feed);
    lines->range_tests = now.range_tests;
    if (strcmp(now.warning, lines->warning) != 0) {
        if (now.warning[0])
            fprintf(stderr, "kdtui: warning: %s\n", now.warning);
        text_copy(lines->warning, sizeof lines->warning, now.warning);
    }
}

static void print_interruption(const struct snapshot *now)
{
    fprintf(stderr, "kdtui: %s at step %lld; ", now->abandoned ? "abandoned" : "left",
            (long long)now->step);
    if (now->checkpoint_step < 0)
        fprintf(stderr, "nothing was saved in %s\n", now->directory);
    else
        fprintf(stderr, "saved up to step %lld in %s\n", (long long)now->checkpoint_step,
                now->directory);
}

void lines_result(const struct run_result *result)
{
    printf("test accuracy %.2f%%", 100 * result->test_accuracy);
    if (!isnan(result->best_validation_accuracy))
        printf(" (best validation %.2f%% at epoch %.0f)", 100 * result->best_validation_accuracy,
               result->best_epoch);
    printf("\n");
}

static void print_result(const struct snapshot *now)
{
    const struct run_result result = {now->test_accuracy, now->best_validation_accuracy,
                                      (double)now->best_epoch};
    lines_result(&result);
}

static void print_numbers(const struct snapshot *now)
{
    const struct evaluation *last = &now->last;
    if (last->step >= 0)
        printf("last     epoch %lld, step %lld: loss %.4f val %.4f, accuracy %.2f%% val %.2f%%\n",
               (long long)last->epoch, (long long)last->step, last->train_loss,
               last->validation_loss, 100 * last->train_accuracy, 100 * last->validation_accuracy);
    if (!isnan(now->best_validation_accuracy))
        printf("best     epoch %lld: validation %.2f%%\n", (long long)now->best_epoch,
               100 * now->best_validation_accuracy);
}

/* As a shell takes it for one word that a command finds the run by. */
static void print_run(const struct snapshot *now, bool by_name, struct text *out)
{
    const char *run = by_name ? now->name : now->directory;
    const char *quote = strpbrk(run, " \t'\"\\$*?") ? "'" : "";
    text_print(out, "%s%s%s", quote, run, quote);
}

void lines_goodbye(const struct snapshot *now, bool by_name, struct text *line)
{
    text_print(line, "%s; kdtui attach ",
               now->state == RUN_PAUSED ? "the run waits, paused" : "training goes on");
    print_run(now, by_name, line);
    text_print(line, " brings the view back");
}

void lines_skip(struct lines *lines, const struct snapshot *now)
{
    lines->evaluations = now->evaluations;
    lines->edits = now->edits;
    lines->range_tests = now->range_tests;
}

void lines_summary(struct feed *feed, bool by_name)
{
    struct snapshot now;
    struct text run = {0};
    feed->snapshot(feed, &now);
    print_run(&now, by_name, &run);
    printf("run      %s in %s\n", now.name, now.directory);
    print_numbers(&now);
    if (now.state == RUN_FINISHED)
        printf("more     kdtui resume %s --epochs=%lld\n", run.bytes, 2 * (long long)now.epochs);
    else if (now.checkpoint_step >= 0)
        printf("go on    kdtui resume %s\n", run.bytes);
    fflush(stdout);
    text_fini(&run);
}

int lines_exit_code(const struct snapshot *now)
{
    return now->state == RUN_DIVERGED ? 3 : now->state == RUN_FAILED ? 1 : 0;
}

void lines_end(struct lines *lines, struct feed *feed)
{
    struct snapshot now;
    feed->snapshot(feed, &now);
    switch (now.state) {
    case RUN_FINISHED:
        print_result(&now);
        flush_output(lines);
        break;
    case RUN_INTERRUPTED:
        print_interruption(&now);
        break;
    case RUN_DIVERGED:
        fprintf(stderr, "kdtui: diverged: %s\n", now.error);
        break;
    default:
        if (!isnan(now.test_accuracy))
            print_result(&now);
        flush_output(lines);
        fprintf(stderr, "kdtui: %s\n", now.error);
    }
}
