/* The confusion matrix as a table, and in words what is confused most. */
#ifndef KDT_UI_MATRIX_H
#define KDT_UI_MATRIX_H

#include "grid.h"
#include "guesses.h"
#include "scroll.h"

struct matrix_options {
    bool counts; /* else shares of each true class */
    struct scroll *rows, *columns;
};
/* Columns that it would take with the names of classes in full. */
int matrix_width(const struct guesses *guesses, bool counts);
/* A row of names, then a row for each class; scrolls what does not fit. */
void matrix_draw(struct grid *grid, struct rect where, const struct guesses *guesses,
                 const struct matrix_options *options);
/* "cat → dog  21.2%  106 of 500", as many as fit. */
void matrix_pairs_draw(struct grid *grid, struct rect where, const struct guesses *guesses);

#endif
