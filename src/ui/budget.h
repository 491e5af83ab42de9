/*
 * What frames may come to on the line in the long run, however fast it is: a
 * frame that costs more is paid back before the next costly one. Arithmetic
 * alone.
 */
#ifndef KDT_UI_BUDGET_H
#define KDT_UI_BUDGET_H

#include <stddef.h>

struct budget {
    double rate;  /* bytes a second */
    double owed;  /* beyond it, as of `clock` */
    double clock; /* of the last frame */
};
/* The rate for a screen of that size: at 80x24 less than 1 KiB a second. */
void budget_set_size(struct budget *budget, int width, int height);
/* A frame that began at this time. */
void budget_spend(struct budget *budget, double now, size_t bytes);
/* Nothing is owed at this time, and the frame that began then is free. */
void budget_forgive(struct budget *budget, double now);
/* When all that was spent will be paid back. */
double budget_even(const struct budget *budget);
/* Seconds that a frame has to wait after the last one: none while little is owed. */
double budget_wait(const struct budget *budget);

#endif
