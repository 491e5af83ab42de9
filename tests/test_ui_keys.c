/* What keys do: commands they post, the menu, remembered choices, the prompt and its editor. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/post.h"
#include "../src/ui/remember.h"
#include "../src/ui/screens.h"
#include "ui_bench.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include <cmocka.h>

/* What was posted last. */
static const char *posted(struct bench *bench)
{
    return bench->fake.posted > 0 ? bench->fake.answers[bench->fake.posted - 1].line : "";
}

static void test_keys_post(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    assert_false(post_waits(&bench->control));
    bench_press(bench, "+");
    assert_string_equal(posted(bench), "set train.learning_rate *1.1");
    assert_int_equal(bench->fake.sources[bench->fake.posted - 1], SOURCE_KEY);
    assert_true(post_waits(&bench->control));
    fake_feed_apply(&bench->fake);
    assert_true(post_waits(&bench->control)); /* until the view has it */
    bench_update(bench);
    assert_false(post_waits(&bench->control));
    bench_press(bench, "-");
    assert_string_equal(posted(bench), "set train.learning_rate /1.1");
    bench_press(bench, "c");
    assert_string_equal(posted(bench), "checkpoint");
    bench_press(bench, ".");
    assert_string_equal(posted(bench), "step");
    bench_press(bench, "v");
    assert_string_equal(posted(bench), "evaluate");
    bench_press(bench, "N");
    assert_int_equal(bench->state.mode, MODE_PROMPT);
    bench_type(bench, "0.5");
    bench_press(bench, "enter");
    assert_string_equal(posted(bench), "set augment.noise_level 0.5");
    assert_int_equal(bench->fake.sources[bench->fake.posted - 1], SOURCE_PROMPT);
    bench_press(bench, ":");
    bench_type(bench, "note a b  c");
    bench_press(bench, "enter");
    assert_string_equal(posted(bench), "note a b  c");
    uint64_t before = bench->fake.posted;
    bench_press(bench, "e enter e esc : enter : esc F1");
    assert_true(bench_shows(bench, "F1 does nothing here; ? lists the keys"));
    assert_int_equal(bench->fake.posted, before);
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_destroy(bench);
}

static void test_pause_twice(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "space space");
    assert_string_equal(bench->fake.answers[bench->fake.posted - 2].line, "pause");
    assert_string_equal(posted(bench), "continue");
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    bench_press(bench, "p");
    assert_string_equal(posted(bench), "pause");
    bench_update(bench); /* not answered yet */
    bench_press(bench, "p");
    assert_string_equal(posted(bench), "continue");
    bench_press(bench, "p");
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    assert_int_equal(bench->fake.now.state, RUN_PAUSED);
    bench->fake.now.state = RUN_EVALUATING; /* during the pause */
    bench_update(bench);
    bench_press(bench, "p");
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
        bench_press(bench, "+");
    for (int i = 0; i < 98; i++)
        bench_press(bench, "-");
    assert_int_equal(bench->fake.posted, before + 1);
    assert_true(bench_shows(bench, "requested: set train.learning_rate *1.1 …"));
    bench_press(bench, "+");
    assert_true(bench_shows(bench, "requested: set train.learning_rate *1.21 …"));
    bench_press(bench, "n"); /* after what was pressed before it */
    assert_int_equal(bench->fake.posted, before + 3);
    assert_string_equal(bench->fake.answers[before + 1].line, "set train.learning_rate *1.21");
    assert_string_equal(posted(bench), "toggle augment.noise");
    bench_press(bench, "> -");
    assert_int_equal(bench->fake.posted, before + 3);
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    assert_int_equal(bench->fake.posted, before + 4);
    assert_true(fabs(bench->fake.now.learning_rate / (rate * 1.1 * 1.21 * 2 / 1.1) - 1) < 1e-9);

    bench_press(bench, "+ - +"); /* the last two take each other back */
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    assert_int_equal(bench->fake.posted, before + 5);
    bench_press(bench, "+ + q s");
    assert_int_equal(bench->control.outcome, VIEW_SAVE);
    assert_int_equal(bench->fake.posted, before + 7);
    bench_destroy(bench);
}

static void test_keys_anywhere(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    static const char *const into[] = {"esc", ":", "q", "?"};
    for (size_t i = 0; i < sizeof(into) / sizeof(*into); i++) {
        bench->control.stop_process = bench->control.repaint = false;
        bench_press(bench, into[i]);
        enum view_mode mode = bench->state.mode;
        bench_press(bench, "ctrl-z ctrl-l");
        assert_true(bench->control.stop_process && bench->control.repaint);
        assert_int_equal(bench->state.mode, mode);
        bench_press(bench, "esc");
    }
    bench_destroy(bench);
}

static void test_ways_out(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "ctrl-c");
    assert_int_equal(bench->state.mode, MODE_MENU);
    bench_press(bench, "x");
    assert_true(bench_shows(bench, "x is no choice here; Esc goes back"));
    bench_press(bench, "esc");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_press(bench, "ctrl-c ctrl-c");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    assert_int_equal(bench->control.outcome, VIEW_OPEN);
    bench_press(bench, "q a");
    assert_int_equal(bench->control.outcome, VIEW_ABANDON);
    bench_destroy(bench);

    bench = bench_running();
    bench_press(bench, "? ctrl-c s p");
    assert_int_equal(bench->control.outcome, VIEW_SAVE);
    assert_string_not_equal(posted(bench), "pause"); /* keys do nothing any more */
    bench_destroy(bench);

    bench = bench_running();
    bench_press(bench, "q");
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_MAIN); /* the menu's choices are gone */
    bench_press(bench, "q");
    assert_int_equal(bench->control.outcome, VIEW_LEFT);
    bench_destroy(bench);
}

static void test_leave_it_training(void **unused)
{
    (void)unused;
    static const char *const ways[] = {"d", "q d", ": d e t a c h enter", "p d"};
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        struct bench *bench = bench_running();
        bench_press(bench, ways[i]);
        assert_int_equal(bench->control.outcome, VIEW_DETACH);
        assert_true(bench_shows(bench, "leaving it training"));
        assert_false(bench->fake.posted > 0 && strcmp(posted(bench), "detach") == 0);
        bench_destroy(bench);
    }

    struct bench *bench = bench_running();
    bench_update(bench);
    assert_int_equal(bench->control.outcome, VIEW_OPEN);
    bench->fake.now.detaches++; /* given elsewhere */
    bench->fake.now.version++;
    bench_update(bench);
    assert_int_equal(bench->control.outcome, VIEW_SENT);
    bench_destroy(bench);

    bench = bench_running();
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    bench_press(bench, "d"); /* nothing would go on */
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
    bench_press(bench, "g");
    assert_int_equal(bench->state.glyphs, GLYPHS_BLOCK);
    settings_init(&settings);
    assert_int_equal(settings_load(&settings, path, false, &err), 0);
    assert_int_equal(settings.view.glyphs, GLYPHS_BLOCK);

    /* What else was chosen there stays. */
    static const char kept[] = "[view]\nfps = 2\n";
    struct file_part part = {kept, sizeof(kept) - 1};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    bench_press(bench, "g g");
    settings_init(&settings);
    assert_int_equal(settings_load(&settings, path, false, &err), 0);
    assert_int_equal(settings.view.glyphs, GLYPHS_BRAILLE);
    assert_true(settings.view.fps == 2);

    /* A file that cannot be read is not overwritten. */
    static const char foreign[] = "[something]\nelse = 1\n";
    part = (struct file_part){foreign, sizeof(foreign) - 1};
    assert_int_equal(file_write(path, &part, 1, &err), 0);
    bench_press(bench, "g");
    assert_int_equal(bench->state.glyphs, GLYPHS_BLOCK);
    assert_true(bench_shows(bench, "view.ini"));
    unsigned char *bytes;
    size_t length;
    assert_int_equal(file_read(path, 4096, &bytes, &length, &err), 0);
    assert_string_equal(bytes, foreign);
    mem_free(bytes);

    bench->state.utf8 = false;
    bench->state.glyphs = GLYPHS_ASCII;
    bench_press(bench, "g");
    assert_int_equal(bench->state.glyphs, GLYPHS_ASCII);
    unlink(path);
    rmdir(below);
    rmdir(directory);
    bench_destroy(bench);
}

static void remember(const char *path, const char *key, const char *value)
{
    struct settings settings;
    struct err err;
    const struct setting *row = settings_find(key, NULL);
    settings_init(&settings);
    assert_int_equal(settings_set(&settings, row, value, &err), 0);
    assert_int_equal(remember_setting(path, &settings, row, &err), 0);
}

/* Two views that choose at once lose nothing. */
static void test_remembered_at_once(void **unused)
{
    (void)unused;
    char directory[] = "/tmp/kdtui-test-XXXXXX", path[64];
    struct err err;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/view.ini", directory);
    for (int i = 0; i < 200; i++) {
        struct settings kept;
        int status;
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            remember(path, "view.mouse", "on");
            _exit(0);
        }
        remember(path, "view.fps", "7");
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        settings_init(&kept);
        assert_int_equal(settings_load(&kept, path, false, &err), 0);
        assert_true(kept.view.mouse);
        assert_int_equal(kept.view.fps, 7);
        unlink(path);
    }
    rmdir(directory);
}

static const char *chosen_name(struct bench *bench)
{
    (void)bench_shows(bench, "");
    return bench->state.setting->name;
}

/* The live ones are changed where they stand, the others say that they cannot. */
static void test_settings_screen(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "4");
    assert_string_equal(chosen_name(bench), "train.learning_rate");
    bench_press(bench, "enter");
    assert_int_equal(bench->state.mode, MODE_PROMPT);
    bench_press(bench, "2");
    assert_true(bench_shows(bench, "train.learning_rate, now") ||
                bench_shows(bench, "a number from"));
    bench_press(bench, "enter");
    assert_string_equal(posted(bench), "set train.learning_rate 2");
    assert_int_equal(bench->state.screen, SCREEN_SETTINGS);
    bench_update(bench);
    assert_true(bench_shows(bench, "0.02161 …"));
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    assert_false(bench_shows(bench, "0.02161 …"));
    assert_true(bench_shows(bench, "step 5851, prompt"));

    bench_press(bench, "down");
    assert_string_equal(chosen_name(bench), "train.l2");
    bench_press(bench, "enter x");
    assert_true(bench_shows(bench, "train.l2 = x: a number"));
    bench_press(bench, "esc");
    uint64_t before = bench->fake.posted;
    bench_press(bench, "up up enter");
    assert_true(bench_shows(bench, "train.batch_size cannot change during a run"));
    bench_press(bench, "space");
    assert_int_equal(bench->fake.posted, before);
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_press(bench, "home");
    assert_string_equal(chosen_name(bench), "data.dataset");
    bench_press(bench, "end page-up page-down");
    assert_string_equal(chosen_name(bench), settings_row(settings_count() - 1)->name);

    /* Whatever key asks for a value, it is typed where the setting stands. */
    bench_press(bench, "N");
    assert_string_equal(chosen_name(bench), "augment.noise_level");
    bench_press(bench, "esc up");
    assert_string_equal(chosen_name(bench), "augment.noise");
    bench_press(bench, "enter");
    assert_string_equal(posted(bench), "toggle augment.noise");
    bench_press(bench, "space");
    assert_int_equal(bench->fake.posted, before + 2);
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    bench_press(bench, "N enter space"); /* a number has no next value */
    assert_int_equal(bench->fake.posted, before + 2);
    assert_true(bench_shows(bench, "Enter types a value"));
    bench_press(bench, "p");
    assert_string_equal(posted(bench), "pause");

    /* What was taken back is marked no more. */
    bench_press(bench, "u u u");
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
    bench_press(bench, "e esc");
    assert_false(bench_shows(bench, "step 5851, prompt"));

    bench_press(bench, "end");
    while (strcmp(chosen_name(bench), "view.colors") != 0)
        bench_press(bench, "up");
    bench_press(bench, "space");
    assert_int_equal(bench->state.chosen.view.colors, COLORS_256);

    fake_feed_finish(&bench->fake);
    bench_update(bench);
    bench_press(bench, "e");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    assert_true(bench_shows(bench, "the run has ended"));
    bench_destroy(bench);
}

/* The newest line is followed until another is chosen, and again from the end on. */
static void test_journal_screen(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    for (int i = 0; i < 30; i++) {
        bench_press(bench, "n");
        fake_feed_apply(&bench->fake);
    }
    bench_update(bench);
    bench_press(bench, "5");
    assert_true(bench_shows(bench, " of 33"));
    assert_int_equal(bench->state.journal_line, 0);
    bench_press(bench, "home");
    assert_true(bench_shows(bench, "start  kdtui 0.1.0"));
    bench_press(bench, "enter");
    assert_true(bench_shows(bench, "line 1 of journal.jsonl"));
    bench_press(bench, "down down");
    assert_true(bench_shows(bench, "line 3 of journal.jsonl"));
    bench_press(bench, "esc");
    assert_int_equal(bench->state.screen, SCREEN_JOURNAL);
    bench_press(bench, "n"); /* keys of the run work here, too */
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    assert_int_equal(bench->state.journal_line, 3);
    bench_press(bench, "end");
    assert_int_equal(bench->state.journal_line, 0);
    bench_press(bench, "enter esc esc");
    assert_int_equal(bench->state.screen, SCREEN_CHARTS);

    /* Lines that the run went back over are abandoned. */
    bench_press(bench, "u");
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    const struct history *history = &bench->history;
    assert_int_equal(history->journal_count, 35);
    assert_true(history->journal_abandoned[33]);
    assert_false(history->journal_abandoned[34]);
    assert_false(history->journal_abandoned[32]);

    /* A feed without a journal. */
    bench->fake.feed.journal = NULL;
    history_fini(&bench->history);
    history_init(&bench->history);
    bench_update(bench);
    bench_press(bench, "5 up enter");
    assert_true(bench_shows(bench, "nothing in the journal yet"));
    bench_destroy(bench);
}

static void command(struct bench *bench, const char *line)
{
    bench_press(bench, ":");
    bench_type(bench, line);
    bench_press(bench, "enter");
}

/* Settings of the view are set as the run's are, but here; all or none. */
static void test_view_settings(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    const struct settings *chosen = &bench->state.chosen;
    uint64_t before = bench->fake.posted;
    command(bench, "set view.fps 3 view.colors 16");
    assert_true(chosen->view.fps == 3);
    assert_int_equal(chosen->view.colors, COLORS_16);
    assert_true(bench->control.restyle && bench->control.repaint);
    assert_true(bench_shows(bench, "fps: 3, colors: 16"));
    command(bench, "set view.fps *2");
    assert_true(chosen->view.fps == 6);
    bench_press(bench, "C");
    assert_int_equal(chosen->view.colors, COLORS_MONO);
    bench_press(bench, "C");
    assert_int_equal(chosen->view.colors, COLORS_AUTO);
    command(bench, "colors 256");
    assert_int_equal(chosen->view.colors, COLORS_256);
    command(bench, "set view.glyphs ascii");
    assert_int_equal(bench->state.glyphs, GLYPHS_ASCII);
    command(bench, "glyphs auto");
    assert_int_equal(bench->state.glyphs, bench->state.glyphs_auto);
    command(bench, "ask view.fps");
    assert_string_equal(bench->state.editor.text, "6");
    bench_press(bench, "5 enter");
    assert_true(chosen->view.fps == 5);
    static const struct {
        const char *line, *said;
    } refused[] = {
        {"set view.fps 3 train.l2 0.1", "do not change together"},
        {"set view.fps 3 view.colors blue", "refused: view.colors"},
        {"set view.fps 1000", "refused: view.fps"},
        {"toggle view.fps", "refused: view.fps is not an on/off setting"},
        {"colors blue", "refused: view.colors"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        command(bench, refused[i].line);
        if (!bench_shows(bench, refused[i].said))
            fail_msg("%s: not refused by \"%s\"", refused[i].line, refused[i].said);
    }
    assert_true(chosen->view.fps == 5);
    assert_int_equal(chosen->view.colors, COLORS_256);
    assert_int_equal(bench->fake.posted, before);
    command(bench, "set nothing.here 1"); /* the run's, to refuse */
    command(bench, "set train.l2 0.1");
    assert_int_equal(bench->fake.posted, before + 2);

    bench->control.remember_path = "/dev/null/view.ini";
    command(bench, "set view.fps 2");
    assert_true(chosen->view.fps == 2);
    assert_true(bench_shows(bench, "fps: 2, but not remembered: /dev/null"));
    bench_destroy(bench);
}

/* Going back. */

static void apply_all(struct bench *bench)
{
    while (fake_feed_apply(&bench->fake))
        bench_update(bench);
}

static void test_undo_keys(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, "u");
    assert_string_equal(posted(bench), "undo");
    assert_int_equal(bench->fake.sources[bench->fake.posted - 1], SOURCE_KEY);
    apply_all(bench);
    assert_int_equal(bench->history.snapshot.step, 4321);
    bench_press(bench, "ctrl-r");
    assert_string_equal(posted(bench), "redo");
    apply_all(bench);
    assert_int_equal(bench->history.snapshot.step, 5851);
    bench_press(bench, "+ + u"); /* what was pressed before it goes first */
    assert_string_equal(bench->fake.answers[bench->fake.posted - 2].line,
                        "set train.learning_rate *1.1");
    assert_string_equal(posted(bench), "undo");
    bench_destroy(bench);
}

static void test_rollback_menu(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 100);
    bench_update(bench);
    uint64_t before = bench->fake.posted;
    bench_press(bench, "r u b l down up enter"); /* there is nothing to return to */
    assert_int_equal(bench->fake.posted, before);
    assert_int_equal(bench->state.mode, MODE_ROLLBACK);
    bench_press(bench, "esc");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_destroy(bench);

    bench = bench_running();
    static const struct {
        const char *keys, *command;
    } cases[] = {
        {"r u", "undo"},
        {"r enter", "undo"},
        {"r b", "rollback best"},
        {"r l", "rollback last"},
        {"r down enter", "rollback best"},
        {"r down down up enter", "rollback best"},
        {"r down down down down down down enter", "rollback 1976"},
        {"r up enter", "undo"},
        {"r j j k enter", "rollback best"},
        {"r s b e s t enter", "rollback best"},
        {"r s 4 tab enter", "rollback 4321 "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        before = bench->fake.posted;
        bench_press(bench, cases[i].keys);
        if (bench->fake.posted != before + 1 || strcmp(posted(bench), cases[i].command) != 0)
            fail_msg("%s: %s", cases[i].keys, posted(bench));
        assert_int_equal(bench->state.mode, MODE_MAIN);
    }
    before = bench->fake.posted;
    bench_press(bench, "r q r esc r ctrl-c r r");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    assert_int_equal(bench->fake.posted, before);

    /* The chosen state stays chosen when a newer one comes to stand before it. */
    bench_press(bench, "r down down down");
    assert_string_equal(bench->state.rollback, "rollback 1976");
    fake_feed_apply(&bench->fake);
    bench_update(bench);
    assert_string_equal(bench->state.rollback, "rollback 1976");

    fake_feed_finish(&bench->fake);
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_press(bench, "r");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    assert_true(bench_shows(bench, "the run has ended"));
    bench_destroy(bench);
}

static struct bench *bench_diverged(void)
{
    struct bench *bench = bench_running();
    fake_feed_diverge(&bench->fake);
    bench_update(bench);
    return bench;
}

static void test_divergence_menu(void **unused)
{
    (void)unused;
    struct bench *bench = bench_diverged();
    assert_int_equal(bench->state.mode, MODE_DIVERGED);
    uint64_t before = bench->fake.posted;
    bench_press(bench, "s h"); /* meant for what was there before */
    assert_int_equal(bench->fake.posted, before);
    assert_int_equal(bench->state.mode, MODE_DIVERGED);
    bench->state.now += 1;
    bench_press(bench, "+ x h");
    assert_int_equal(bench->fake.posted, before + 2);
    assert_string_equal(bench->fake.answers[before].line, "set train.learning_rate /2");
    assert_string_equal(posted(bench), "continue");
    apply_all(bench);
    assert_int_equal(bench->history.snapshot.state, RUN_RUNNING);
    fake_feed_diverge(&bench->fake); /* the next one is told, too, */
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_DIVERGED);
    bench->state.now += 1;
    bench_press(bench, "h");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    while (fake_feed_apply(&bench->fake))
        ;
    fake_feed_diverge(&bench->fake); /* though it comes before the view has seen the run go on */
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_DIVERGED);
    bench_destroy(bench);

    bench = bench_diverged();
    bench->state.now += 1;
    bench_press(bench, "esc");
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_MAIN); /* to look */
    bench_press(bench, "enter r");
    assert_int_equal(bench->state.mode, MODE_ROLLBACK);
    bench_press(bench, "esc enter s");
    assert_string_equal(posted(bench), "stop");
    bench_destroy(bench);

    bench = bench_diverged();
    bench->fake.now.undo_step = 40;
    bench_update(bench);
    bench->state.now += 1;
    before = bench->fake.posted;
    bench_press(bench, "u");
    assert_int_equal(bench->fake.posted, before + 2);
    assert_string_equal(bench->fake.answers[before].line, "undo");
    assert_string_equal(posted(bench), "continue");
    bench_destroy(bench);

    /* It waits until the person has finished what is open, and goes when another view chose. */
    bench = bench_running();
    bench_press(bench, ":");
    fake_feed_diverge(&bench->fake);
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_PROMPT);
    bench_press(bench, "esc");
    assert_int_equal(bench->state.mode, MODE_DIVERGED);
    bench->fake.now.diverged = false;
    bench_update(bench);
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_press(bench, "enter");
    assert_int_equal(bench->state.mode, MODE_MAIN);
    bench_destroy(bench);
}

/* The prompt and its line editor. */

static void test_completion(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench_press(bench, ":");
    bench_type(bench, "pau");
    bench_press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "pause"); /* or pause-or-continue */
    bench_press(bench, "ctrl-u");
    bench_type(bench, "se");
    bench_press(bench, "tab");
    bench_type(bench, "train.le");
    bench_press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "set train.learning_rate ");
    bench_type(bench, "*2 augment.n");
    bench_press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "set train.learning_rate *2 augment.noise");
    bench_press(bench, "tab home tab ctrl-u");
    bench_press(bench, "ctrl-k");
    bench_type(bench, "toggle augment.n");
    bench_press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "toggle augment.noise ");
    bench_press(bench, "ctrl-u");
    bench_type(bench, "note se");
    bench_press(bench, "tab");
    assert_string_equal(bench->state.editor.text, "note se");
    static const struct {
        const char *typed, *completed;
    } cases[] = {
        {"rollback b", "rollback best "},
        {"rollback 4", "rollback 4321 "},
        {"rollback best ", "rollback best "},
        {"pause w", "pause when "},
        {"pause when e", "pause when epoch "},
        {"pause when epoch ", "pause when epoch end "},
        {"pause when v", "pause when validation "},
        {"pause when validation ", "pause when validation loss "},
        {"pause when validation loss ", "pause when validation loss up "},
        {"pause when loss ", "pause when loss above "},
        {"pause when loss above ", "pause when loss above "},
        {"run 20 e", "run 20 epochs "},
        {"run x e", "run x e"},
        {"run e", "run e"},
        {"und", "undo "},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bench_press(bench, "ctrl-u");
        bench_type(bench, cases[i].typed);
        bench_press(bench, "tab");
        assert_string_equal(bench->state.editor.text, cases[i].completed);
    }
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
        {"pause when ", " epoch  validation  loss  never\n"},
        {"pause when loss above 3", " pause [when CONDITION]"},
        {"run 5 ", " steps  epochs\n"},
        {"rollback ", " best  last  4321  1976  5628\n"},
        {"rollback best", "Goes back 223 steps"},
        {"rollback 4321", "Goes back 1530 steps"},
        {"rollback 4", " 4321\n"},
        {"rollback 7", " rollback best|last|STEP\n"},
        {"puase", "did you mean \"pause\""},
    };
    struct bench *bench = bench_running();
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        bench_press(bench, ":");
        bench_type(bench, cases[i].line);
        if (!bench_shows(bench, cases[i].hint))
            fail_msg("%s: no hint %s", cases[i].line, cases[i].hint);
        bench_press(bench, "esc");
    }
    bench_destroy(bench);
}

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

/* Screens come by number, by tab and by name; Esc leads back, and keys that are read about in the
 * help do nothing there. */
static void test_screens(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    struct state *state = &bench->state;
    bench_press(bench, "tab");
    assert_int_equal(state->screen, SCREEN_CHARTS + 1);
    bench_press(bench, "esc");
    assert_int_equal(state->screen, SCREEN_CHARTS);
    for (int i = 0; i < SCREEN_COUNT; i++) {
        const struct screen_info *screen = screen_info((enum view_screen)i);
        char line[64];
        if (screen->of_search)
            continue;
        if (screen->number != NULL) {
            bench_press(bench, screen->number);
            assert_int_equal(state->screen, i);
        }
        bench_press(bench, "1");
        snprintf(line, sizeof(line), "screen %s", screen->name);
        bench_press(bench, ":");
        bench_type(bench, line);
        bench_press(bench, "enter");
        assert_int_equal(state->screen, i);
        bench_press(bench, "1");
    }
    uint64_t posted = bench->fake.posted;
    bench_press(bench, "? > n down space");
    assert_int_equal(bench->fake.posted, posted);
    assert_true(state->help.top > 1);
    bench_press(bench, "?");
    assert_int_equal(state->screen, SCREEN_CHARTS);
    bench_press(bench, ":");
    bench_type(bench, "screen carts");
    bench_press(bench, "enter");
    assert_non_null(strstr(state->message, "no screen is named carts: charts, "));
    bench_destroy(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_screens),
        cmocka_unit_test(test_keys_post),
        cmocka_unit_test(test_pause_twice),
        cmocka_unit_test(test_held_key),
        cmocka_unit_test(test_keys_anywhere),
        cmocka_unit_test(test_ways_out),
        cmocka_unit_test(test_leave_it_training),
        cmocka_unit_test(test_glyphs_remembered),
        cmocka_unit_test(test_remembered_at_once),
        cmocka_unit_test(test_settings_screen),
        cmocka_unit_test(test_journal_screen),
        cmocka_unit_test(test_view_settings),
        cmocka_unit_test(test_undo_keys),
        cmocka_unit_test(test_rollback_menu),
        cmocka_unit_test(test_divergence_menu),
        cmocka_unit_test(test_completion),
        cmocka_unit_test(test_hints),
        cmocka_unit_test(test_editor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
