/* See gallery.h. */
#include "gallery.h"
#include "picture.h"

#include <stdio.h>
#include <string.h>

/* Between images, and the lines under each; the narrowest that these fit. */
enum { GAP = 2, CAPTION = 2, CAPTION_WIDTH = 16 };
/* Columns of the largest image: those of larger ones would show less of them. */
enum { WIDEST = 40, SMALL = 16 };

/* Sizes in cells. */
struct arrangement {
    int width, height; /* of an image */
    int pitch;         /* from one to the next */
    int columns, rows; /* of images */
};

/* Of those that show some images at least the one that fills most, rather with large images than
 * with many. */
static struct arrangement arrange(struct rect where, const struct guesses *guesses)
{
    enum { CELLS_EACH = 480, WANTED = 4, NARROWEST = 4 };
    const int images = guesses->confusion.wrong_count;
    int wanted = where.width * where.height / CELLS_EACH, most = 0;
    wanted = wanted < 1 ? 1 : wanted > WANTED ? WANTED : wanted;
    const int whole = guesses->width <= SMALL ? 2 * guesses->width : guesses->width;
    struct arrangement best = {0};
    for (int width = whole < WIDEST ? whole : WIDEST; width >= NARROWEST; width--) {
        struct arrangement these = {.width = width};
        const int pixels = (width * guesses->height + guesses->width / 2) / guesses->width;
        these.height = pixels > 2 ? (pixels + 1) / 2 : 1;
        these.pitch = (width > CAPTION_WIDTH ? width : CAPTION_WIDTH) + GAP;
        these.columns = (where.width + GAP) / these.pitch;
        these.rows = (where.height + 1) / (these.height + CAPTION + 1);
        int shown = these.columns * these.rows;
        shown = shown < images ? shown : images;
        const int filled = shown * width * these.height * width;
        if (filled > most && (shown >= wanted || shown == images || best.width == 0)) {
            most = shown >= wanted ? filled : 1;
            best = these;
        }
    }
    return best;
}

static void draw_caption(struct grid *grid, struct rect where, const struct guesses *guesses,
                         const struct wrong_guess *wrong)
{
    char probability[16], name[FEED_CLASS_NAME];
    const double percent = 100 * (double)wrong->probability;
    if (percent >= 99.95)
        text_copy(probability, sizeof(probability), " >99.9%");
    else
        snprintf(probability, sizeof(probability), " %.1f%%", percent);
    const int room = where.width - grid_text_columns(probability);
    guesses_name(guesses, wrong->truth, where.width, name);
    grid_text(grid, where.x, where.y, where.width, STYLE_PLAIN, name);
    guesses_name(guesses, wrong->guess, room - 2, name);
    const int used = grid_print(grid, where.x, where.y + 1, room, STYLE_BOLD, "→ %s", name);
    grid_text(grid, where.x + used, where.y + 1, where.width - used, STYLE_DIM, probability);
}

void gallery_draw(struct grid *grid, struct rect where, const struct guesses *guesses,
                  struct gallery_place *place, bool paint)
{
    const struct arrangement these = arrange(where, guesses);
    struct scroll *scroll = &place->scroll;
    place->columns = these.columns;
    scroll_fit(scroll, guesses->confusion.wrong_count, these.columns * these.rows);
    for (int i = 0; i < scroll->page && scroll->top + i < scroll->lines; i++) {
        const int x = where.x + i % these.columns * these.pitch;
        const int y = where.y + i / these.columns * (these.height + CAPTION + 1);
        const struct picture picture = {guesses_image(guesses, scroll->top + i), guesses->width,
                                        guesses->height, guesses->channels};
        picture_draw(grid, (struct rect){x, y, these.width, these.height}, &picture, paint);
        draw_caption(grid, (struct rect){x, y + these.height, these.pitch - GAP, CAPTION}, guesses,
                     &guesses->confusion.wrong[scroll->top + i]);
    }
}

bool gallery_key(struct gallery_place *place, const char *key)
{
    const struct {
        const char *keys[2];
        int images;
    } moves[] = {
        {{"left", "h"}, -1},
        {{"right", "l"}, 1},
        {{"up", "k"}, -place->columns},
        {{"down", "j"}, place->columns},
        {{"page-up", "page-up"}, -place->scroll.page},
        {{"page-down", "page-down"}, place->scroll.page},
    };
    for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++)
        if (strcmp(key, moves[i].keys[0]) == 0 || strcmp(key, moves[i].keys[1]) == 0) {
            place->scroll.top += moves[i].images;
            if (place->scroll.top < 0)
                place->scroll.top = 0;
            return true;
        }
    return scroll_key(&place->scroll, key); /* home, end */
}
