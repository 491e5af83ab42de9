/*
 * The layout at every size, and every screen: each with each kind of glyph, with whatever may be
 * open over it and in several states of a run. Usage: test_ui_sizes [1 for all of it].
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/screens.h"
#include "ui_bench.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

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

static void check_layout(int width, int height, int warning, int banner, bool charts)
{
    struct layout layout;
    (charts ? layout_compute : layout_compute_body)(width, height, warning, banner, &layout);
    if (charts && (width + height) % 2)
        layout_show_changes(&layout);
    const struct rect rects[] = {layout.head,     layout.warning, layout.banner,  layout.loss,
                                 layout.accuracy, layout.rows,    layout.changes, layout.progress,
                                 layout.strip,    layout.news,    layout.keys,    layout.screens,
                                 layout.body};
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
    if (small)
        return;
    assert_true(layout.keys.height == 1);
    if (charts) {
        assert_true(layout.loss.height >= 2);
        assert_true(layout.accuracy.height >= 1);
        assert_true(layout.progress.height == 1);
    } else {
        assert_true(layout.body.height >= 4);
    }
}

static void test_layout_every_size(void **unused)
{
    (void)unused;
    for (int width = 1; width <= 300; width++)
        for (int height = 1; height <= 100; height++)
            for (int banner = 0; banner <= 3; banner++) {
                for (int warning = 0; warning <= 2; warning++) {
                    check_layout(width, height, warning, banner, true);
                    check_layout(width, height, warning, banner, false);
                }
            }
}

static bool all; /* else a part, which takes turns */

static struct bench *just_begun(void)
{
    struct bench *bench = bench_create();
    bench_update(bench);
    return bench;
}

static struct bench *paused_with_warning(void)
{
    struct bench *bench = bench_running();
    bench->fake.now.state = RUN_PAUSED;
    text_copy(bench->fake.now.warning, sizeof(bench->fake.now.warning),
              "metrics.csv: cannot write: No space left on device; training goes on, but what "
              "happens now is not kept");
    bench_update(bench);
    return bench;
}

static struct bench *diverged(void)
{
    struct bench *bench = bench_running();
    fake_feed_diverge(&bench->fake);
    bench_update(bench);
    return bench;
}

static struct bench *finished(void)
{
    struct bench *bench = bench_running();
    fake_feed_train(&bench->fake, 60 * 469);
    fake_feed_finish(&bench->fake);
    bench_update(bench);
    return bench;
}

static struct bench *random_search(void)
{
    return bench_search(false);
}

static struct bench *architectures(void)
{
    struct bench *bench = bench_search(true);
    bench->search.now.state = SEARCH_FINISHED;
    bench->search.now.version++;
    bench_update(bench);
    return bench;
}

static struct bench *(*const states[])(void) = {bench_running, just_begun, paused_with_warning,
                                                diverged,      finished,   random_search,
                                                architectures};
static const char *const state_names[] = {"running",  "just begun", "paused",       "diverged",
                                          "finished", "a search",   "architectures"};
enum { STATES = sizeof(states) / sizeof(*states), MODES = MODE_LEAVING + 1, GLYPHS = 3 };

/* What is drawn, for a message of failure. */
struct scene {
    int width, height, state, mode, screen, glyphs;
};

static void complain(const struct scene *scene, const struct grid *grid, const char *what)
{
    struct text out = {0};
    grid_dump(grid, false, &out);
    print_message("%s", out.bytes);
    text_fini(&out);
    fail_msg("%dx%d, %s, mode %d, screen %s, glyphs %d: %s", scene->width, scene->height,
             state_names[scene->state], scene->mode,
             screen_info((enum view_screen)scene->screen)->name, scene->glyphs, what);
}

static bool row_empty(const struct grid *grid, int y)
{
    for (int x = 0; x < grid->width; x++)
        if (grid->cells[y * grid->width + x].rune != ' ')
            return false;
    return true;
}

static bool rect_empty(const struct grid *grid, struct rect where)
{
    for (int y = where.y; y < where.y + where.height; y++)
        if (!row_empty(grid, y))
            return false;
    return true;
}

/* Only characters that these glyphs have. */
static void check_runes(const struct scene *scene, const struct grid *grid)
{
    for (int i = 0; i < grid->width * grid->height; i++) {
        const struct cell *cell = &grid->cells[i];
        bool shown = cell->rune >= ' ' && cell->rune != 0x7f && cell->style < STYLE_COUNT;
        bool braille = cell->rune >= 0x2800 && cell->rune <= 0x28ff;
        if (!shown || (scene->glyphs == GLYPHS_ASCII && cell->rune > 0x7e) ||
            (scene->glyphs == GLYPHS_BLOCK && braille))
            complain(scene, grid, "a character that these glyphs do not have");
    }
}

/* The head, the keys and each part of the screen say something. */
static void check_rows(const struct scene *scene, const struct grid *grid)
{
    struct layout layout;
    if (row_empty(grid, 0))
        complain(scene, grid, "the first row is empty");
    if (scene->width < LAYOUT_LEAST_WIDTH || scene->height < LAYOUT_LEAST_HEIGHT)
        return;
    if (row_empty(grid, scene->height - 1))
        complain(scene, grid, "the row of keys is empty");
    if (scene->state > 1) /* there is a warning or a banner, whose rows depend on their text */
        return;
    bool charts = scene->screen == SCREEN_CHARTS;
    (charts ? layout_compute : layout_compute_body)(scene->width, scene->height, 0, 0, &layout);
    const struct rect parts[] = {layout.loss,  layout.accuracy, layout.progress,
                                 layout.strip, layout.screens,  layout.body};
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (parts[i].height > 0 && rect_empty(grid, parts[i]))
            complain(scene, grid, "a part of the screen is empty");
}

static void check_scene(struct bench *bench, const struct scene *scene)
{
    struct grid grid;
    grid_init(&grid, scene->width, scene->height);
    grid_set_ascii(&grid, scene->glyphs == GLYPHS_ASCII);
    bench->state.mode = (enum view_mode)scene->mode;
    bench->state.screen = (enum view_screen)scene->screen;
    bench->state.glyphs = (enum settings_glyphs)scene->glyphs;
    bench->state.search.looks = !screen_info(bench->state.screen)->of_search &&
                                (bench->state.screen != SCREEN_HELP || scene->height % 3 == 0);
    bench->state.search.menu = (enum search_menu)(scene->width % 3);
    bench->state.paints = scene->height % 2 == 0;
    bench->state.ask = scene->width % 2 == 0 ? settings_find("train.learning_rate", NULL) : NULL;
    screens_draw(&grid, &bench->state, &bench->history);
    check_runes(scene, &grid);
    check_rows(scene, &grid);
    grid_fini(&grid);
}

/* With every screen; the other things take turns from size to size, and so meet all of each other.
 */
static void check_size(struct bench *benches[STATES], int width, int height)
{
    static unsigned turn;
    for (int screen = 0; screen < SCREEN_COUNT; screen++) {
        turn++;
        const struct scene scene = {
            .width = width,
            .height = height,
            .state = (int)(turn % STATES),
            .mode = (int)(turn / STATES % (2 * MODES)) < MODES ? MODE_MAIN
                                                               : (int)(turn / STATES % MODES),
            .screen = screen,
            .glyphs = GLYPHS_BRAILLE + (int)(turn / 7 % GLYPHS),
        };
        check_scene(benches[scene.state], &scene);
    }
}

static void test_sizes(void **unused)
{
    (void)unused;
    struct bench *benches[STATES];
    for (int i = 0; i < STATES; i++) {
        benches[i] = states[i]();
        editor_start(&benches[i]->state.editor, "set train.learning_rate *0.5");
    }
    for (int width = 1; width <= 300; width += all || width < 100 ? 1 : 17)
        for (int height = 1; height <= 100; height += all || height < 30 ? 1 : 13)
            check_size(benches, width, height);
    for (int i = 0; i < STATES; i++)
        bench_destroy(benches[i]);
}

/* Each screen, whatever is open, with all glyphs in all states, at the sizes that people have. */
static void test_common_sizes(void **unused)
{
    (void)unused;
    static const int sizes[][2] = {{39, 12}, {40, 12}, {80, 24}, {120, 40}, {200, 60}};
    for (int state = 0; state < STATES; state++) {
        struct bench *bench = states[state]();
        editor_start(&bench->state.editor, "");
        for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
            for (int screen = 0; screen < SCREEN_COUNT; screen++)
                for (int mode = 0; mode < MODES; mode++)
                    for (int glyphs = 0; glyphs < GLYPHS; glyphs++)
                        check_scene(bench, &(struct scene){sizes[i][0], sizes[i][1], state, mode,
                                                           screen, GLYPHS_BRAILLE + glyphs});
        bench_destroy(bench);
    }
}

int main(int argc, char **argv)
{
    all = argc > 1 && atoi(argv[1]) == 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_every_size),
        cmocka_unit_test(test_common_sizes),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
