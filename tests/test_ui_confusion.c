/* The screen of what images are taken for: colours, pictures, golden screens, every size. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ui/color.h"
#include "../src/ui/picture.h"
#include "../src/ui/screens.h"
#include "ui_golden.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_colors(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t rgb;
        int color;
    } cases[] = {
        {0x000000, 16},  {0xffffff, 231}, {0xff0000, 196}, {0x0000ff, 21},  {0x00ff00, 46},
        {0x5f87af, 67},  {0x080808, 232}, {0xeeeeee, 255}, {0x808080, 244}, {0x818080, 244},
        {0x767676, 243}, {0xd7af00, 178}, {0xfdfdfd, 231}, {0x030303, 16},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(color_nearest(cases[i].rgb), cases[i].color);
    for (uint32_t rgb = 0; rgb < 0x1000000; rgb += 0x01374b)
        assert_in_range(color_nearest(rgb), 16, 255);
    assert_int_equal(color_luminance(0), 0);
    assert_int_equal(color_luminance(0xffffff), 255);
    assert_true(color_luminance(0x00ff00) > color_luminance(0xff0000));
}

static void draw(const struct picture *picture, struct rect where, bool paint, const char *expected)
{
    struct grid grid;
    struct text text = {0};
    grid_init(&grid, where.x + where.width, where.y + where.height);
    picture_draw(&grid, where, picture, paint);
    grid_dump(&grid, true, &text);
    assert_string_equal(text.bytes, expected);
    text_fini(&text);
    grid_fini(&grid);
}

/* As it is, made smaller by means, made larger; in colours and in characters. */
static void test_picture(void **unused)
{
    (void)unused;
    static const uint8_t grey[] = {0, 255, 128, 64, /**/ 0, 255, 128, 64};
    const struct picture wide = {grey, 4, 2, 1}, high = {grey, 2, 4, 1};
    static const uint8_t colors[] = {255, 0, 0, 0, /**/ 0, 255, 0, 0, /**/ 0, 0, 255, 255};
    const struct picture colored = {colors, 2, 2, 3};
    draw(&wide, (struct rect){0, 0, 4, 1}, true, "▀▀▀▀\n....\nA/qV\nA/qV\n");
    draw(&wide, (struct rect){0, 0, 2, 1}, true, "▀▀\n..\nqV\nqV\n");
    draw(&wide, (struct rect){1, 1, 2, 1}, true, "\n ▀▀\n\n ..\n qV\n qV\n");
    draw(&high, (struct rect){0, 0, 2, 2}, true, "▀▀\n▀▀\n..\n..\nA/\nqV\nA/\nqV\n");
    draw(&high, (struct rect){0, 0, 1, 1}, true, "▀\n.\nV\nV\n");
    draw(&colored, (struct rect){0, 0, 2, 1}, true, "▀▀\n..\nwM\nDD\n");
    draw(&colored, (struct rect){0, 0, 4, 2}, true,
         "▀▀▀▀\n▀▀▀▀\n....\n....\nwwMM\nwwMM\nDDDD\nDDDD\n");
    draw(&wide, (struct rect){0, 0, 4, 1}, false, " @+:\n ...\n");
}

static struct bench *bench_confusion(int channels)
{
    struct bench *bench = bench_running();
    bench->state.paints = true;
    bench->fake.now.image_channels = channels;
    bench->fake.now.image_width = bench->fake.now.image_height = channels == 3 ? 32 : 28;
    bench_press(bench, "3");
    bench_update(bench);
    return bench;
}

static void compare(struct bench *bench, const char *name, int width, int height)
{
    ui_golden(bench, "confusion", name, width, height, true);
}

static void test_screens(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        enum settings_glyphs glyphs;
        bool paints;
    } kinds[] = {{"color", GLYPHS_BRAILLE, true},
                 {"mono", GLYPHS_BLOCK, false},
                 {"ascii", GLYPHS_ASCII, true}};
    static const struct {
        int width, height;
    } sizes[] = {{40, 12}, {80, 24}, {120, 40}, {200, 60}};
    struct bench *bench = bench_confusion(3);
    for (size_t k = 0; k < 3; k++)
        for (size_t s = 0; s < 4; s++)
            for (int images = 0; images < 2; images++) {
                char name[64];
                bench->state.glyphs = kinds[k].glyphs;
                bench->state.paints = kinds[k].paints;
                snprintf(name, sizeof(name), "%s%dx%d-%s", images ? "images-" : "", sizes[s].width,
                         sizes[s].height, kinds[k].name);
                bench->state.confusion.images = images;
                compare(bench, name, sizes[s].width, sizes[s].height);
            }
    bench_destroy(bench);
}

static void test_states(void **unused)
{
    (void)unused;
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 100);
    bench_press(bench, "3");
    bench_update(bench);
    compare(bench, "none", 80, 24);
    bench_destroy(bench);

    bench = bench_confusion(1);
    compare(bench, "grey", 80, 24);
    bench_press(bench, "i");
    compare(bench, "images-grey", 80, 24);
    bench_press(bench, "page-down");
    compare(bench, "images-grey-next", 80, 24);
    bench_press(bench, "i %");
    compare(bench, "counts", 80, 24);
    bench->fake.evaluations[bench->fake.now.evaluations - 1].abandoned = true;
    bench->fake.now.returns++;
    bench_update(bench);
    compare(bench, "abandoned", 80, 24);
    bench->fake.no_confusion = true;
    bench->fake.now.returns++;
    bench_update(bench);
    compare(bench, "resumed", 80, 24);
    bench_press(bench, "v");
    assert_string_equal(bench->fake.answers[bench->fake.posted - 1].line, "evaluate");
    bench->fake.now.state = RUN_FINISHED;
    bench_update(bench);
    assert_true(bench_shows(bench, "The run has ended"));
    bench_destroy(bench);

    bench = bench_running();
    bench->fake.feed.confusion = NULL;
    bench_press(bench, "3");
    bench_update(bench);
    assert_true(bench_shows(bench, "This view is not told"));
    bench_destroy(bench);
}

/* A hundred classes are scrolled both ways. */
static void test_many_classes(void **unused)
{
    (void)unused;
    struct bench *bench = bench_running();
    bench->fake.now.classes = 100;
    bench_press(bench, "3");
    bench_update(bench);
    compare(bench, "classes-80x24", 80, 24);
    bench_press(bench, "end right right right left down up up");
    compare(bench, "classes-end-80x24", 80, 24);
    compare(bench, "classes-200x60", 200, 60);
    bench_destroy(bench);
}

/* The counts in a row of the matrix, from behind its accuracy on. */
static long row_sum(const char *row)
{
    long sum = 0;
    const char *at = strchr(row, '%');
    for (at = at ? at + 1 : ""; *at != '\0' && *at != '\n';) {
        char *end;
        long count = strtol(at, &end, 10);
        if (end == at) {
            at++;
            continue;
        }
        sum += count;
        at = end;
    }
    return sum;
}

/* Whatever the size: a number is whole or not there. */
static void test_every_size(void **unused)
{
    (void)unused;
    static const int classes[] = {2, 10, 100, 256};
    int turn = 0;
    for (int c = 0; c < 4; c++) {
        struct bench *bench = bench_running();
        bench->fake.now.classes = classes[c];
        bench_press(bench, "3 %");
        bench_update(bench);
        for (int width = 1; width <= 300; width += width < 90 ? 3 : 23)
            for (int height = 1; height <= 100; height += height < 30 ? 2 : 17) {
                struct text out = {0};
                bench->state.confusion.images = turn % 3 == 2;
                bench->state.paints = turn++ % 2;
                bench_draw(bench, width, height, false, &out);
                /* Below the head, which has the run's name. */
                for (const char *cut = strchr(out.bytes, '\n'); (cut = strstr(cut, "…")) != NULL;
                     cut++)
                    if (cut[-1] >= '0' && cut[-1] <= '9')
                        fail_msg("%dx%d, %d classes: a number is cut\n%s", width, height,
                                 classes[c], out.bytes);
                const char *row = strstr(out.bytes, "Dress");
                row = row ? strchr(row, '\n') : NULL; /* the header; now T-shirt/top and so on */
                bool whole = classes[c] == 10 && !bench->state.confusion.images && row != NULL &&
                             width >= LAYOUT_LEAST_WIDTH && height >= LAYOUT_LEAST_HEIGHT &&
                             width < 100 && bench->state.confusion.columns.page >= 10;
                if (whole && row_sum(row + 1) != 500)
                    fail_msg("%dx%d: a row's counts are not 500\n%s", width, height, out.bytes);
                text_fini(&out);
            }
        bench_destroy(bench);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_colors),       cmocka_unit_test(test_picture),
        cmocka_unit_test(test_screens),      cmocka_unit_test(test_states),
        cmocka_unit_test(test_many_classes), cmocka_unit_test(test_every_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
