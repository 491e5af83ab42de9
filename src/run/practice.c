/* Training without a run; see run.h. */
#include "internal.h"

#include <math.h>

struct practice {
    struct settings settings;
    const struct dataset *dataset;
    struct team *team;
    struct net *net;
    uint32_t *permutation; /* of the epoch that `step` is in */
    uint8_t *labels;
    int64_t step, steps_per_epoch;
    double loss_limit;
};

int practice_create(const struct settings *settings, const struct dataset *dataset,
                    struct practice **out, struct err *err)
{
    const struct data_info *info = data_info(dataset);
    const int batch = (int)settings->train.batch_size;
    struct net_shape shape;
    if (training_shape(settings, info, &shape, err) != 0)
        return -1;
    struct practice *practice = mem_alloc(sizeof *practice);
    practice->settings = *settings;
    practice->dataset = dataset;
    practice->steps_per_epoch = (int64_t)info->count[DATA_TRAIN] / batch;
    practice->loss_limit = 20 * log(info->classes);
    practice->labels = mem_alloc((size_t)batch);
    math_thread_init();
    if (team_create((int)settings->train.threads, &practice->team, err) != 0 ||
        net_create(&shape, batch, practice->team, &practice->net, err) != 0 ||
        !(practice->permutation =
              mem_array((size_t)info->count[DATA_TRAIN], sizeof *practice->permutation, err))) {
        practice_destroy(practice);
        return -1;
    }
    draw_weights(settings, practice->net);
    *out = practice;
    return 0;
}

void practice_destroy(struct practice *practice)
{
    if (!practice)
        return;
    net_destroy(practice->net);
    team_destroy(practice->team);
    mem_free(practice->permutation);
    mem_free(practice->labels);
    mem_free(practice);
}

struct team *practice_team(const struct practice *practice)
{
    return practice->team;
}

struct net *practice_net(const struct practice *practice)
{
    return practice->net;
}

bool practice_step(struct practice *practice)
{
    const struct settings *settings = &practice->settings;
    if (practice->step % practice->steps_per_epoch == 0)
        data_permute(
            (uint64_t)settings->train.seed, (uint32_t)(practice->step / practice->steps_per_epoch),
            (uint32_t)data_info(practice->dataset)->count[DATA_TRAIN], practice->permutation);
    const struct gather gather =
        gather_batch(practice->dataset, settings, practice->permutation, practice->step);
    const struct net_source source = gather_source(&gather);
    const struct net_update update =
        update_terms(settings, settings->train.learning_rate, practice->step);
    data_labels(practice->dataset, &gather.choice, practice->labels);
    practice->step++;
    return net_train_step(practice->net, &source, practice->labels, gather.choice.count, &update,
                          practice->loss_limit)
        .updated;
}
