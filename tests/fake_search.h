/*
 * A search that is made up, behind its feed. For tests of the view.
 */
#ifndef KDT_TESTS_FAKE_SEARCH_H
#define KDT_TESTS_FAKE_SEARCH_H

#include "kdt/feed.h"

enum { FAKE_TRIALS = 64, FAKE_TRIAL_EPOCHS = 10 };

struct fake_search {
    struct search_feed feed;
    struct search_snapshot now; /* tests change it and what follows, then add to its version */
    struct trial trials[FAKE_TRIALS];
    struct trial_parameter parameters[FAKE_TRIALS][2];
    double curves[FAKE_TRIALS][FAKE_TRIAL_EPOCHS];
    struct feed *run; /* that every trial shows */
    int looked;       /* the trial that was asked for last */
    double clock;     /* of answers */
    char posted[256]; /* the command given last; it is applied at once */
};
/* Sixteen trials of 22 in random places, or (`architectures`) of two layers: two of them train,
 * one is frozen, one was stopped, one taken, one failed, one added. */
void fake_search_init(struct fake_search *fake, bool architectures, struct feed *run);

#endif
