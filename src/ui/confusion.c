/*
 * The screen of what the validation images are taken for: the matrix, the pairs
 * that are confused most, and the images that are wrong most confidently.
 */
#include "control.h"
#include "draw.h"
#include "gallery.h"
#include "matrix.h"
#include "screens.h"

#include <stdio.h>
#include <string.h>

/* Rectangles of height 0 are not there. */
struct panes {
    struct rect title, matrix, pairs, gallery;
};

enum { PAIRS_WIDTH = 34, LEAST_PAIRS = 2, STACKED_GALLERY = 13 };

static struct rect inner(struct rect body)
{
    return (struct rect){body.x + 1, body.y, body.width - 2, body.height};
}

/* The matrix comes first; the pairs stand beside it, or below; the images have what is left
 * where that is enough for them. */
static struct panes arrange(struct rect body, const struct guesses *guesses, bool images,
                            bool counts)
{
    struct rect rest = inner(body);
    struct panes panes = {.title = {rest.x, rest.y, rest.width, 1}};
    rest.y++;
    rest.height--;
    if (images) {
        panes.gallery = rest;
        return panes;
    }
    const int classes = guesses->confusion.classes;
    int height = classes + 1;
    panes.matrix = rest;
    if (rest.height - height - 2 >= STACKED_GALLERY && guesses->confusion.wrong_count > 0) {
        panes.gallery =
            (struct rect){rest.x, rest.y + height + 2, rest.width, rest.height - height - 2};
        rest.height = height;
    }
    const int wide = matrix_width(guesses, counts), beside = rest.width - PAIRS_WIDTH;
    const int width = wide < beside ? wide : beside;
    panes.matrix.height = rest.height;
    /* A matrix that could be seen whole is better without a narrow neighbour. */
    if (width >= 6 * classes || (beside >= 60 && 3 * classes > rest.width)) {
        panes.matrix.width = width;
        panes.pairs =
            (struct rect){rest.x + width + 4, rest.y, rest.width - width - 4, rest.height};
        return panes;
    }
    int below = rest.height - height - 1;
    if (below < 0 && rest.height >= 14)
        below = 5; /* it is scrolled in any case */
    if (below >= LEAST_PAIRS) {
        panes.matrix.height = rest.height - below - 1;
        panes.pairs = (struct rect){rest.x, rest.y + rest.height - below, rest.width, below};
    }
    return panes;
}

static void draw_title(struct grid *grid, struct rect row, const struct guesses *guesses,
                       const struct snapshot *snapshot, bool images, bool counts)
{
    const struct evaluation *of = &guesses->confusion.of;
    const char *const what[] = {
        images   ? "wrong most confidently"
        : counts ? "images of each class, by what they are taken for"
                 : "% of each class, by what it is taken for",
        images   ? "wrong"
        : counts ? "counts"
                 : "% of a class",
        "",
    };
    char epoch[32], when[128];
    draw_epoch(snapshot_epochs(snapshot, of->step), epoch, sizeof(epoch));
    snprintf(when, sizeof(when), "validation %.2f%% at epoch %s%s", 100 * of->validation_accuracy,
             epoch, of->abandoned ? ", before going back" : "");
    const int used =
        grid_text(grid, row.x, row.y, row.width, of->abandoned ? STYLE_WARN : STYLE_TITLE, when) +
        3;
    row.x += used;
    row.width -= used;
    draw_fitting(grid, row, STYLE_DIM, what, 3);
}

/* Why there is nothing to show. */
static void draw_nothing(struct grid *grid, struct rect body, const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    const char *text =
        !history->guesses.offered ? "This view is not told what the images are taken for."
        : run_state_ended(snapshot->state)
            ? "The run has ended, and no evaluation of this process is there to show."
        : snapshot->evaluations > 0
            ? "No evaluation yet since the run was resumed. v evaluates now."
            : "No evaluation yet. v evaluates now.";
    draw_centered(grid, inner(body), STYLE_DIM, text);
}

/* How far the matrix's columns are scrolled, at the end of the row; the columns that are left
 * of it. */
static int draw_columns_place(struct grid *grid, struct rect row, const struct scroll *columns)
{
    char text[64];
    const int end = columns->top + columns->page;
    if (columns->page >= columns->lines)
        return row.width;
    snprintf(text, sizeof(text), "columns %d-%d of %d", columns->top + 1,
             end < columns->lines ? end : columns->lines, columns->lines);
    const int used = grid_text_columns(text);
    if (used + 32 > row.width)
        return row.width;
    grid_text(grid, row.x + row.width - used, row.y, used, STYLE_DIM, text);
    return row.width - used - 2;
}

static void draw_matrix(struct grid *grid, const struct panes *panes, struct state *state,
                        const struct guesses *guesses)
{
    const struct matrix_options options = {state->confusion.counts, &state->confusion.rows,
                                           &state->confusion.columns};
    matrix_draw(grid, panes->matrix, guesses, &options);
    if (panes->pairs.height > 0) {
        struct rect pairs = panes->pairs;
        grid_text(grid, pairs.x, pairs.y, pairs.width, STYLE_TITLE, "confused most");
        pairs.y++;
        pairs.height--;
        matrix_pairs_draw(grid, pairs, guesses);
    }
}

void confusion_draw(struct grid *grid, const struct layout *layout, struct state *state,
                    const struct history *history)
{
    const struct guesses *guesses = &history->guesses;
    const bool images = state->confusion.images;
    if (!guesses->known) {
        draw_nothing(grid, layout->body, history);
        return;
    }
    struct panes panes = arrange(layout->body, guesses, images, state->confusion.counts);
    if (panes.matrix.height > 0) {
        draw_matrix(grid, &panes, state, guesses);
        scroll_draw(&state->confusion.rows, grid, layout->screens);
        panes.title.width = draw_columns_place(grid, panes.title, &state->confusion.columns);
    }
    draw_title(grid, panes.title, guesses, &history->snapshot, images, state->confusion.counts);
    if (panes.gallery.height > 0) {
        const struct rect above = {panes.gallery.x, panes.gallery.y - 1, panes.gallery.width, 1};
        if (!images)
            grid_text(grid, above.x, above.y, above.width, STYLE_TITLE, "wrong most confidently");
        gallery_draw(grid, panes.gallery, guesses, &state->confusion.gallery,
                     state->paints && state->glyphs != GLYPHS_ASCII);
        scroll_draw(&state->confusion.gallery.scroll, grid, images ? layout->screens : above);
    }
}

bool confusion_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const struct guesses *guesses = &control->history->guesses;
    const struct snapshot *snapshot = &control->history->snapshot;
    const bool read = guesses->evaluations == snapshot->evaluations; /* else they come yet */
    if (read && !guesses->known && (strcmp(key, "i") == 0 || strcmp(key, "%") == 0)) {
        news_say(state, STYLE_PLAIN, "there is nothing to show yet; v evaluates now");
        return true;
    }
    if (strcmp(key, "i") == 0) {
        state->confusion.images = !state->confusion.images;
        return true;
    }
    if (strcmp(key, "%") == 0) {
        state->confusion.counts = !state->confusion.counts;
        return true;
    }
    const struct scroll *rows = &state->confusion.rows, *columns = &state->confusion.columns;
    const bool whole = rows->lines <= rows->page && columns->lines <= columns->page;
    if (state->confusion.images || whole)
        return gallery_key(&state->confusion.gallery, key);
    if (strcmp(key, "left") == 0 || strcmp(key, "h") == 0)
        return scroll_key(&state->confusion.columns, "up");
    if (strcmp(key, "right") == 0 || strcmp(key, "l") == 0)
        return scroll_key(&state->confusion.columns, "down");
    return scroll_key(&state->confusion.rows, key);
}
