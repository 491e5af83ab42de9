/*
 * What is asked of the run: command lines posted to its feed, and shown as
 * requested until they are answered.
 */
#ifndef KDT_UI_POST_H
#define KDT_UI_POST_H

#include "control.h"

/* Its id; 0: refused at once, and the person is told why. */
uint64_t post_line(struct control *control, const char *line, enum command_source source);
/* The factor of "set train.learning_rate *F" and "/F"; 0 of any other command. */
double post_rate_factor(const struct command *command);
/* A held key must not fill the run's queue: while one factor is not answered, those that follow
 * become one command. */
void post_factor(struct control *control, const char *line, double factor);
/* What was pressed so far goes to the run, also where it waits to become one command. */
void post_waiting(struct control *control);
void post_pause_or_continue(struct control *control, enum command_source source);
/* False for 0. */
bool post_answered(struct control *control, uint64_t id);
/* Whether the command posted last is not answered in what the view knows of the feed. */
bool post_waits(const struct control *control);
/* Takes the answers that there are. */
void post_update(struct control *control);

#endif
