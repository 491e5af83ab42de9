/*
 * plan: what a search does, as a pure function of settings and of what the
 * journal has: which values a trial gets, which trial goes on and which ends.
 * Timing and workers do not enter.
 *
 * A search has rounds, search.refine after the first; a round's ranges are
 * narrowed around the best trial of the rounds before. A round's trials climb
 * rungs, each a number of epochs. Without halving there is one rung. With it
 * the first is search.epochs divided by 3 so often that an epoch is left, and
 * once all of a rung's trials are there the best third goes on, in the order
 * of their values and then of their numbers:
 *
 *   22 trials for 1 epoch, 7 of them for 3, 2 of those for 10
 */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { REDUCTION = 3 };
/* In the place of a round, for values of trials that a person adds. */
#define ADDED_ROUND UINT32_MAX

/* ---- rounds ---- */

/* Points of a grid in one round. */
static uint64_t grid_points(const struct spaces *spaces, bool refined)
{
    uint64_t points = 1;
    for (int i = 0; i < spaces->count; i++) {
        const struct dimension *dimension = &spaces->dimension[i];
        bool range = dimension->space.kind == SPACE_LOG || dimension->space.kind == SPACE_UNIFORM;
        uint64_t some = refined && !range ? 1 : dimension_points(dimension);
        if (__builtin_mul_overflow(points, some, &points))
            return UINT64_MAX;
    }
    return points;
}

int plan_make(const struct settings *settings, struct plan *out, struct err *err)
{
    *out = (struct plan){
        .method = settings->search.method,
        .seed = (uint64_t)settings->train.seed,
        .rounds = (int)settings->search.refine + 1,
        .epochs = settings->search.epochs,
    };
    if (spaces_make(settings, &out->spaces, err) != 0)
        return -1;
    const int64_t trials = settings->search.trials;
    for (int round = 0; round < out->rounds; round++) {
        int64_t count = trials / out->rounds + (round < trials % out->rounds);
        if (out->method == METHOD_GRID) {
            uint64_t points = grid_points(&out->spaces, round > 0);
            int64_t left = trials - out->first[round];
            count = points < (uint64_t)left ? (int64_t)points : left;
        }
        out->first[round + 1] = out->first[round] + count;
    }
    return 0;
}

static int round_of(const struct plan *plan, int64_t number)
{
    int round = 0;
    while (number >= plan->first[round + 1])
        round++;
    return round;
}

/* ---- values ---- */

/* The ranges of a round. */
static struct spaces *spaces_of(const struct plan *plan, const struct table *table, int round)
{
    struct spaces *spaces = mem_alloc(sizeof *spaces);
    *spaces = plan->spaces;
    int best = round > 0 ? table_best_planned(table, plan->first[round]) : -1;
    for (int i = 0; i < spaces->count && best >= 0; i++)
        dimension_narrow(&spaces->dimension[i], &table->entries[best].trial, round,
                         plan->method == METHOD_GRID);
    return spaces;
}

/* A drawn value. */
static void draw(const struct dimension *dimension, uint64_t seed, uint32_t round, uint32_t number,
                 uint32_t i, struct proposal *out)
{
    const bool range = dimension->space.kind == SPACE_LOG || dimension->space.kind == SPACE_UNIFORM;
    const struct rng_words words = rng_draw(seed, RNG_SEARCH, round, number, i);
    const uint64_t drawn = (uint64_t)words.word[0] << 32 | words.word[1];
    const double share = ((double)(drawn >> 11) + 0.5) * 0x1p-53;
    dimension_propose(dimension, range ? UINT64_MAX : drawn % dimension_points(dimension), share,
                      out);
}

void plan_propose(const struct plan *plan, const struct table *table, int64_t slot,
                  struct proposal *out)
{
    const int round = round_of(plan, slot);
    struct spaces *spaces = spaces_of(plan, table, round);
    *out = (struct proposal){0};
    if (plan->method != METHOD_GRID)
        for (int i = 0; i < spaces->count; i++)
            draw(&spaces->dimension[i], plan->seed, (uint32_t)round, (uint32_t)slot, (uint32_t)i,
                 out);
    /* From a grid's last point back: networks are given from small to large, as a rule, and where
     * the long trials come first no worker is left alone with one at the end. */
    uint64_t index[DIMENSIONS], at = (uint64_t)(plan->first[round + 1] - 1 - slot);
    for (int i = spaces->count - 1; i >= 0; i--) {
        /* A grid's last dimension varies fastest; where a round has no best to go by it starts
         * the grid again. */
        uint64_t points = dimension_points(&spaces->dimension[i]);
        index[i] = points ? at % points : 0;
        at = points ? at / points : at;
    }
    for (int i = 0; i < spaces->count && plan->method == METHOD_GRID; i++)
        dimension_propose(&spaces->dimension[i], index[i], 0, out);
    mem_free(spaces);
}

int plan_round(const struct plan *plan, const struct table *table)
{
    const int64_t last = plan->first[plan->rounds] - 1;
    const int64_t newest = table->planned_count - 1 < last ? table->planned_count - 1 : last;
    return newest < 0 ? 0 : round_of(plan, newest);
}

/* The dimension of that name; NULL: it is not searched. */
static const struct dimension *find_dimension(const struct spaces *spaces, const char *name)
{
    for (int i = 0; i < spaces->count; i++)
        if (strcmp(spaces->dimension[i].space.row->name, name) == 0)
            return &spaces->dimension[i];
    return NULL;
}

static int check_name(const struct spaces *spaces, const char *name, struct err *err)
{
    struct text names = {0};
    if (find_dimension(spaces, name))
        return 0;
    for (int i = 0; i < spaces->count; i++)
        text_print(&names, "%s%s", i ? ", " : "", spaces->dimension[i].space.row->name);
    err_set(err, ERR_USAGE, "%.100s is not searched here; %.300s", name, names.bytes);
    text_fini(&names);
    return -1;
}

/* Drawn from the ranges of the newest round, by numbers that no planned trial has. */
int plan_add(const struct plan *plan, const struct table *table, char *const *words, int count,
             struct proposal *out, struct err *err)
{
    struct spaces *spaces = spaces_of(plan, table, plan_round(plan, table));
    int result = 0;
    *out = (struct proposal){0};
    for (int i = 0; i < count && result == 0; i++)
        result = check_name(spaces, words[2 * i], err);
    for (int i = 0; i < spaces->count && result == 0; i++) {
        const struct dimension *dimension = &spaces->dimension[i];
        const char *value = NULL;
        for (int j = 0; j < count; j++)
            if (strcmp(words[2 * j], dimension->space.row->name) == 0)
                value = words[2 * j + 1];
        if (value)
            result = dimension_take(dimension, value, out, err);
        else
            draw(dimension, plan->seed, ADDED_ROUND, (uint32_t)table->count, (uint32_t)i, out);
    }
    mem_free(spaces);
    return result;
}

/* ---- rungs ---- */

/* Epochs of each rung, the last of them all; how many there are. */
static int make_rungs(const struct plan *plan, int64_t trials, int64_t rungs[RUNGS])
{
    int64_t epochs = plan->epochs;
    int count = 1;
    if (plan->method == METHOD_HALVING)
        for (; count < RUNGS && epochs / REDUCTION > 0 && trials >= REDUCTION; count++) {
            epochs /= REDUCTION;
            trials /= REDUCTION;
        }
    epochs = plan->epochs;
    for (int rung = count - 1; rung >= 0; rung--) {
        rungs[rung] = epochs;
        epochs /= REDUCTION;
    }
    return count;
}

struct climb {
    const struct plan *plan;
    const struct table *table;
    bool (*skip)(int64_t number, void *of);
    void *of;
    bool waits;  /* somebody is at a trial of the present rung, */
    bool frozen; /* or a person has frozen one */
};

/* Something to do so that a trial gets to `epochs`; false: it is there, or others see to it. */
static bool climb(struct climb *climb, int number, int64_t epochs, struct task *out)
{
    const struct trial *trial = &climb->table->entries[number].trial;
    if (trial_ended(trial->state) || (trial->epochs >= epochs && epochs < climb->plan->epochs))
        return false;
    if (trial->frozen) {
        climb->frozen = true;
        return false;
    }
    climb->waits = true;
    if (climb->skip(number, climb->of))
        return false;
    *out = (struct task){.kind = TASK_GO_ON, .number = number, .epochs = epochs};
    return true;
}

/* The same of all these places in the plan. */
static bool climb_rung(struct climb *state, const int *slots, size_t count, int64_t epochs,
                       struct task *out)
{
    const struct table *table = state->table;
    for (size_t i = 0; i < count; i++) {
        if (slots[i] < table->planned_count) {
            if (climb(state, table->planned[slots[i]], epochs, out))
                return true;
            continue;
        }
        *out = (struct task){
            .kind = TASK_CREATE, .number = table->count, .slot = slots[i], .epochs = epochs};
        return true;
    }
    return false;
}

/* Whether it is ranked at this rung: what failed below it has no place on the next, what fails
 * later had one; and what a person stopped has none. */
static bool has_place(const struct trial *trial, int64_t epochs)
{
    return !trial->stopped && (trial->state != TRIAL_FAILED || trial->epochs >= epochs);
}

/* Those that go on, first in `slots`, and the first of the others that has not ended yet. */
static bool decide(const struct climb *climb, int *slots, size_t count, size_t *kept,
                   int64_t epochs, struct task *out)
{
    const struct table *table = climb->table;
    size_t ranked = 0;
    int *order = mem_alloc(count * sizeof *order);
    *kept = count / REDUCTION > 0 ? count / REDUCTION : 1;
    for (size_t i = 0; i < count; i++) {
        const int number = table->planned[slots[i]];
        if (has_place(&table->entries[number].trial, epochs))
            order[ranked++] = number;
    }
    table_rank(table, order, ranked, epochs);
    *kept = *kept < ranked ? *kept : ranked;
    const struct trial *left = NULL;
    for (size_t i = 0; i < ranked; i++) {
        const struct trial *trial = &table->entries[order[i]].trial;
        slots[i] = (int)table->entries[order[i]].slot;
        if (i >= *kept && !left && !trial_ended(trial->state))
            left = trial;
    }
    mem_free(order);
    if (left)
        *out = (struct task){.kind = TASK_PRUNE, .number = left->number, .epochs = epochs};
    return left != NULL;
}

/* TASK_NONE: the round has ended, or waits. */
static struct task next_of_round(struct climb *climb, int round)
{
    int64_t rungs[RUNGS];
    const int64_t first = climb->plan->first[round];
    size_t count = (size_t)(climb->plan->first[round + 1] - first);
    const int rung_count = make_rungs(climb->plan, (int64_t)count, rungs);
    struct task task = {.kind = TASK_NONE};
    int *slots = mem_alloc(count * sizeof *slots);
    for (size_t i = 0; i < count; i++)
        slots[i] = (int)(first + (int64_t)i);
    for (int rung = 0; rung < rung_count; rung++) {
        if (climb_rung(climb, slots, count, rungs[rung], &task) || climb->waits || climb->frozen)
            break;
        if (rung + 1 < rung_count && decide(climb, slots, count, &count, rungs[rung], &task))
            break;
    }
    mem_free(slots);
    return task;
}

/* What a person wants goes first: trials that were stopped end, and those that were added train. */
static struct task next_of_person(struct climb *state)
{
    const struct table *table = state->table;
    struct task task = {.kind = TASK_NONE};
    for (int64_t i = 0; i < table->count; i++) {
        const struct trial *trial = &table->entries[i].trial;
        if (trial->stopped && !trial_ended(trial->state))
            return (struct task){.kind = TASK_PRUNE, .number = i};
    }
    for (int64_t i = 0; i < table->count && task.kind == TASK_NONE; i++)
        if (table->entries[i].trial.added)
            (void)climb(state, (int)i, state->plan->epochs, &task);
    return task;
}

struct task plan_next(const struct plan *plan, const struct table *table,
                      bool (*skip)(int64_t number, void *of), void *of)
{
    struct climb climb = {.plan = plan, .table = table, .skip = skip, .of = of};
    struct task task = next_of_person(&climb);
    const bool waits = climb.waits, frozen = climb.frozen;
    climb.waits = climb.frozen = false;
    for (int round = 0;
         round < plan->rounds && task.kind == TASK_NONE && !climb.waits && !climb.frozen; round++)
        task = next_of_round(&climb, round);
    if (task.kind == TASK_NONE && (waits || climb.waits))
        task.kind = TASK_WAIT;
    else if (task.kind == TASK_NONE && (frozen || climb.frozen))
        task.kind = TASK_FROZEN;
    return task;
}

/* ---- how much is left ---- */

static int64_t left_of(const struct trial *trial, int64_t epochs)
{
    return trial_ended(trial->state) || trial->epochs >= epochs ? 0 : epochs - trial->epochs;
}

/* Which trials get to a rung is known once all are at the end of the one before; until then it is
 * how many. */
static int64_t left_of_round(const struct plan *plan, const struct table *table, int round)
{
    const struct climb climb = {.plan = plan, .table = table};
    int64_t rungs[RUNGS], left = 0, before = 0;
    const int64_t first = plan->first[round];
    size_t count = (size_t)(plan->first[round + 1] - first);
    const int rung_count = make_rungs(plan, (int64_t)count, rungs);
    bool known = true;
    struct task unused;
    int *slots = mem_alloc(count * sizeof *slots);
    for (size_t i = 0; i < count; i++)
        slots[i] = (int)(first + (int64_t)i);
    for (int rung = 0; rung < rung_count; before = rungs[rung++]) {
        int64_t here = 0;
        for (size_t i = 0; i < count; i++)
            here += known && slots[i] < table->planned_count
                        ? left_of(&table->entries[table->planned[slots[i]]].trial, rungs[rung])
                        : rungs[rung] - before;
        left += here;
        known = known && here == 0;
        if (known && rung + 1 < rung_count)
            (void)decide(&climb, slots, count, &count, rungs[rung], &unused);
        else
            count = count / REDUCTION > 0 ? count / REDUCTION : 1;
    }
    mem_free(slots);
    return left;
}

int64_t plan_epochs_left(const struct plan *plan, const struct table *table)
{
    int64_t left = 0;
    for (int round = 0; round < plan->rounds; round++)
        left += left_of_round(plan, table, round);
    for (int64_t i = 0; i < table->count; i++)
        if (table->entries[i].trial.added)
            left += left_of(&table->entries[i].trial, plan->epochs);
    return left;
}
