/*
 * Charts: what is drawn, at every size and for values that nobody wants to see.
 */
#include "../src/ui/chart.h"
#include "../src/ui/scale.h"
#include "golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { BUCKETS = 4096, EVALUATIONS = 20, STEPS_PER_EPOCH = 490 };
static const double STEPS = EVALUATIONS * STEPS_PER_EPOCH;

/* In [0, 1), the same on every machine. */
static double noise(uint32_t i)
{
    i = (i ^ 61) ^ (i >> 16);
    i *= 9;
    i ^= i >> 4;
    i *= 0x27d4eb2d;
    i ^= i >> 15;
    return (i >> 8) / 16777216.0;
}

/* Curves as training makes them. */
struct data {
    struct chart_point buckets[BUCKETS], train[EVALUATIONS], validation[EVALUATIONS];
};

static double loss_at(double step)
{
    return 1.15 + 1.4 / (1 + step / 500) + 0.2 / (1 + step / 5000);
}

static struct data *data_create(bool accuracy)
{
    struct data *data = mem_alloc(sizeof *data);
    for (uint32_t i = 0; i < BUCKETS; i++) {
        double x = (i + 0.5) * STEPS / BUCKETS;
        double mean = loss_at(x) + 0.2 * (noise(4 * i) - 0.5);
        data->buckets[i] = (struct chart_point){x, mean, mean - 0.1 - 0.1 * noise(4 * i + 1),
                                                mean + 0.1 + 0.15 * noise(4 * i + 2)};
    }
    for (uint32_t i = 0; i < EVALUATIONS; i++) {
        double x = (i + 1.0) * STEPS_PER_EPOCH;
        double train = loss_at(x), validation = train + 0.1 + 0.0016 * i * i + 0.02 * noise(i);
        if (accuracy) {
            train = 0.95 - train / 3;
            validation = 0.95 - validation / 3;
        }
        data->train[i] = (struct chart_point){x, train, train, train};
        data->validation[i] = (struct chart_point){x, validation, validation, validation};
    }
    return data;
}

static const struct chart_mark marks[] = {{1500, "rate 0.02 → 0.01", STYLE_EDIT, MARK_CHANGE},
                                          {4000, "noise on", STYLE_EDIT, MARK_CHANGE},
                                          {4300, "momentum 0.9 → 0.95", STYLE_EDIT, MARK_CHANGE},
                                          {9300, "rate 0.01 → 0.005", STYLE_EDIT, MARK_CHANGE}};

/* Two series as the view has them. */
static void series_of(struct chart_series series[2], const struct data *data, bool accuracy)
{
    series[0] = (struct chart_series){.name = "train",
                                      .style = STYLE_TRAIN,
                                      .band = STYLE_TRAIN_BAND,
                                      .lines = accuracy,
                                      .points = accuracy ? data->train : data->buckets,
                                      .count = accuracy ? EVALUATIONS : BUCKETS};
    series[1] = (struct chart_series){.name = "validation",
                                      .style = STYLE_VALIDATION,
                                      .band = STYLE_VALIDATION,
                                      .dotted = true,
                                      .lines = true,
                                      .points = data->validation,
                                      .count = EVALUATIONS};
}

/* The best of validation: the highest accuracy, the lowest loss. */
static const struct chart_point *best_of(const struct chart_series *series, bool accuracy)
{
    const struct chart_point *best = NULL;
    for (size_t i = 0; i < series->count; i++) {
        const struct chart_point *point = &series->points[i];
        if (!isfinite(point->mean))
            continue;
        if (!best || (accuracy ? point->mean > best->mean : point->mean < best->mean))
            best = point;
    }
    return best;
}

static struct chart chart_of(const struct chart_series series[2], bool accuracy)
{
    return (struct chart){.title = accuracy ? "accuracy" : "loss",
                          .value_format = accuracy ? "%.2f%%" : "%.4f",
                          .percent = accuracy,
                          .best = best_of(&series[1], accuracy),
                          .x_last = STEPS,
                          .x_scale = STEPS_PER_EPOCH,
                          .x_label = "epoch",
                          .series = series,
                          .series_count = 2,
                          .glyphs = GLYPHS_BRAILLE};
}

static void draw(struct grid *grid, int width, int height, const struct chart *chart)
{
    grid_init(grid, width, height);
    grid_set_ascii(grid, chart->glyphs == GLYPHS_ASCII);
    chart_draw(grid, (struct rect){0, 0, width, height}, chart);
}

static uint32_t rune_at(const struct grid *grid, int x, int y)
{
    return grid->cells[y * grid->width + x].rune;
}

static enum style style_at(const struct grid *grid, int x, int y)
{
    return grid->cells[y * grid->width + x].style;
}

static void compare(const char *name, enum settings_glyphs glyphs, int width, int height,
                    const struct chart *chart)
{
    static const char *const words[] = {
        [GLYPHS_BRAILLE] = "braille", [GLYPHS_BLOCK] = "block", [GLYPHS_ASCII] = "ascii"};
    struct chart drawn = *chart;
    struct grid grid;
    struct text text = {0};
    char golden[64];
    drawn.glyphs = glyphs;
    draw(&grid, width, height, &drawn);
    grid_dump(&grid, true, &text);
    snprintf(golden, sizeof golden, "chart-%s-%s-%dx%d", name, words[glyphs], width, height);
    golden_compare(golden, text.bytes);
    text_fini(&text);
    grid_fini(&grid);
}

static void test_golden(void **state)
{
    (void)state;
    static const struct {
        int width, height;
    } sizes[] = {{40, 8}, {76, 9}, {120, 20}};
    struct data *loss = data_create(false), *accuracy = data_create(true);
    struct chart_series loss_series[2], accuracy_series[2];
    series_of(loss_series, loss, false);
    series_of(accuracy_series, accuracy, true);
    struct chart chart = chart_of(loss_series, false), log_chart = chart;
    struct chart accuracy_chart = chart_of(accuracy_series, true);
    chart.marks = marks;
    chart.mark_count = sizeof marks / sizeof *marks;
    log_chart.log_y = true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (enum settings_glyphs glyphs = GLYPHS_BRAILLE; glyphs <= GLYPHS_ASCII; glyphs++) {
            compare("loss", glyphs, sizes[i].width, sizes[i].height, &chart);
            compare("accuracy", glyphs, sizes[i].width, sizes[i].height, &accuracy_chart);
            compare("log", glyphs, sizes[i].width, sizes[i].height, &log_chart);
        }
    }
    mem_free(loss);
    mem_free(accuracy);
}

/* Data that no chart may stumble over. */
struct odd {
    const char *what;
    size_t count;
    struct chart_point points[6];
    double x_first, x_last, x_scale;
};

static const struct odd odds[] = {
    {"no points", 0, {{0, 0, 0, 0}}, 0, 1000, 100},
    {"one point", 1, {{500, 1, 0.5, 2}}, 0, 1000, 100},
    {"equal values", 3, {{1, 2, 2, 2}, {500, 2, 2, 2}, {999, 2, 2, 2}}, 0, 1000, 100},
    {"zeros", 2, {{1, 0, 0, 0}, {999, 0, 0, 0}}, 0, 1000, 100},
    {"not finite",
     5,
     {{1, NAN, NAN, NAN},
      {200, INFINITY, 1, INFINITY},
      {400, 1, -INFINITY, INFINITY},
      {600, 2, NAN, NAN},
      {NAN, 1, 1, 1}},
     0,
     1000,
     100},
    {"huge", 3, {{1, 1e300, 1, 1e308}, {500, -1e300, -1e308, 0}, {999, 1e308, 0, 1}}, 0, 1000, 100},
    {"tiny", 3, {{1, 1e-300, 0, 1}, {500, 5e-324, 0, 0}, {999, -1e-300, 0, 0}}, 0, 1000, 100},
    {"not positive", 3, {{1, -1, -2, 0}, {500, 0, 0, 0}, {999, 1, -1, 1e9}}, 0, 1000, 100},
    {"no span of x", 2, {{5, 1, 1, 1}, {5, 2, 1, 3}}, 5, 5, 1},
    {"x backwards", 2, {{900, 1, 1, 1}, {100, 2, 1, 3}}, 1000, 0, 1},
    {"x not finite", 2, {{900, 1, 1, 1}, {100, 2, 1, 3}}, NAN, INFINITY, NAN},
    {"huge x", 2, {{-1e300, 1, 1, 1}, {1e300, 2, 1, 3}}, -1e300, 1e300, 1e-300},
    {"extremes beyond the edges", 2, {{-100, 1e-300, 0, 1}, {1100, 1e300, 0, 1}}, 0, 1000, 100},
    {"minimum above maximum", 2, {{1, 1, 5, 0}, {999, 2, 9, -1}}, 0, 1000, 0},
};

static void check_untouched(const struct grid *grid, struct rect where, const char *what)
{
    for (int y = 0; y < grid->height; y++)
        for (int x = 0; x < grid->width; x++) {
            int64_t right = (int64_t)where.x + where.width;
            int64_t bottom = (int64_t)where.y + where.height;
            bool inside = x >= where.x && x < right && y >= where.y && y < bottom;
            if (!inside && rune_at(grid, x, y) != '~')
                fail_msg("%s: %dx%d at %d, %d touches %d, %d", what, where.width, where.height,
                         where.x, where.y, x, y);
        }
}

/* Draws into a part of a grid full of '~'. */
static void check_inside(struct grid *grid, struct rect where, const struct chart *chart,
                         const char *what)
{
    for (int i = 0; i < grid->width * grid->height; i++)
        grid->cells[i] = (struct cell){.rune = '~', .style = STYLE_BAD};
    chart_draw(grid, where, chart);
    check_untouched(grid, where, what);
}

static void test_every_size(void **state)
{
    (void)state;
    struct data *loss = data_create(false), *accuracy = data_create(true);
    struct chart_series series[2], accuracy_series[2];
    series_of(series, loss, false);
    series_of(accuracy_series, accuracy, true);
    series[0].count = 300;
    struct grid grid;
    grid_init(&grid, 124, 64);
    struct chart_series odd_series[2] = {series[0], series[1]};
    for (int width = 0; width <= 120; width++) {
        for (int height = 0; height <= 60; height++) {
            struct rect where = {2, 2, width, height};
            unsigned turn = (unsigned)(width * 61 + height);
            struct chart chart =
                turn % 2 ? chart_of(series, false) : chart_of(accuracy_series, true);
            chart.glyphs = GLYPHS_BRAILLE + turn % 3;
            chart.log_y = turn % 5 == 0;
            chart.marks = marks;
            chart.mark_count = turn % 4;
            chart.ghosts = series;
            chart.ghost_count = turn % 3;
            check_inside(&grid, where, &chart, "curves");

            const struct odd *odd = &odds[turn % (sizeof odds / sizeof *odds)];
            odd_series[0].points = odd_series[1].points = odd->points;
            odd_series[0].count = odd_series[1].count = odd->count;
            chart = chart_of(odd_series, turn % 7 == 0);
            chart.glyphs = GLYPHS_BRAILLE + turn % 3;
            chart.log_y = turn % 2;
            chart.ghosts = odd_series;
            chart.ghost_count = turn % 3;
            chart.x_first = odd->x_first;
            chart.x_last = odd->x_last;
            chart.x_scale = odd->x_scale;
            check_inside(&grid, where, &chart, odd->what);
        }
    }
    grid_fini(&grid);
    mem_free(loss);
    mem_free(accuracy);
}

static void test_odd_data(void **state)
{
    (void)state;
    struct grid grid;
    grid_init(&grid, 80, 24);
    static const struct rect places[] = {{0, 0, 80, 24},
                                         {-5, -3, 30, 12},
                                         {70, 20, 30, 12},
                                         {10, 10, -5, 4},
                                         {10, 10, 5, -4},
                                         {1000, 1000, 10, 10},
                                         {0, 0, INT32_MAX, INT32_MAX},
                                         {INT32_MIN, INT32_MIN, 5, 5},
                                         {INT32_MAX, 0, INT32_MAX, 5}};
    for (size_t i = 0; i < sizeof odds / sizeof *odds; i++) {
        for (size_t j = 0; j < sizeof places / sizeof *places; j++) {
            for (int kind = 0; kind < 8; kind++) {
                struct chart_series series = {.name = "odd",
                                              .style = STYLE_TRAIN,
                                              .band = STYLE_TRAIN_BAND,
                                              .lines = kind & 1,
                                              .dotted = kind & 2,
                                              .points = odds[i].points,
                                              .count = odds[i].count};
                struct chart chart = {.series = &series,
                                      .series_count = 1,
                                      .log_y = kind & 4,
                                      .x_first = odds[i].x_first,
                                      .x_last = odds[i].x_last,
                                      .x_scale = odds[i].x_scale,
                                      .glyphs = GLYPHS_BRAILLE};
                check_inside(&grid, places[j], &chart, odds[i].what);
            }
        }
    }
    struct chart empty = {.glyphs = GLYPHS_ASCII};
    check_inside(&grid, places[0], &empty, "nothing at all");
    grid_fini(&grid);
}

/* How many cells of a style a row has, from column `left` on. */
static int count_style(const struct grid *grid, int y, int left, enum style style)
{
    int count = 0;
    for (int x = left; x < grid->width; x++)
        count += style_at(grid, x, y) == style && rune_at(grid, x, y) != ' ';
    return count;
}

/* Labels of the y axis. */
static int count_ticks(const struct grid *grid)
{
    int count = 0;
    for (int y = 0; y < grid->height; y++)
        for (int x = 0; x < grid->width; x++)
            count += rune_at(grid, x, y) == 0x2524;
    return count;
}

static void test_three_ticks(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 300; i++) {
        double low = pow(10, 4 * noise(i) - 2), high = low * (1 + 3 * noise(i + 1000));
        struct chart_point points[] = {{0, high, high, high}, {1000, low, low, low}};
        struct chart_series series = {
            .style = STYLE_TRAIN, .lines = true, .points = points, .count = 2};
        struct chart chart = {.series = &series,
                              .series_count = 1,
                              .log_y = i % 2,
                              .x_last = 1000,
                              .x_scale = 1,
                              .glyphs = i % 3 ? GLYPHS_BRAILLE : GLYPHS_BLOCK};
        for (int height = 6; height < 30; height++) {
            struct grid grid;
            draw(&grid, 60, height, &chart);
            if (count_ticks(&grid) < 3)
                fail_msg("%d ticks in %d rows for %g … %g", count_ticks(&grid), height, low, high);
            grid_fini(&grid);
        }
    }
}

/* Ticks are in the middle of rows, the same number of rows apart: a curve is above a tick's line
 * where its values are, and the line of 0 or 100% is never in the midst of what cannot be. */
static void test_ticks_in_rows(void **state)
{
    (void)state;
    int fitted = 0, all = 0;
    for (uint32_t i = 0; i < 300; i++) {
        const bool percent = i % 2;
        double low = percent ? 0.8 * noise(i) : pow(10, 4 * noise(i) - 2);
        double high = percent ? low + (1 - low) * noise(i + 1000) : low * (1 + 3 * noise(i + 1000));
        const double most = percent ? 1 : INFINITY;
        for (int rows = 3; rows < 40; rows++) {
            static const int downs[] = {1, 2, 4};
            const int down = downs[i % 3];
            struct scale scale;
            struct ticks ticks;
            all++;
            if (!scale_fit_rows(&scale, low, high, 0, most, rows, down, 3 + rows / 8, &ticks))
                continue;
            fitted++;
            assert_true(scale_fraction(&scale, low) > -1e-6);
            assert_true(scale_fraction(&scale, high) < 1 + 1e-6);
            assert_true(high - low > 0.5 * (scale.high - scale.low));
            assert_true(ticks.count >= 3);
            double before = 0;
            for (int k = 0; k < ticks.count; k++) {
                const double dot = scale_fraction(&scale, ticks.at[k]) * (rows * down - 1);
                const double row = (dot - (down - 1) / 2.0) / down;
                if (fabs(row - round(row)) > 1e-6 || row < -0.1 || row > rows - 0.9)
                    fail_msg("%g … %g in %d rows of %d: tick %g in row %g", low, high, rows, down,
                             ticks.at[k], row);
                assert_true(ticks.at[k] > -1e-9 && ticks.at[k] < most + 1e-9);
                if (k > 1)
                    assert_true(fabs(ticks.at[k] - ticks.at[k - 1] - before) < 1e-6 * high);
                before = k > 0 ? ticks.at[k] - ticks.at[k - 1] : 0;
            }
        }
    }
    if (fitted < 0.9 * all)
        fail_msg("only %d of %d scales have ticks in rows", fitted, all);
}

/* A gap stays a gap, at the columns where it is. */
static void test_gap(void **state)
{
    (void)state;
    struct data *data = data_create(false);
    for (int i = BUCKETS / 2; i < BUCKETS * 3 / 4; i++)
        data->buckets[i].mean = i % 2 ? NAN : INFINITY;
    struct chart_series series[2];
    series_of(series, data, false);
    struct chart chart = chart_of(series, false);
    chart.series_count = 1;
    struct grid grid;
    draw(&grid, 87, 12, &chart);
    for (int y = 1; y < 10; y++)
        for (int x = 7 + 41; x < 7 + 59; x++)
            assert_true(style_at(&grid, x, y) == STYLE_DIM || rune_at(&grid, x, y) == ' ');
    for (int x = 7; x < 7 + 40; x++) {
        int cells = 0;
        for (int y = 1; y < 10; y++)
            cells += style_at(&grid, x, y) == STYLE_TRAIN;
        assert_true(cells >= 1);
    }
    grid_fini(&grid);
    mem_free(data);
}

/* A rare peak of the band is cut and shown to be cut; a mean never is. */
static void test_peaks(void **state)
{
    (void)state;
    struct data *data = data_create(false);
    struct chart_series series[2];
    series_of(series, data, false);
    struct chart chart = chart_of(series, false);
    data->buckets[2000].maximum = 100;
    struct grid grid;
    draw(&grid, 80, 12, &chart);
    int arrows = 0;
    for (int x = 7; x < 80; x++)
        arrows += rune_at(&grid, x, 1) == 0x2191 && style_at(&grid, x, 1) == STYLE_TRAIN_BAND;
    assert_int_equal(arrows, 1);
    assert_true(count_style(&grid, 2, 7, STYLE_TRAIN) > 0);
    grid_fini(&grid);

    data->validation[10].mean = 100;
    draw(&grid, 80, 12, &chart);
    assert_int_equal(count_style(&grid, 1, 7, STYLE_VALIDATION) > 0, 1);
    for (int x = 7; x < 80; x++)
        assert_int_not_equal(rune_at(&grid, x, 1), 0x2191);
    grid_fini(&grid);
    mem_free(data);
}

/* Zoomed in between two evaluations, their line still crosses the chart. */
static void test_zoom(void **state)
{
    (void)state;
    struct data *data = data_create(false);
    struct chart_series series[2];
    series_of(series, data, false);
    struct chart chart = chart_of(series, false);
    chart.series = series + 1;
    chart.series_count = 1;
    chart.x_first = 10.2 * STEPS_PER_EPOCH;
    chart.x_last = 10.8 * STEPS_PER_EPOCH;
    struct grid grid;
    draw(&grid, 60, 12, &chart);
    for (int x = 7; x < 60; x++) {
        int cells = 0;
        for (int y = 1; y < 10; y++)
            cells += style_at(&grid, x, y) == STYLE_VALIDATION;
        assert_true(cells >= 1);
    }
    grid_fini(&grid);
    mem_free(data);
}

/* Ghosts are below the curves, never shown as live, and stretch y by no more than half. */
static void test_ghosts(void **state)
{
    (void)state;
    struct data *data = data_create(false);
    struct chart_series series[2];
    series_of(series, data, false);
    struct chart_point tail[] = {{2000, 1.5, 1.5, 1.5}, {4000, 2.5, 2.5, 2.5}, {6000, 40, 40, 40}};
    struct chart_series ghosts[] = {
        {.style = STYLE_GHOST, .lines = true, .ghost = true, .points = tail, .count = 3},
        {.style = STYLE_GHOST,
         .dotted = true,
         .lines = true,
         .ghost = true,
         .points = tail,
         .count = 3}};
    static const uint32_t arrows[] = {0x2191, 0x2191, '^'};
    for (int glyphs = GLYPHS_BRAILLE; glyphs <= GLYPHS_ASCII; glyphs++) {
        for (int dotted = 0; dotted < 2; dotted++) {
            struct grid without, with;
            struct chart chart = chart_of(series, false);
            chart.glyphs = (enum settings_glyphs)glyphs;
            draw(&without, 80, 20, &chart);
            chart.ghosts = &ghosts[dotted];
            chart.ghost_count = 1;
            draw(&with, 80, 20, &chart);
            int cells = 0, beyond = 0, live = 0;
            for (int y = 1; y < 18; y++) {
                cells += count_style(&with, y, 7, STYLE_GHOST);
                live += count_style(&with, y, 7, STYLE_TRAIN);
                for (int x = 7; x < 80; x++)
                    beyond += style_at(&with, x, y) == STYLE_GHOST &&
                              rune_at(&with, x, y) == arrows[glyphs - GLYPHS_BRAILLE];
            }
            if (cells < 8 || beyond != 1)
                fail_msg("glyphs %d, dotted %d: %d cells, %d arrows", glyphs, dotted, cells,
                         beyond);
            if (live < 40)
                fail_msg("glyphs %d, dotted %d: %d live cells", glyphs, dotted, live);
            grid_fini(&without);
            grid_fini(&with);
        }
    }

    /* Alone they are what y is fitted to. */
    struct chart chart = chart_of(series, false);
    series[0].count = series[1].count = 0;
    chart.ghosts = ghosts;
    chart.ghost_count = 2;
    struct grid grid;
    draw(&grid, 80, 20, &chart);
    for (int x = 7; x < 80; x++)
        assert_int_not_equal(rune_at(&grid, x, 2), 0x2191);
    grid_fini(&grid);
    mem_free(data);
}

static void row_text(const struct grid *grid, int y, struct text *out)
{
    struct grid row = *grid;
    row.cells += y * grid->width;
    row.height = 1;
    out->length = 0;
    grid_dump(&row, false, out);
}

static void test_marks(void **state)
{
    (void)state;
    struct data *data = data_create(false);
    struct chart_series series[2];
    series_of(series, data, false);
    struct chart chart = chart_of(series, false);
    chart.marks = marks;
    chart.mark_count = sizeof marks / sizeof *marks;
    struct text row = {0};
    for (int width = 20; width <= 120; width++) {
        for (int height = 5; height <= 20; height += 5) {
            struct grid grid;
            draw(&grid, width, height, &chart);
            row_text(&grid, 1, &row);
            /* One tick for each; only those in the same column may share it. */
            int ticks = 0;
            for (int x = 0; x < width; x++)
                ticks += rune_at(&grid, x, 1) == 0x25bc;
            if (ticks != 4 && (width >= 50 || ticks != 3))
                fail_msg("%d of 4 marks at %dx%d: %s", ticks, width, height, row.bytes);
            /* The newest is the one that counts. */
            if (height >= 10 && width >= 60)
                assert_non_null(strstr(row.bytes, "rate 0.01 → 0.005 ▼"));
            if (height == 20 && width == 120)
                assert_non_null(
                    strstr(row.bytes, "▼ rate 0.02 → 0.01  noise on ▼  ▼ momentum 0.9 → 0.95  "));
            grid_fini(&grid);
        }
    }
    text_fini(&row);
    mem_free(data);
}

/* An edit that was taken back and the return to before it share a column, each in its own style. */
static void test_return_mark(void **state)
{
    (void)state;
    struct data *data = data_create(false);
    struct chart_series series[2];
    series_of(series, data, false);
    struct chart chart = chart_of(series, false);
    chart.marks =
        (const struct chart_mark[]){{1500, "rate 0.02 → 0.1", STYLE_GHOST, MARK_CHANGE},
                                    {1500, "undo, from step 4000", STYLE_EDIT, MARK_RETURN}};
    chart.mark_count = 2;
    struct grid grid;
    struct text row = {0};
    draw(&grid, 80, 16, &chart);
    row_text(&grid, 1, &row);
    assert_non_null(strstr(row.bytes, "◄ rate 0.02 → 0.1, undo, from step 4000"));
    int ghost = count_style(&grid, 1, 0, STYLE_GHOST), edit = count_style(&grid, 1, 0, STYLE_EDIT);
    assert_int_equal(ghost, 13); /* without spaces */
    assert_int_equal(edit, 1 + 17);
    grid_fini(&grid);
    text_fini(&row);
    mem_free(data);
}

/* The legend loses its parts in order, and never a half of one. */
static void test_legend(void **state)
{
    (void)state;
    struct data *data = data_create(true);
    struct chart_series series[2];
    series_of(series, data, true);
    data->validation[7].mean = 0.5125;
    data->train[EVALUATIONS - 1].mean = NAN;
    struct chart chart = chart_of(series, true);
    static const char *const rows[] = {
        "accuracy   ⠒⠒⠒ train NaN   ⠂⠶⠂ validation 31.23%  best 51.25% @ epoch 8\n",
        "accuracy   ⠒⠒⠒ train NaN   ⠂⠶⠂ validation 31.23%  best 51.25% @ 8\n",
        "accuracy   ⠒⠒⠒ train NaN   ⠂⠶⠂ validation 31.23%  best 51.25%\n",
        "accuracy   ⠒⠒⠒ train NaN   ⠂⠶⠂ validation 31.23%\n",
        "accuracy  ⠒⠒⠒ NaN  ⠂⠶⠂ 31.23%\n",
        "accuracy  ⠒⠒⠒  ⠂⠶⠂\n",
        "accuracy\n",
    };
    data->validation[EVALUATIONS - 1].mean = 0.3123;
    struct text row = {0};
    size_t next = 0;
    for (int width = 100; width >= 8; width--) {
        struct grid grid;
        draw(&grid, width, 3, &chart);
        row_text(&grid, 0, &row);
        while (next < sizeof rows / sizeof *rows && strcmp(row.bytes, rows[next]))
            next++;
        if (next == sizeof rows / sizeof *rows)
            fail_msg("at %d columns: %s", width, row.bytes);
        assert_true(grid_text_columns(rows[next]) - 1 <= width);
        grid_fini(&grid);
    }
    assert_int_equal(next, 6);
    text_fini(&row);
    mem_free(data);
}

/* Where two curves meet, both stay; the later one gives the style. */
static void test_overlap(void **state)
{
    (void)state;
    struct chart_point one[200], two[200];
    for (int i = 0; i < 200; i++) {
        one[i] = (struct chart_point){i, 1 + i / 199.0, NAN, NAN};
        two[i] = (struct chart_point){i, 2 - i / 199.0, NAN, NAN};
    }
    struct chart_series series[] = {
        {.style = STYLE_TRAIN, .band = STYLE_TRAIN_BAND, .points = one, .count = 200},
        {.style = STYLE_VALIDATION, .band = STYLE_TRAIN_BAND, .points = two, .count = 200}};
    struct chart chart = {.series = series, .x_last = 199, .x_scale = 1, .glyphs = GLYPHS_BRAILLE};
    struct grid grids[3];
    for (size_t i = 0; i < 3; i++) {
        chart.series = i == 1 ? series + 1 : series;
        chart.series_count = i == 2 ? 2 : 1;
        draw(&grids[i], 60, 20, &chart);
    }
    int shared = 0;
    for (int y = 1; y < 18; y++) {
        for (int x = 7; x < 60; x++) {
            bool first = style_at(&grids[0], x, y) == STYLE_TRAIN;
            bool second = style_at(&grids[1], x, y) == STYLE_VALIDATION;
            if (first && second) {
                shared++;
                assert_int_equal(style_at(&grids[2], x, y), STYLE_VALIDATION);
                assert_int_equal(rune_at(&grids[2], x, y),
                                 rune_at(&grids[0], x, y) | rune_at(&grids[1], x, y));
            }
        }
    }
    assert_true(shared > 0);
    for (size_t i = 0; i < 3; i++)
        grid_fini(&grids[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_odd_data),      cmocka_unit_test(test_three_ticks),
        cmocka_unit_test(test_ticks_in_rows), cmocka_unit_test(test_gap),
        cmocka_unit_test(test_peaks),         cmocka_unit_test(test_zoom),
        cmocka_unit_test(test_ghosts),        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_return_mark),   cmocka_unit_test(test_legend),
        cmocka_unit_test(test_overlap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
