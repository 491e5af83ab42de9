/* Colours of 24 bits, 0xrrggbb, and those that terminals have. */
#ifndef KDT_UI_COLOR_H
#define KDT_UI_COLOR_H

#include <stdint.h>

/* The nearest of the 256 colours' cube and greys, 16 … 255. The first sixteen are the
 * person's own, so that nobody knows what they look like. */
int color_nearest(uint32_t rgb);
/* How light it is, 0 … 255. */
int color_luminance(uint32_t rgb);

#endif
