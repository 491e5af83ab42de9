/*
 * The mini-batches of a training: which images a step takes, their labels and,
 * where they are augmented, the images that are made for it. One thread takes
 * them, its team makes them.
 */
#include "internal.h"

/* Images that one thread makes at a time. */
enum { MADE_ROWS = 8 };

int batches_init(struct batches *batches, const struct dataset *dataset, int batch,
                 struct team *team, struct err *err)
{
    const struct data_info *info = data_info(dataset);
    *batches = (struct batches){
        .dataset = dataset,
        .team = team,
        .steps_per_epoch = (int64_t)info->count[DATA_TRAIN] / batch,
        .batch = batch,
        .permuted = -1,
        .labels = mem_alloc((size_t)batch),
        .sums = mem_alloc((size_t)batch * sizeof *batches->sums),
    };
    batches->made = mem_array((size_t)batch, (size_t)info->inputs, err);
    batches->permutation =
        mem_array((size_t)info->count[DATA_TRAIN], sizeof *batches->permutation, err);
    return batches->made && batches->permutation ? 0 : -1;
}

void batches_fini(struct batches *batches)
{
    mem_free(batches->permutation);
    mem_free(batches->labels);
    mem_free(batches->made);
    mem_free(batches->sums);
}

static bool makes_images(const struct settings *settings)
{
    return settings->augment.flip || settings->augment.shift > 0 ||
           settings->augment.brightness > 0 || settings->augment.contrast > 0;
}

bool augments(const struct settings *settings)
{
    return settings->augment.noise || makes_images(settings);
}

/* A mini-batch that is made. */
struct making {
    const struct batches *batches;
    const uint32_t *index;
    const struct data_augment *augment;
    bool noise;
};

static void make_piece(void *arg, int i)
{
    const struct making *making = arg;
    const struct batches *batches = making->batches;
    const int first = i * MADE_ROWS, left = batches->batch - first;
    const size_t inputs = (size_t)data_info(batches->dataset)->inputs;
    data_augment(batches->dataset, making->augment, making->index + first,
                 left < MADE_ROWS ? left : MADE_ROWS, batches->made + (size_t)first * inputs,
                 making->noise ? batches->sums + first : NULL);
}

struct gather batches_take(struct batches *batches, const struct settings *settings, int64_t step)
{
    const uint64_t seed = (uint64_t)settings->train.seed;
    const int64_t epoch = step / batches->steps_per_epoch;
    const int64_t place = step % batches->steps_per_epoch;
    const int batch = batches->batch;
    const bool made = makes_images(settings);
    if (batches->permuted != epoch) {
        data_permute(seed, (uint32_t)epoch,
                     (uint32_t)data_info(batches->dataset)->count[DATA_TRAIN],
                     batches->permutation);
        batches->permuted = epoch;
    }
    struct gather gather = {
        .dataset = batches->dataset,
        .choice = {.split = DATA_TRAIN,
                   .index = batches->permutation + place * batch,
                   .count = batch},
        .noise = {.seed = seed, .epoch = (uint32_t)epoch},
    };
    if (place + 1 < batches->steps_per_epoch) {
        gather.next = gather.choice;
        gather.next.index += batch;
    }
    if (made) {
        const struct data_augment augment = {
            .seed = seed,
            .epoch = (uint32_t)epoch,
            .flip = settings->augment.flip,
            .shift = (int)settings->augment.shift,
            .brightness = settings->augment.brightness,
            .contrast = settings->augment.contrast,
        };
        struct making making = {batches, gather.choice.index, &augment, settings->augment.noise};
        team_run(batches->team, (batch + MADE_ROWS - 1) / MADE_ROWS, make_piece, &making);
        gather.choice.made = batches->made;
    }
    if (settings->augment.noise)
        gather.noise.sigma =
            settings->augment.noise_level * data_batch_std(batches->dataset, gather.choice.index,
                                                           batch, made ? batches->sums : NULL);
    data_labels(batches->dataset, &gather.choice, batches->labels);
    return gather;
}
