/* The view of a made-up training, driven by tests. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "ui_bench.h"

#include "../src/ui/screens.h"

#include <string.h>

struct bench *bench_create(void)
{
    struct bench *bench = mem_alloc(sizeof(*bench));
    fake_feed_init(&bench->fake);
    history_init(&bench->history);
    settings_init(&bench->state.chosen);
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

void bench_destroy(struct bench *bench)
{
    history_fini(&bench->history);
    fake_feed_fini(&bench->fake);
    mem_free(bench);
}

void bench_update(struct bench *bench)
{
    fake_feed_publish(&bench->fake);
    control_update(&bench->control);
}

void bench_press(struct bench *bench, const char *keys)
{
    char names[256], *rest = NULL;
    text_copy(names, sizeof(names), keys);
    for (char *key = strtok_r(names, " ", &rest); key != NULL; key = strtok_r(NULL, " ", &rest))
        control_key(&bench->control, key);
}

void bench_type(struct bench *bench, const char *text)
{
    for (; *text != '\0'; text++) {
        char key[2] = {*text, '\0'};
        control_key(&bench->control, *text == ' ' ? "space" : key);
    }
}

struct bench *bench_running(void)
{
    struct bench *bench = bench_create();
    fake_feed_train(&bench->fake, 4 * 469 + 100);
    bench_press(bench, ">");
    fake_feed_apply(&bench->fake);
    fake_feed_train(&bench->fake, 5 * 469);
    bench_press(bench, "n");
    fake_feed_apply(&bench->fake);
    fake_feed_train(&bench->fake, 3 * 469 + 123);
    bench->state.now = bench->fake.clock += 100;
    bench_update(bench);
    return bench;
}

struct bench *bench_search(bool architectures)
{
    struct bench *bench = bench_running();
    fake_search_init(&bench->search, architectures, &bench->fake.feed);
    bench->search.clock = bench->fake.clock;
    bench->state.posted_id = 0;
    bench->history.board.feed = &bench->search.feed;
    bench->state.screen = SCREEN_TRIALS;
    bench->state.search.chosen = bench->state.search.seen = -1;
    bench_update(bench);
    return bench;
}

void bench_draw(struct bench *bench, int width, int height, bool styles, struct text *out)
{
    struct grid grid;
    grid_init(&grid, width, height);
    grid_set_ascii(&grid, bench->state.glyphs == GLYPHS_ASCII);
    screens_draw(&grid, &bench->state, &bench->history);
    grid_dump(&grid, styles, out);
    grid_fini(&grid);
}

bool bench_shows(struct bench *bench, const char *text)
{
    struct text out = {0};
    bench_draw(bench, 80, 24, false, &out);
    bool found = strstr(out.bytes, text) != NULL;
    text_fini(&out);
    return found;
}
