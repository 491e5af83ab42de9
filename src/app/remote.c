/* The subcommands status and send; see remote.h. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kdt/cmd.h"
#include "kdt/ctl.h"
#include "kdt/run.h"
#include "places.h"
#include "standing.h"

char *remote_find_run(const struct options *options, const char *word, struct err *err)
{
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    char *directory = places_run(word, runs, err);
    mem_free(runs);
    return directory;
}

int status_command(const struct options *options, struct err *err)
{
    char *directory =
        remote_find_run(options, options->operand_count ? options->operands[0] : "last", err);
    json_t *object = directory ? standing_find(directory, err) : NULL;
    mem_free(directory);
    if (!object)
        return -1;
    json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    printf("\n");
    json_decref(object);
    return 0;
}

/* The words of a command, as one line that the grammar accepts. */
static int join_command(const struct options *options, struct text *line, struct err *err)
{
    struct command command;
    for (size_t i = 1; i < options->operand_count; i++)
        text_print(line, "%s%s", i > 1 ? " " : "", options->operands[i]);
    if (command_parse(line->bytes, &command, err) != 0)
        return -1;
    if (command_owner(command.id))
        return err_set(err, ERR_USAGE, "%s is a command of %s, not of a run",
                       command_info(command.id)->name, command_owner(command.id));
    return 0;
}

/* A process that has just taken the run's lock opens its socket a little later. */
int remote_connect(const char *directory, struct ctl_client **client, struct err *err)
{
    static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};
    enum { TRIES = 100 };
    char *sockets = places_sockets();
    int result = ctl_connect(sockets, directory, client, err);
    for (int i = 0; result == 0 && i < TRIES && run_is_trained(directory); i++) {
        nanosleep(&pause, NULL);
        result = ctl_connect(sockets, directory, client, err);
    }
    mem_free(sockets);
    return result;
}

/* 0 applied, 1 refused. */
static int send_line(const char *directory, const char *line, struct err *err)
{
    struct ctl_client *client;
    struct text answer = {0};
    int result = remote_connect(directory, &client, err);
    if (result == 0)
        err_set(err, ERR_FILE, "%s: no process that can be reached trains this run", directory);
    if (result != 1)
        return -1;
    result = ctl_command(client, line, &answer, err);
    ctl_client_close(client);
    if (result == 1)
        printf("%s\n", answer.bytes);
    else if (result == 0)
        fprintf(stderr, "kdtui: %s\n", answer.bytes);
    text_fini(&answer);
    return result == 1 ? 0 : result == 0 ? 1 : -1;
}

int send_command(const struct options *options, struct err *err)
{
    struct text line = {0};
    if (options->operand_count < 2)
        return err_set(err, ERR_USAGE,
                       "send: a run and a command are expected, as in kdtui send "
                       "RUN set train.learning_rate *0.5");
    char *directory = remote_find_run(options, options->operands[0], err);
    int code = -1;
    if (directory && join_command(options, &line, err) == 0)
        code = send_line(directory, line.bytes, err);
    mem_free(directory);
    text_fini(&line);
    return code;
}
