/*
 * The grid of cells and the ticks of axes.
 */
#include "../src/ui/grid.h"
#include "../src/ui/scale.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void test_grid(void **state)
{
    (void)state;
    struct grid grid;
    struct text text = {0};
    grid_init(&grid, 10, 3);
    assert_int_equal(grid_text(&grid, 0, 0, 10, STYLE_TRAIN, "η 0.1 → 2"), 9);
    assert_int_equal(grid_text(&grid, 8, 1, 4, STYLE_EDIT, "outside"), 4);
    assert_int_equal(grid_text(&grid, -2, 1, 4, STYLE_EDIT, "abc"), 3);
    assert_int_equal(grid_text(&grid, 0, 2, 4, STYLE_BOLD, "12345"), 4);
    assert_int_equal(grid_text(&grid, 5, 2, 3, STYLE_PLAIN, "123"), 3);
    assert_int_equal(grid_text(&grid, 5, 2, 0, STYLE_PLAIN, "x"), 0);
    assert_int_equal(grid_text(&grid, 5, 2, -3, STYLE_PLAIN, "x"), 0);
    grid_put(&grid, 10, 0, STYLE_BAD, 'x');
    grid_put(&grid, 0, -1, STYLE_BAD, 'x');
    grid_dump(&grid, true, &text);
    assert_string_equal(text.bytes,
                        "η 0.1 → 2\nc       ou\n123… 123\n"
                        "TTTTTTTTT\nE       EE\nbbbb ...\n");
    text_fini(&text);

    grid_clear(&grid);
    grid_set_ascii(&grid, true);
    grid_print(&grid, 0, 0, 10, STYLE_PLAIN, "%d× → ─│┼█░", 2);
    grid_text(&grid, 0, 1, 4, STYLE_PLAIN, "12345");
    grid_dump(&grid, false, &text);
    assert_string_equal(text.bytes, "2x > -|+#.\n123~\n\n");
    text_fini(&text);
    grid_fini(&grid);
}

/* What is not one column wide, or not UTF-8, takes one column all the same. */
static void test_grid_foreign_text(void **state)
{
    (void)state;
    struct grid grid;
    struct text text = {0};
    grid_init(&grid, 8, 5);
    grid_text(&grid, 0, 0, 8, STYLE_PLAIN, "a\033b\tc");
    grid_text(&grid, 0, 1, 8, STYLE_PLAIN, "\xff\xc3=\xe2\x82");
    grid_text(&grid, 0, 2, 8, STYLE_PLAIN, "漢\U0001f600e\u0301");
    grid_text(&grid, 0, 3, 8, STYLE_PLAIN, "\xf0\x9f\x98");
    grid_put(&grid, 0, 4, STYLE_PLAIN, 0x110000);
    grid_dump(&grid, false, &text);
    assert_string_equal(text.bytes, "a?b?c\n?\?=?\?\n??e?\n???\n?\n");
    assert_int_equal(grid_text_columns("漢\xff→"), 3);
    assert_int_equal(grid_text_columns(""), 0);
    text_fini(&text);
    grid_fini(&grid);
    grid_init(&grid, -1, 5);
    grid_put(&grid, 0, 0, STYLE_PLAIN, 'x');
    grid_dump(&grid, true, &text);
    grid_fini(&grid);
    text_fini(&text);
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        double value, step;
        bool percent;
        const char *label;
    } cases[] = {
        {0, 0.5, false, "0"},
        {0.5, 0.5, false, "0.5"},
        {1, 0.5, false, "1"},
        {0.25, 0.25, false, "0.25"},
        {-1.5, 0.5, false, "-1.5"},
        {3 * 0.1, 0.1, false, "0.3"},
        {2300, 100, false, "2.3k"},
        {1234, 1, false, "1234"},
        {2e6, 5e5, false, "2M"},
        {1e-5, 1e-5, false, "1e-05"},
        {1.5e-5, 5e-6, false, "1.5e-05"},
        {1e300, 5e299, false, "1e+300"},
        {-1e-17, 0.1, false, "0"},
        {0.5, 0.1, true, "50%"},
        {0.525, 0.025, true, "52.5%"},
        {1, 0.2, true, "100%"},
        {0.00125, 0.00025, false, "0.00125"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char label[SCALE_LABEL];
        scale_label(label, cases[i].value, cases[i].step, cases[i].percent);
        assert_string_equal(label, cases[i].label);
    }
}

/* Whatever the range: three ticks or more, inside it, apart, and told apart. */
static void check_ticks(double low, double high, bool log, int rows, int down)
{
    struct scale scale = scale_around(low, high, log);
    struct ticks ticks;
    scale_fit_ticks(&scale, -INFINITY, INFINITY, rows * down, down, down, 3, &ticks);
    if (ticks.count < 3)
        fail_msg("%d ticks for %g … %g%s, %d rows of %d", ticks.count, low, high,
                 log ? ", logarithmic" : "", rows, down);
    char before[SCALE_LABEL] = "";
    for (int i = 0; i < ticks.count; i++) {
        double fraction = scale_fraction(&scale, ticks.at[i]);
        assert_true(fraction > -0.001 && fraction < 1.001);
        if (i)
            assert_true((fraction - scale_fraction(&scale, ticks.at[i - 1])) * (rows * down - 1) >
                        down - 1.01);
        char label[SCALE_LABEL];
        scale_label(label, ticks.at[i], ticks.step, false);
        if (!strcmp(label, before))
            fail_msg("\"%s\" twice for %g … %g", label, low, high);
        strcpy(before, label);
    }
    double from = scale_fraction(&scale, low), to = scale_fraction(&scale, high);
    assert_true(from > -1e-9 && to < 1 + 1e-9);
    if (high - low > 1e-4 * fmax(fabs(low), fabs(high)) && to - from < 0.4)
        fail_msg("%g … %g fill only %g of %d rows", low, high, to - from, rows);
}

static void test_ticks(void **state)
{
    (void)state;
    for (double decade = -5; decade < 3; decade += 0.17) {
        for (double share = -4; share < 2; share += 0.13) {
            double low = pow(10, decade), size = pow(10, share);
            for (int rows = 4; rows < 32; rows += 3) {
                for (int down = 1; down <= 4; down *= 2) {
                    check_ticks(low, low * (1 + size), false, rows, down);
                    check_ticks(-low, low * size, false, rows, down);
                    check_ticks(low, low * (1 + size), true, rows, down);
                }
            }
        }
    }
    static const double values[] = {0, 1, -1, 1e-300, 1e300, -1e300, 1e-12, 123456789};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            if (values[i] > values[j])
                continue;
            check_ticks(values[i], values[j], false, 4, 4);
            if (values[i] > 0)
                check_ticks(values[i], values[j], true, 4, 4);
        }
}

/* What grows a little leaves its scale as it was: of many steps few move it. */
static void check_stands_still(double low, double high, double to, bool log)
{
    enum { STEPS = 300 };
    struct scale before = scale_around(low, high, log);
    int moves = 0;
    for (int i = 1; i <= STEPS; i++) {
        const struct scale now = scale_around(low, high + (to - high) * i / STEPS, log);
        moves += now.low != before.low || now.high != before.high;
        before = now;
    }
    if (moves == 0 || moves > 15)
        fail_msg("%g … %g to %g moves %d times", low, high, to, moves);
}

static void test_scale_stands_still(void **state)
{
    (void)state;
    check_stands_still(0.5, 1, 1.5, false);
    check_stands_still(0.31, 0.48, 0.61, false);
    check_stands_still(0.002, 0.7, 2.3, true);
    check_stands_still(12.3, 57.1, 99.9, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_grid_foreign_text),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_scale_stands_still),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
