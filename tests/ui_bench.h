/*
 * A view on a made-up training, without its thread and without a terminal, for
 * tests of what it draws and of what keys do.
 */
#ifndef KDT_TESTS_UI_BENCH_H
#define KDT_TESTS_UI_BENCH_H

#include "../src/ui/control.h"
#include "fake_feed.h"
#include "fake_search.h"

struct bench {
    struct fake_feed fake;
    struct fake_search search;
    struct state state;
    struct history history;
    struct control control;
};

/* A training that has just begun. */
struct bench *bench_create(void);
/* A training in its 13th epoch, in which the rate was changed twice. */
struct bench *bench_running(void);
/* A search; its trials show the running training. */
struct bench *bench_search(bool architectures);
void bench_destroy(struct bench *bench);
/* Publishes what the test changed and lets the view take it. */
void bench_update(struct bench *bench);
/* Presses keys, named with spaces between. */
void bench_press(struct bench *bench, const char *keys);
/* Presses the key of each character. */
void bench_type(struct bench *bench, const char *text);
/* Draws the screen and appends its dump. */
void bench_draw(struct bench *bench, int width, int height, bool styles, struct text *out);
/* Whether the text is on the screen of 80x24. */
bool bench_shows(struct bench *bench, const char *text);

#endif
