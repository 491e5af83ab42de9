/* The subcommand export; see export.h. */
#include "export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kdt/export.h"
#include "output.h"
#include "places.h"

enum format { FORMAT_CSV, FORMAT_TENSORBOARD, FORMAT_ONNX };

static int parse_format(const char *word, enum format *out, struct err *err)
{
    static const char *const names[] = {"csv", "tensorboard", "onnx"};
    *out = FORMAT_CSV;
    if (!word)
        return 0;
    for (int i = 0; i < 3; i++)
        if (strcmp(word, names[i]) == 0) {
            *out = (enum format)i;
            return 0;
        }
    return err_set(err, ERR_USAGE, "--format %s: csv, tensorboard or onnx is expected", word);
}

/* The best net of a run, or that of a checkpoint's file. */
static int make_onnx(const char *path, struct text *out, struct err *err)
{
    struct checkpoint checkpoint;
    struct net_shape shape;
    struct team *team = NULL;
    struct net *net = NULL;
    int code = -1;
    if (checkpoint_load(path, &checkpoint, err) != 0)
        return -1;
    math_init();
    if (run_net_shape(&checkpoint.settings, checkpoint.inputs, checkpoint.classes, &shape, err) ==
            0 &&
        team_create(1, &team, err) == 0 && net_create(&shape, 1, team, &net, err) == 0 &&
        checkpoint_restore(&checkpoint, net, err) == 0) {
        const struct data_transform transform = {checkpoint.factor, checkpoint.offset,
                                                 checkpoint.inputs};
        char name[128];
        run_describe_network(&shape, name, sizeof name);
        export_onnx(net, &transform, name, out);
        code = 0;
    }
    net_destroy(net);
    team_destroy(team);
    checkpoint_fini(&checkpoint);
    return code;
}

static int write_onnx(const struct options *options, const char *word, struct err *err)
{
    struct text bytes = {0};
    char *from = places_checkpoint(word, options->runs_directory, err);
    char *to = from ? output_path(options, "kdtui.onnx", err) : NULL;
    int code = -1;
    if (to && make_onnx(from, &bytes, err) == 0)
        code = output_write(to, &bytes, err);
    text_fini(&bytes);
    mem_free(from);
    mem_free(to);
    return code;
}

static int write_csv(const struct options *options, const struct run_record *record,
                     struct err *err)
{
    struct text bytes = {0};
    int code = 0;
    export_csv(record, &bytes);
    if (options->output)
        code = output_write(options->output, &bytes, err);
    else
        fwrite(bytes.bytes, 1, bytes.length, stdout);
    text_fini(&bytes);
    return code;
}

static int write_tensorboard(const struct options *options, const struct run_record *record,
                             struct err *err)
{
    struct text bytes = {0};
    char name[256];
    int code = -1;
    snprintf(name, sizeof name, "events.out.tfevents.%.0f.%s", record->started, record->name);
    char *to = output_path(options, name, err);
    if (to) {
        export_tensorboard(record, &bytes);
        code = output_write(to, &bytes, err);
    }
    text_fini(&bytes);
    mem_free(to);
    return code;
}

int export_command(const struct options *options, struct err *err)
{
    const char *word = options->operand_count ? options->operands[0] : "last";
    enum format format;
    struct run_record record;
    if (parse_format(options->format, &format, err) != 0)
        return -1;
    if (format == FORMAT_ONNX)
        return write_onnx(options, word, err);
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    char *directory = places_run(word, runs, err);
    int code = -1;
    if (directory && run_record_load(directory, &record, err) == 0) {
        code = format == FORMAT_CSV ? write_csv(options, &record, err)
                                    : write_tensorboard(options, &record, err);
        run_record_fini(&record);
    }
    mem_free(directory);
    mem_free(runs);
    return code;
}
