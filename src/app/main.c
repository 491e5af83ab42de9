/* kdtui: the program. Chooses the subcommand; the only place that exits. */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "bench.h"
#include "eval.h"
#include "export.h"
#include "launcher.h"
#include "list.h"
#include "plot.h"
#include "print.h"
#include "remote.h"
#include "replay.h"
#include "resume.h"
#include "search.h"
#include "terminal.h"
#include "train.h"

/* The exit code of an error, after saying it. */
static int fail(const struct err *err)
{
    fprintf(stderr, "kdtui: %s\n", err->text);
    return err->code == ERR_USAGE ? 2 : 1;
}

static int perform(const struct options *options, char **words, struct err *err)
{
    if (options->help) {
        print_help(stdout);
        return 0;
    }
    if (options->version) {
        printf("kdtui %s\n", KDT_VERSION);
        return 0;
    }
    if (launcher_is_due(options))
        return launcher_run(words, err);
    switch (options->subcommand) {
    case SUBCOMMAND_RUN:
        return train_command(options, err);
    case SUBCOMMAND_RESUME:
        return resume_command(options, err);
    case SUBCOMMAND_REPLAY:
        return replay_command(options, err);
    case SUBCOMMAND_EVAL:
        return eval_command(options, err);
    case SUBCOMMAND_SEARCH:
        return search_command(options, err);
    case SUBCOMMAND_ATTACH:
        return attach_command(options, err);
    case SUBCOMMAND_LIST:
        return list_command(options, err);
    case SUBCOMMAND_STATUS:
        return status_command(options, err);
    case SUBCOMMAND_SEND:
        return send_command(options, err);
    case SUBCOMMAND_PLOT:
        return plot_command(options, err);
    case SUBCOMMAND_EXPORT:
        return export_command(options, err);
    case SUBCOMMAND_BENCH:
        return bench_command(options, err);
    case SUBCOMMAND_SETTINGS:
        if (options->ini) {
            print_settings_ini(stdout);
            return 0;
        }
        return print_settings(stdout, options->operands, options->operand_count, err);
    case SUBCOMMAND_KEYS:
        print_keys(stdout);
        return 0;
    case SUBCOMMAND_COUNT:
        break;
    }
    return 0;
}

/* Where one of the three is closed, the next file opened would take its place, and what is
 * printed would go into it. */
static void open_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) != fd)
            _exit(1); /* the lowest free one is fd itself */
}

int main(int argc, char **argv)
{
    open_standard_files();
    terminal_note();
    launcher_find();
    setlocale(LC_CTYPE, ""); /* LC_CTYPE alone: a decimal comma must never reach a file */
    struct options options;
    struct err err = {0};
    int code = options_parse(argc, argv, &options, &err);
    if (code == 0)
        code = perform(&options, argv, &err);
    options_fini(&options);
    if (code < 0)
        code = fail(&err);
    /* Results that could not be written are a failure (a full disk, say). A reader that
     * went away is not: the terminal may have, while training went on. */
    if (fflush(stdout) != 0 && errno != EPIPE && errno != EIO && code == 0) {
        fprintf(stderr, "kdtui: standard output: %s\n", strerror(errno));
        code = 1;
    }
    return code;
}
