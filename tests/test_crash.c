/*
 * A training process is killed: at each of its calls of the file system, and at
 * any moment. Where the power goes, too, the disk is then made what it would be
 * (tests/disk.h). No checkpoint is lost or unreadable, what was printed or
 * journalled stays, and the run that is resumed, and killed again, ends with the
 * bits of one that never was.
 *
 *   test_crash [KILLS [SEED]]    from 1,000 on at each call in turn first
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "run_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "disk.h"

static struct fixture fixture;
static char runs[300], shadow[300], after[300], output[300], errors[300];
static const char *program;

/* Nothing here depends on what was typed in vain, so a run that was given only
 * the first K lines is known by K. */
static const char *const lines[] = {
    "@3 set train.learning_rate /2",
    "@7 toggle augment.noise",
    "@7 set augment.noise_level 0.2",
    "@12 checkpoint one",
    "@15 undo",
    "@18 undo",
    "@19 redo",
    "@20 set train.momentum 0.8 train.l2 0",
    "@29 evaluate",
    "@31 set train.learning_rate *3",
    "@34 checkpoint two",
    "@34 note so far",
    "@36 rollback best",
    "@41 toggle augment.noise",
    "@45 rollback 34",
    "@46 undo",
    "@55 rollback last",
    "@57 set train.learning_rate 0.01",
};
enum { LINES = sizeof lines / sizeof lines[0] };
static bool known[LINES + 1]; /* the runs "0" … that were never killed */

/* ---- chance ---- */

static uint64_t seed = 1;
static uint32_t trial, draws;

static uint32_t draw(uint32_t below)
{
    return rng_draw(seed, RNG_SYNTHETIC, 0, trial, draws++).word[0] % below;
}

/* ---- files ---- */

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status, (void)type, (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void write_text(const char *path, const char *text)
{
    struct file_part part = {text, strlen(text)};
    struct err err;
    assert_int_equal(file_write(path, &part, 1, &err), 0);
}

static char *read_text(const char *path)
{
    unsigned char *bytes;
    size_t length;
    struct err err;
    if (file_read(path, (size_t)1 << 24, &bytes, &length, &err) != 0)
        fail_msg("%s", err.text);
    return (char *)bytes;
}

static char *script_path(int count)
{
    struct text path = {0}, text = {0};
    text_print(&path, "%s/script-%d", fixture.directory, count);
    for (int i = 0; i < count; i++)
        text_print(&text, "%s\n", lines[i]);
    if (!file_exists(path.bytes))
        write_text(path.bytes, count ? text.bytes : "");
    text_fini(&text);
    return path.bytes;
}

static int open_fixture(void **state)
{
    (void)state;
    static char path[1200];
    const char *built = getenv("top_builddir");
    snprintf(path, sizeof path, "%s/tests/kdtui_fault", built ? built : ".");
    program = path;
    fixture_open(&fixture);
    snprintf(runs, sizeof runs, "%s/runs", fixture.directory);
    snprintf(shadow, sizeof shadow, "%s/disk", fixture.directory);
    snprintf(after, sizeof after, "%s/after", fixture.directory);
    snprintf(output, sizeof output, "%s/out", fixture.directory);
    snprintf(errors, sizeof errors, "%s/err", fixture.directory);
    assert_int_equal(mkdir(runs, 0777), 0);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

static int wanted = 30;
static char what[256]; /* is being tried, for those who read of a failure */

static void fail_trial(const char *why, const char *more)
{
    char *said = read_text(errors);
    fail_msg("trial %u, %s: %s: %s\n%s", trial, what, why, more, said);
}

/* ---- the process ---- */

enum how { NOT, AT_CALL, AT_TIME };
struct end {
    enum how how;
    long at;            /* the call */
    const char *effect; /* of tests/fault.h */
    long microseconds;
};

static pid_t spawn(const char *const *arguments, const struct end *end)
{
    char *copies[16] = {NULL};
    char below[400], disk[400], at[40], effect[40];
    char *environment[] = {below, disk, at, effect, NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    snprintf(below, sizeof below, "FAULT_BELOW=%s", runs);
    snprintf(disk, sizeof disk, "FAULT_DISK=%s", shadow);
    snprintf(at, sizeof at, "FAULT_AT=%ld", end->how == AT_CALL ? end->at : 0);
    snprintf(effect, sizeof effect, "FAULT_EFFECT=%s", end->how == AT_CALL ? end->effect : "kill");
    remove_tree(shadow);
    assert_int_equal(mkdir(shadow, 0777), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    for (int i = 0; arguments[i]; i++)
        copies[i] = mem_text(arguments[i]);
    int failed = posix_spawn(&child, program, &actions, NULL, copies, environment);
    for (int i = 0; copies[i]; i++)
        mem_free(copies[i]);
    posix_spawn_file_actions_destroy(&actions);
    if (failed)
        fail_msg("%s: %s", program, strerror(failed));
    return child;
}

/* True where it was killed; else it has finished. */
static bool execute(const char *const *arguments, const struct end *end)
{
    int status;
    pid_t child = spawn(arguments, end);
    if (end->how == AT_TIME) {
        struct timespec delay = {0, end->microseconds * 1000};
        nanosleep(&delay, NULL);
        kill(child, SIGKILL);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return true;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char code[40];
        snprintf(code, sizeof code, "status %x", (unsigned)status);
        fail_trial("neither killed nor finished", code);
    }
    return false;
}

static bool begin(const char *name, int script, const struct end *end)
{
    char settings[300];
    char *file = script_path(script);
    snprintf(settings, sizeof settings, "%s/settings", fixture.directory);
    if (!file_exists(settings)) {
        struct settings all;
        struct text text = {0};
        fixture_settings(&fixture, &all);
        settings_print(&all, false, &text);
        write_text(settings, text.bytes);
        text_fini(&text);
    }
    const char *arguments[] = {"kdtui", "run", "--headless", "-n",       name, "--runs-dir",
                               runs,    "-c",  settings,     "--script", file, NULL};
    bool killed = execute(arguments, end);
    mem_free(file);
    return killed;
}

/* script < 0: none. */
static bool resume(const char *name, int script, const struct end *end)
{
    char *file = script < 0 ? NULL : script_path(script);
    char threads[] = "train.threads=1";
    threads[14] = (char)('1' + draw(3));
    const char *arguments[] = {"kdtui",      "resume",     name,
                               "--headless", "--runs-dir", runs,
                               "-s",         threads,      file ? "--script" : NULL,
                               file,         NULL};
    bool killed = execute(arguments, end);
    mem_free(file);
    return killed;
}

/* ---- what must hold ---- */

/* How many lines of the script the journal has; a torn one at its end is none. */
static int script_lines(const char *journal)
{
    const char *end = strrchr(journal, '\n');
    int count = 0;
    for (const char *at = journal; (at = strstr(at, "\"source\":\"script\"")); at++)
        count += at < end;
    return count;
}

static char *journal_of(const char *name)
{
    return fixture_read(&fixture, name, "journal.jsonl", NULL);
}

static void expect_whole(const char *name)
{
    char *directory = fixture_path(&fixture, name, "checkpoints");
    DIR *stream = opendir(directory);
    if (!stream)
        fail_trial("no", directory);
    for (const struct dirent *entry; (entry = readdir(stream));) {
        struct checkpoint checkpoint;
        struct err err;
        if (entry->d_name[0] == '.' || strstr(entry->d_name, ".tmp"))
            continue;
        char *path = file_path(directory, entry->d_name);
        if (checkpoint_load(path, &checkpoint, &err) != 0)
            fail_trial("not whole", err.text);
        checkpoint_fini(&checkpoint);
        mem_free(path);
    }
    closedir(stream);
    mem_free(directory);
}

/* What an evaluation's line said, its step and its rate, is in the file. */
static void expect_printed(const char *name, const char *printed)
{
    char *metrics = fixture_read(&fixture, name, "metrics.csv", NULL);
    for (const char *line = printed; (line = strstr(line, "  step ")); line++) {
        long step;
        char rate[40], place[40], found[40] = "";
        const char *tail = strstr(line, "  lr ");
        if (!tail || sscanf(line, "  step %ld", &step) != 1 || sscanf(tail, "  lr %39s", rate) != 1)
            continue; /* it was killed in the middle of the line */
        snprintf(place, sizeof place, ",%ld,", step);
        /* A step may have been reached more than once. */
        for (const char *row = metrics; strcmp(found, rate) && (row = strstr(row, place)); row++) {
            double value;
            if (sscanf(row + strlen(place), "%*f,%lf", &value) == 1)
                snprintf(found, sizeof found, "%.4g", value);
        }
        if (strcmp(found, rate) != 0)
            fail_trial("printed, but not in metrics.csv", line);
    }
    mem_free(metrics);
}

/* The name of the run that was given this many lines and never killed. */
static const char *reference(int count)
{
    static char name[16];
    const struct end end = {.how = NOT};
    snprintf(name, sizeof name, "%d", count);
    if (!known[count])
        assert_false(begin(name, count, &end));
    known[count] = true;
    return name;
}

static void expect_same(const char *name, int count)
{
    char *journal = journal_of(name);
    fixture_check_journal(journal);
    if (script_lines(journal) != count) {
        char counts[64];
        snprintf(counts, sizeof counts, "%d and not %d", script_lines(journal), count);
        fail_trial("lines of the script were lost or repeated", counts);
    }
    mem_free(journal);
    expect_whole(name);
    fixture_assert_same(&fixture, reference(count), name);
}

/* ---- trials ---- */

/* What is left after a kill, and after a power cut where one goes with it. */
static void lose_power(void)
{
    static const char *const names[] = {"what was synced", "all names", "some of it"};
    uint32_t how = draw(4);
    char *noted = file_path(shadow, "names"); /* not where it was killed at once */
    bool nothing = how == 3 || !file_exists(noted);
    mem_free(noted);
    if (nothing)
        return;
    remove_tree(after);
    disk_cut(runs, shadow, after, (enum disk_cut)how, draw(UINT32_MAX));
    remove_tree(runs);
    assert_int_equal(rename(after, runs), 0);
    snprintf(what + strlen(what), sizeof what - strlen(what), ", power lost: %s", names[how]);
}

static struct end choose_end(long calls)
{
    static const char *const effects[] = {"kill", "kill-after", "torn"};
    struct end end = {.how = draw(4) ? AT_CALL : AT_TIME};
    end.at = 1 + (long)draw((uint32_t)calls);
    end.effect = effects[draw(3)];
    end.microseconds = (long)draw(60000);
    snprintf(what + strlen(what), sizeof what - strlen(what), "; %s %ld",
             end.how == AT_CALL ? end.effect : "microseconds",
             end.how == AT_CALL ? end.at : end.microseconds);
    return end;
}

/* Whether anything was there to go on from. */
static bool check_left(bool began)
{
    bool there = fixture_has(&fixture, "it", "settings.ini");
    if (!there && began)
        fail_trial("the run is gone", "");
    if (there)
        expect_whole("it");
    return there;
}

/* One run that is killed until it has finished. Returns how often it was. */
static int kill_run(long at)
{
    struct end end = choose_end(260);
    bool with_script = draw(2);
    int kills = 0, count = LINES;
    char *it = fixture_path(&fixture, "it", "");
    remove_tree(it);
    mem_free(it);
    if (at)
        end = (struct end){.how = AT_CALL, .at = at, .effect = end.effect};
    snprintf(what, sizeof what, "%s %ld", end.how == AT_CALL ? end.effect : "microseconds",
             end.how == AT_CALL ? end.at : end.microseconds);
    bool there = false, killed = begin("it", LINES, &end);
    for (; killed; kills++) {
        char *printed = read_text(output);
        lose_power();
        there = check_left(there || strstr(printed, "step"));
        if (there)
            expect_printed("it", printed);
        mem_free(printed);
        struct end next = draw(3) || kills > 3 ? (struct end){.how = NOT} : choose_end(120);
        if (there && !with_script) {
            char *journal = journal_of("it");
            count = script_lines(journal);
            mem_free(journal);
        }
        killed = there ? resume("it", with_script ? LINES : -1, &next) : begin("it", LINES, &next);
        if (!there)
            count = LINES;
        char *said = read_text(errors);
        if (strstr(said, "skipped"))
            fail_trial("a checkpoint was lost", "");
        mem_free(said);
    }
    expect_same("it", count);
    return kills;
}

static void test_kills(void **state)
{
    (void)state;
    int kills = 0;
    long at = 0;
    bool every = wanted >= 1000;
    for (trial = 1; kills < wanted || every; trial++) {
        draws = 0;
        int more = kill_run(every ? ++at : 0);
        kills += more;
        /* After the last call of a run that nothing was done to, at random. */
        every = every && more;
    }
    print_message("%d kills in %u runs, %ld of them at each call in turn\n", kills, trial - 1, at);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        wanted = atoi(argv[1]);
    if (argc > 2)
        seed = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kills)};
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
