/* Comparison with an earlier run, at the same epoch; see earlier.h. */
#include "earlier.h"

#include "draw.h"

#include <math.h>
#include <stdio.h>

enum { NAME_COLUMNS = 24 };

/* Its validation accuracy at a step, between two evaluations on the straight line. NaN before its
 * first; *ended: it is over by then, and its best counts. */
static double accuracy_at(const struct earlier_run *earlier, int64_t step, bool *ended)
{
    const struct evaluation *rows = earlier->evaluations;
    size_t i = 0;
    while (i < earlier->evaluation_count && rows[i].step < step)
        i++;
    *ended = i == earlier->evaluation_count;
    if (*ended)
        return earlier->best_validation_accuracy;
    if (rows[i].step == step)
        return rows[i].validation_accuracy;
    if (i == 0)
        return NAN;
    const double part =
        (double)(step - rows[i - 1].step) / (double)(rows[i].step - rows[i - 1].step);
    return rows[i - 1].validation_accuracy +
           part * (rows[i].validation_accuracy - rows[i - 1].validation_accuracy);
}

static void print_name(const struct earlier_run *earlier, char *out, size_t size)
{
    text_copy(out, size, earlier->name);
    if (grid_text_columns(out) > NAME_COLUMNS)
        snprintf(out + NAME_COLUMNS - 1, size - NAME_COLUMNS, "…");
}

bool earlier_print(const struct history *history, enum earlier_form form, char *out, size_t size)
{
    const struct earlier_run *earlier = &history->earlier;
    const struct evaluation *last = history_last_evaluation(history);
    char name[128], epoch[32];
    bool ended;
    if (earlier->evaluation_count == 0 || last == NULL)
        return false;
    const double theirs = accuracy_at(earlier, last->step, &ended);
    const double points = 100 * (last->validation_accuracy - theirs);
    if (!isfinite(points))
        return false;
    const bool level = fabs(points) < 0.005;
    const char *way = ended ? points > 0 ? "above" : "below" : points > 0 ? "ahead" : "behind";
    print_name(earlier, name, sizeof(name));
    draw_epoch(snapshot_epochs(&history->snapshot, last->step), epoch, sizeof(epoch));
    if (form == EARLIER_WHOLE && level)
        snprintf(out, size, "level with %s%s at epoch %s", ended ? "the best of " : "", name,
                 epoch);
    else if (form == EARLIER_WHOLE && ended)
        snprintf(out, size, "%s the best of %s by %.2f points", way, name, fabs(points));
    else if (form == EARLIER_WHOLE)
        snprintf(out, size, "%s by %.2f points at epoch %s of %s", way, fabs(points), epoch, name);
    else if (level)
        snprintf(out, size, "level with %s", form == EARLIER_BRIEF ? name : "the earlier");
    else if (form <= EARLIER_UNNAMED)
        snprintf(out, size, "%.2f points %s %s%s", fabs(points), way,
                 !ended && points > 0 ? "of " : "", form == EARLIER_BRIEF ? name : "the earlier");
    else
        snprintf(out, size, "%.2f points %s", fabs(points), way);
    return true;
}

void earlier_name(const struct history *history, char *out, size_t size)
{
    const struct earlier_run *earlier = &history->earlier;
    char name[128];
    out[0] = '\0';
    if (earlier->evaluation_count == 0)
        return;
    print_name(earlier, name, sizeof(name));
    snprintf(out, size, "best earlier: %s %.1f%%", name, 100 * earlier->best_validation_accuracy);
}
