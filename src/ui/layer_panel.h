/*
 * Pictures of a layer's measurements: how its activations are spread, and what
 * its norms have been.
 */
#ifndef KDT_UI_LAYER_PANEL_H
#define KDT_UI_LAYER_PANEL_H

#include "grid.h"
#include "history.h"

/* The histogram in one row of so many cells, a power of two. */
void layer_bins_row(struct grid *grid, int x, int y, int cells, enum settings_glyphs glyphs,
                    const struct layer_measure *layer);
/* Everything of layer l, in at least LAYER_PANEL_LEAST rows. */
enum { LAYER_PANEL_LEAST = 7, LAYER_PANEL_MOST = 18 };
void layer_panel_draw(struct grid *grid, struct rect where, enum settings_glyphs glyphs,
                      const struct history *history, int l);

#endif
