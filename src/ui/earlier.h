/* The best earlier run on the same data: a ghost under the curves, and how far ahead of it the run
 * is. */
#ifndef KDT_UI_EARLIER_H
#define KDT_UI_EARLIER_H

#include "history.h"

enum earlier_form {
    EARLIER_WHOLE,
    EARLIER_BRIEF,
    EARLIER_UNNAMED,
    EARLIER_BRIEFEST,
    EARLIER_FORMS
};
/* How far ahead or behind the newest evaluation is, in words, the longest form first; false where
 * there is nothing to compare. */
bool earlier_print(const struct history *history, enum earlier_form form, char *out, size_t size);
/* "best earlier: fig01 52.1%", for a legend; "": there is none. */
void earlier_name(const struct history *history, char *out, size_t size);

#endif
