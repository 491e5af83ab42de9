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

void plan_propose(const struct plan *plan, const struct table *table, int64_t number,
                  struct proposal *out)
{
    const int round = round_of(plan, number);
    const bool grid = plan->method == METHOD_GRID;
    struct spaces *spaces = mem_alloc(sizeof *spaces);
    *spaces = plan->spaces;
    int best = round > 0 ? table_best(table, plan->first[round]) : -1;
    for (int i = 0; i < spaces->count && best >= 0; i++)
        dimension_narrow(&spaces->dimension[i], &table->entries[best].trial, round, grid);
    *out = (struct proposal){0};
    uint64_t index[DIMENSIONS], at = (uint64_t)(number - plan->first[round]);
    for (int i = spaces->count - 1; i >= 0; i--) {
        /* A grid's last dimension varies fastest; where a round has no best to go by it starts
         * the grid again. */
        uint64_t points = dimension_points(&spaces->dimension[i]);
        index[i] = points ? at % points : 0;
        at = points ? at / points : at;
    }
    for (int i = 0; i < spaces->count; i++) {
        const struct dimension *dimension = &spaces->dimension[i];
        const bool range =
            dimension->space.kind == SPACE_LOG || dimension->space.kind == SPACE_UNIFORM;
        const struct rng_words words =
            rng_draw(plan->seed, RNG_SEARCH, (uint32_t)round, (uint32_t)number, (uint32_t)i);
        const uint64_t drawn = (uint64_t)words.word[0] << 32 | words.word[1];
        const double share = ((double)(drawn >> 11) + 0.5) * 0x1p-53;
        if (!grid)
            index[i] = range ? UINT64_MAX : drawn % dimension_points(dimension);
        dimension_propose(dimension, index[i], share, out);
    }
    mem_free(spaces);
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
    bool waits; /* somebody is at a trial of the present rung */
};

/* Something to do so that all these trials get to `epochs`; false: they are there, or (waits)
 * others see to it. */
static bool climb_rung(struct climb *climb, const int *numbers, size_t count, int64_t epochs,
                       struct task *out)
{
    const struct table *table = climb->table;
    climb->waits = false;
    for (size_t i = 0; i < count; i++) {
        const bool exists = numbers[i] < table->count;
        const struct trial *trial = exists ? &table->entries[numbers[i]].trial : NULL;
        if (trial && (trial_ended(trial->state) ||
                      (trial->epochs >= epochs && epochs < climb->plan->epochs)))
            continue;
        climb->waits = true;
        if (trial && climb->skip(numbers[i], climb->of))
            continue;
        *out = (struct task){
            .kind = trial ? TASK_GO_ON : TASK_CREATE, .number = numbers[i], .epochs = epochs};
        return true;
    }
    return false;
}

/* Those that go on, first in `numbers`, and the first of the others that has not ended yet. */
static bool decide(const struct climb *climb, int *numbers, size_t count, size_t *kept,
                   int64_t epochs, struct task *out)
{
    size_t ranked = 0;
    int *order = mem_alloc(count * sizeof *order);
    *kept = count / REDUCTION > 0 ? count / REDUCTION : 1;
    /* What failed below this rung has no place on the next; what fails later had one. */
    for (size_t i = 0; i < count; i++) {
        const struct trial *trial = &climb->table->entries[numbers[i]].trial;
        if (trial->state != TRIAL_FAILED || trial->epochs >= epochs)
            order[ranked++] = numbers[i];
    }
    table_rank(climb->table, order, ranked, epochs);
    *kept = *kept < ranked ? *kept : ranked;
    memcpy(numbers, order, ranked * sizeof *numbers);
    mem_free(order);
    for (size_t i = *kept; i < ranked; i++)
        if (!trial_ended(climb->table->entries[numbers[i]].trial.state)) {
            *out = (struct task){.kind = TASK_PRUNE, .number = numbers[i], .epochs = epochs};
            return true;
        }
    return false;
}

/* TASK_NONE: the round has ended. */
static struct task next_of_round(struct climb *climb, int round)
{
    int64_t rungs[RUNGS];
    const int64_t first = climb->plan->first[round];
    size_t count = (size_t)(climb->plan->first[round + 1] - first);
    const int rung_count = make_rungs(climb->plan, (int64_t)count, rungs);
    struct task task = {.kind = TASK_NONE};
    int *numbers = mem_alloc(count * sizeof *numbers);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int)(first + (int64_t)i);
    for (int rung = 0; rung < rung_count; rung++) {
        if (climb_rung(climb, numbers, count, rungs[rung], &task))
            break;
        if (climb->waits) {
            task.kind = TASK_WAIT;
            break;
        }
        if (rung + 1 < rung_count && decide(climb, numbers, count, &count, rungs[rung], &task))
            break;
    }
    mem_free(numbers);
    return task;
}

struct task plan_next(const struct plan *plan, const struct table *table,
                      bool (*skip)(int64_t number, void *of), void *of)
{
    struct climb climb = {.plan = plan, .table = table, .skip = skip, .of = of};
    struct task task = {.kind = TASK_NONE};
    for (int round = 0; round < plan->rounds && task.kind == TASK_NONE; round++)
        task = next_of_round(&climb, round);
    return task;
}
