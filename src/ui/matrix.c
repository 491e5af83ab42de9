/* See matrix.h. */
#include "matrix.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* From here on an error is set off, and more so. */
#define SHARE_LARGE 0.05
#define SHARE_LARGEST 0.1

enum { NAME_MOST = 14, CELL_MOST = 11, NARROW = 60 };

/* Columns: the class's name, its accuracy, then a cell for each class. */
struct table {
    int name, accuracy, cell;
};

static int longest_name(const struct guesses *guesses)
{
    int longest = 4;
    for (int k = 0; k < guesses->confusion.classes; k++) {
        const int columns = grid_text_columns(guesses->name[k]);
        longest = columns > longest ? columns : longest;
    }
    return longest;
}

/* What is less than the whole does not become 100 by rounding. */
static double percent(double share, double most)
{
    return share < 1 ? fmin(100 * share, most) : 100;
}

static void format_cell(const struct guesses *guesses, int truth, int guess, bool counts,
                        char out[16])
{
    const uint32_t count = guesses->confusion.count[truth * guesses->confusion.classes + guess];
    const double share = guesses_share(guesses, truth, guess);
    if (count == 0)
        text_copy(out, 16, "·");
    else if (counts)
        snprintf(out, 16, "%" PRIu32, count);
    else
        snprintf(out, 16, share < 0.005 ? "<1" : "%.0f", percent(share, 99));
}

/* Of the widest cell, with a space before it. */
static int least_cell(const struct guesses *guesses, bool counts)
{
    const int classes = guesses->confusion.classes;
    int widest = classes > 100 ? 3 : 2; /* the number of a class must have room above it */
    for (int i = 0; i < classes * classes; i++) {
        char text[16];
        format_cell(guesses, i / classes, i % classes, counts, text);
        const int columns = grid_text_columns(text);
        widest = columns > widest ? columns : widest;
    }
    return widest + 1;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int table_left(const struct table *table)
{
    return table->name + (table->accuracy > 0 ? 1 + table->accuracy : 0) + 1;
}

static struct table table_fit(const struct guesses *guesses, bool counts, int width)
{
    const int longest = longest_name(guesses), least = least_cell(guesses, counts);
    const bool narrow = width < NARROW;
    struct table table = {
        .name = smaller(longest, narrow ? 5 : NAME_MOST),
        /* "84%", "83.7%"; among shares the diagonal says it, too. */
        .accuracy = !narrow  ? 6
                    : counts ? 4
                             : 0,
    };
    const int room = (width - table_left(&table)) / guesses->confusion.classes;
    table.cell = smaller(room, smaller(longest + 2, CELL_MOST));
    table.cell = table.cell < least ? least : table.cell;
    return table;
}

int matrix_width(const struct guesses *guesses, bool counts)
{
    const struct table table = table_fit(guesses, counts, 1 << 16);
    return table_left(&table) + guesses->confusion.classes * table.cell;
}

static void put_right(struct grid *grid, int x, int y, int width, enum style style,
                      const char *text)
{
    const int columns = grid_text_columns(text);
    grid_text(grid, x + (width > columns ? width - columns : 0), y, width, style, text);
}

static enum style cell_style(const struct guesses *guesses, int truth, int guess)
{
    const double share = guesses_share(guesses, truth, guess);
    if (truth == guess)
        return STYLE_GOOD;
    return share >= SHARE_LARGEST ? STYLE_BAD
           : share >= SHARE_LARGE ? STYLE_WARN
           : share >= 0.005       ? STYLE_PLAIN
                                  : STYLE_DIM;
}

static void draw_accuracy(struct grid *grid, int x, int y, int width, double accuracy)
{
    char text[16] = "-";
    if (!isnan(accuracy))
        snprintf(text, sizeof(text), "%.*f%%", width > 4 && accuracy < 1,
                 percent(accuracy, width > 4 ? 99.9 : 99));
    put_right(grid, x, y, width, STYLE_PLAIN, text);
}

static void draw_row(struct grid *grid, struct rect row, const struct guesses *guesses,
                     const struct table *table, const struct matrix_options *options, int truth)
{
    char text[FEED_CLASS_NAME];
    guesses_name(guesses, truth, table->name, text);
    put_right(grid, row.x, row.y, table->name, STYLE_BOLD, text);
    if (table->accuracy > 0)
        draw_accuracy(grid, row.x + table->name + 1, row.y, table->accuracy,
                      guesses_share(guesses, truth, truth));
    for (int i = 0; i < options->columns->page; i++) {
        const int guess = options->columns->top + i;
        if (guess >= guesses->confusion.classes)
            break;
        format_cell(guesses, truth, guess, options->counts, text);
        put_right(grid, row.x + table_left(table) + i * table->cell, row.y, table->cell,
                  cell_style(guesses, truth, guess), text);
    }
}

void matrix_draw(struct grid *grid, struct rect where, const struct guesses *guesses,
                 const struct matrix_options *options)
{
    const int classes = guesses->confusion.classes;
    const struct table table = table_fit(guesses, options->counts, where.width);
    const int left = table_left(&table);
    char text[FEED_CLASS_NAME];
    scroll_fit(options->rows, classes, where.height - 1);
    scroll_fit(options->columns, classes, (where.width - left) / table.cell);
    put_right(grid, where.x, where.y, left - 1, STYLE_DIM,
              left >= 18  ? "is ↓  taken as →"
              : left >= 9 ? "is↓ as→"
                          : "is ↓");
    for (int i = 0; i < options->columns->page && options->columns->top + i < classes; i++) {
        guesses_name(guesses, options->columns->top + i, table.cell - 1, text);
        put_right(grid, where.x + left + i * table.cell, where.y, table.cell, STYLE_BOLD, text);
    }
    for (int i = 0; i < options->rows->page && options->rows->top + i < classes; i++)
        draw_row(grid, (struct rect){where.x, where.y + 1 + i, where.width, 1}, guesses, &table,
                 options, options->rows->top + i);
}

void matrix_pairs_draw(struct grid *grid, struct rect where, const struct guesses *guesses)
{
    const int longest = longest_name(guesses);
    const bool wide = where.width >= 2 * longest + 3 + 8 + 2 + 14;
    for (int i = 0; i < guesses->pair_count && i < where.height; i++) {
        const struct confused_pair *pair = &guesses->pair[i];
        const int room = where.width - 8;
        char text[128];
        snprintf(text, sizeof(text), "%s → %s", guesses->name[pair->truth],
                 guesses->name[pair->guess]);
        const int columns = smaller(room, 2 * longest + 3);
        grid_text(grid, where.x, where.y + i, columns, STYLE_PLAIN, text);
        snprintf(text, sizeof(text), "%.1f%%", 100 * pair->share);
        put_right(grid, where.x + columns + 1, where.y + i, 6,
                  cell_style(guesses, pair->truth, pair->guess), text);
        if (!wide)
            continue;
        snprintf(text, sizeof(text), "%" PRIu32 " of %" PRIu32, pair->count,
                 guesses->total[pair->truth]);
        grid_text(grid, where.x + columns + 9, where.y + i, where.width - columns - 9, STYLE_DIM,
                  text);
    }
}
