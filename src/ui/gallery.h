/* The images that were wrong most confidently, each with what it is and was taken for. */
#ifndef KDT_UI_GALLERY_H
#define KDT_UI_GALLERY_H

#include "grid.h"
#include "guesses.h"
#include "scroll.h"

/* What is shown of it, in images. */
struct gallery_place {
    struct scroll scroll;
    int columns; /* as last drawn */
};
void gallery_draw(struct grid *grid, struct rect where, const struct guesses *guesses,
                  struct gallery_place *place, bool paint);
/* By one image, a row or a page, to the first or the last; whether it was such a key. */
bool gallery_key(struct gallery_place *place, const char *key);

#endif
