/*
 * The view's copy of a search, and how its trials are put in words. Screens of a
 * search are drawn from this and from struct state alone.
 */
#ifndef KDT_UI_BOARD_H
#define KDT_UI_BOARD_H

#include "grid.h"

struct board {
    struct search_feed *feed; /* NULL: the view is on a run */
    struct search_snapshot now;
    struct trial *trials; /* by number */
    int *order;           /* their numbers, the best first */
    double *curves;       /* [count][now.epochs]; NaN: not measured */
    size_t count, room;
    double low, high;   /* of all finite values in the curves; NaN: none */
    double worst, best; /* value of complete trials, or of all while there is none */
};
void board_fini(struct board *board);
/* Copies what is new in the feed; whether anything was. */
bool board_update(struct board *board);
/* The curve of a trial, [now.epochs]. */
const double *board_curve(const struct board *board, int number);
/* The trial that is chosen: its number, or the best where that is -1; NULL: there is none. */
const struct trial *board_chosen(const struct board *board, int chosen);
/* Its place in the order. */
int board_place(const struct board *board, int number);
/* 0 (the worst of complete trials, or worse) ... 1 (the best); NaN: it has no value. */
double board_share(const struct board *board, const struct trial *trial);

enum { BOARD_TEXT = 80 };
/* "43.21%", or of a loss "1.6123"; "-": none. */
void board_value(const struct board *board, double value, char out[BOARD_TEXT]);
/* "training 3.4/10", "pruned at 3"; `brief`: "3.4/10", "pruned". */
void board_state(const struct board *board, const struct trial *trial, bool brief,
                 char out[BOARD_TEXT]);
enum style board_style(const struct trial *trial);
/* The parameters as people read them, one after another from *at = 0 on: layers joined, numbers
 * short, names without their section. False: no more. */
bool board_parameter(const struct trial *trial, int *at, char name[BOARD_TEXT],
                     char value[BOARD_TEXT]);
/* "learning_rate 0.0129, l2 1e-05" */
void board_parameters(const struct trial *trial, char *out, size_t size);
/* "finished", "waits for frozen trials"; in a word, and its style. */
const char *board_standing(const struct board *board, enum style *style);

#endif
