/*
 * What it costs to copy a feed's history and to draw the screen, at some lengths of a made-up
 * training. Prints a JSON object of milliseconds by steps; bench/view shows it.
 */
#include "../tests/ui_bench.h"

#include "../src/ui/screens.h"

#include <stdio.h>

enum { TIMES = 200 };

static double copy_ms(struct bench *bench)
{
    double began = clock_seconds();
    for (int i = 0; i < TIMES; i++) {
        fake_feed_train(&bench->fake, 1);
        bench_update(bench);
    }
    return (clock_seconds() - began) / TIMES * 1000;
}

static double draw_ms(struct bench *bench)
{
    struct grid grid;
    grid_init(&grid, 80, 24);
    double began = clock_seconds();
    for (int i = 0; i < TIMES; i++) {
        grid_clear(&grid);
        screens_draw(&grid, &bench->state, &bench->history);
    }
    double took = clock_seconds() - began;
    grid_fini(&grid);
    return took / TIMES * 1000;
}

int main(void)
{
    static const int64_t lengths[] = {1000, 1000000, 100000000};
    enum { LENGTHS = sizeof lengths / sizeof *lengths };
    struct bench *bench = bench_create();
    int64_t done = 0;
    /* Few epochs, as the feed has no room for the rows of more. */
    bench->fake.now.steps_per_epoch = lengths[LENGTHS - 1] / 200;
    bench->fake.now.total_steps = bench->fake.now.steps_per_epoch * bench->fake.now.epochs;
    for (int i = 0; i < LENGTHS; i++) {
        fake_feed_train(&bench->fake, lengths[i] - done);
        bench_update(bench);
        double copy = copy_ms(bench);
        done = lengths[i] + TIMES;
        printf("%s\"%lld\": {\"copy\": %.4f, \"draw\": %.4f}", i == 0 ? "{" : ", ",
               (long long)lengths[i], copy, draw_ms(bench));
        fflush(stdout);
    }
    printf("}\n");
    bench_destroy(bench);
    return 0;
}
