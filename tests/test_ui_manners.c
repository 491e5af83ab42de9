/*
 * No key is silent: whatever the run does, whichever screen and menu is shown, a key changes what
 * is seen, posts a command, or says why it does nothing. What is excepted is listed with its
 * reason.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/rollback.h"
#include "../src/ui/screens.h"
#include "ui_bench.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { WIDTH = 80, HEIGHT = 24, MOST_KEYS = 160, ANY = -1 };

/* What is open over the screen. */
enum opening {
    OPEN_NOTHING,
    OPEN_COMMAND,
    OPEN_VALUE,
    OPEN_QUIT,
    OPEN_ROLLBACK,
    OPEN_DIVERGED,
    OPEN_LEAVING,
    OPENINGS
};
static const char *const opening_names[] = {"nothing",       "a command",     "a value",
                                            "the menu of q", "the menu of r", "the divergence",
                                            "leaving"};

static const struct {
    enum run_state state;
    bool diverged; /* paused after it */
    const char *name;
} states[] = {
    {RUN_STARTING, false, "starting"},
    {RUN_RUNNING, false, "running"},
    {RUN_PAUSED, false, "paused"},
    {RUN_EVALUATING, false, "evaluating"},
    {RUN_TESTING, false, "testing"},
    {RUN_RANGE_TEST, false, "range test"},
    {RUN_FINISHED, false, "finished"},
    {RUN_INTERRUPTED, false, "interrupted"},
    {RUN_DIVERGED, false, "diverged"},
    {RUN_FAILED, false, "failed"},
    {RUN_PAUSED, true, "after a divergence"},
};
enum { STATES = sizeof(states) / sizeof(*states) };

/* Keys that may do nothing and not say so. */
static const struct {
    int opening, screen; /* ANY */
    const char *keys, *why;
} silent[] = {
    {OPEN_LEAVING, ANY, NULL, "the notice says that it is leaving"},
    {OPEN_NOTHING, SCREEN_CHARTS, " esc ", "there is nothing to go back from"},
    {OPEN_NOTHING, SCREEN_HELP, " up k page-up home ", "it is at the top"},
    {OPEN_NOTHING, SCREEN_JOURNAL, " up down k j page-up page-down home end ",
     "the line at the end is chosen"},
    {OPEN_NOTHING, SCREEN_LAYERS, " up down k j home end ", "the layer at the end is chosen"},
    {OPEN_NOTHING, SCREEN_CONFUSION, " up down k j left right h l page-up page-down home end ",
     "all of it is seen"},
    {OPEN_ROLLBACK, ANY, " up down k j ", "the state at the end is chosen"},
    {OPEN_COMMAND, ANY, " up down left right home end page-up page-down ",
     "a line editor's cursor, at the end"},
    {OPEN_COMMAND, ANY, " ctrl-k ctrl-r ctrl-t F1 ", "a line editor: nothing to erase, no text"},
    {OPEN_VALUE, ANY, " tab page-up page-down ctrl-r ctrl-t F1 ", "a line editor: no text"},
};

/* Each name once. */
static size_t collect_keys(char (*out)[16])
{
    size_t count = 0;
    for (size_t i = 0; i <= key_count(); i++) {
        char names[128], *rest = NULL;
        text_copy(names, sizeof(names), i < key_count() ? key_row(i)->keys : "F1 ctrl-t ; é");
        for (char *name = strtok_r(names, " ", &rest); name != NULL;
             name = strtok_r(NULL, " ", &rest)) {
            size_t at = 0;
            while (at < count && strcmp(out[at], name) != 0)
                at++;
            assert_true(at < MOST_KEYS);
            text_copy(out[at], sizeof(out[at]), name);
            count += at == count;
        }
    }
    return count;
}

static struct bench *bench_in(size_t which)
{
    struct bench *bench = bench_create();
    struct snapshot *now = &bench->fake.now;
    if (states[which].state != RUN_STARTING) {
        fake_feed_train(&bench->fake, 469 + 100);
        bench_press(bench, ">");
        fake_feed_apply(&bench->fake);
        fake_feed_train(&bench->fake, 400);
    }
    if (states[which].state == RUN_RANGE_TEST)
        fake_feed_range(&bench->fake, 50);
    if (states[which].state == RUN_PAUSED)
        fake_feed_range(&bench->fake, RANGE_POINTS);
    if (states[which].diverged)
        fake_feed_diverge(&bench->fake);
    if (states[which].state == RUN_FINISHED)
        fake_feed_finish(&bench->fake);
    now->state = states[which].state;
    if (now->state == RUN_DIVERGED || now->state == RUN_FAILED)
        text_copy(now->error, sizeof(now->error), "the loss was inf at step 5751");
    bench->state.now = bench->fake.clock += 100;
    bench_update(bench);
    return bench;
}

/* False where there is no such thing now. */
static bool open_over(struct bench *bench, enum opening opening)
{
    struct state *state = &bench->state;
    struct control *control = &bench->control;
    const bool diverged = bench->fake.now.diverged;
    state->diverged_shown = bench->fake.now.returns + 1;
    state->diverged_clock = 0;
    state->mode = MODE_MAIN;
    state->message[0] = '\0';
    if (opening == OPEN_COMMAND)
        prompt_open(control, "set t");
    else if (opening == OPEN_VALUE)
        prompt_ask(control, "train.learning_rate");
    else if (opening == OPEN_QUIT)
        menu_open(control);
    else if (opening == OPEN_ROLLBACK)
        rollback_open(control);
    else if (opening == OPEN_DIVERGED && diverged)
        state->mode = MODE_DIVERGED;
    else if (opening == OPEN_LEAVING)
        state->mode = MODE_LEAVING;
    control->outcome = VIEW_OPEN;
    return (state->mode == MODE_MAIN) == (opening == OPEN_NOTHING);
}

static bool excepted(enum opening opening, enum view_screen screen, const char *key)
{
    char padded[32];
    snprintf(padded, sizeof(padded), " %s ", key);
    for (size_t i = 0; i < sizeof(silent) / sizeof(*silent); i++)
        if ((silent[i].opening == ANY || silent[i].opening == (int)opening) &&
            (silent[i].screen == ANY || silent[i].screen == (int)screen) &&
            (silent[i].keys == NULL || strstr(silent[i].keys, padded) != NULL))
            return true;
    return false;
}

static void draw(struct bench *bench, struct grid *grid)
{
    grid_clear(grid);
    grid_set_ascii(grid, bench->state.glyphs == GLYPHS_ASCII);
    screens_draw(grid, &bench->state, &bench->history);
}

static bool same_cells(const struct grid *a, const struct grid *b)
{
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        const struct cell *x = &a->cells[i], *y = &b->cells[i];
        if (x->rune != y->rune || x->style != y->style || x->painted != y->painted)
            return false;
    }
    return true;
}

/* Presses each key on what is shown, one at a time; returns how many were silent. */
static int press_each(struct bench *bench, char (*keys)[16], size_t count, size_t which,
                      enum opening opening, struct grid *before, struct grid *after)
{
    static struct state kept;
    static struct snapshot now;
    const enum view_screen screen = bench->state.screen;
    const uint64_t posted = bench->fake.posted;
    int quiet = 0;
    draw(bench, before);
    kept = bench->state;
    now = bench->fake.now;
    for (size_t i = 0; i < count; i++) {
        struct control *control = &bench->control;
        control_key(control, keys[i]);
        const bool acted = bench->fake.posted > posted || control->repaint || control->restyle ||
                           control->stop_process || control->outcome != VIEW_OPEN;
        draw(bench, after);
        assert_true(after->cells[0].rune != 0);
        if (!acted && same_cells(before, after) && !excepted(opening, screen, keys[i])) {
            print_error("%s does nothing and does not say so: %s, screen %s, over it %s\n", keys[i],
                        states[which].name, screen_info(screen)->name, opening_names[opening]);
            quiet++;
        }
        control->repaint = control->restyle = control->stop_process = false;
        control->outcome = VIEW_OPEN;
        bench->state = kept;
        bench->fake.now = now;
        bench->fake.posted = posted;
    }
    return quiet;
}

static void test_no_key_is_silent(void **unused)
{
    (void)unused;
    char keys[MOST_KEYS][16];
    const size_t count = collect_keys(keys);
    struct grid before, after;
    int quiet = 0;
    grid_init(&before, WIDTH, HEIGHT);
    grid_init(&after, WIDTH, HEIGHT);
    for (size_t which = 0; which < STATES; which++) {
        struct bench *bench = bench_in(which);
        for (int screen = 0; screen < SCREEN_COUNT; screen++) {
            bench->state.screen = (enum view_screen)screen;
            for (int opening = 0; opening < OPENINGS; opening++) {
                const bool open = open_over(bench, (enum opening)opening);
                bench_update(bench);
                if (open)
                    quiet += press_each(bench, keys, count, which, (enum opening)opening, &before,
                                        &after);
            }
        }
        bench_destroy(bench);
    }
    grid_fini(&before);
    grid_fini(&after);
    assert_int_equal(quiet, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_key_is_silent)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
