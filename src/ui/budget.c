/* See budget.h. */
#include "budget.h"

#include <math.h>

/* At 80x24. */
#define RATE 960.0
/* Seconds of the rate that may be owed before frames wait, and that are remembered at most. */
#define OWED_AHEAD 2.0
#define OWED_MOST 8.0
/* Frames are not fewer than two a second. */
#define LONGEST_WAIT 0.5

void budget_set_size(struct budget *budget, int width, int height)
{
    budget->rate = RATE * fmax((double)width * height / (80 * 24), 1);
}

void budget_spend(struct budget *budget, double now, size_t bytes)
{
    const double before = fmax(budget->owed - budget->rate * (now - budget->clock), 0);
    budget->owed = fmin(before + (double)bytes, OWED_MOST * budget->rate);
    budget->clock = now;
}

void budget_forgive(struct budget *budget, double now)
{
    budget->owed = 0;
    budget->clock = now;
}

double budget_even(const struct budget *budget)
{
    return budget->clock + budget->owed / budget->rate;
}

double budget_wait(const struct budget *budget)
{
    return fmin(fmax(budget->owed / budget->rate - OWED_AHEAD, 0), LONGEST_WAIT);
}
