/*
 * The states that a run can return to: those before its last edits, in memory
 * and on disk; the best; the automatic and the named checkpoints. This is their
 * list, in the order of time; the run thread adds what it keeps in memory, the
 * writer says what is on disk, and whoever reads gets a copy.
 *
 * A state is on the list while memory or the disk has it, or the writer is about
 * to. Files go when newer ones of their kind are safe, never before.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MEMORY_BYTES ((size_t)256 << 20) /* for the states of edits */

void states_init(struct states *states)
{
    pthread_mutex_init(&states->lock, NULL);
}

void states_fit(struct states *states, struct copies *copies)
{
    size_t bytes = copies->layout.numbers * sizeof(float), fit = MEMORY_BYTES / bytes;
    states->copies = copies;
    states->in_memory = fit < 1 ? 1 : fit > STATES_EDITS ? STATES_EDITS : fit;
}

void states_clear(struct states *states)
{
    pthread_mutex_lock(&states->lock);
    for (size_t i = 0; i < states->count; i++)
        copies_release(states->copies, states->list[i].image.copy);
    states->count = 0;
    pthread_mutex_unlock(&states->lock);
}

void states_fini(struct states *states)
{
    mem_free(states->list);
    pthread_mutex_destroy(&states->lock);
}

static struct state *find_name(struct states *states, const char *name)
{
    for (size_t i = 0; i < states->count; i++)
        if (strcmp(states->list[i].name, name) == 0)
            return &states->list[i];
    return NULL;
}

static void remove_state(struct states *states, struct state *state)
{
    copies_release(states->copies, state->image.copy);
    size_t after = states->count - 1 - (size_t)(state - states->list);
    memmove(state, state + 1, after * sizeof *state);
    states->count--;
}

/* Takes `state` over. Its name is used once: the file of the one before is gone. */
static void add_state(struct states *states, const struct state *state)
{
    struct state *old = find_name(states, state->name);
    if (old)
        remove_state(states, old);
    if (states->count == states->capacity) {
        states->capacity = states->capacity ? 2 * states->capacity : 16;
        states->list = mem_resize(states->list, states->capacity * sizeof *states->list);
    }
    states->list[states->count++] = *state;
}

/* Memory keeps the newest states of edits. */
static void free_copies(struct states *states)
{
    size_t kept = 0;
    for (size_t i = states->count; i-- > 0;) {
        struct state *state = &states->list[i];
        if (!state->image.copy || ++kept <= states->in_memory)
            continue;
        copies_release(states->copies, state->image.copy);
        state->image.copy = NULL;
        if (state->file == FILE_NONE)
            remove_state(states, state);
    }
}

void states_edit(struct states *states, const char *name, const char *label,
                 const struct image *image)
{
    struct state state = {.kind = STATE_EDIT,
                          .step = image->about.step,
                          .seq = image->about.journal_seq,
                          .image = *image};
    copies_hold(states->copies, image->copy);
    text_copy(state.name, sizeof state.name, name);
    text_copy(state.label, sizeof state.label, label);
    utf8_trim(state.label);
    pthread_mutex_lock(&states->lock);
    add_state(states, &state);
    free_copies(states);
    pthread_mutex_unlock(&states->lock);
}

void states_saved(struct states *states, enum state_kind kind, const char *name, int64_t step,
                  uint64_t seq)
{
    pthread_mutex_lock(&states->lock);
    struct state *known = kind == STATE_EDIT ? find_name(states, name) : NULL;
    if (known) {
        known->file = FILE_SAFE;
    } else {
        struct state state = {.kind = kind, .step = step, .seq = seq, .file = FILE_SAFE};
        text_copy(state.name, sizeof state.name, name);
        add_state(states, &state);
    }
    pthread_mutex_unlock(&states->lock);
}

void states_label(struct states *states, const char *name, const char *label)
{
    pthread_mutex_lock(&states->lock);
    struct state *state = find_name(states, name);
    if (state) {
        text_copy(state->label, sizeof state->label, label);
        utf8_trim(state->label);
    }
    pthread_mutex_unlock(&states->lock);
}

void states_unsaved(struct states *states, const char *name)
{
    pthread_mutex_lock(&states->lock);
    struct state *state = find_name(states, name);
    if (state) {
        state->file = FILE_NONE;
        if (!state->image.copy)
            remove_state(states, state);
    }
    pthread_mutex_unlock(&states->lock);
}

bool states_surplus(struct states *states, enum state_kind kind, size_t keep, char out[128])
{
    size_t safe = 0;
    struct state *oldest = NULL;
    pthread_mutex_lock(&states->lock);
    for (size_t i = states->count; i-- > 0;) {
        struct state *state = &states->list[i];
        if (state->kind != kind || state->file != FILE_SAFE)
            continue;
        safe++;
        oldest = state;
    }
    bool surplus = safe > keep;
    if (surplus) {
        memcpy(out, oldest->name, sizeof oldest->name);
        oldest->file = FILE_NONE;
        if (!oldest->image.copy)
            remove_state(states, oldest);
    }
    pthread_mutex_unlock(&states->lock);
    return surplus;
}

/* ---- finding ---- */

struct wanted {
    const char *name;
    enum state_kind kind;
    uint64_t seq;
    int64_t step;
};

static bool find(struct states *states, const struct wanted *wanted,
                 bool (*fits)(const struct state *state, const struct wanted *wanted),
                 struct state *out)
{
    const struct state *found = NULL;
    pthread_mutex_lock(&states->lock);
    for (size_t i = states->count; i-- > 0;) {
        const struct state *state = &states->list[i];
        if (fits(state, wanted) && (!found || state->seq > found->seq))
            found = state;
    }
    if (found) {
        *out = *found;
        copies_hold(states->copies, out->image.copy);
    }
    pthread_mutex_unlock(&states->lock);
    return found != NULL;
}

static bool has_name(const struct state *state, const struct wanted *wanted)
{
    return strcmp(state->name, wanted->name) == 0;
}

bool states_find_name(struct states *states, const char *name, struct state *out)
{
    return find(states, &(struct wanted){.name = name}, has_name, out);
}

static bool has_step(const struct state *state, const struct wanted *wanted)
{
    return state->step == wanted->step;
}

bool states_find_step(struct states *states, int64_t step, struct state *out)
{
    return find(states, &(struct wanted){.step = step}, has_step, out);
}

static bool is_exact(const struct state *state, const struct wanted *wanted)
{
    return state->step == wanted->step && state->seq == wanted->seq;
}

bool states_find_exact(struct states *states, uint64_t seq, int64_t step, struct state *out)
{
    return find(states, &(struct wanted){.seq = seq, .step = step}, is_exact, out);
}

bool states_find_last(struct states *states, struct state *out)
{
    const struct state *last = NULL;
    pthread_mutex_lock(&states->lock);
    for (size_t i = 0; i < states->count; i++)
        if (states->list[i].kind == STATE_STEP)
            last = &states->list[i];
    if (last)
        *out = *last;
    pthread_mutex_unlock(&states->lock);
    return last != NULL;
}

/* ---- what a viewer sees ---- */

/* rollback takes a step, so of several states of one step only the newest can be
 * had; the best and the last checkpoint have a word of their own. */
static bool hidden(const struct states *states, size_t i)
{
    const struct state *state = &states->list[i];
    bool last = state->kind == STATE_STEP;
    for (size_t j = i + 1; j < states->count; j++)
        last = last && states->list[j].kind != STATE_STEP;
    if (last || state->kind == STATE_BEST)
        return false;
    for (size_t j = 0; j < states->count; j++) {
        const struct state *other = &states->list[j];
        bool newer = other->seq > state->seq || (other->seq == state->seq && j > i);
        if (other->step == state->step && newer && other->kind != STATE_BEST)
            return true;
    }
    return false;
}

static void show(const struct state *state, struct kept_state *out)
{
    *out = (struct kept_state){.step = state->step};
    if (state->kind == STATE_EDIT)
        snprintf(out->name, sizeof out->name, "before edit %s", state->name + strlen("edit-"));
    else
        text_copy(out->name, sizeof out->name, state->name);
    memcpy(out->label, state->label, sizeof out->label);
}

size_t states_list(struct states *states, size_t first, struct kept_state *out, size_t most)
{
    size_t shown = 0, copied = 0;
    pthread_mutex_lock(&states->lock);
    for (size_t i = states->count; i-- > 0 && copied < most;)
        if (!hidden(states, i) && shown++ >= first)
            show(&states->list[i], &out[copied++]);
    pthread_mutex_unlock(&states->lock);
    return copied;
}

size_t states_count(struct states *states)
{
    size_t count = 0;
    pthread_mutex_lock(&states->lock);
    for (size_t i = 0; i < states->count; i++)
        count += !hidden(states, i);
    pthread_mutex_unlock(&states->lock);
    return count;
}
