/*
 * What the last word of a command line may become: names of commands, of live
 * settings, of states to return to, the words of conditions.
 */
#ifndef KDT_UI_COMPLETE_H
#define KDT_UI_COMPLETE_H

#include "history.h"

/* Where the word being typed starts; "" after a space. */
const char *complete_word(const char *line);
/* Whether that word is a setting's name. */
bool complete_wants_setting(const char *line);
enum { COMPLETE_WORD = 64 };
/* The next word that begins so, from *at on (0 at first); false: no more. */
bool complete_next(const struct history *history, const char *line, size_t *at,
                   char out[COMPLETE_WORD]);
/* What can be typed for the person: what all of these have in common after the word, and a space
 * where there is but one. */
void complete_rest(const struct history *history, const char *line, char *out, size_t size);

#endif
