/*
 * Names that the last word of a command line may become: of commands, and of
 * live settings where a command takes one.
 */
#ifndef KDT_UI_COMPLETE_H
#define KDT_UI_COMPLETE_H

#include "kdt/ui.h"

/* Where the word being typed starts; "" after a space. */
const char *complete_word(const char *line);
/* Whether that word is a setting's name. */
bool complete_wants_setting(const char *line);
/* The next name that begins with the word, from *at on (0 at first); NULL: no more. */
const char *complete_next(const char *line, size_t *at);
/* What can be typed for the person: what all of these names have in common after the word, and a
 * space where there is but one. */
void complete_rest(const char *line, char *out, size_t size);

#endif
