/*
 * The view without a terminal: the main screen's layout, screens against
 * golden files, the line editor, and what keys do.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/control.h"
#include "../src/ui/screens.h"
#include "fake_feed.h"
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

/* A view on a made-up training, without its thread. */
struct bench {
    struct fake_feed fake;
    struct state state;
    struct history history;
    struct control control;
};

static struct bench *bench_create(void)
{
    struct bench *bench = mem_alloc(sizeof(*bench));
    fake_feed_init(&bench->fake);
    history_init(&bench->history);
    bench->state.glyphs = bench->state.glyphs_auto = GLYPHS_BRAILLE;
    bench->state.utf8 = true;
    bench->state.now = bench->fake.clock;
    bench->control = (struct control){
        .feed = &bench->fake.feed,
        .history = &bench->history,
        .state = &bench->state,
    };
    return bench;
}

static void bench_destroy(struct bench *bench)
{
    history_fini(&bench->history);
    fake_feed_fini(&bench->fake);
    mem_free(bench);
}

static void update(struct bench *bench)
{
    fake_feed_publish(&bench->fake);
    control_update(&bench->control);
}

static void press(struct bench *bench, const char *keys)
{
    char names[256], *rest = NULL;
    text_copy(names, sizeof(names), keys);
    for (char *key = strtok_r(names, " ", &rest); key != NULL; key = strtok_r(NULL, " ", &rest))
        control_key(&bench->control, key);
}

static void type(struct bench *bench, const char *text)
{
    for (; *text != '\0'; text++) {
        char key[2] = {*text, '\0'};
        control_key(&bench->control, *text == ' ' ? "space" : key);
    }
}

/* What was posted last. */
static const char *posted(struct bench *bench)
{
    return bench->fake.posted > 0 ? bench->fake.answers[bench->fake.posted - 1].line : "";
}

/* A training in its 13th epoch, in which the rate was changed twice. */
static struct bench *bench_running(void)
{
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 4 * 469 + 100);
    press(bench, ">");
    fake_feed_apply(&bench->fake);
    fake_feed_train(&bench->fake, 5 * 469);
    press(bench, "n");
    fake_feed_apply(&bench->fake);
    fake_feed_train(&bench->fake, 3 * 469 + 123);
    bench->state.now = bench->fake.clock += 100;
    update(bench);
    return bench;
}

static void draw(struct bench *bench, int width, int height, bool styles, struct text *out)
{
    struct grid grid;
    grid_init(&grid, width, height);
    grid_set_ascii(&grid, bench->state.glyphs == GLYPHS_ASCII);
    screens_draw(&grid, &bench->state, &bench->history);
    grid_dump(&grid, styles, out);
    grid_fini(&grid);
}

static void compare(struct bench *bench, const char *name, int width, int height, bool styles)
{
    struct text out = {0};
    char file[80];
    snprintf(file, sizeof(file), "screen-%s", name);
    draw(bench, width, height, styles, &out);
    golden_compare(file, out.bytes);
    text_fini(&out);
}

static bool shows(struct bench *bench, const char *text)
{
    struct text out = {0};
    draw(bench, 80, 24, false, &out);
    bool found = strstr(out.bytes, text) != NULL;
    text_fini(&out);
    return found;
}

/* Layout. */

static bool outside(struct rect rect, int width, int height)
{
    return rect.height < 0 || rect.width < 0 ||
           (rect.height > 0 && (rect.x < 0 || rect.y < 0 || rect.x + rect.width > width ||
                                rect.y + rect.height > height));
}

static bool overlap(struct rect a, struct rect b)
{
    return a.height > 0 && b.height > 0 && a.x < b.x + b.width && b.x < a.x + a.width &&
           a.y < b.y + b.height && b.y < a.y + a.height;
}

static void check_layout(int width, int height, bool warning, int banner)
{
    struct layout layout;
    layout_compute(width, height, warning, banner, &layout);
    const struct rect rects[] = {layout.head,     layout.warning, layout.banner,  layout.loss,
                                 layout.accuracy, layout.rows,    layout.changes, layout.progress,
                                 layout.strip,    layout.news,    layout.keys};
    const int count = sizeof(rects) / sizeof(*rects);
    int area = 0;
    for (int i = 0; i < count; i++) {
        if (outside(rects[i], width, height))
            fail_msg("%dx%d: rectangle %d is outside", width, height, i);
        for (int j = i + 1; j < count; j++)
            if (overlap(rects[i], rects[j]))
                fail_msg("%dx%d: rectangles %d and %d overlap", width, height, i, j);
        area += rects[i].width * rects[i].height;
    }
    bool small = width < LAYOUT_LEAST_WIDTH || height < LAYOUT_LEAST_HEIGHT;
    assert_true(layout.line_only == small);
    assert_int_equal(area, small ? width : width * height);
    if (!small) {
        assert_true(layout.loss.height >= 2);
        assert_true(layout.accuracy.height >= 1);
        assert_true(layout.keys.height == 1 && layout.progress.height == 1);
    }
}

static void test_layout_every_size(void **unused)
{
    (void)unused;
    for (int width = 1; width <= 300; width++)
        for (int height = 1; height <= 100; height++)
            for (int banner = 0; banner <= 3; banner++) {
                check_layout(width, height, false, banner);
                check_layout(width, height, true, banner);
            }
}

static void test_every_size_draws(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    const enum view_mode modes[] = {MODE_MAIN, MODE_PROMPT, MODE_MENU, MODE_HELP, MODE_LEAVING};
    editor_start(&bench->state.editor, "set train.learning_rate *0.5");
    int turn = 0;
    for (int width = 1; width <= 300; width += width < 90 ? 1 : 23) {
        for (int height = 1; height <= 100; height += height < 30 ? 1 : 17) {
            struct text out = {0};
            bench->state.mode = modes[turn % 5];
            bench->state.ask = turn % 2 == 0 ? settings_find("train.learning_rate", NULL) : NULL;
            bench->state.glyphs = (enum settings_glyphs)(GLYPHS_BRAILLE + turn++ % 3);
            draw(bench, width, height, false, &out);
            text_fini(&out);
        }
    }
    bench_destroy(bench);
}

/* Screens. */

static void test_screen_sizes(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    const struct {
        int width, height;
    } sizes[] = {{40, 12}, {80, 24}, {120, 40}, {200, 60}};
    const struct {
        enum settings_glyphs glyphs;
        const char *name;
    } glyphs[] = {{GLYPHS_BRAILLE, "braille"}, {GLYPHS_BLOCK, "block"}, {GLYPHS_ASCII, "ascii"}};
    for (size_t g = 0; g < 3; g++) {
        bench->state.glyphs = glyphs[g].glyphs;
        for (size_t s = 0; s < 4; s++) {
            char name[64];
            snprintf(name, sizeof(name), "%dx%d-%s", sizes[s].width, sizes[s].height,
                     glyphs[g].name);
            compare(bench, name, sizes[s].width, sizes[s].height, false);
        }
    }
    compare(bench, "39x12", 39, 12, false);
    bench_destroy(bench);
}

static void test_screen_states(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    struct snapshot *now = &bench->fake.now;
    update(bench);
    compare(bench, "starting", 80, 24, true);
    fake_feed_train(&bench->fake, 200);
    update(bench);
    compare(bench, "first-epoch", 80, 24, true);
    bench_destroy(bench);

    bench = bench_running();
    now = &bench->fake.now;
    compare(bench, "running", 80, 24, true);
    now->state = RUN_PAUSED;
    update(bench);
    compare(bench, "paused", 80, 24, true);
    now->state = RUN_EVALUATING;
    now->evaluation_progress = 0.43;
    update(bench);
    compare(bench, "evaluating", 80, 24, true);
    now->state = RUN_RUNNING;
    text_copy(now->warning, sizeof(now->warning),
              "metrics.csv: No space left on device; training goes on");
    update(bench);
    compare(bench, "warning", 80, 24, true);
    bench_destroy(bench);
}

static void test_screen_edits(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    press(bench, "+");
    update(bench);
    compare(bench, "requested", 80, 24, true);
    fake_feed_apply(&bench->fake);
    update(bench);
    compare(bench, "applied", 80, 24, true);
    press(bench, ":");
    type(bench, "set train.learning_rate -1");
    compare(bench, "prompt", 80, 24, true);
    press(bench, "enter");
    fake_feed_apply(&bench->fake);
    update(bench);
    compare(bench, "refused", 80, 24, true);
    press(bench, "e");
    compare(bench, "ask", 80, 24, true);
    press(bench, "esc q");
    compare(bench, "menu", 80, 24, true);
    compare(bench, "menu-40x12", 40, 12, false);
    press(bench, "esc ?");
    compare(bench, "help", 80, 24, true);
    press(bench, "end");
    compare(bench, "help-end", 120, 40, false);
    bench_destroy(bench);
}

static void test_screen_ends(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    fake_feed_train(&bench->fake, 60 * 469);
    fake_feed_finish(&bench->fake);
    update(bench);
    compare(bench, "finished", 80, 24, true);
    compare(bench, "finished-40x12", 40, 12, false);
    compare(bench, "finished-200x60", 200, 60, false);
    compare(bench, "finished-30x3", 30, 3, false);
    bench_destroy(bench);

    bench = bench_running();
    bench->fake.now.state = RUN_DIVERGED;
    text_copy(bench->fake.now.error, sizeof(bench->fake.now.error),
              "the loss was inf at step 5751; the last good state is at step 5628");
    update(bench);
    compare(bench, "diverged", 80, 24, true);
    bench->fake.now.state = RUN_FAILED;
    text_copy(bench->fake.now.error, sizeof(bench->fake.now.error),
              "/home/somebody/.local/state/kdtui/runs/fashion-mnist-20260301-120000/journal.jsonl: "
              "cannot append: Input/output error");
    update(bench);
    compare(bench, "failed", 80, 24, true);
    bench_destroy(bench);
}

static void test_news_fades(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    press(bench, "+");
    update(bench);
    assert_true(shows(bench, "requested: set train.learning_rate *1.1"));
    fake_feed_apply(&bench->fake);
    update(bench);
    assert_true(shows(bench, "applied at step"));
    double change = screens_next_change(&bench->state, &bench->history);
    assert_true(change > 0 && change <= 6);
    bench->state.now += 7;
    assert_true(shows(bench, "last change: learning rate"));
    press(bench, ":");
    type(bench, "puase");
    press(bench, "enter");
    assert_true(shows(bench, "refused"));
    assert_true(shows(bench, "pause\""));
    bench->state.now += 100;
    assert_true(shows(bench, "last change: learning rate"));
    bench_destroy(bench);
}

static void edit_now(struct bench *bench, const char *keys)
{
    press(bench, keys);
    while (fake_feed_apply(&bench->fake))
        update(bench);
    update(bench);
}

/* Edits close together on the chart share a tick, and none goes unseen. */
static void test_edits_together(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 3 * 469);
    edit_now(bench, "> n");
    fake_feed_train(&bench->fake, 4 * 469);
    update(bench);
    assert_true(shows(bench, "▼ rate 0.01715 → 0.03429, noise off → on"));
    edit_now(bench, "<");
    edit_now(bench, ">");
    edit_now(bench, "<");
    fake_feed_train(&bench->fake, 20);
    update(bench);
    assert_true(shows(bench, "rate 0.02793 → 0.01397 +2 ▼"));
    assert_true(shows(bench, "noise off → on +1 ▼"));
    bench_destroy(bench);
}

/* The curve is called noisy once a noisy step is drawn, and until a quiet one is. */
static void test_noise_in_legend(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 300);
    edit_now(bench, "n");
    assert_false(shows(bench, "train with noise"));
    fake_feed_train(&bench->fake, 1);
    update(bench);
    assert_true(shows(bench, "train with noise"));
    edit_now(bench, "n");
    assert_true(shows(bench, "train with noise"));
    fake_feed_train(&bench->fake, 1);
    update(bench);
    assert_false(shows(bench, "train with noise"));
    bench_destroy(bench);
}

/* The best epoch is named alike wherever it is. */
static void test_best_epoch(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench->fake.now.best_validation_accuracy = 0;
    edit_now(bench, "v");
    assert_true(shows(bench, "(epoch 12.48)"));
    assert_int_equal(bench->fake.now.best_step, 5851);
    bench->fake.evaluations[bench->fake.now.evaluations - 1].validation_accuracy = 0.99;
    history_fini(&bench->history);
    history_init(&bench->history);
    update(bench);
    assert_true(shows(bench, "99.00% @ epoch 12.48"));
    fake_feed_finish(&bench->fake);
    update(bench);
    assert_true(shows(bench, "at epoch 12.48)"));
    bench_destroy(bench);
}

static void test_interrupted(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench->fake.now.state = RUN_INTERRUPTED;
    update(bench);
    assert_true(shows(bench, "interrupted at step 5851"));
    assert_false(shows(bench, "saved"));
    bench->fake.now.checkpoint_step = bench->fake.now.step;
    update(bench);
    assert_true(shows(bench, "interrupted at step 5851: the state is saved"));
    bench_destroy(bench);
}

/* Keys. */

static void test_keys_post(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    press(bench, "+");
    assert_string_equal(posted(bench), "set train.learning_rate *1.1");
    assert_int_equal(bench->fake.sources[bench->fake.posted - 1], SOURCE_KEY);
    fake_feed_apply(&bench->fake);
    update(bench);
    press(bench, "-");
    assert_string_equal(posted(bench), "set train.learning_rate /1.1");
    press(bench, "c");
    assert_string_equal(posted(bench), "checkpoint");
    press(bench, ".");
    assert_string_equal(posted(bench), "step");
    press(bench, "v");
    assert_string_equal(posted(bench), "evaluate");
    press(bench, "N");
    assert_int_equal(bench->state.mode, MODE_PROMPT);
    type(bench, "0.5");
    press(bench, "enter");
    assert_string_equal(posted(bench), "set augment.noise_level 0.5");
    assert_int_equal(bench->fake.sources[bench->fake.posted - 1], SOURCE_PROMPT);
    press(bench, ":");
    type(bench, "note a b  c");
    press(bench, "enter");
    assert_string_equal(posted(bench), "note a b  c");
    uint64_t before = bench->fake.posted;
    press(bench, "e enter e esc : enter : esc x F1");
    assert_int_equal(bench->fake.posted, before);
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_destroy(bench);
}

static void test_pause_twice(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    press(bench, "space space");
    assert_string_equal(bench->fake.answers[bench->fake.posted - 2].line, "pause");
    assert_string_equal(posted(bench), "continue");
    while (fake_feed_apply(&bench->fake))
        update(bench);
    press(bench, "p");
    assert_string_equal(posted(bench), "pause");
    update(bench); /* not answered yet */
    press(bench, "p");
    assert_string_equal(posted(bench), "continue");
    press(bench, "p");
    while (fake_feed_apply(&bench->fake))
        update(bench);
    assert_int_equal(bench->fake.now.state, RUN_PAUSED);
    bench->fake.now.state = RUN_EVALUATING; /* during the pause */
    update(bench);
    press(bench, "p");
    assert_string_equal(posted(bench), "continue");
    bench_destroy(bench);
}

/* A held key posts no more than the run answers, and nothing changes its order. */
static void test_held_key(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    uint64_t before = bench->fake.posted;
    double rate = bench->fake.now.learning_rate;
    for (int i = 0; i < 100; i++)
        press(bench, "+");
    for (int i = 0; i < 98; i++)
        press(bench, "-");
    assert_int_equal(bench->fake.posted, before + 1);
    assert_true(shows(bench, "requested: set train.learning_rate *1.1 …"));
    press(bench, "+");
    assert_true(shows(bench, "requested: set train.learning_rate *1.21 …"));
    press(bench, "n"); /* after what was pressed before it */
    assert_int_equal(bench->fake.posted, before + 3);
    assert_string_equal(bench->fake.answers[before + 1].line, "set train.learning_rate *1.21");
    assert_string_equal(posted(bench), "toggle augment.noise");
    press(bench, "> -");
    assert_int_equal(bench->fake.posted, before + 3);
    while (fake_feed_apply(&bench->fake))
        update(bench);
    assert_int_equal(bench->fake.posted, before + 4);
    assert_true(fabs(bench->fake.now.learning_rate / (rate * 1.1 * 1.21 * 2 / 1.1) - 1) < 1e-9);

    press(bench, "+ - +"); /* the last two take each other back */
    fake_feed_apply(&bench->fake);
    update(bench);
    assert_int_equal(bench->fake.posted, before + 5);
    press(bench, "+ + q s");
    assert_int_equal(bench->control.outcome, VIEW_SAVE);
    assert_int_equal(bench->fake.posted, before + 7);
    bench_destroy(bench);
}

static void test_completion(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    press(bench, ":");
    type(bench, "pau");
    press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "pause"); /* or pause-or-continue */
    press(bench, "ctrl-u");
    type(bench, "se");
    press(bench, "tab");
    type(bench, "train.le");
    press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "set train.learning_rate ");
    type(bench, "*2 a");
    press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "set train.learning_rate *2 augment.noise");
    press(bench, "tab home tab ctrl-u");
    press(bench, "ctrl-k");
    type(bench, "toggle a");
    press(bench, "tab tab");
    assert_string_equal(bench->state.editor.text, "toggle augment.noise ");
    press(bench, "ctrl-u");
    type(bench, "note se");
    press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "note se");
    bench_destroy(bench);
}

/* Hints say what is expected without being cut, and what is wrong while it is typed. */
static void test_hints(void **unused)
{
    (void)unused;
    static const struct {
        const char *line, *hint;
    } cases[] = {
        {"se", " set\n"},
        {"set", " set KEY VALUE [KEY VALUE ...]\n"},
        {"set ", " set KEY VALUE [KEY VALUE ...]\n"},
        {"set augment.n", " augment.noise  augment.noise_level\n"},
        {"set train.lerning_rate", "train.learning_rate"},
        {"set train.lerning_rate 0.1", "train.learning_rate"},
        {"set train.batch_size 7", "cannot change during a run"},
        {"set train.l2 0.1", "now 1e-05; *F and /F are relative to it"},
        {"puase", "did you mean \"pause\""},
    };
    struct bench *bench = bench_running();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        press(bench, ":");
        type(bench, cases[i].line);
        if (!shows(bench, cases[i].hint))
            fail_msg("%s: no hint %s", cases[i].line, cases[i].hint);
        press(bench, "esc");
    }
    bench_destroy(bench);
}

static void test_keys_anywhere(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    static const char *const into[] = {"esc", ":", "q", "?"};
    for (size_t i = 0; i < sizeof(into) / sizeof(*into); i++) {
        bench->control.stop_process = bench->control.repaint = false;
        press(bench, into[i]);
        enum view_mode mode = bench->state.mode;
        press(bench, "ctrl-z ctrl-l");
        assert_true(bench->control.stop_process && bench->control.repaint);
        assert_int_equal(bench->state.mode, mode);
        press(bench, "esc");
    }
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
        {40, 12, "p q", "Esc  back: it stays paused"},        {35, 24, "p q", "Esc  back"},
        {36, 4, "q", "s save and stop  a abandon  Esc back"}, {20, 12, "q", "s save a abandon Esc"},
        {40, 12, "?", "up down scroll   Esc or ? back"},      {30, 12, "?", "Esc or ? back"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct text out = {0};
        bench->state.paused = false;
        press(bench, cases[i].keys);
        draw(bench, cases[i].width, cases[i].height, false, &out);
        if (strstr(out.bytes, cases[i].text) == NULL)
            fail_msg("no \"%s\" in\n%s", cases[i].text, out.bytes);
        text_fini(&out);
        press(bench, "esc");
    }
    bench_destroy(bench);
}

static void test_ways_out(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    press(bench, "ctrl-c");
    assert_int_equal(bench->state.mode, MODE_MENU);
    press(bench, "x esc");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    press(bench, "ctrl-c ctrl-c");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    assert_int_equal(bench->control.outcome, VIEW_OPEN);
    press(bench, "q a");
    assert_int_equal(bench->control.outcome, VIEW_ABANDON);
    bench_destroy(bench);

    bench = bench_running();
    press(bench, "? ctrl-c s p");
    assert_int_equal(bench->control.outcome, VIEW_SAVE);
    assert_string_not_equal(posted(bench), "pause"); /* keys do nothing any more */
    bench_destroy(bench);

    bench = bench_running();
    press(bench, "q");
    fake_feed_finish(&bench->fake);
    update(bench);
    assert_int_equal(bench->state.mode, MODE_MAIN); /* the menu's choices are gone */
    press(bench, "q");
    assert_int_equal(bench->control.outcome, VIEW_LEFT);
    bench_destroy(bench);
}

static void test_glyphs_remembered(void **unused)
{
    (void)unused;
    char directory[] = "/tmp/kdtui-test-XXXXXX", path[256], below[128];
    struct settings settings;
    struct err err;
    struct bench *bench = bench_running();
    assert_non_null(mkdtemp(directory));
    snprintf(below, sizeof(below), "%s/kdtui", directory);
    snprintf(path, sizeof(path), "%s/view.ini", below);
    bench->control.remember_path = path;
    press(bench, "g");
    assert_int_equal(bench->state.glyphs, GLYPHS_BLOCK);
    settings_init(&settings);
    assert_int_equal(settings_load(&settings, path, false, &err), 0);
    assert_int_equal(settings.view.glyphs, GLYPHS_BLOCK);

    /* What else was chosen there stays. */
    static const char kept[] = "[view]\nfps = 2\n";
    struct file_part part = {kept, sizeof(kept) - 1};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    press(bench, "g g");
    settings_init(&settings);
    assert_int_equal(settings_load(&settings, path, false, &err), 0);
    assert_int_equal(settings.view.glyphs, GLYPHS_BRAILLE);
    assert_true(settings.view.fps == 2);

    /* A file that cannot be read is not overwritten. */
    static const char foreign[] = "[something]\nelse = 1\n";
    part = (struct file_part){foreign, sizeof(foreign) - 1};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    press(bench, "g");
    assert_int_equal(bench->state.glyphs, GLYPHS_BLOCK);
    assert_true(shows(bench, "view.ini"));
    unsigned char *bytes;
    size_t length;
    assert_int_equal(file_read(path, 4096, &bytes, &length, &err), 0);
    assert_string_equal(bytes, foreign);
    mem_free(bytes);

    bench->state.utf8 = false;
    bench->state.glyphs = GLYPHS_ASCII;
    press(bench, "g");
    assert_int_equal(bench->state.glyphs, GLYPHS_ASCII);
    unlink(path);
    rmdir(below);
    rmdir(directory);
    bench_destroy(bench);
}

static void test_abandoned_rows(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 469 * 5);
    update(bench);
    assert_int_equal(bench->history.evaluation_count, 5);
    struct evaluation again = bench->fake.evaluations[2];
    again.train_loss = 7;
    bench->fake.evaluations[bench->fake.now.evaluations++] = again;
    update(bench);
    assert_int_equal(bench->history.evaluation_count, 3);
    assert_true(bench->history.evaluations[2].train_loss == 7);
    bench_destroy(bench);
}

/* The line editor. */

static void edit(struct editor *editor, const char *keys)
{
    char names[256], *rest = NULL;
    text_copy(names, sizeof(names), keys);
    for (char *key = strtok_r(names, " ", &rest); key != NULL; key = strtok_r(NULL, " ", &rest))
        editor_key(editor, key);
}

static void test_editor(void **unused)
{
    (void)unused;
    struct editor *editor = mem_alloc(sizeof(*editor));
    editor_start(editor, "");
    edit(editor, "n o t e space é → x left left backspace");
    assert_string_equal(editor->text, "note →x");
    edit(editor, "ctrl-a delete N end y ctrl-w");
    assert_string_equal(editor->text, "Note ");
    edit(editor, "ctrl-w a b left ctrl-k");
    assert_string_equal(editor->text, "a");
    editor_remember(editor);
    editor_start(editor, "");
    edit(editor, "b");
    editor_remember(editor);
    editor_start(editor, "");
    edit(editor, "c up");
    assert_string_equal(editor->text, "b");
    edit(editor, "up up");
    assert_string_equal(editor->text, "a");
    edit(editor, "down down down");
    assert_string_equal(editor->text, "c");
    assert_false(editor_key(editor, "page-up"));
    edit(editor, "backspace backspace left right delete ctrl-u ctrl-w");
    assert_string_equal(editor->text, "");

    /* An offered value is replaced by typing and kept by moving. */
    editor_start(editor, "0.02");
    edit(editor, "5");
    assert_string_equal(editor->text, "5");
    editor_start(editor, "0.02");
    edit(editor, "end 5");
    assert_string_equal(editor->text, "0.025");

    /* Neither the text nor the session's lines outgrow their room. */
    for (int i = 0; i < COMMAND_LINE; i++)
        editor_key(editor, "→");
    assert_true(editor->length < COMMAND_LINE && editor->length % strlen("→") != 1);
    for (int i = 0; i < EDITOR_PAST + 5; i++) {
        char line[16];
        snprintf(line, sizeof(line), "%d", i);
        editor_start(editor, line);
        editor_remember(editor);
    }
    assert_int_equal(editor->past_count, EDITOR_PAST);
    assert_string_equal(editor->past[0], "5");

    struct grid grid;
    struct text out = {0};
    grid_init(&grid, 10, 1);
    editor_start(editor, "");
    edit(editor, "é 2 3 4 5 6 7 8 9 a b c");
    editor_draw(editor, &grid, 0, 0, 6);
    grid_dump(&grid, true, &out);
    assert_string_equal(out.bytes, "89abc\nbbbbb=\n");
    text_fini(&out);
    grid_fini(&grid);
    mem_free(editor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_every_size), cmocka_unit_test(test_every_size_draws),
        cmocka_unit_test(test_screen_sizes),      cmocka_unit_test(test_screen_states),
        cmocka_unit_test(test_screen_edits),      cmocka_unit_test(test_screen_ends),
        cmocka_unit_test(test_news_fades),        cmocka_unit_test(test_edits_together),
        cmocka_unit_test(test_noise_in_legend),   cmocka_unit_test(test_best_epoch),
        cmocka_unit_test(test_interrupted),       cmocka_unit_test(test_keys_post),
        cmocka_unit_test(test_pause_twice),       cmocka_unit_test(test_held_key),
        cmocka_unit_test(test_completion),        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_keys_anywhere),     cmocka_unit_test(test_small_texts),
        cmocka_unit_test(test_ways_out),          cmocka_unit_test(test_glyphs_remembered),
        cmocka_unit_test(test_abandoned_rows),    cmocka_unit_test(test_editor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
