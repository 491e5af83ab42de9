/*
 * Screens of a made-up training against golden files.
 */
#ifndef KDT_TESTS_UI_GOLDEN_H
#define KDT_TESTS_UI_GOLDEN_H

#include "ui_bench.h"

/* What is drawn now must be what the file PREFIX-NAME holds; `styles`: colours, too. */
void ui_golden(struct bench *bench, const char *prefix, const char *name, int width, int height,
               bool styles);
/* The same at 40x12, 80x24, 120x40 and 200x60, in braille, block and ASCII, the file being
 * PREFIX-80x24-braille and so on; colours, too, in braille. */
void ui_golden_sizes(struct bench *bench, const char *prefix);

#endif
