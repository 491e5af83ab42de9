/* The subcommand replay; see replay.h. */
#include "replay.h"

#include <stdio.h>
#include <string.h>

#include "kdt/run.h"
#include "load.h"
#include "places.h"
#include "signals.h"
#include "train.h"

/* Everything of the new run that needs no data. */
static int fill_run_options(const struct options *options, struct replay *replay,
                            struct run_options *out, struct err *err)
{
    for (size_t i = 0; i < options->set_count; i++)
        if (strncmp(options->set[i], "view.", strlen("view.")) != 0 &&
            replay_set(replay, options->set[i], err) != 0)
            return err_context(err, "--set");
    *out = (struct run_options){.settings = *replay_settings(replay), .replay = replay};
    text_copy(out->runs_directory, sizeof out->runs_directory,
              options->runs_directory ? options->runs_directory : replay_runs_directory(replay));
    if (options->name)
        text_copy(out->name, sizeof out->name, options->name);
    else
        replay_name(replay, out->runs_directory, out->name, sizeof out->name);
    return run_name_check(out->runs_directory, options->name ? options->name : out->name, err);
}

static int replay_on(const struct options *options, const struct run_options *run_options,
                     const struct dataset *dataset, struct err *err)
{
    struct settings view;
    struct run *run;
    if (load_view_settings(options, &view, err) != 0 || signals_init(err) != 0 ||
        run_create(run_options, dataset, &run, err) != 0)
        return -1;
    return train_watch(options, &view, run, err);
}

static int replay_train(const struct options *options, struct replay *replay, struct err *err)
{
    struct run_options run_options;
    struct data_options data_options;
    struct dataset *dataset;
    if (fill_run_options(options, replay, &run_options, err) != 0)
        return -1;
    if (!replay_same_kernels(replay))
        fprintf(stderr,
                "kdtui: the run was begun with another program or other kernels: its bits "
                "cannot be expected again%s\n",
                options->verify ? ", so that they are compared with a tolerance" : "");
    run_data_options(&run_options.settings, &data_options);
    if (data_open(&data_options, &dataset, err) != 0)
        return -1;
    int code = replay_on(options, &run_options, dataset, err);
    data_close(dataset);
    return code;
}

int replay_command(const struct options *options, struct err *err)
{
    struct replay *replay;
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    char *directory = places_run(options->operand_count ? options->operands[0] : "last", runs, err);
    mem_free(runs);
    int code = -1;
    math_init();
    if (directory && replay_open(directory, options->verify, &replay, err) == 0) {
        code = replay_train(options, replay, err);
        replay_close(replay);
    }
    mem_free(directory);
    return code;
}
