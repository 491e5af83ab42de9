/*
 * Jumps: undo, redo and rollback. Each finds the state that it leads to, in
 * memory or on disk, keeps the present one, writes the journal's line, and only
 * then acts. The state where it landed is saved at once, and the answer waits
 * for that: then the way back and the way on are both on disk.
 *
 * A jump brings back the net, the position, the settings that can change, and
 * what accumulates over steps. It does not bring back time, the best state, nor
 * the files: they only grow.
 */
#include "internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct target {
    struct image image; /* its copy held */
    struct jump jump;
};

/* ---- finding ---- */

static int load(struct run *run, const struct state *state, struct image *out, struct err *err)
{
    struct text path = {0};
    text_print(&path, "%s/checkpoints/%s.safetensors", run->directory, state->name);
    int result = image_load(out, &run->copies, path.bytes, err);
    if (result == 0 && (out->about.step != state->step || out->about.journal_seq != state->seq)) {
        run_drop_image(run, out);
        result = err_set(err, ERR_FILE, "%s: it holds another state, of step %" PRId64, path.bytes,
                         out->about.step);
    }
    text_fini(&path);
    return result;
}

/* The newest of the list that fits; 1: there is none. */
static int find_listed(struct run *run,
                       bool (*find)(struct run *run, const void *of, struct state *out),
                       const void *of, struct target *out, struct err *err)
{
    struct state state;
    struct err unsaved;
    /* What is about to be written or removed counts as if it were: whether a state is
     * found must not depend on how fast the disk is. */
    (void)writer_drain(&run->writer, &unsaved);
    if (!find(run, of, &state))
        return 1;
    out->image = state.image;
    if (!state.image.copy && load(run, &state, &out->image, err) != 0)
        return -1;
    text_copy(out->jump.state, sizeof out->jump.state, state.name);
    return 0;
}

static bool by_name(struct run *run, const void *of, struct state *out)
{
    return states_find_name(&run->states, of, out);
}

static bool by_step(struct run *run, const void *of, struct state *out)
{
    return states_find_step(&run->states, *(const int64_t *)of, out);
}

static bool by_jump(struct run *run, const void *of, struct state *out)
{
    const struct jump *jump = of;
    return states_find_exact(&run->states, jump->seq, jump->step, out);
}

static bool is_last(struct run *run, const void *of, struct state *out)
{
    (void)of;
    return states_find_last(&run->states, out);
}

/* A state that is in memory for a purpose of its own. */
static int take(struct run *run, const struct image *image, const char *name, struct target *out)
{
    copies_hold(&run->copies, image->copy);
    out->image = *image;
    text_copy(out->jump.state, sizeof out->jump.state, name);
    return 0;
}

static bool is_at(const struct image *image, const struct jump *jump)
{
    return image->copy && image->about.step == jump->step && image->about.journal_seq == jump->seq;
}

/* The very state that the line led to when it was written. */
static int find_recorded(struct run *run, const struct jump *jump, struct target *out,
                         struct err *err)
{
    const struct image *pinned = tape_pinned(&run->tape, jump);
    if (pinned)
        return take(run, pinned, jump->state, out);
    if (is_at(&run->best_image, jump))
        return take(run, &run->best_image, jump->state, out);
    if (is_at(&run->good, jump))
        return take(run, &run->good, jump->state, out);
    int result = find_listed(run, by_jump, jump, out, err);
    if (result > 0)
        return err_set(err, ERR_FILE, "the state %s of step %" PRId64 " is not kept any more",
                       jump->state, jump->step);
    return result;
}

static int find_edit(struct run *run, uint64_t seq, struct target *out, struct err *err)
{
    char name[64];
    snprintf(name, sizeof name, "edit-%" PRIu64, seq);
    int result = find_listed(run, by_name, name, out, err);
    if (result > 0)
        return err_set(err, ERR_USAGE, "the state %s is not kept any more: only the last %d are",
                       name, STATES_EDITS);
    return result;
}

static int find_best(struct run *run, struct target *out, struct err *err)
{
    if (run->best_image.copy)
        return take(run, &run->best_image, "best", out);
    return err_set(err, ERR_USAGE, "%s",
                   run->settings.checkpoint.best ? "there is no best state before an evaluation"
                                                 : "checkpoint.best is off");
}

/* "no state of step 450 is kept; there are those of 490, 980" */
static int refuse_step(struct run *run, int64_t step, struct err *err)
{
    struct kept_state kept[64];
    size_t count = states_list(&run->states, 0, kept, sizeof kept / sizeof kept[0]);
    struct text text = {0};
    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again = again || kept[j].step == kept[i].step;
        if (!again)
            text_print(&text, "%s%" PRId64, text.length ? ", " : "", kept[i].step);
    }
    err_set(err, ERR_USAGE, "no state of step %" PRId64 " is kept; %s%s", step,
            count ? "there are those of " : "there is none", text.bytes ? text.bytes : "");
    text_fini(&text);
    return -1;
}

static int find_step(struct run *run, const struct order *order, int64_t step, struct target *out,
                     struct err *err)
{
    /* Only a rule returns to a good state, which may be nowhere else. */
    if (order->why && run->good.copy && run->good.about.step == step)
        return take(run, &run->good, "good", out);
    int result = find_listed(run, by_step, &step, out, err);
    if (result > 0 && run->best_image.copy && run->best_image.about.step == step)
        return find_best(run, out, err);
    return result > 0 ? refuse_step(run, step, err) : result;
}

static int find_rollback(struct run *run, const struct order *order, const char *word,
                         struct target *out, struct err *err)
{
    int64_t step;
    if (strcmp(word, "best") == 0)
        return find_best(run, out, err);
    if (strcmp(word, "last") == 0) {
        int result = find_listed(run, is_last, NULL, out, err);
        return result > 0 ? err_set(err, ERR_USAGE, "there is no checkpoint yet") : result;
    }
    if (number_parse_integer(word, &step) == 0 && step >= 0)
        return find_step(run, order, step, out, err);
    int result = find_listed(run, by_name, word, out, err);
    if (result > 0)
        return err_set(err, ERR_USAGE, "\"rollback best|last|STEP\" is expected");
    return result;
}

static int find_target(struct run *run, const struct order *order, const struct command *command,
                       struct target *out, struct err *err)
{
    struct history_target to;
    int result;
    *out = (struct target){0};
    if (order->jump)
        result = find_recorded(run, order->jump, out, err);
    else if (command->id == COMMAND_ROLLBACK)
        result = find_rollback(run, order, command->word[0], out, err);
    else if (command->id == COMMAND_UNDO && !run_history_undo(&run->history, &to))
        return err_set(err, ERR_USAGE, "there is no edit to take back");
    else if (command->id == COMMAND_REDO && !run_history_redo(&run->history, &to))
        return err_set(err, ERR_USAGE, "there is no undo to take back");
    else
        result = find_edit(run, to.state, out, err);
    out->jump.step = out->image.about.step;
    out->jump.seq = out->image.about.journal_seq;
    return result;
}

/* ---- acting ---- */

static void restore_settings(struct run *run, const struct settings *from)
{
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        char value[SETTINGS_TEXT];
        if (row->change != SETTING_LIVE)
            continue;
        settings_format(from, row, value, sizeof value);
        (void)settings_set(&run->settings, row, value, NULL); /* it was valid */
    }
}

void run_restore(struct run *run, const struct image *image)
{
    const struct checkpoint *about = &image->about;
    image_restore(image, &run->copies, run->net);
    run_net_changed(run);
    run->present = copies_hold(&run->copies, image->copy);
    restore_settings(run, &about->settings);
    run->step = about->step;
    run->rate_scale = about->rate_scale;
    run->rate_anchor = about->rate_anchor;
    run->momentum_product = about->momentum_product;
    run->metrics.row = about->row;
    run->sums = about->sums;
    run->patience = about->patience;
    run->evaluation_due = about->evaluation_due;
    run->losses_from = run->step;
    /* An epoch that was not trained in one go tells nothing about how long one takes. */
    run->epoch_start = NAN;
}

void run_jump_label(char out[64], bool rule, const struct command *command, int64_t from)
{
    if (rule)
        snprintf(out, 64, "diverged at step %" PRId64, from);
    else if (command->id == COMMAND_ROLLBACK)
        snprintf(out, 64, "rollback %.20s, from step %" PRId64, command->word[0], from);
    else
        snprintf(out, 64, "%s, from step %" PRId64, command_info(command->id)->name, from);
}

/* What the person reads. */
static void print_answer(char *out, size_t size, const struct jump *jump, const char *undone)
{
    size_t length = (size_t)snprintf(out, size, "back at step %" PRId64, jump->step);
    if (undone[0])
        snprintf(out + length, size - length, ", before %s", undone);
    else if (strcmp(jump->state, "best") == 0)
        snprintf(out + length, size - length, ", the best");
    utf8_trim(out);
}

/* Whether the present state is kept, so that there is a way back. */
static bool keeps(const struct run *run, const struct order *order, const struct command *command)
{
    if (command->id == COMMAND_ROLLBACK)
        return !order->why;
    return !run_history_landed(&run->history, run->step);
}

static void act(struct run *run, const struct order *order, const struct command *command,
                const struct target *target, const struct image *present)
{
    struct history_target undone = {.label = ""};
    struct edit_mark mark = {.seq = (int64_t)run->seq,
                             .step = target->jump.step,
                             .seconds = run_seconds(run),
                             .source = order->source,
                             .returned = true};
    struct job job = {.target = TARGET_STEP, .answer = order->id};
    struct err err;
    run_jump_label(mark.label, order->why != NULL, command, run->step);
    if (command->id == COMMAND_UNDO)
        (void)run_history_undo(&run->history, &undone);
    print_answer(job.text, sizeof job.text, &target->jump, undone.label);
    if (present)
        run_keep_edit(run, present, mark.label);
    const struct history_line line = {.seq = run->seq,
                                      .step = run->step,
                                      .command = command->id,
                                      .rule = order->why != NULL,
                                      .label = mark.label,
                                      .jump = &target->jump};
    run_history_line(&run->history, &line);
    publication_return(&run->publication, &mark, &target->jump);
    run_warn_metrics(run, metrics_sync(&run->metrics, &err), &err);
    run_restore(run, &target->image);
    run_conditions_reset(run);
    run_offer_good(run);
    run->now.pause_reason[0] = '\0';
    run->now.diverged = false;
    run_publish(run, true);
    if (run_save(run, &job, &err) != 0 && order->id) {
        struct text text = {0};
        text_print(&text, "%s; not saved: %s", job.text, err.text);
        publication_answer(&run->publication, order->id, ANSWER_APPLIED, run->step, text.bytes);
        text_fini(&text);
    }
}

int run_jump(struct run *run, const struct order *order, const struct command *command,
             struct err *err)
{
    struct target target;
    struct image present = {0};
    bool keep = keeps(run, order, command);
    if (find_target(run, order, command, &target, err) != 0)
        return run_refuse(run, order, err);
    if (keep && run_image(run, &present, err) != 0) {
        run_drop_image(run, &target.image);
        err_context(err, "the present state cannot be kept");
        return run_refuse(run, order, err);
    }
    const struct metrics_cut cut = metrics_cut(&run->metrics, run->step - 1, run_rate(run));
    target.jump.metrics_length = cut.metrics_length;
    target.jump.steps_length = cut.steps_length;
    struct journal_entry entry = {.jump = &target.jump};
    int result = run_note(run, order, &entry, err);
    if (result == 0)
        act(run, order, command, &target, keep ? &present : NULL);
    else
        metrics_uncut(&run->metrics, &cut);
    run_drop_image(run, &target.image);
    return result == 0 ? 0 : run_refuse_unwritten(run, order, err);
}
