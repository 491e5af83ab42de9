/*
 * From images to rows for the net, and whole splits through the net. Works on
 * what it is given; owns nothing.
 */
#include "internal.h"

#include <math.h>
#include <string.h>

static void gather_fill(const void *of, int first, int rows, int begin, int inputs, float *x,
                        int stride)
{
    const struct gather *gather = of;
    const struct data_part part = {.begin = begin, .inputs = inputs, .stride = stride};
    struct data_choice choice = gather->choice;
    if (choice.index)
        choice.index += first;
    if (choice.made)
        choice.made += (size_t)first * (size_t)data_info(gather->dataset)->inputs;
    choice.first += (uint64_t)first;
    choice.count = rows;
    data_gather(gather->dataset, &choice, gather->transform,
                gather->noise.sigma > 0 ? &gather->noise : NULL, &part, x);
}

static void gather_expect(const void *of, int begin, int inputs, int share, int shares)
{
    const struct gather *gather = of;
    struct data_choice choice = gather->next;
    const int first = (int)((int64_t)choice.count * share / shares);
    if (!choice.count)
        return;
    choice.index += first;
    choice.count = (int)((int64_t)choice.count * (share + 1) / shares) - first;
    data_expect(gather->dataset, &choice, begin, inputs);
}

struct net_source gather_source(const struct gather *gather)
{
    return (struct net_source){.fill = gather_fill,
                               .expect = gather_expect,
                               .of = gather,
                               .costly = gather->noise.sigma > 0};
}

/* Puts it where its probability belongs: images come in their order, so that it
 * goes behind its equals. */
static void note_wrong(struct confusion *confusion, const struct wrong_guess *guess)
{
    struct wrong_guess *wrong = confusion->wrong;
    int i = confusion->wrong_count;
    if (i < FEED_WRONG_GUESSES)
        confusion->wrong_count++;
    else if (!(guess->probability > wrong[--i].probability))
        return;
    for (; i > 0 && guess->probability > wrong[i - 1].probability; i--)
        wrong[i] = wrong[i - 1];
    wrong[i] = *guess;
}

/* The guesses of images `first` … */
static void note_guesses(struct confusion *confusion, uint64_t first, const uint8_t *labels,
                         const struct net_guess *guesses, int rows)
{
    for (int r = 0; r < rows; r++) {
        const struct wrong_guess guess = {(uint32_t)first + (uint32_t)r, labels[r],
                                          guesses[r].class, (float)guesses[r].probability};
        confusion->count[guess.truth * confusion->classes + guess.guess]++;
        /* A net that holds a NaN is sure of nothing. */
        if (guess.truth != guess.guess && !isnan(guess.probability))
            note_wrong(confusion, &guess);
    }
}

int evaluate_split(struct net *net, const struct dataset *dataset, enum data_split split,
                   const struct data_transform *transform, const struct evaluate_watch *watch,
                   struct confusion *confusion, struct evaluation_result *out)
{
    uint64_t count = data_info(dataset)->count[split], correct = 0;
    uint8_t labels[NET_EVALUATE_ROWS];
    struct net_guess guesses[NET_EVALUATE_ROWS];
    double loss = 0;
    struct gather gather = {.dataset = dataset, .transform = transform, .choice = {.split = split}};
    const struct net_source source = gather_source(&gather);
    if (confusion) {
        const size_t classes = (size_t)data_info(dataset)->classes;
        confusion->classes = (int)classes;
        confusion->wrong_count = 0;
        memset(confusion->count, 0, classes * classes * sizeof *confusion->count);
    }
    for (uint64_t first = 0; first < count; first += NET_EVALUATE_ROWS) {
        uint64_t left = count - first;
        gather.choice.first = first;
        gather.choice.count = left < NET_EVALUATE_ROWS ? (int)left : NET_EVALUATE_ROWS;
        data_labels(dataset, &gather.choice, labels);
        net_evaluate(net, &source, labels, gather.choice.count, &loss, &correct, guesses);
        if (confusion)
            note_guesses(confusion, first, labels, guesses, gather.choice.count);
        if (watch && watch->stop(watch->of, first + (uint64_t)gather.choice.count))
            return 1;
    }
    out->count = count;
    out->loss = loss / (double)count;
    out->accuracy = (double)correct / (double)count;
    return 0;
}

int run_evaluate(struct net *net, const struct dataset *dataset, enum data_split split,
                 const struct data_transform *transform, struct confusion *confusion,
                 struct evaluation_result *out, struct err *err)
{
    const struct data_info *info = data_info(dataset);
    if (!info->count[split])
        return err_set(err, ERR_USAGE, "%s: there is no image to evaluate", info->name);
    evaluate_split(net, dataset, split, transform, NULL, confusion, out);
    return 0;
}
