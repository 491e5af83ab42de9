/* What a search prints: a line for each trial that has ended, the leaderboard, and CSV. */
#ifndef KDT_APP_BOARD_H
#define KDT_APP_BOARD_H

#include "kdt/search.h"

/* `finished`: how many have. */
void board_trial(struct search *search, const struct trial *trial, int64_t finished);
/* The best trials, with the figures of search.reference beside them; what was trained again. */
void board_print(struct search *search);
void board_csv(struct search *search);

#endif
