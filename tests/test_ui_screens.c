/* What the view draws: screens against golden files, and what they say. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/screens.h"
#include "../src/ui/tails.h"
#include "ui_golden.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Screens. */

static void compare(struct bench *bench, const char *name, int width, int height, bool styles)
{
    ui_golden(bench, "screen", name, width, height, styles);
}

/* At every size and with every kind of glyph. */
static void compare_all(struct bench *bench, const char *state)
{
    char name[64];
    snprintf(name, sizeof(name), "screen-%s", state);
    ui_golden_sizes(bench, name);
}

static void edit_now(struct bench *bench, const char *keys)
{
    bench_press(bench, keys);
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    bench_update(bench);
}

static void test_screen_sizes(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    ui_golden_sizes(bench, "screen");
    compare(bench, "39x12", 39, 12, false);
    bench_destroy(bench);
}

static void test_screen_states(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    struct snapshot *now = &bench->fake.now;
    bench_update(bench);
    compare_all(bench, "starting");
    fake_feed_train(&bench->fake, 200);
    bench_update(bench);
    compare_all(bench, "first-epoch");
    bench_destroy(bench);

    bench = bench_running();
    now = &bench->fake.now;
    now->state = RUN_PAUSED;
    bench_update(bench);
    compare_all(bench, "paused");
    now->state = RUN_EVALUATING;
    now->evaluation_progress = 0.43;
    bench_update(bench);
    compare_all(bench, "evaluating");
    now->state = RUN_TESTING;
    bench_update(bench);
    compare_all(bench, "testing");
    now->state = RUN_RUNNING;
    text_copy(now->warning, sizeof(now->warning),
              "metrics.csv: No space left on device; training goes on");
    bench_update(bench);
    compare_all(bench, "warning");
    text_copy(now->warning, sizeof(now->warning),
              "metrics.csv: No space left on device; checkpoint: No space left on device, the last "
              "one is of step 5628; training goes on");
    bench_update(bench);
    compare(bench, "warning-long", 80, 24, true);
    compare(bench, "warning-40x12", 40, 12, true);
    compare(bench, "warning-39x5", 39, 5, true);
    compare(bench, "warning-39x1", 39, 1, false);
    bench_press(bench, "q");
    compare(bench, "warning-menu", 80, 24, false);
    bench_destroy(bench);
}

static void test_screen_edits(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "+");
    bench_update(bench);
    compare_all(bench, "requested");
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    compare_all(bench, "applied");
    bench_press(bench, ":");
    bench_type(bench, "set train.learning_rate -1");
    compare_all(bench, "prompt");
    bench_press(bench, "enter");
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    compare_all(bench, "refused");
    bench_press(bench, "e");
    compare_all(bench, "ask");
    bench_press(bench, "esc q");
    compare_all(bench, "menu");
    bench->state.attached = true;
    bench->fake.now.viewers = 2;
    bench_update(bench);
    compare_all(bench, "menu-attached");
    bench->state.read_only = true;
    compare_all(bench, "menu-read-only");
    bench->state.attached = bench->state.read_only = false;
    bench->fake.now.viewers = 1;
    bench_update(bench);
    bench_press(bench, "esc ?");
    compare_all(bench, "help");
    bench_press(bench, "end");
    compare(bench, "help-end", 120, 40, false);
    bench_destroy(bench);
}

static void test_screen_ends(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    fake_feed_train(&bench->fake, 60 * 469);
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    compare(bench, "finished-30x3", 30, 3, false);
    compare_all(bench, "finished");
    bench_destroy(bench);

    bench = bench_running();
    bench->fake.now.state = RUN_DIVERGED;
    text_copy(bench->fake.now.error, sizeof(bench->fake.now.error),
              "the loss was inf at step 5751; the last good state is at step 5628");
    bench_update(bench);
    compare_all(bench, "diverged");
    bench->fake.now.state = RUN_FAILED;
    text_copy(bench->fake.now.error, sizeof(bench->fake.now.error),
              "/home/somebody/.local/state/kdtui/runs/fashion-mnist-20260301-120000/journal.jsonl: "
              "cannot append: Input/output error");
    bench_update(bench);
    compare_all(bench, "failed");
    bench_destroy(bench);
}

/* The rate was changed, it got worse, and u took it back: a ghost that a live curve passes. */
static struct bench *bench_undone(void)
{
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 4 * 469 + 100);
    edit_now(bench, "n");
    fake_feed_train(&bench->fake, 3 * 469);
    edit_now(bench, ":");
    bench_type(bench, "set train.learning_rate 0.1");
    edit_now(bench, "enter");
    fake_feed_train(&bench->fake, 4 * 469);
    edit_now(bench, "u");
    fake_feed_train(&bench->fake, 2 * 469);
    bench->state.now = bench->fake.clock += 100;
    bench_update(bench);
    return bench;
}

static void test_screen_undone(void **unused)
{
    (void)unused;
    struct bench *bench = bench_undone();
    compare_all(bench, "undone");
    bench_destroy(bench);
}

static void test_screen_rollback(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 200);
    bench_update(bench);
    bench_press(bench, "r");
    compare_all(bench, "rollback-nothing");
    bench_press(bench, "esc q");
    compare(bench, "menu-unsaved", 80, 24, false);
    compare(bench, "menu-unsaved-40x12", 40, 12, false);
    bench_destroy(bench);

    bench = bench_undone();
    edit_now(bench, "<");
    fake_feed_train(&bench->fake, 150);
    edit_now(bench, "+");
    fake_feed_train(&bench->fake, 50);
    bench_update(bench);
    bench_press(bench, "r");
    compare_all(bench, "rollback");
    bench_press(bench, "down down down");
    compare(bench, "rollback-40x12", 40, 12, true);
    bench_press(bench, "s");
    compare(bench, "rollback-step", 80, 24, false);
    bench_destroy(bench);
}

static void test_screen_diverged(void **unused)
{
    (void)unused;
    struct bench *bench = bench_undone();
    fake_feed_train(&bench->fake, 150);
    fake_feed_diverge(&bench->fake);
    bench_update(bench);
    compare_all(bench, "exploded");
    bench->state.now += 1;
    bench_press(bench, "esc");
    compare(bench, "exploded-look", 80, 24, true);
    bench->state.attached = bench->state.read_only = true;
    bench_update(bench);
    bench_press(bench, "enter"); /* nothing is to be chosen there */
    bench->state.now += 100;
    compare_all(bench, "exploded-read-only");
    bench_destroy(bench);

    bench = bench_running();
    bench->fake.now.state = RUN_PAUSED;
    text_copy(bench->fake.now.pause_reason, sizeof(bench->fake.now.pause_reason), "epoch end");
    bench_update(bench);
    compare(bench, "paused-by-rule", 80, 24, true);
    bench_destroy(bench);
}

static void test_screen_settings(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "4");
    compare_all(bench, "settings");
    bench_press(bench, "enter");
    bench_type(bench, "-1");
    compare(bench, "settings-edit", 80, 24, true);
    compare(bench, "settings-edit-40x12", 40, 12, false);
    bench_press(bench, "esc down enter");
    bench_type(bench, "0.001");
    bench_press(bench, "enter");
    bench_update(bench);
    compare(bench, "settings-requested", 80, 24, true);
    bench_press(bench, "end enter 2 5 6 enter home");
    bench->fake.now.state = RUN_EVALUATING;
    bench->fake.now.evaluation_progress = 0.43;
    text_copy(bench->fake.now.warning, sizeof(bench->fake.now.warning),
              "metrics.csv: No space left on device; training goes on");
    bench_update(bench);
    compare(bench, "settings-warning", 80, 24, false);
    bench_destroy(bench);
}

static void test_screen_journal(void **unused)
{
    (void)unused;
    struct bench *bench = bench_undone();
    edit_now(bench, ":");
    bench_type(bench,
               "note a long note, which says more of what was tried, and why, than a row of "
               "eighty columns can hold; it is cut there, and whole on a screen of its own");
    edit_now(bench, "enter");
    edit_now(bench, ":");
    bench_type(bench, "set train.l2 -1");
    edit_now(bench, "enter");
    bench_press(bench, "5");
    compare_all(bench, "journal");
    bench_press(bench, "up enter");
    compare(bench, "journal-whole", 80, 24, true);
    compare(bench, "journal-whole-40x12", 40, 12, false);
    bench_press(bench, "up up up");
    compare(bench, "journal-whole-abandoned", 80, 24, false);
    bench_destroy(bench);
}

/* Small screens: every way out is named in full. */
static void test_small_texts(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    const struct {
        int width, height;
        const char *keys, *text;
    } cases[] = {
        {40, 12, "p q", "Esc  back: it stays paused"},
        {35, 24, "p q", "Esc  back"},
        {57, 4, "q", "s save and stop  d leave it training  a abandon  Esc back"},
        {36, 4, "q", "s save d leave a abandon Esc"},
        {20, 12, "q", "s save d leave a Esc"},
        {40, 12, "?", "up down scroll  Esc back"},
        {30, 12, "?", "no room for help: Esc back"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct text out = {0};
        bench->state.paused = false;
        bench_press(bench, cases[i].keys);
        bench_draw(bench, cases[i].width, cases[i].height, false, &out);
        if (strstr(out.bytes, cases[i].text) == NULL)
            fail_msg("no \"%s\" in\n%s", cases[i].text, out.bytes);
        text_fini(&out);
        bench_press(bench, "esc");
    }
    bench_destroy(bench);
}

/* What they say. */

static void test_news_fades(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "+");
    bench_update(bench);
    assert_true(bench_shows(bench, "requested: set train.learning_rate *1.1"));
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    assert_true(bench_shows(bench, "applied at step"));
    double change = screens_next_change(&bench->state, &bench->history);
    assert_true(change > 0 && change <= 6);
    bench->state.now += 7;
    assert_true(bench_shows(bench, "u takes back learning rate"));
    bench_press(bench, ":");
    bench_type(bench, "puase");
    bench_press(bench, "enter");
    assert_true(bench_shows(bench, "refused"));
    assert_true(bench_shows(bench, "pause\""));
    bench->state.now += 100;
    assert_true(bench_shows(bench, "u takes back learning rate"));
    bench_destroy(bench);
}

/* Edits close together on the chart share a tick, and none goes unseen. */
static void test_edits_together(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 3 * 469);
    edit_now(bench, "> n");
    fake_feed_train(&bench->fake, 4 * 469);
    bench_update(bench);
    assert_true(bench_shows(bench, "▼ rate 0.01715 → 0.03429, noise off → on"));
    edit_now(bench, "<");
    edit_now(bench, ">");
    edit_now(bench, "<");
    fake_feed_train(&bench->fake, 20);
    bench_update(bench);
    assert_true(bench_shows(bench, "rate 0.02793 → 0.01397 +2 ▼"));
    assert_true(bench_shows(bench, "noise off → on +1 ▼"));
    bench_destroy(bench);
}

/* A noisy step is in a curve of its own, and the legend has the value of the newest curve alone. */
static void test_noise_in_legend(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 300);
    edit_now(bench, "n");
    assert_true(bench_shows(bench, "⠒⠒⠒ train 1."));
    assert_false(bench_shows(bench, "with noise"));
    fake_feed_train(&bench->fake, 1);
    bench_update(bench);
    assert_true(bench_shows(bench, "⠒⠒⠒ train   ⠒⠐⠒ train with noise 1."));
    edit_now(bench, "n");
    fake_feed_train(&bench->fake, 1);
    bench_update(bench);
    assert_true(bench_shows(bench, "⠒⠒⠒ train 1."));
    assert_true(bench_shows(bench, "⠒⠐⠒ train with noise   ⠂⠶⠂"));
    edit_now(bench, "u"); /* the curve ends where noise was on */
    assert_true(bench_shows(bench, "train with noise 1."));
    edit_now(bench, "u");
    assert_false(bench_shows(bench, "with noise"));
    bench->fake.now.settings.augment.flip = true;
    fake_feed_train(&bench->fake, 1);
    bench_update(bench);
    assert_true(bench_shows(bench, "⠒⠒⠒ train   ⠒⠐⠒ train augmented 1."));
    bench_destroy(bench);
}

static void check_tail(const struct tail *tail, size_t first, size_t count, size_t joint,
                       int64_t step)
{
    if (tail->first != first || tail->count != count || tail->joint != joint || tail->step != step)
        fail_msg("%zu + %zu from %zu, not %zu + %zu from %zu; step %d", tail->first, tail->count,
                 tail->joint, first, count, joint, (int)tail->step);
}

/* Each tail grows out of where its stretch left the one before it, also after a redo. */
static void test_tails(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    struct tails rows, losses;
    fake_feed_train(&bench->fake, 900); /* evaluated: 469 */
    edit_now(bench, "<");
    fake_feed_train(&bench->fake, 700); /* 938, 1407 */
    edit_now(bench, "u");
    fake_feed_train(&bench->fake, 300); /* 938 */
    bench_update(bench);
    tails_of_evaluations(&bench->history, &rows);
    tails_of_losses(&bench->history, &losses);
    assert_int_equal(rows.count, 1);
    check_tail(&rows.list[0], 1, 2, 0, 900);
    assert_int_equal(losses.count, 1);
    check_tail(&losses.list[0], 900, 700, 899, 900);
    tails_fini(&rows);
    tails_fini(&losses);

    edit_now(bench, "ctrl-r");
    fake_feed_train(&bench->fake, 400); /* 1876 */
    edit_now(bench, "u");
    fake_feed_train(&bench->fake, 10);
    bench_update(bench);
    tails_of_evaluations(&bench->history, &rows);
    tails_of_losses(&bench->history, &losses);
    assert_int_equal(rows.count, 3);
    check_tail(&rows.list[0], 1, 2, 0, 900);
    check_tail(&rows.list[1], 3, 1, 0, 900);  /* beside it, from the same step */
    check_tail(&rows.list[2], 4, 1, 2, 1600); /* from the end of the first one */
    assert_int_equal(losses.count, 3);
    check_tail(&losses.list[1], 1600, 300, 899, 900);
    check_tail(&losses.list[2], 1900, 400, 1599, 1600);
    tails_fini(&rows);
    tails_fini(&losses);
    bench_destroy(bench);
}

/* What u and Ctrl-R would do, for as long as nothing newer is to be told. */
static void test_undo_news(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    assert_true(bench_shows(bench, " u takes back noise off → on (step 4321, epoch 9.21)\n"));
    edit_now(bench, "u");
    assert_true(bench_shows(bench, "applied at step 4321: back before noise off → on"));
    bench->state.now += 100;
    assert_true(bench_shows(bench,
                            " u takes back learning rate 0.01629 → 0.03258; Ctrl-R returns "
                            "to step 5851\n"));
    edit_now(bench, "u");
    bench->state.now += 100;
    assert_true(bench_shows(bench, " Ctrl-R returns to step 4321\n"));
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    assert_true(bench_shows(bench, " last change: undo, from step 4321 (step 1976, epoch 4.21)\n"));
    bench_destroy(bench);
}

/* The best of the whole run stays marked where it was, though it was abandoned. */
static void test_best_abandoned(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    assert_true(bench_shows(bench, "best 83.73% @ epoch 12"));
    edit_now(bench, "u u");
    assert_true(bench_shows(bench, "best 83.73% @ epoch 12"));
    assert_true(bench_shows(bench, "best validation 83.73% (epoch 12)"));
    bench_destroy(bench);
}

/* Training that is not evaluated is told apart, and so are its noisy images. */
static void test_running_in_legend(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 469);
    bench_update(bench);
    assert_false(bench_shows(bench, "(running)"));
    bench->fake.now.settings.train.evaluate = EVALUATE_RUNNING;
    bench_update(bench);
    assert_true(bench_shows(bench, "train (running)"));
    edit_now(bench, "n");
    fake_feed_train(&bench->fake, 1);
    bench_update(bench);
    assert_true(bench_shows(bench, "train with noise (running)"));
    bench_destroy(bench);
}

/* The best epoch is named alike wherever it is. */
static void test_best_epoch(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench->fake.now.best_validation_accuracy = 0;
    edit_now(bench, "v");
    assert_true(bench_shows(bench, "(epoch 12.48)"));
    assert_int_equal(bench->fake.now.best_step, 5851);
    bench->fake.evaluations[bench->fake.now.evaluations - 1].validation_accuracy = 0.99;
    history_fini(&bench->history);
    history_init(&bench->history);
    bench_update(bench);
    assert_true(bench_shows(bench, "99.00% @ epoch 12.48"));
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    assert_true(bench_shows(bench, "at epoch 12.48)"));
    bench_destroy(bench);
}

static void test_interrupted(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench->fake.now.state = RUN_INTERRUPTED;
    bench_update(bench);
    assert_true(bench_shows(bench, "interrupted at step 5851"));
    assert_false(bench_shows(bench, "saved"));
    bench->fake.now.checkpoint_step = bench->fake.now.step;
    bench_update(bench);
    assert_true(bench_shows(bench, "interrupted at step 5851: the state is saved"));
    bench_destroy(bench);
}

static void test_abandoned_rows(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 469 * 3 + 100);
    bench_update(bench);
    edit_now(bench, ">");
    fake_feed_train(&bench->fake, 469 * 2);
    bench_update(bench);
    assert_int_equal(bench->history.evaluation_count, 5);
    assert_false(bench->history.evaluations[4].abandoned);
    edit_now(bench, "u");
    assert_int_equal(bench->history.snapshot.step, 469 * 3 + 100);
    assert_int_equal(bench->history.evaluation_count, 5);
    assert_false(bench->history.evaluations[2].abandoned);
    assert_true(bench->history.evaluations[3].abandoned);
    assert_int_equal(history_last_evaluation(&bench->history)->step, 469 * 3);
    assert_true(bench->history.edits[0].abandoned);
    fake_feed_train(&bench->fake, 469);
    edit_now(bench, "ctrl-r");
    assert_int_equal(bench->history.snapshot.step, 469 * 5 + 100);
    assert_false(bench->history.evaluations[4].abandoned);
    assert_true(bench->history.evaluations[5].abandoned);
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screen_sizes),    cmocka_unit_test(test_screen_states),
        cmocka_unit_test(test_screen_edits),    cmocka_unit_test(test_screen_ends),
        cmocka_unit_test(test_screen_undone),   cmocka_unit_test(test_screen_rollback),
        cmocka_unit_test(test_screen_diverged), cmocka_unit_test(test_screen_settings),
        cmocka_unit_test(test_screen_journal),  cmocka_unit_test(test_small_texts),
        cmocka_unit_test(test_news_fades),      cmocka_unit_test(test_edits_together),
        cmocka_unit_test(test_noise_in_legend), cmocka_unit_test(test_best_epoch),
        cmocka_unit_test(test_interrupted),     cmocka_unit_test(test_abandoned_rows),
        cmocka_unit_test(test_undo_news),       cmocka_unit_test(test_tails),
        cmocka_unit_test(test_best_abandoned),  cmocka_unit_test(test_running_in_legend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
