/* The menu of states to return to: what each is, how far away, and what that costs. */
#include "rollback.h"
#include "control.h"
#include "draw.h"
#include "post.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { WIDEST = 84, NAME_WIDTH = 21, STEP_WIDTH = 8, AWAY_WIDTH = 8, FULL_WIDTH = 62 };

static double epochs(const struct snapshot *snapshot, int64_t steps)
{
    return snapshot->steps_per_epoch > 0 ? (double)steps / (double)snapshot->steps_per_epoch : 0;
}

static const struct kept_state *kept_named(const struct history *history, const char *name)
{
    for (size_t i = 0; i < history->state_count; i++)
        if (strcmp(history->states[i].name, name) == 0)
            return &history->states[i];
    return NULL;
}

static void list_undo(const struct snapshot *snapshot, struct rollback_entry *out)
{
    *out = (struct rollback_entry){.key = "u", .name = "before the last edit", .step = -1};
    if (snapshot->undo_step < 0) {
        text_copy(out->what, sizeof(out->what), "no edit to take back");
        return;
    }
    out->step = snapshot->undo_step;
    text_copy(out->command, sizeof(out->command), "undo");
    text_copy(out->what, sizeof(out->what), snapshot->undo_label);
}

static void list_best(const struct history *history, struct rollback_entry *out)
{
    const struct snapshot *snapshot = &history->snapshot;
    const struct kept_state *kept = kept_named(history, "best");
    *out = (struct rollback_entry){.key = "b", .name = "best", .step = -1};
    if (kept == NULL) {
        text_copy(out->what, sizeof(out->what),
                  isfinite(snapshot->best_validation_accuracy) ? "not kept" : "not evaluated yet");
        return;
    }
    char epoch[32];
    draw_epoch(epochs(snapshot, kept->step), epoch, sizeof(epoch));
    out->step = kept->step;
    text_copy(out->command, sizeof(out->command), "rollback best");
    snprintf(out->what, sizeof(out->what), "%.2f%% at epoch %s",
             100 * snapshot->best_validation_accuracy, epoch);
}

/* The newest automatic one: others have names of their own. */
static void list_last(const struct history *history, double now, struct rollback_entry *out)
{
    const struct snapshot *snapshot = &history->snapshot;
    size_t i = 0;
    while (i < history->state_count && strncmp(history->states[i].name, "step-", 5) != 0)
        i++;
    *out = (struct rollback_entry){.key = "l", .name = "last checkpoint", .step = -1};
    if (i == history->state_count) {
        text_copy(out->what, sizeof(out->what), "none yet");
        return;
    }
    out->step = history->states[i].step;
    text_copy(out->command, sizeof(out->command), "rollback last");
    if (out->step == snapshot->checkpoint_step) {
        char age[32];
        draw_age(now - snapshot->checkpoint_clock, age, sizeof(age));
        snprintf(out->what, sizeof(out->what), "%s ago", age);
    }
}

size_t rollback_list(const struct history *history, double now,
                     struct rollback_entry out[ROLLBACK_MOST])
{
    const struct snapshot *snapshot = &history->snapshot;
    list_undo(snapshot, &out[0]);
    list_best(history, &out[1]);
    list_last(history, now, &out[2]);
    size_t count = 3;
    for (size_t i = 0; i < history->state_count && count < ROLLBACK_MOST; i++) {
        const struct kept_state *kept = &history->states[i];
        bool listed = false; /* rollback knows states by their step */
        for (size_t k = 0; k < count; k++)
            listed = listed || out[k].step == kept->step;
        if (listed)
            continue;
        struct rollback_entry *entry = &out[count++];
        *entry = (struct rollback_entry){.key = "", .step = kept->step};
        text_copy(entry->name, sizeof(entry->name), kept->name);
        text_copy(entry->what, sizeof(entry->what), kept->label);
        snprintf(entry->command, sizeof(entry->command), "rollback %" PRId64, kept->step);
    }
    return count;
}

size_t rollback_find(const struct rollback_entry *list, size_t count, const char *command)
{
    size_t first = count;
    for (size_t i = count; i-- > 0;) {
        if (list[i].command[0] == '\0')
            continue;
        if (strcmp(list[i].command, command) == 0)
            return i;
        first = i;
    }
    return first;
}

void rollback_cost(const struct snapshot *snapshot, int64_t step, bool brief, char *out,
                   size_t size)
{
    int64_t back = snapshot->step - step, away = back < 0 ? -back : back;
    const char *s = away == 1 ? "" : "s";
    char to[64] = "";
    if (!brief)
        snprintf(to, sizeof(to), " (%.2f epochs) to step %" PRId64, epochs(snapshot, away), step);
    if (back > 0)
        snprintf(out, size, "Goes back %" PRId64 " step%s%s; what follows stays %sas a ghost.",
                 away, s, to, brief ? "" : "on the charts ");
    else if (back < 0)
        snprintf(out, size,
                 "Goes %" PRId64 " step%s ahead%s, where the ghost is; this becomes one.", away, s,
                 to);
    else
        snprintf(out, size, "Stays at this step, with the state that was kept then.");
}

/* ---- the menu ---- */

static void draw_entry(struct grid *grid, struct rect row, const struct snapshot *snapshot,
                       const struct rollback_entry *entry, bool chosen)
{
    bool can = entry->command[0] != '\0', full = row.width >= FULL_WIDTH;
    enum style style = !can ? STYLE_DIM : chosen ? STYLE_BOLD : STYLE_PLAIN;
    int x = row.x, end = row.x + row.width;
    grid_text(grid, x, row.y, 1, STYLE_EDIT, chosen ? grid->ascii ? ">" : "►" : " ");
    grid_text(grid, x + 2, row.y, 1, can ? STYLE_KEY : STYLE_DIM, entry->key);
    x += 5;
    int numbers = STEP_WIDTH + 2 + (full ? AWAY_WIDTH + 2 : 0);
    int name = full ? NAME_WIDTH : end - x - numbers;
    grid_text(grid, x, row.y, name, style, entry->name);
    x += name;
    if (!can) {
        grid_text(grid, x + 2, row.y, end - x - 2, STYLE_DIM, entry->what);
        return;
    }
    grid_print(grid, x + 2, row.y, STEP_WIDTH, style, "%*" PRId64, STEP_WIDTH, entry->step);
    x += 2 + STEP_WIDTH;
    if (!full)
        return;
    grid_print(grid, x + 2, row.y, AWAY_WIDTH, STYLE_DIM, "%+*" PRId64, AWAY_WIDTH,
               entry->step - snapshot->step);
    x += 2 + AWAY_WIDTH;
    grid_text(grid, x + 2, row.y, end - x - 2, style, draw_brief_label(entry->what));
}

/* What the chosen one does, in the lines below the list. */
static void tell(const struct snapshot *snapshot, const struct rollback_entry *entry, bool full,
                 char *out, size_t size)
{
    char cost[256];
    rollback_cost(snapshot, entry->step, !full, cost, sizeof(cost));
    bool undo = strcmp(entry->command, "undo") == 0;
    snprintf(out, size, "%s%s%s %s takes it back.", full ? "" : entry->what,
             full || entry->what[0] == '\0' ? "" : ". ", cost, undo ? "Ctrl-R" : "u");
}

void rollback_draw(struct grid *grid, const struct state *state, const struct history *history)
{
    struct rollback_entry list[ROLLBACK_MOST];
    size_t count = rollback_list(history, state->now, list);
    size_t chosen = rollback_find(list, count, state->rollback);
    int width = grid->width - 2 < WIDEST ? grid->width - 2 : WIDEST, inner = width - 4;
    bool full = inner >= FULL_WIDTH;
    char told[512] =
        "Nothing is kept yet. There is a state to return to after the first edit, "
        "evaluation or checkpoint.";
    if (chosen < count)
        tell(&history->snapshot, &list[chosen], full, told, sizeof(told));
    int lines = draw_wrapped_lines(told, inner);
    bool spaced = grid->height >= 20;
    int around = 3 + lines + (spaced ? 3 : 0); /* frame, keys, text, head and empty rows */
    int rows = grid->height - around < (int)count ? grid->height - around : (int)count;
    if (inner < 30 || rows < 2) {
        struct rect row = {0, 0, grid->width, 1};
        draw_fill(grid, row, STYLE_PLAIN);
        draw_fitting(grid, row, STYLE_WARN,
                     (const char *const[]){"u undo  b best  l last  s a step  Esc back",
                                           "u undo b best l last Esc"},
                     2);
        return;
    }
    int height = rows + around;
    struct rect box = {(grid->width - width) / 2, (grid->height - height) / 2, width, height};
    draw_frame(grid, box, STYLE_TITLE, "roll back to");
    struct rect row = {box.x + 2, box.y + 1 + (spaced ? 1 : 0), inner, 1};
    if (spaced && full)
        grid_print(grid, box.x + 2, box.y + 1, inner, STYLE_DIM, "%*s  %*s  %*s", 5 + NAME_WIDTH,
                   "", STEP_WIDTH, "step", AWAY_WIDTH, "away");
    int first = chosen < count && (int)chosen >= rows ? (int)chosen + 1 - rows : 0;
    for (int i = first; i < first + rows; i++, row.y++)
        draw_entry(grid, row, &history->snapshot, &list[i], (size_t)i == chosen);
    row.y += spaced ? 1 : 0;
    draw_wrapped(grid, (struct rect){row.x, row.y, inner, lines}, STYLE_PLAIN, told);
    static const char *const keys[] = {
        "Enter returns there   up down choose   s types a step   Esc back",
        "Enter returns  s types a step  Esc back", "Enter returns  s step  Esc back", "Esc back"};
    bool any = chosen < count;
    draw_fitting(grid, (struct rect){row.x, box.y + height - 2, inner, 1}, STYLE_DIM,
                 any ? keys : &keys[3], any ? 4 : 1);
}

void rollback_open(struct control *control)
{
    if (run_state_ended(control->history->snapshot.state)) {
        news_say(control->state, STYLE_WARN,
                 "the run has ended: kdtui resume goes on from any checkpoint");
        return;
    }
    control->state->rollback[0] = '\0'; /* the first that can be chosen */
    control->state->mode = MODE_ROLLBACK;
}

void rollback_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    struct rollback_entry list[ROLLBACK_MOST];
    size_t count = rollback_list(control->history, state->now, list);
    size_t chosen = rollback_find(list, count, state->rollback);
    bool up = strcmp(key, "up") == 0 || strcmp(key, "k") == 0;
    bool down = strcmp(key, "down") == 0 || strcmp(key, "j") == 0;
    if (up || down) {
        for (size_t i = chosen; i < count;) {
            i = up ? i - 1 : i + 1; /* before the first comes `count` or more */
            if (i >= count || list[i].command[0] == '\0')
                continue;
            text_copy(state->rollback, sizeof(state->rollback), list[i].command);
            return;
        }
        return;
    }
    if (strcmp(key, "s") == 0) {
        prompt_open(control, "rollback ");
        return;
    }
    if (strcmp(key, "esc") == 0 || strcmp(key, "ctrl-c") == 0 || strcmp(key, "q") == 0 ||
        strcmp(key, "r") == 0) {
        state->mode = MODE_MAIN;
        return;
    }
    size_t taken = strcmp(key, "enter") == 0 ? chosen : count;
    for (size_t i = 0; i < count; i++)
        if (list[i].key[0] != '\0' && strcmp(list[i].key, key) == 0)
            taken = i;
    if (taken == count) {
        news_no_choice(state, key);
        return;
    }
    if (list[taken].command[0] == '\0') {
        news_say(state, STYLE_PLAIN, "%s: %s", list[taken].name, list[taken].what);
        return;
    }
    state->mode = MODE_MAIN;
    post_line(control, list[taken].command, SOURCE_KEY);
}
