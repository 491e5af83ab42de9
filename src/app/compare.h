/* The best earlier run on the same data, looked for while training goes on. */
#ifndef KDT_APP_COMPARE_H
#define KDT_APP_COMPARE_H

#include "kdt/ui.h"

/* A thread that looks beside the feed's run and hands what it finds to the view. NULL: there is
 * nothing to look beside, or no thread. */
struct compare;
struct compare *compare_start(struct feed *feed, struct view *view);
/* Before the view is closed; NULL is fine. */
void compare_stop(struct compare *compare);

#endif
