/*
 * What commands do to the made-up training: edits and returns to earlier states,
 * with what that abandons.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "fake_feed.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- returns ---- */

/* What is on the way to the present state is live, the rest abandoned. */
static void mark_abandoned(struct fake_feed *fake)
{
    struct fake_stretch live[FAKE_STRETCHES] = {0};
    live[fake->stretch] = (struct fake_stretch){0, INT64_MAX, SIZE_MAX, SIZE_MAX};
    for (int i = fake->stretch; fake->stretches[i].parent >= 0; i = fake->stretches[i].parent)
        live[fake->stretches[i].parent] = fake->stretches[i];
    for (size_t i = 0; i < fake->now.buckets; i++)
        fake->buckets[i].abandoned = fake->buckets[i].first >= live[fake->bucket_stretch[i]].step;
    for (size_t i = 0; i < fake->now.evaluations; i++)
        fake->evaluations[i].abandoned = i >= live[fake->evaluation_stretch[i]].evaluations;
    for (size_t i = 0; i < fake->now.edits; i++)
        fake->edits[i].abandoned = i >= live[fake->edit_stretch[i]].edits;
}

static void add_mark(struct fake_feed *fake, const char *label, enum command_source source,
                     bool returned)
{
    if (fake->now.edits == FAKE_EDITS)
        return;
    struct edit_mark *mark = &fake->edits[fake->now.edits];
    *mark = (struct edit_mark){
        .seq = (int64_t)fake->now.edits + 1,
        .step = fake->now.step,
        .seconds = fake->now.seconds,
        .source = source,
        .returned = returned,
    };
    text_copy(mark->label, sizeof(mark->label), label);
    fake->edit_stretch[fake->now.edits++] = (uint8_t)fake->stretch;
}

static void tell_undo(struct fake_feed *fake)
{
    struct snapshot *now = &fake->now;
    const struct fake_state *undo = &fake->undo[fake->undos - (fake->undos > 0)];
    now->undo_step = fake->undos > 0 ? undo->step : -1;
    text_copy(now->undo_label, sizeof(now->undo_label), fake->undos > 0 ? undo->kept.label : "");
    now->redo_step = fake->redos > 0 ? fake->redo[fake->redos - 1].step : -1;
}

/* Keeps the state that was before an edit. */
static void keep(struct fake_feed *fake, const struct fake_state *before, const char *label)
{
    if (fake->undos == FAKE_STATES)
        return;
    struct fake_state *state = &fake->undo[fake->undos++];
    *state = *before;
    snprintf(state->kept.name, sizeof(state->kept.name), "before edit %zu", fake->now.edits + 1);
    text_copy(state->kept.label, sizeof(state->kept.label), label);
    fake->redos = 0;
    tell_undo(fake);
}

static void jump(struct fake_feed *fake, const struct fake_state *to, const char *what,
                 enum command_source source)
{
    struct snapshot *now = &fake->now;
    char label[64];
    snprintf(label, sizeof(label), "%s, from step %" PRId64, what, now->step);
    now->settings = to->settings;
    now->last = to->last;
    now->step = to->step;
    now->epoch = to->epoch;
    now->learning_rate = to->learning_rate;
    now->loss = to->loss;
    fake->strain = to->strain;
    fake->back_to = to->seq;
    if (fake->stretch + 1 < FAKE_STRETCHES)
        fake->stretches[++fake->stretch] = to->here;
    now->returns++;
    mark_abandoned(fake);
    add_mark(fake, label, source, true);
    fake_save(fake, NULL);
    tell_undo(fake);
}

static bool same_step(const struct fake_state *state, int64_t step)
{
    return state->kept.name[0] != '\0' && state->step == step;
}

static const struct fake_state *find_state(const struct fake_feed *fake, const char *word)
{
    int64_t step = strtoll(word, NULL, 10);
    if (strcmp(word, "best") == 0)
        return fake->best.kept.name[0] != '\0' ? &fake->best : NULL;
    if (strcmp(word, "last") == 0)
        return fake->saved.kept.name[0] != '\0' ? &fake->saved : NULL;
    for (int i = fake->undos; i-- > 0;)
        if (same_step(&fake->undo[i], step))
            return &fake->undo[i];
    return same_step(&fake->best, step)    ? &fake->best
           : same_step(&fake->saved, step) ? &fake->saved
                                           : NULL;
}

size_t fake_states(const struct fake_feed *fake, struct kept_state out[FAKE_STATES + 2])
{
    size_t count = 0;
    for (int i = fake->undos; i-- > 0;)
        out[count++] = fake->undo[i].kept;
    if (fake->saved.kept.name[0] != '\0')
        out[count++] = fake->saved.kept;
    if (fake->best.kept.name[0] != '\0')
        out[count++] = fake->best.kept;
    return count;
}

void fake_feed_diverge(struct fake_feed *fake)
{
    pthread_mutex_lock(&fake->lock);
    struct snapshot *now = &fake->now;
    struct fake_state to = fake->saved;
    snprintf(now->pause_reason, sizeof(now->pause_reason),
             "diverged: loss 61.2 at step %" PRId64 ", back at step %" PRId64, now->step, to.step);
    int64_t from = now->step;
    jump(fake, &to, "diverged", SOURCE_RULE);
    fake_note(fake, from, "rule", "rollback last", now->pause_reason);
    now->state = RUN_PAUSED;
    now->diverged = true;
    pthread_mutex_unlock(&fake->lock);
    fake_feed_publish(fake);
}

/* ---- commands ---- */

static enum command_source source_of(const struct fake_feed *fake, const struct answer *answer)
{
    return fake->sources[answer->id - 1];
}

static void edited(struct fake_feed *fake, const struct fake_state *before,
                   const struct answer *answer)
{
    keep(fake, before, answer->text);
    add_mark(fake, answer->text, source_of(fake, answer), false);
}

static void refuse(struct answer *answer, const char *why)
{
    answer->state = ANSWER_REFUSED;
    text_copy(answer->text, sizeof(answer->text), why);
}

static void set(struct fake_feed *fake, const struct command *command, struct answer *answer)
{
    struct snapshot *now = &fake->now;
    struct settings trial = now->settings;
    struct fake_state before_it = fake_state_now(fake);
    struct err err = {0};
    size_t used = 0;
    trial.train.learning_rate = now->learning_rate;
    for (int i = 0; i + 1 < command->words; i += 2) {
        const struct setting *row = settings_find(command->word[i], &err);
        char before[128], after[128], refused[256];
        if (row == NULL) {
            refuse(answer, err.text);
            return;
        }
        if (row->change != SETTING_LIVE) {
            snprintf(refused, sizeof(refused), "%s cannot change during a run", row->name);
            refuse(answer, refused);
            return;
        }
        settings_format(&trial, row, before, sizeof(before));
        if (settings_set_relative(&trial, row, command->word[i + 1], &err) != 0) {
            refuse(answer, err.text);
            return;
        }
        settings_format(&trial, row, after, sizeof(after));
        if (row->type == SETTING_NUMBER) {
            snprintf(before, sizeof(before), "%.4g", strtod(before, NULL));
            snprintf(after, sizeof(after), "%.4g", strtod(after, NULL));
        }
        const char *name = strcmp(row->key, "learning_rate") == 0 ? "learning rate" : row->key;
        used += (size_t)snprintf(answer->text + used, sizeof(answer->text) - used,
                                 "%s%s %.32s → %.32s", used > 0 ? ", " : "", name, before, after);
    }
    now->settings = trial;
    now->learning_rate = trial.train.learning_rate;
    edited(fake, &before_it, answer);
}

static void undo(struct fake_feed *fake, struct answer *answer)
{
    if (fake->undos == 0) {
        refuse(answer, "undo: there is no edit to take back");
        return;
    }
    struct fake_state here = fake_state_now(fake), to = fake->undo[--fake->undos];
    fake->redo[fake->redos++] = here;
    jump(fake, &to, "undo", source_of(fake, answer));
    snprintf(answer->text, sizeof(answer->text), "back before %s", to.kept.label);
}

static void redo(struct fake_feed *fake, struct answer *answer)
{
    if (fake->redos == 0) {
        refuse(answer, "redo: there is no undo to take back");
        return;
    }
    struct fake_state to = fake->redo[--fake->redos];
    fake->undos++; /* it still has the state that the undo returned to */
    jump(fake, &to, "redo", source_of(fake, answer));
    text_copy(answer->text, sizeof(answer->text), "the undo is taken back");
}

static void rollback(struct fake_feed *fake, const char *word, struct answer *answer)
{
    const struct fake_state *found = find_state(fake, word);
    if (found == NULL) {
        snprintf(answer->text, sizeof(answer->text), "rollback: no state of step %.32s is kept",
                 word);
        answer->state = ANSWER_REFUSED;
        return;
    }
    struct fake_state to = *found, before = fake_state_now(fake);
    snprintf(answer->text, sizeof(answer->text), "rollback to %.32s", word);
    keep(fake, &before, answer->text);
    jump(fake, &to, answer->text, source_of(fake, answer));
}

static void perform(struct fake_feed *fake, struct answer *answer)
{
    struct snapshot *now = &fake->now;
    struct command command;
    struct fake_state before;
    struct err err = {0};
    answer->state = ANSWER_APPLIED;
    answer->step = now->step;
    answer->clock = fake->clock;
    if (command_parse(answer->line, &command, &err) != 0) {
        refuse(answer, err.text);
        return;
    }
    switch (command.id) {
    case COMMAND_PAUSE:
        now->state = RUN_PAUSED;
        text_copy(answer->text, sizeof(answer->text), "paused");
        break;
    case COMMAND_CONTINUE:
        now->state = RUN_RUNNING;
        now->diverged = false;
        now->pause_reason[0] = '\0';
        text_copy(answer->text, sizeof(answer->text), "running");
        break;
    case COMMAND_STEP:
        if (now->state == RUN_PAUSED) {
            now->state = RUN_RUNNING;
            fake->to_step = now->step + command.number;
        } else {
            refuse(answer, "step: the run is not paused");
        }
        break;
    case COMMAND_SET:
        set(fake, &command, answer);
        break;
    case COMMAND_UNDO:
        undo(fake, answer);
        break;
    case COMMAND_REDO:
        redo(fake, answer);
        break;
    case COMMAND_ROLLBACK:
        rollback(fake, command.word[0], answer);
        break;
    case COMMAND_TOGGLE:
        before = fake_state_now(fake);
        now->settings.augment.noise = !now->settings.augment.noise;
        snprintf(answer->text, sizeof(answer->text), "noise %s",
                 now->settings.augment.noise ? "off → on" : "on → off");
        edited(fake, &before, answer);
        break;
    case COMMAND_CHECKPOINT:
        fake_save(fake, command.words > 0 ? command.word[0] : NULL);
        snprintf(answer->text, sizeof(answer->text), "checkpoint step-%d.safetensors",
                 (int)now->step);
        break;
    case COMMAND_RANGE_TEST:
        if (command.words == 0) {
            fake_range(fake, RANGE_POINTS);
            text_copy(answer->text, sizeof(answer->text), fake->range.text);
        } else if (fake->range.running) {
            fake->range.running = false;
            text_copy(fake->range.text, sizeof(fake->range.text),
                      "the range test was stopped, the state is as before it");
            now->state = RUN_RUNNING;
            now->range_tests = fake->range.number;
        }
        break;
    case COMMAND_EVALUATE:
        fake_evaluate(fake);
        text_copy(answer->text, sizeof(answer->text), "evaluated");
        break;
    case COMMAND_NOTE:
        add_mark(fake, command.word[0], source_of(fake, answer), false);
        fake->edits[now->edits - 1].note = true;
        text_copy(answer->text, sizeof(answer->text), "noted");
        break;
    default:
        break;
    }
    answer->step = now->step;
}

void fake_perform(struct fake_feed *fake, struct answer *answer)
{
    const int64_t from = fake->now.step;
    const size_t marks = fake->now.edits;
    char text[64] = "";
    perform(fake, answer);
    const bool refused = answer->state == ANSWER_REFUSED;
    if (fake->back_to > 0)
        snprintf(text, sizeof(text), "to step %" PRId64, fake->now.step);
    fake_note(fake, from, command_source_name(source_of(fake, answer)), answer->line,
              text[0] != '\0'                      ? text
              : refused || fake->now.edits > marks ? answer->text
                                                   : "");
    fake->journal[fake->now.journal - 1].refused = refused;
}
