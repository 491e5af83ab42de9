/* The subcommand resume; see resume.h. */
#include "resume.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kdt/run.h"
#include "lines.h"
#include "load.h"
#include "places.h"
#include "signals.h"
#include "train.h"

/* --set, --epochs and --from. */
static int apply_options(const struct options *options, struct resume *resume, struct err *err)
{
    if (options->from && resume_return(resume, options->from, err) != 0)
        return err_context(err, "--from");
    for (size_t i = 0; i < options->set_count; i++)
        if (strncmp(options->set[i], "view.", strlen("view.")) != 0 &&
            resume_set(resume, options->set[i], err) != 0)
            return err_context(err, "--set");
    if (options->epochs) {
        struct text line = {0};
        text_print(&line, "train.epochs=%s", options->epochs);
        int result = resume_set(resume, line.bytes, err);
        text_fini(&line);
        if (result != 0)
            return err_context(err, "--epochs");
    }
    return 0;
}

/* Each line is one thing that a person must know. */
static void print_notes(const struct resume *resume)
{
    for (const char *line = resume_notes(resume); *line; line = strchr(line, '\n') + 1)
        fprintf(stderr, "kdtui: %.*s\n", (int)strcspn(line, "\n"), line);
}

static void print_start(const struct resume *resume)
{
    int64_t step;
    const char *name = resume_from(resume, &step);
    if (*name)
        fprintf(stderr, "resume   from %s.safetensors, step %lld\n", name, (long long)step);
    else
        fprintf(stderr, "resume   from the beginning: nothing was saved\n");
}

/* On success `resume` is the run's. */
static int resume_on(const struct options *options, struct resume *resume,
                     const struct dataset *dataset, struct err *err)
{
    struct settings view;
    struct run *run;
    if (load_view_settings(options, &view, err) != 0 || signals_init(err) != 0 ||
        resume_start(resume, dataset, &run, err) != 0) {
        resume_close(resume);
        return -1;
    }
    return train_watch(options, &view, run, err);
}

/* Takes `resume` over. */
static int resume_train(const struct options *options, struct resume *resume, struct err *err)
{
    struct data_options data_options;
    struct dataset *dataset;
    math_init();
    run_data_options(resume_settings(resume), &data_options);
    if (data_open(&data_options, &dataset, err) != 0) {
        resume_close(resume);
        return -1;
    }
    if (!options->quiet)
        print_start(resume);
    int code = resume_on(options, resume, dataset, err);
    data_close(dataset);
    return code;
}

static int resume_or_tell(const struct options *options, struct resume *resume,
                          const struct script *script, struct err *err)
{
    struct run_result result;
    int finished = resume_result(resume, &result, err);
    print_notes(resume);
    if (finished < 0 || apply_options(options, resume, err) != 0) {
        resume_close(resume);
        return -1;
    }
    if (finished && !resume_goes_on(resume)) {
        lines_result(&result);
        resume_close(resume);
        return 0;
    }
    resume_script(resume, script);
    return resume_train(options, resume, err);
}

static int set_number(struct resume *resume, const char *name, int64_t now, int64_t value,
                      struct err *err)
{
    struct text line = {0};
    if (now == value)
        return 0;
    text_print(&line, "%s=%lld", name, (long long)value);
    int result = resume_set(resume, line.bytes, err);
    text_fini(&line);
    return result;
}

int resume_taken(const struct options *options, const struct taken *taken, struct err *err)
{
    struct resume *resume;
    if (resume_open(taken->directory, &resume, err) != 0)
        return -1;
    print_notes(resume);
    const struct settings *now = resume_settings(resume);
    if (set_number(resume, "train.threads", now->train.threads, taken->threads, err) != 0 ||
        set_number(resume, "train.epochs", now->train.epochs, taken->epochs, err) != 0) {
        resume_close(resume);
        return -1;
    }
    resume_note(resume, taken->note);
    return resume_train(options, resume, err);
}

int resume_command(const struct options *options, struct err *err)
{
    struct script *script = NULL;
    struct resume *resume;
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    char *directory = places_run(options->operand_count ? options->operands[0] : "last", runs, err);
    mem_free(runs);
    int code = -1;
    if (directory && (!options->script || script_load(options->script, &script, err) == 0) &&
        resume_open(directory, &resume, err) == 0)
        code = resume_or_tell(options, resume, script, err);
    mem_free(directory);
    script_free(script);
    return code;
}
