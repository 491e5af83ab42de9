/* The subcommand eval; see eval.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "eval.h"

#include <stdio.h>
#include <string.h>

#include "kdt/run.h"
#include "load.h"
#include "places.h"

static const char *const split_names[] = {"train", "validation", "test"};

static int parse_split(const char *word, enum data_split *out, struct err *err)
{
    *out = DATA_TEST;
    if (!word)
        return 0;
    for (int i = 0; i < DATA_SPLITS; i++)
        if (strcmp(word, split_names[i]) == 0) {
            *out = (enum data_split)i;
            return 0;
        }
    return err_set(err, ERR_USAGE, "--split %s: train, validation or test is expected", word);
}

/* `wide`: columns that the largest count needs. */
static void print_classes(const struct data_info *info, const struct confusion *confusion)
{
    int classes = info->classes, name_width = 5, wide = 3;
    for (int k = 0; k < classes; k++) {
        int length = (int)strlen(info->class_name[k]);
        name_width = length > name_width ? length : name_width;
    }
    for (int i = 0; i < classes * classes; i++)
        while (confusion->count[i] >= 1000 && wide < 9 &&
               snprintf(NULL, 0, "%u", confusion->count[i]) > wide)
            wide++;

    printf("\n%*s  accuracy  predicted as\n%*s  %8s", name_width, "class", name_width, "", "");
    for (int k = 0; k < classes; k++)
        printf(" %*.*s", wide + 1, wide + 1, info->class_name[k]);
    printf("\n");
    for (int k = 0; k < classes; k++) {
        const uint32_t *row = confusion->count + k * classes;
        uint64_t total = 0;
        for (int j = 0; j < classes; j++)
            total += row[j];
        printf("%*s  ", name_width, info->class_name[k]);
        if (total)
            printf("%7.2f%%", 100.0 * (double)row[k] / (double)total);
        else
            printf("%8s", "-");
        for (int j = 0; j < classes; j++)
            printf(" %*u", wide + 1, row[j]);
        printf("\n");
    }
}

/* The network is the checkpoint's; only where its data come from may be another's. */
static int check_overrides(const struct options *options, struct err *err)
{
    static const char *const allowed[] = {
        "data.dataset=",         "data.path=",    "data.train_size=", "data.validation_size=",
        "data.validation_from=", "train.threads="};
    for (size_t i = 0; i < options->set_count; i++) {
        bool known = false;
        for (size_t j = 0; j < sizeof allowed / sizeof *allowed; j++)
            known = known || strncmp(options->set[i], allowed[j], strlen(allowed[j])) == 0;
        if (!known)
            return err_set(err, ERR_USAGE,
                           "--set %s: eval takes the checkpoint's own; only where the data come "
                           "from (data.dataset, data.path and the sizes) and train.threads can "
                           "be set",
                           options->set[i]);
    }
    return 0;
}

/* `own`: the data must be those that the run was trained on. */
static int evaluate(const struct checkpoint *checkpoint, const char *path,
                    const struct settings *settings, bool own, enum data_split split,
                    struct err *err)
{
    struct dataset *dataset = NULL;
    struct team *team = NULL;
    struct net *net = NULL;
    struct confusion confusion = {0};
    struct data_options data_options;
    struct net_shape shape;
    int code = -1;

    run_data_options(settings, &data_options);
    if (data_open(&data_options, &dataset, err) != 0)
        goto done;
    const struct data_info *info = data_info(dataset);
    if (info->inputs != checkpoint->inputs || info->classes != checkpoint->classes) {
        err_set(err, ERR_FILE,
                "%s: trained on %d inputs and %d classes; %s has %d inputs and %d classes", path,
                checkpoint->inputs, checkpoint->classes, info->name, info->inputs, info->classes);
        goto done;
    }
    if (own && info->digest != checkpoint->data_digest) {
        err_set(err, ERR_FILE,
                "%s: trained on other data than %s has now; to measure it on these, name them "
                "with --set data.dataset=%s",
                path, info->path[0] ? info->path : info->name, info->name);
        goto done;
    }
    math_init();
    math_thread_init();
    if (run_net_shape(settings, info->inputs, info->classes, &shape, err) != 0 ||
        team_create((int)settings->train.threads, &team, err) != 0 ||
        net_create(&shape, 1, team, &net, err) != 0 ||
        checkpoint_restore(checkpoint, net, err) != 0)
        goto done;
    confusion.count =
        mem_alloc((size_t)info->classes * (size_t)info->classes * sizeof *confusion.count);
    struct data_transform transform = {checkpoint->factor, checkpoint->offset, checkpoint->inputs};
    struct evaluation_result result;
    if (run_evaluate(net, dataset, split, &transform, &confusion, &result, err) != 0)
        goto done;
    fprintf(stderr, "checkpoint  %s, step %lld\ndata        %s, %s, %llu images\n", path,
            (long long)checkpoint->step, info->name, split_names[split],
            (unsigned long long)result.count);
    printf("loss %.4f\naccuracy %.2f%%\n", result.loss, 100 * result.accuracy);
    print_classes(info, &confusion);
    code = 0;
done:
    mem_free(confusion.count);
    net_destroy(net);
    team_destroy(team);
    data_close(dataset);
    return code;
}

int eval_command(const struct options *options, struct err *err)
{
    enum data_split split;
    if (parse_split(options->split, &split, err) != 0 || check_overrides(options, err) != 0)
        return -1;
    char *path = places_checkpoint(options->operand_count ? options->operands[0] : "last",
                                   options->runs_directory, err);
    if (!path)
        return -1;
    struct checkpoint checkpoint;
    int code = -1;
    if (checkpoint_load(path, &checkpoint, err) == 0) {
        struct settings settings = checkpoint.settings;
        if (load_overrides(options, &settings, err) == 0) {
            struct settings mixed = checkpoint.settings;
            mixed.data = settings.data;
            mixed.train.threads = settings.train.threads;
            bool own = options->config_count == 0;
            for (size_t i = 0; i < options->set_count; i++)
                own = own && strncmp(options->set[i], "data.", 5) != 0;
            code = evaluate(&checkpoint, path, &mixed, own, split, err);
        }
        checkpoint_fini(&checkpoint);
    }
    mem_free(path);
    return code;
}
