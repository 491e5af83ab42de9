/* Undo, redo and rollback: where they lead, what they bring back, what they leave on disk. */
#include "run_fixture.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../src/run/internal.h"

static struct fixture fixture;
static struct script *pause_there; /* that sessions begin with */

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    pause_there = fixture_script("@250 pause\n@250 pause\n");
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    script_free(pause_there);
    fixture_close(&fixture);
    return 0;
}

/* ---- what they bring back ---- */

/* Everything of a state that decides how training goes on, and its row. */
struct print {
    uint32_t crc;
    int64_t step;
};

static void print_of_file(const char *run, const char *name, struct print *out)
{
    struct text file = {0};
    text_print(&file, "checkpoints/%s.safetensors", name);
    char *path = fixture_path(&fixture, run, file.bytes);
    struct checkpoint checkpoint;
    struct err err;
    if (checkpoint_load(path, &checkpoint, &err) != 0)
        fail_msg("%s", err.text);
    /* Threads must not matter, time does not; everything else of the text must agree. */
    checkpoint.settings.train.threads = 0;
    struct text text = {0};
    settings_print(&checkpoint.settings, false, &text);
    text_append(&text, (const char *)&checkpoint.rate_scale, sizeof(double));
    text_append(&text, (const char *)&checkpoint.rate_anchor, sizeof(double));
    text_append(&text, (const char *)&checkpoint.momentum_product, sizeof(double));
    text_append(&text, (const char *)&checkpoint.row, sizeof checkpoint.row);
    text_append(&text, (const char *)&checkpoint.sums, sizeof checkpoint.sums);
    text_print(&text, "%d %d %" PRId64, checkpoint.evaluation_due, checkpoint.averages_set,
               checkpoint.epoch);
    out->crc = digest_crc32(safetensors_checksum(checkpoint.tensors), text.bytes, text.length);
    out->step = checkpoint.step;
    checkpoint_fini(&checkpoint);
    text_fini(&text);
    text_fini(&file);
    mem_free(path);
}

static int print_number;

/* Of the present state, by way of a checkpoint. */
static struct print print_now(struct feed *feed, const char *run)
{
    char line[64];
    struct answer answer;
    struct print print;
    snprintf(line, sizeof line, "checkpoint p%d", print_number);
    fixture_command(feed, line, &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    print_of_file(run, line + strlen("checkpoint "), &print);
    print_number++;
    return print;
}

static void assert_same(const struct print *a, const struct print *b)
{
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->crc, b->crc);
}

static bool at_rest(const struct snapshot *now)
{
    return now->state == RUN_PAUSED;
}

static void train_steps(struct feed *feed, int steps)
{
    char line[32];
    struct answer answer;
    struct snapshot now;
    feed->snapshot(feed, &now);
    int64_t before = now.step;
    snprintf(line, sizeof line, "step %d", steps);
    fixture_command(feed, line, &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    fixture_wait(feed, at_rest, &now);
    assert_int_equal(now.step, before + steps);
}

/* The number of the journal's newest line that is an edit or a return. */
static uint64_t newest_mark(struct feed *feed)
{
    struct snapshot now;
    struct edit_mark mark;
    feed->snapshot(feed, &now);
    assert_int_equal(feed->edits(feed, now.edits - 1, &mark, 1), 1);
    return (uint64_t)mark.seq;
}

enum { OPERATIONS = 70, MOST_LINES = 1000 };

/* The way a person would keep the books: prints of the states that undo leads to,
 * and of those that redo does with what undo leads to from there. */
struct books {
    struct print undo[OPERATIONS], redo[OPERATIONS], redo_undo[OPERATIONS];
    int undos, redos;
    struct print before[MOST_LINES]; /* by the line that the state was kept for */
};

static uint32_t draw(uint64_t seed, uint32_t operation, uint32_t what, uint32_t below)
{
    return rng_draw(seed, RNG_SYNTHETIC, what, operation, 0).word[0] % below;
}

static bool is_applied(struct feed *feed, const char *line)
{
    struct answer answer;
    fixture_command(feed, line, &answer);
    if (answer.state == ANSWER_APPLIED)
        return true;
    if (!strstr(answer.text, "is not kept any more") && !strstr(answer.text, "nothing"))
        fail_msg("%s: %s", line, answer.text);
    return false;
}

/* A state of the list, or the best. Returns what it should be, where that is known. */
static const struct print *choose_state(struct feed *feed, const struct books *books,
                                        uint32_t number, char *line, size_t size)
{
    struct kept_state kept[32];
    uint64_t edit;
    size_t count = feed->states(feed, 0, kept, 32);
    if (!count)
        return NULL;
    const struct kept_state *state = &kept[number % count];
    if (strcmp(state->name, "best") == 0) {
        snprintf(line, size, "rollback best");
        return NULL;
    }
    snprintf(line, size, "rollback %" PRId64, state->step);
    if (sscanf(state->name, "before edit %" SCNu64, &edit) != 1)
        return NULL;
    assert_int_equal(books->before[edit].step, state->step);
    return &books->before[edit];
}

static void operate(struct feed *feed, const char *run, uint64_t seed, uint32_t operation,
                    struct books *books)
{
    static const char *const edits[] = {"set train.learning_rate *0.7", "set train.l2 1e-4",
                                        "toggle augment.noise", "set train.momentum 0.5",
                                        "set train.learning_rate 0.08 train.momentum 0.8"};
    const struct print before = print_now(feed, run);
    uint32_t kind = draw(seed, operation, 1, 10);
    char line[64] = "";
    if (kind < 3) {
        train_steps(feed, 1 + (int)draw(seed, operation, 2, 25));
    } else if (kind < 6) {
        assert_true(is_applied(feed, edits[draw(seed, operation, 3, 5)]));
        books->undo[books->undos++] = before;
        books->redos = 0;
        books->before[newest_mark(feed)] = before;
    } else if (kind < 8) {
        if (!books->undos) {
            fixture_expect_refused(feed, "undo", "there is no edit to take back");
            return;
        }
        if (!is_applied(feed, "undo"))
            return;
        books->before[newest_mark(feed)] = before;
        const struct print now = print_now(feed, run), *to = &books->undo[--books->undos];
        assert_same(&now, to);
        books->redo_undo[books->redos] = *to;
        books->redo[books->redos++] = before;
    } else if (kind < 9) {
        if (!books->redos) {
            fixture_expect_refused(feed, "redo", "there is no undo to take back");
            return;
        }
        if (!is_applied(feed, "redo"))
            return;
        books->before[newest_mark(feed)] = before;
        const struct print now = print_now(feed, run);
        assert_same(&now, &books->redo[--books->redos]);
        books->undo[books->undos++] = books->redo_undo[books->redos];
    } else {
        const struct print *to =
            choose_state(feed, books, draw(seed, operation, 4, 32), line, sizeof line);
        if (!line[0] || !is_applied(feed, line))
            return;
        const struct print now = print_now(feed, run);
        if (to)
            assert_same(&now, to);
        books->undo[books->undos++] = before;
        books->redos = 0;
        books->before[newest_mark(feed)] = before;
    }
}

/* A run that is paused at the same step in each session. */
static struct run *start_session(const char *name, int threads)
{
    char line[64];
    struct settings settings;
    struct snapshot now;
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "train.epochs=1000000");
    fixture_set(&settings, "checkpoint.every_epochs=2");
    fixture_set(&settings, "network.batch_norm_learned=on");
    snprintf(line, sizeof line, "train.threads=%d", threads);
    fixture_set(&settings, line);
    struct run *run = fixture_start_settings(&fixture, &settings, name, pause_there);
    fixture_wait(run_feed(run), at_rest, &now);
    return run;
}

/* A session of edits, undos, redos and rollbacks; the print of its end. */
static struct print random_session(const char *name, uint64_t seed, int threads)
{
    struct books *books = mem_alloc(sizeof *books);
    struct run *run = start_session(name, threads);
    print_number = 0;
    for (uint32_t i = 0; i < OPERATIONS; i++)
        operate(run_feed(run), name, seed, i, books);
    train_steps(run_feed(run), 30);
    struct print end = print_now(run_feed(run), name);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    mem_free(books);
    return end;
}

/* Another run that is given the lines of a journal, each at its step. */
static struct print repeat_session(const char *journal_of, const char *name, int threads)
{
    struct snapshot now;
    struct answer answer;
    struct print end = {0};
    char *journal = fixture_read(&fixture, journal_of, "journal.jsonl", NULL);
    int lines = fixture_check_journal(journal);
    struct run *run = start_session(name, threads);
    struct feed *feed = run_feed(run);
    for (int i = 2; i <= lines; i++) {
        json_t *line = fixture_journal_line(journal, i);
        const char *command = fixture_member(line, "command");
        if (!json_object_get(line, "refused") && strcmp(command, "pause") != 0 &&
            strncmp(command, "step", 4) != 0) {
            int64_t step = json_integer_value(json_object_get(line, "step"));
            feed->snapshot(feed, &now);
            if (step > now.step)
                train_steps(feed, (int)(step - now.step));
            fixture_command(feed, command, &answer);
            assert_int_equal(answer.state, ANSWER_APPLIED);
            if (i == lines)
                print_of_file(name, command + strlen("checkpoint "), &end);
        }
        json_decref(line);
    }
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
    mem_free(journal);
    return end;
}

static void test_random_sessions(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        char first[64], name[64];
        snprintf(first, sizeof first, "random-%" PRIu64, seed);
        struct print end = random_session(first, seed, 1);
        for (int threads = 2; threads <= 3; threads++) {
            snprintf(name, sizeof name, "random-%" PRIu64 "-%d", seed, threads);
            struct print other = threads == 2 ? random_session(name, seed, threads)
                                              : repeat_session(first, name, threads);
            assert_same(&other, &end);
        }
    }
}

/* ---- what a viewer sees ---- */

static size_t live_evaluations(struct feed *feed)
{
    struct evaluation rows[64];
    size_t live = 0, count = feed->evaluations(feed, 0, rows, 64);
    int64_t last = -1;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].abandoned)
            continue;
        assert_true(rows[i].step > last);
        last = rows[i].step;
        live++;
    }
    return live;
}

/* That the live buckets are one way from the first step to the last. */
static void check_live_buckets(struct feed *feed, int64_t step)
{
    static struct loss_bucket buckets[FEED_MAX_BUCKETS];
    size_t count = feed->buckets(feed, 0, INT64_MAX, buckets, FEED_MAX_BUCKETS);
    int64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (buckets[i].abandoned)
            continue;
        assert_int_equal(buckets[i].first, next);
        next = buckets[i].last + 1;
    }
    assert_int_equal(next, step);
}

static struct edit_mark mark_at(struct feed *feed, size_t i)
{
    struct edit_mark mark;
    assert_int_equal(feed->edits(feed, i, &mark, 1), 1);
    return mark;
}

static void test_views(void **state)
{
    (void)state;
    struct run *run = start_session("views", 1); /* at step 250, epoch 12.5 */
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct edit_mark mark;
    feed->snapshot(feed, &now);
    assert_int_equal(now.undo_step, -1);
    assert_int_equal(now.redo_step, -1);
    size_t evaluations = now.evaluations;
    fixture_expect_refused(feed, "undo", "there is no edit to take back");
    fixture_expect_refused(feed, "redo", "there is no undo to take back");
    fixture_expect_applied(feed, "set train.l2 0", "l2 1e-05 → 0");
    train_steps(feed, 35);
    fixture_expect_applied(feed, "toggle augment.noise", "noise off → on");
    train_steps(feed, 15); /* 300 */
    feed->snapshot(feed, &now);
    assert_int_equal(now.undo_step, 285);
    assert_string_equal(now.undo_label, "noise off → on");
    assert_int_equal(live_evaluations(feed), evaluations + 3);
    assert_int_equal(now.evaluations, evaluations + 3);
    assert_int_equal(now.returns, 0);

    fixture_expect_applied(feed, "undo", "back at step 285, before noise off → on");
    feed->snapshot(feed, &now);
    assert_int_equal(now.step, 285);
    assert_false(now.settings.augment.noise);
    assert_int_equal(now.state, RUN_PAUSED);
    assert_int_equal(now.undo_step, 250);
    assert_string_equal(now.undo_label, "l2 1e-05 → 0");
    assert_int_equal(now.redo_step, 300);
    assert_int_equal(now.returns, 1);
    assert_int_equal(now.checkpoint_step, 285);
    assert_int_equal(now.last.step, 280);
    assert_true(isnan(now.loss));
    assert_int_equal(live_evaluations(feed), evaluations + 2);
    check_live_buckets(feed, 285);
    assert_int_equal(now.edits, 3);
    assert_false(mark_at(feed, 0).abandoned);
    assert_true(mark_at(feed, 1).abandoned);
    mark = mark_at(feed, 2);
    assert_false(mark.abandoned);
    assert_true(mark.returned);
    assert_int_equal(mark.step, 285);
    assert_string_equal(mark.label, "undo, from step 300");
    assert_true(fixture_has(&fixture, "views", "checkpoints/step-285.safetensors"));

    /* Steps on the new branch, then to before the first edit: nothing of it is live. */
    train_steps(feed, 10);
    check_live_buckets(feed, 295);
    fixture_expect_applied(feed, "undo", "back at step 250, before l2 1e-05 → 0");
    check_live_buckets(feed, 250);
    assert_int_equal(live_evaluations(feed), evaluations);
    train_steps(feed, 3);
    check_live_buckets(feed, 253);

    /* And forth: what was abandoned is live again. */
    fixture_expect_applied(feed, "redo", "back at step 295");
    check_live_buckets(feed, 295);
    assert_false(mark_at(feed, 0).abandoned);
    fixture_expect_applied(feed, "redo", "back at step 300");
    check_live_buckets(feed, 300);
    assert_int_equal(live_evaluations(feed), evaluations + 3);
    assert_false(mark_at(feed, 1).abandoned);
    assert_true(mark_at(feed, 2).abandoned);
    feed->snapshot(feed, &now);
    assert_true(now.settings.augment.noise);
    assert_int_equal(now.returns, 4);
    assert_int_equal(now.redo_step, -1);

    /* The unfinished row of steps.csv is not lost, and the line says where the files were. */
    fixture_expect_applied(feed, "stop", "the run ends here");
    fixture_end(run, RUN_FINISHED, &now);
    char *journal = fixture_read(&fixture, "views", "journal.jsonl", NULL);
    char *rows = fixture_read(&fixture, "views", "steps.csv", NULL);
    int lines = fixture_check_journal(journal), jumps = 0;
    for (int i = 2; i <= lines; i++) {
        json_t *line = fixture_journal_line(journal, i), *to = json_object_get(line, "to");
        if (to && jumps++ == 0) {
            assert_int_equal(json_integer_value(json_object_get(line, "step")), 300);
            assert_int_equal(json_integer_value(json_object_get(to, "step")), 285);
            int64_t length = json_integer_value(json_object_get(line, "steps_length"));
            assert_memory_equal(rows + length, "285,", 4);
            assert_non_null(json_object_get(line, "metrics_length"));
        }
        json_decref(line);
    }
    assert_int_equal(jumps, 4);
    mem_free(journal);
    mem_free(rows);
}

/* ---- rollback, and what is kept ---- */

static int edit_files(const char *run)
{
    int files = 0;
    for (int i = 0; i < 100; i++) {
        char name[64];
        snprintf(name, sizeof name, "checkpoints/edit-%d.safetensors", i);
        files += fixture_has(&fixture, run, name);
    }
    return files;
}

static void test_rollback(void **state)
{
    (void)state;
    struct run *run = start_session("rollback", 2);
    struct feed *feed = run_feed(run);
    struct kept_state kept[32];
    struct snapshot now;
    struct answer answer;
    fixture_expect_refused(feed, "rollback 17", "no state of step 17 is kept; there are those of ");
    fixture_expect_refused(feed, "rollback x", "\"rollback best|last|STEP\" is expected");
    fixture_command(feed, "checkpoint mine", &answer);
    for (int i = 0; i < 12; i++) {
        train_steps(feed, 1);
        fixture_command(feed, "set train.l2 *2", &answer);
        assert_int_equal(answer.state, ANSWER_APPLIED);
    }
    fixture_command(feed, "checkpoint", &answer); /* so that all is written */
    assert_int_equal(edit_files("rollback"), 8);
    size_t count = feed->states(feed, 0, kept, 32);
    feed->snapshot(feed, &now);
    assert_int_equal(now.states, count);
    assert_string_equal(kept[0].name, "step-262");
    assert_string_equal(kept[1].name, "before edit 28");
    assert_int_equal(kept[1].step, 261);
    assert_true(strncmp(kept[1].label, "l2 ", 3) == 0);
    assert_int_equal(feed->states(feed, 1, kept, 1), 1);
    assert_string_equal(kept[0].name, "before edit 28");
    fixture_expect_refused(feed, "rollback 251",
                           "no state of step 251 is kept; there are those of "
                           "262, 261, ");

    /* A named checkpoint stays, and is read from its file. */
    fixture_expect_applied(feed, "rollback 250", "back at step 250");
    struct print to = print_now(feed, "rollback"), is;
    print_of_file("rollback", "mine", &is);
    assert_same(&to, &is);
    fixture_expect_applied(feed, "undo", "back at step 262, before rollback 250, from step 262");
    feed->snapshot(feed, &now);
    fixture_expect_applied(feed, "rollback last", "back at step 262");
    struct answer best;
    fixture_command(feed, "rollback best", &best);
    assert_int_equal(best.state, ANSWER_APPLIED);
    assert_int_equal(best.step, now.best_step);
    assert_non_null(strstr(best.text, ", the best"));
    fixture_command(feed, "evaluate", &answer);
    feed->snapshot(feed, &now);
    assert_true(now.last.validation_accuracy == now.best_validation_accuracy);

    /* One that was damaged since is refused, and nothing has changed. */
    char *path = fixture_path(&fixture, "rollback", "checkpoints/hurt.safetensors"), line[64];
    train_steps(feed, 3);
    fixture_command(feed, "checkpoint hurt", &answer);
    snprintf(line, sizeof line, "rollback %" PRId64, answer.step);
    train_steps(feed, 2);
    to = print_now(feed, "rollback");
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, -40, SEEK_END);
    fputc('x', file);
    fclose(file);
    fixture_expect_refused(feed, line, "hurt.safetensors");
    is = print_now(feed, "rollback");
    assert_same(&to, &is);
    mem_free(path);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);

    run = fixture_start_paused(&fixture, "no-best", "checkpoint.best=off");
    fixture_expect_refused(run_feed(run), "rollback best", "checkpoint.best is off");
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* Edits faster than the disk takes them: the last of them can be taken back, and that
 * taken back again. */
static void test_burst(void **state)
{
    (void)state;
    enum { BURST = 40 };
    struct run *run = start_session("burst", 1);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct answer answer;
    struct err err;
    uint64_t id = 0;
    for (int i = 0; i < BURST; i++)
        assert_int_not_equal(id = feed->post(feed, "set train.l2 *1.1", SOURCE_KEY, &err), 0);
    fixture_answer(feed, id, &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    struct print before = print_now(feed, "burst");
    assert_int_equal(edit_files("burst"), STATES_EDITS);
    feed->snapshot(feed, &now);
    assert_string_equal(now.warning, "");
    double l2 = now.settings.train.l2;
    /* The first undo keeps a state itself, and the oldest goes for it. */
    for (int i = 1; i < STATES_EDITS; i++) {
        fixture_command(feed, "undo", &answer);
        assert_int_equal(answer.state, ANSWER_APPLIED);
        feed->snapshot(feed, &now);
        l2 /= 1.1;
        assert_true(fabs(now.settings.train.l2 / l2 - 1) < 1e-9);
    }
    fixture_expect_refused(feed, "undo", "is not kept any more: only the last 8 are");
    assert_int_equal(edit_files("burst"), STATES_EDITS);
    for (int i = 1; i < STATES_EDITS; i++) {
        fixture_command(feed, "redo", &answer);
        assert_int_equal(answer.state, ANSWER_APPLIED);
    }
    fixture_expect_refused(feed, "redo", "there is no undo to take back");
    struct print after = print_now(feed, "burst");
    assert_same(&before, &after);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

/* Without a disk memory has the states of the last edits. */
static void test_unwritten(void **state)
{
    (void)state;
    struct run *run = start_session("unwritten", 1);
    struct feed *feed = run_feed(run);
    struct snapshot now;
    struct answer answer;
    char *from = fixture_path(&fixture, "unwritten", "checkpoints");
    char *to = fixture_path(&fixture, "unwritten", "gone");
    struct print before = print_now(feed, "unwritten");
    assert_int_equal(rename(from, to), 0);
    fixture_expect_applied(feed, "set train.learning_rate *2", "learning rate 0.05404 → 0.1081");
    train_steps(feed, 20);
    fixture_command(feed, "undo", &answer);
    assert_int_equal(answer.state, ANSWER_APPLIED);
    assert_int_equal(answer.step, 250);
    assert_non_null(strstr(answer.text,
                           "back at step 250, before learning rate 0.05404 → 0.1081; "
                           "not saved: "));
    assert_non_null(strstr(answer.text, strerror(ENOENT)));
    feed->snapshot(feed, &now);
    assert_non_null(strstr(now.warning, "checkpoint not saved: "));
    assert_int_equal(rename(to, from), 0);
    struct print after = print_now(feed, "unwritten");
    assert_same(&before, &after);
    fixture_expect_applied(feed, "redo", "back at step 270");
    feed->snapshot(feed, &now);
    assert_string_equal(now.warning, "");
    mem_free(from);
    mem_free(to);
    run_abandon(run);
    fixture_end(run, RUN_INTERRUPTED, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sessions), cmocka_unit_test(test_views),
        cmocka_unit_test(test_rollback),        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_unwritten),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
