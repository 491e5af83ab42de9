/*
 * The legend of a chart: its title, and of each series the glyph, the name,
 * the newest value; then the best value.
 */
#ifndef KDT_UI_LEGEND_H
#define KDT_UI_LEGEND_H

#include "chart.h"

/* Draws into the first row of `where`. */
void legend_draw(struct grid *grid, struct rect where, const struct chart *chart);

#endif
