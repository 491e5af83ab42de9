/* A small image in cells: two pixels each where they are painted, else a character. */
#ifndef KDT_UI_PICTURE_H
#define KDT_UI_PICTURE_H

#include "grid.h"

struct picture {
    const uint8_t *pixels; /* planes of bytes; three: red, green, blue, else the first is grey */
    int width, height, channels;
};
/* Scaled to the rectangle, by the mean of the area that falls into each pixel; a cell is as
 * high as two pixels. `paint`: upper half blocks in colours, else grey levels of characters,
 * from the image's darkest to its lightest. */
void picture_draw(struct grid *grid, struct rect where, const struct picture *picture, bool paint);

#endif
