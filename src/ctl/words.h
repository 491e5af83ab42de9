/* A line of the protocol: words between single spaces, and at its end a text with spaces of its
 * own. What is written here is read back the same by what is below it. */
#ifndef KDT_CTL_WORDS_H
#define KDT_CTL_WORDS_H

#include "kdt/base.h"

/* ---- writing: each with a space before it ---- */
void words_put_number(struct text *out, double value); /* exact */
/* With nine digits, for what is drawn: a quarter of the time and half of the bytes. */
void words_put_brief(struct text *out, double value);
/* Control characters become spaces, so that it stays within its line. */
void words_put_text(struct text *out, const char *value);
void words_put_second_text(struct text *out, const char *value); /* after a tab */
/* A word; "-" where it is empty. */
void words_put_word(struct text *out, const char *value);
/* The letters of `names` whose flag is set; "-" where none is. */
void words_put_flags(struct text *out, const char *names, const bool *flags);

/* ---- reading: each false where the next word is none of the kind ---- */
struct words {
    char *at; /* in a line of the caller's, which is cut into words; NULL: no word is left */
};
bool words_word(struct words *words, char *out, size_t size); /* one that fits */
bool words_integer(struct words *words, int64_t low, int64_t high, int64_t *out);
bool words_int(struct words *words, int low, int high, int *out);
bool words_count(struct words *words, uint64_t *out);
bool words_number(struct words *words, double *out); /* nan, inf and -inf, too */
bool words_flags(struct words *words, const char *names, bool *flags);
/* All that is left, without control characters; it may be empty. What does not fit is cut off. */
bool words_text(struct words *words, char *out, size_t size);
/* The same up to a tab, which must be there. */
bool words_text_before_tab(struct words *words, char *out, size_t size);

#endif
