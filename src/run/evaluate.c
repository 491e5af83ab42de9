/*
 * From images to rows for the net, and whole splits through the net. Works on
 * what it is given; owns nothing.
 */
#include "internal.h"

enum { GATHER_ROWS = 16 };

/* Pieces depend on the rows alone, so the team's size changes nothing. */
static void gather_piece(void *of, int piece)
{
    const struct gather *gather = of;
    int begin = piece * GATHER_ROWS;
    int count = gather->rows - begin < GATHER_ROWS ? gather->rows - begin : GATHER_ROWS;
    const uint32_t *index = gather->index ? gather->index + begin : NULL;
    float *x = gather->x + (size_t)begin * (size_t)data_info(gather->dataset)->inputs;
    data_gather(gather->dataset, gather->split, index, gather->first + (uint64_t)begin, count,
                gather->transform, x, gather->labels + begin);
    if (gather->sigma > 0)
        data_add_noise(gather->dataset, gather->seed, gather->epoch, index, count, gather->sigma,
                       x);
}

void gather_rows(struct gather *gather, struct team *team)
{
    int pieces = (gather->rows + GATHER_ROWS - 1) / GATHER_ROWS;
    if (team)
        team_run(team, pieces, gather_piece, gather);
    else
        for (int i = 0; i < pieces; i++)
            gather_piece(gather, i);
}

int evaluate_split(struct net *net, struct gather *gather, struct team *team,
                   const struct evaluate_watch *watch, uint64_t *confusion,
                   struct evaluation_result *out)
{
    uint64_t count = data_info(gather->dataset)->count[gather->split], correct = 0;
    double loss = 0;
    gather->index = NULL;
    gather->sigma = 0;
    for (uint64_t first = 0; first < count; first += NET_EVALUATE_ROWS) {
        uint64_t left = count - first;
        gather->first = first;
        gather->rows = left < NET_EVALUATE_ROWS ? (int)left : NET_EVALUATE_ROWS;
        gather_rows(gather, team);
        net_evaluate(net, gather->x, gather->labels, gather->rows, &loss, &correct, confusion);
        if (watch && watch->stop(watch->of, first + (uint64_t)gather->rows))
            return 1;
    }
    out->count = count;
    out->loss = loss / (double)count;
    out->accuracy = (double)correct / (double)count;
    return 0;
}

int run_evaluate(struct net *net, const struct dataset *dataset, enum data_split split,
                 const struct data_transform *transform, uint64_t *confusion,
                 struct evaluation_result *out, struct err *err)
{
    const struct data_info *info = data_info(dataset);
    if (!info->count[split])
        return err_set(err, ERR_USAGE, "%s: there is no image to evaluate", info->name);
    struct gather gather = {.dataset = dataset, .transform = transform, .split = split};
    gather.x = mem_array((size_t)NET_EVALUATE_ROWS * (size_t)info->inputs, sizeof *gather.x, err);
    if (!gather.x)
        return -1;
    gather.labels = mem_alloc(NET_EVALUATE_ROWS);
    evaluate_split(net, &gather, NULL, NULL, confusion, out);
    mem_free(gather.x);
    mem_free(gather.labels);
    return 0;
}
