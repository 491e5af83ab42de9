/*
 * Random sessions at a run: edits, pauses, steps, evaluations, notes, undo, redo,
 * roll-backs, leaving with and without saving, going on with another number of
 * threads. Each is trained again from its journal, and no bit may be another.
 *
 *   test_sessions [SESSIONS [SEED]]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "run_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture fixture;
static struct script *paused; /* from the first step on */
static uint64_t seed = 1;
static uint32_t sessions = 10, session, draws;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    paused = fixture_script("@0 pause\n");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    script_free(paused);
    fixture_close(&fixture);
    return 0;
}

static uint32_t draw(uint32_t below)
{
    return rng_draw(seed, RNG_SYNTHETIC, 1, session, draws++).word[0] % below;
}

/* ---- what a person does ---- */

struct sitting {
    char name[32];
    struct run *run;
    struct feed *feed;
    int names; /* of checkpoints */
    int applied, refused;
};

static void give(struct sitting *sitting, const char *line)
{
    struct answer answer;
    fixture_command(sitting->feed, line, &answer);
    if (answer.state == ANSWER_APPLIED)
        sitting->applied++;
    else
        sitting->refused++;
}

static void edit(struct sitting *sitting)
{
    static const char *const edits[] = {
        "set train.learning_rate *1.5",
        "set train.learning_rate /2",
        "set train.learning_rate 0.1",
        "set train.l2 0.001",
        "set train.l2 0",
        "set train.momentum 0.5",
        "set train.momentum 0.95",
        "set network.dropout 0.2",
        "set train.label_smoothing 0.1",
        "toggle augment.noise",
        "set augment.noise_level 0.3",
        "set train.learning_rate 0.07 train.momentum 0.9",
        "set checkpoint.every_epochs 2",
        "set checkpoint.keep 3",
    };
    give(sitting, edits[draw(sizeof edits / sizeof edits[0])]);
}

static void roll_back(struct sitting *sitting)
{
    struct kept_state states[64];
    char line[64];
    size_t count = sitting->feed->states(sitting->feed, 0, states, 64);
    uint32_t which = draw(4);
    if (which < 2 || !count)
        snprintf(line, sizeof line, "rollback %s", which ? "best" : "last");
    else
        snprintf(line, sizeof line, "rollback %" PRId64, states[draw((uint32_t)count)].step);
    give(sitting, line);
}

static void train_on(struct sitting *sitting)
{
    char line[32];
    struct snapshot now;
    if (draw(3)) { /* some steps, exactly */
        snprintf(line, sizeof line, "step %u", 1 + draw(30));
        give(sitting, line);
        fixture_wait(sitting->feed, fixture_paused, &now);
        return;
    }
    /* For a while, with what is given meanwhile. */
    give(sitting, "continue");
    for (uint32_t i = draw(3); i; i--) {
        struct timespec delay = {0, 1000 * (long)draw(1500)};
        nanosleep(&delay, NULL);
        edit(sitting);
    }
    give(sitting, "pause");
}

static void leave_and_return(struct sitting *sitting)
{
    char threads[] = "train.threads=1";
    const char *const settings[] = {threads, NULL};
    threads[14] = (char)('1' + draw(3));
    if (draw(2))
        run_interrupt(sitting->run, "test");
    else
        run_abandon(sitting->run);
    fixture_end(sitting->run, RUN_INTERRUPTED, NULL);
    sitting->run = fixture_resume(&fixture, sitting->name, settings, NULL);
    sitting->feed = run_feed(sitting->run);
    give(sitting, "pause");
}

static void act(struct sitting *sitting)
{
    char line[64];
    switch (draw(16)) {
    case 0:
    case 1:
    case 2:
        give(sitting, "undo");
        break;
    case 3:
        give(sitting, "redo");
        break;
    case 4:
        roll_back(sitting);
        break;
    case 5:
        give(sitting, draw(2) ? "evaluate" : "checkpoint");
        break;
    case 6:
        snprintf(line, sizeof line, "checkpoint mine-%d", ++sitting->names);
        give(sitting, line);
        break;
    case 7:
        give(sitting, "note it is late");
        break;
    case 8:
        leave_and_return(sitting);
        break;
    case 9:
    case 10:
    case 11:
        edit(sitting);
        break;
    default:
        train_on(sitting);
    }
}

static void sit(struct sitting *sitting)
{
    struct run_options options = {.script = paused};
    struct snapshot now;
    struct answer answer;
    struct err err;
    char threads[] = "train.threads=1";
    threads[14] = (char)('1' + session % 3);
    snprintf(sitting->name, sizeof sitting->name, "%u", session);
    text_copy(options.name, sizeof options.name, sitting->name);
    snprintf(options.runs_directory, sizeof options.runs_directory, "%s/runs", fixture.directory);
    fixture_settings(&fixture, &options.settings);
    fixture_set(&options.settings, threads);
    fixture_set(&options.settings, "train.epochs=1000000");
    options.settings.train.optimizer = (enum settings_optimizer)draw(4);
    if (run_create(&options, fixture.dataset, &sitting->run, &err) != 0)
        fail_msg("%s", err.text);
    sitting->feed = run_feed(sitting->run);
    fixture_wait(sitting->feed, fixture_paused, &now);
    for (uint32_t actions = 10 + draw(20); actions; actions--)
        act(sitting);
    /* What an interrupted sitting had is repeated first, in which nothing else is done. */
    give(sitting, "continue");
    do
        fixture_command(sitting->feed, "evaluate", &answer);
    while (answer.state != ANSWER_APPLIED);
    give(sitting, "stop");
    fixture_end(sitting->run, RUN_FINISHED, NULL);
}

/* ---- again ---- */

static void replay(const struct sitting *sitting)
{
    extern char **environ;
    char runs[300], output[300], threads[] = "train.threads=1";
    threads[14] = (char)('1' + (session + 1) % 3);
    snprintf(runs, sizeof runs, "%s/runs", fixture.directory);
    snprintf(output, sizeof output, "%s/output", fixture.directory);
    const char *arguments[] = {"kdtui",   "replay",     sitting->name, "--verify",
                               "--quiet", "--headless", "--runs-dir",  runs,
                               "-s",      threads,      NULL};
    char *copies[16] = {NULL};
    for (int i = 0; arguments[i]; i++)
        copies[i] = mem_text(arguments[i]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    const char *program = getenv("KDTUI");
    pid_t child;
    int status;
    int failed =
        posix_spawn(&child, program ? program : "./kdtui", &actions, NULL, copies, environ);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(failed, 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    for (int i = 0; copies[i]; i++)
        mem_free(copies[i]);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    unsigned char *said = NULL;
    size_t length;
    (void)file_read(output, (size_t)1 << 20, &said, &length, NULL);
    fail_msg("session %u, seed %" PRIu64 ": status %x: %s", session, seed, (unsigned)status,
             said ? (char *)said : "");
}

static void test_sessions(void **state)
{
    (void)state;
    int applied = 0, refused = 0;
    for (session = 1; session <= sessions; session++) {
        struct sitting sitting = {.names = 0};
        draws = 0;
        sit(&sitting);
        replay(&sitting);
        /* The two share no code with what has just been said to be the same. */
        char name[64];
        snprintf(name, sizeof name, "%s-replay", sitting.name);
        fixture_assert_same(&fixture, sitting.name, name);
        applied += sitting.applied;
        refused += sitting.refused;
    }
    print_message("%u sessions of %d commands, %d of them refused\n", sessions, applied + refused,
                  refused);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        sessions = (uint32_t)atol(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sessions)};
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
