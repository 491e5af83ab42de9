/*
 * The view of a search: leaderboard and map against golden files, and what keys
 * and commands do there.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ui_golden.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* In colour, and without. */
static void golden(struct bench *bench, const char *prefix)
{
    char mono[64];
    bench->state.paints = true;
    ui_golden_sizes(bench, prefix);
    bench->state.paints = false;
    snprintf(mono, sizeof mono, "%s-mono", prefix);
    ui_golden_sizes(bench, mono);
}

static void test_screens(void **state)
{
    (void)state;
    struct bench *bench = bench_search(false);
    golden(bench, "search-trials");
    bench_press(bench, "m");
    golden(bench, "search-map");
    bench_press(bench, "m");
    ui_golden(bench, "search-map", "other", 80, 24, false);
    bench_destroy(bench);
    bench = bench_search(true);
    golden(bench, "search-architectures");
    bench_press(bench, "m");
    golden(bench, "search-grid");
    bench_destroy(bench);
}

static void test_menus(void **state)
{
    (void)state;
    struct bench *bench = bench_search(false);
    bench_press(bench, "q");
    ui_golden(bench, "search-menu", "leave", 80, 24, false);
    ui_golden(bench, "search-menu", "leave-40x12", 40, 12, false);
    bench_press(bench, "esc end up up up x"); /* one that trains */
    ui_golden(bench, "search-menu", "stop", 80, 24, false);
    bench_press(bench, "s");
    assert_string_equal(bench->search.posted, "trial stop 11");
    bench_press(bench, "t");
    ui_golden(bench, "search-menu", "take", 80, 24, false);
    bench_press(bench, "t");
    assert_int_equal(bench->control.outcome, VIEW_TAKE);
    assert_int_equal(bench->state.search.subject, 11);
    bench_destroy(bench);
}

static void test_keys(void **state)
{
    (void)state;
    struct bench *bench = bench_search(false);
    assert_true(bench_shows(bench, "►"));
    bench_press(bench, "f");
    assert_int_equal(strncmp(bench->search.posted, "trial freeze ", 13), 0);
    bench_update(bench);
    assert_true(bench_shows(bench, "done: trial freeze"));
    bench_press(bench, "x");
    assert_true(bench_shows(bench, "has ended"));
    bench_press(bench, "a");
    assert_true(bench_shows(bench, ": trial add"));
    bench_type(bench, "train.l");
    assert_true(bench_shows(bench, "train.learning_rate  train.l2"));
    bench_type(bench, "2 ");
    assert_true(bench_shows(bench, "searched is 1e-06 to 1e-05"));
    bench_type(bench, "3e-6");
    bench_press(bench, "enter");
    assert_string_equal(bench->search.posted, "trial add train.l2 3e-6");
    bench_type(bench, ":trial stop refuse");
    bench_press(bench, "enter");
    assert_true(bench_shows(bench, "refused: no"));
    /* What steers a run has no meaning here. */
    bench_type(bench, ":trial take 99");
    bench_press(bench, "enter");
    assert_true(bench_shows(bench, "there is no trial 99"));
    bench_press(bench, "?");
    assert_true(bench_shows(bench, "Steering"));
    bench_press(bench, "esc tab");
    assert_int_equal(bench->state.screen, SCREEN_MAP);
    bench_press(bench, "esc");
    assert_int_equal(bench->state.screen, SCREEN_TRIALS);
    bench_destroy(bench);
}

/* The ordinary screens of a trial, and back. */
static void test_trial(void **state)
{
    (void)state;
    struct bench *bench = bench_search(false);
    bench_press(bench, "down enter");
    assert_true(bench->search.looked >= 0);
    assert_int_equal(bench->search.looked, bench->state.search.chosen);
    assert_true(bench_shows(bench, "accuracy"));
    assert_true(bench_shows(bench, "Esc trials"));
    ui_golden(bench, "search", "trial", 80, 24, false);
    bench_press(bench, "4");
    assert_int_equal(bench->state.screen, SCREEN_SETTINGS);
    bench_press(bench, "esc");
    assert_int_equal(bench->state.screen, SCREEN_CHARTS);
    bench_press(bench, "left esc");
    assert_true(bench->state.search.looks);
    bench_press(bench, "esc");
    assert_false(bench->state.search.looks);
    assert_int_equal(bench->state.screen, SCREEN_TRIALS);
    bench_type(bench, ":screen layers");
    bench_press(bench, "enter");
    assert_true(bench->state.search.looks);
    assert_int_equal(bench->state.screen, SCREEN_LAYERS);
    bench_type(bench, ":screen map");
    bench_press(bench, "enter");
    assert_int_equal(bench->state.screen, SCREEN_MAP);
    assert_false(bench->state.search.looks);
    bench_destroy(bench);
}

/* An ended search is left at once; a run has none of this. */
static void test_ends(void **state)
{
    (void)state;
    struct bench *bench = bench_search(true);
    bench_press(bench, "q");
    bench->search.now.state = SEARCH_FINISHED;
    bench->search.now.version++;
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_MAIN);
    ui_golden(bench, "search", "finished", 80, 24, false);
    bench_press(bench, "q");
    assert_int_equal(bench->control.outcome, VIEW_LEFT);
    bench_destroy(bench);
    bench = bench_running();
    bench_type(bench, ":screen map");
    bench_press(bench, "enter");
    assert_true(bench_shows(bench, "map is a screen of a search"));
    bench_type(bench, ":trial stop 1");
    bench_press(bench, "enter");
    assert_true(bench_shows(bench, "'trial' is a command of a search"));
    bench_destroy(bench);
    /* Before its first trial. */
    bench = bench_search(false);
    bench->search.now.trials = 0;
    bench->search.now.best = -1;
    bench->search.now.version++;
    bench_update(bench);
    bench_press(bench, "enter x t f down");
    ui_golden(bench, "search", "begins", 80, 24, false);
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screens), cmocka_unit_test(test_menus), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_trial),   cmocka_unit_test(test_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
