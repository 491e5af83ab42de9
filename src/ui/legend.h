/*
 * The legend of a chart: its title, and of each series the glyph, the name,
 * the newest value and, of the last series, the best one.
 */
#ifndef KDT_UI_LEGEND_H
#define KDT_UI_LEGEND_H

#include "chart.h"

/* Where the last series, if it is of joined points, has its best value; or NULL. */
const struct chart_point *legend_best(const struct chart *chart);
/* Draws into the first row of `where`. */
void legend_draw(struct grid *grid, struct rect where, const struct chart *chart);

#endif
