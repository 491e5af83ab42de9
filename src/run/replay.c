/*
 * Replay: a new run with another's settings, whose tape is the other's journal.
 * Only the source of commands differs from any new run.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

int replay_open(const char *directory, bool verify, struct replay **out, struct err *err)
{
    struct replay *replay = mem_alloc(sizeof *replay);
    if (resume_read(directory, 0, verify, &replay->other, err) != 0) {
        mem_free(replay);
        return -1;
    }
    replay->settings = replay->other->started;
    replay->compares = verify;
    if (verify && verify_open(&replay->verify, replay->other, err) != 0) {
        replay_close(replay);
        return -1;
    }
    *out = replay;
    return 0;
}

void replay_close(struct replay *replay)
{
    if (!replay)
        return;
    verify_fini(&replay->verify);
    resume_close(replay->other);
    mem_free(replay);
}

const struct settings *replay_settings(const struct replay *replay)
{
    return &replay->settings;
}

bool replay_same_kernels(const struct replay *replay)
{
    return journal_same_libraries(&replay->other->journal.lines[0]);
}

int replay_set(struct replay *replay, const char *line, struct err *err)
{
    bool same = strncmp(line, "train.threads=", strlen("train.threads=")) == 0;
    if (replay->compares && !same)
        return err_set(err, ERR_USAGE,
                       "%s: what is verified has the other run's settings; only train.threads may "
                       "differ",
                       line);
    replay->changed = replay->changed || !same;
    return settings_set_line(&replay->settings, line, err);
}

void replay_name(const struct replay *replay, const char *runs_directory, char *out, size_t size)
{
    const char *name = replay->other->options.name;
    bool taken = true;
    for (int i = 1; taken; i++) {
        if (i == 1)
            snprintf(out, size, "%s-replay", name);
        else
            snprintf(out, size, "%s-replay-%d", name, i);
        char *path = file_path(runs_directory, out);
        taken = file_exists(path);
        mem_free(path);
    }
}

const char *replay_runs_directory(const struct replay *replay)
{
    return replay->other->options.runs_directory;
}
