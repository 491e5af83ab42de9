/* Training without a run; see run.h. */
#include "internal.h"

#include <math.h>

struct practice {
    struct settings settings;
    struct team *team;
    struct net *net;
    struct batches batches;
    int64_t step;
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
    practice->loss_limit = 20 * log(info->classes);
    math_thread_init();
    if (team_create((int)settings->train.threads, &practice->team, err) != 0 ||
        net_create(&shape, batch, practice->team, &practice->net, err) != 0 ||
        batches_init(&practice->batches, dataset, batch, practice->team, err) != 0) {
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
    batches_fini(&practice->batches);
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
    const struct gather gather = batches_take(&practice->batches, settings, practice->step);
    const struct net_source source = gather_source(&gather);
    const struct net_update update =
        update_terms(settings, settings->train.learning_rate, practice->step,
                     pow(settings->train.momentum, (double)practice->step));
    practice->step++;
    return net_train_step(practice->net, &source, practice->batches.labels, gather.choice.count,
                          &update, practice->loss_limit)
        .updated;
}
