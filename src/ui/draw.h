/* What screens are put together from: wrapped text, frames, numbers in words. */
#ifndef KDT_UI_DRAW_H
#define KDT_UI_DRAW_H

#include "grid.h"

/* Finds the end of a line of at most `width` columns; *next is where the next one starts. */
size_t draw_line_break(const char *text, int width, const char **next);
/* Text wrapped at spaces into the rectangle; returns the lines that it needs,
 * which may be more. */
int draw_wrapped(struct grid *grid, struct rect where, enum style style, const char *text);
int draw_wrapped_lines(const char *text, int width);
/* The first of `count` texts that fits in the row, or what fits of the last. */
void draw_fitting(struct grid *grid, struct rect row, enum style style, const char *const *texts,
                  size_t count);
void draw_centered(struct grid *grid, struct rect where, enum style style, const char *text);
/* Clears the rectangle and draws a frame just inside it, with a title in its top line. */
void draw_frame(struct grid *grid, struct rect where, enum style style, const char *title);
void draw_fill(struct grid *grid, struct rect where, enum style style);
/* A bar of `width` columns, `part` (0 … 1) of it done. */
void draw_bar(struct grid *grid, int x, int y, int width, double part);

/* Short texts: "12 s", "2:31", "1:02:31", "2 d 03:10"; "142k". */
void draw_duration(double seconds, char *out, size_t size);
void draw_seconds(double seconds, char *out, size_t size); /* with fractions where there are few */
void draw_count(double count, char *out, size_t size);
void draw_bytes(double bytes, char *out, size_t size);      /* "12.3 MB" */
void draw_scientific(double value, char *out, size_t size); /* "2.1e-3" */
void draw_age(double seconds, char *out, size_t size);      /* in one unit: "5 min" */
/* An edit's label, shorter: "rate 0.02 → 0.01". */
const char *draw_brief_label(const char *label);
/* "12" at an epoch's end, "9.79" inside one. */
void draw_epoch(double epochs, char *out, size_t size);

#endif
