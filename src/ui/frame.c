/*
 * What is around every screen: the head, warnings, how the run ended, the names
 * of the screens, news and keys. And what is left of a screen in one line.
 */
#include "draw.h"
#include "earlier.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Of a trial of a search, which nobody steers. */
static const struct screen_key look_keys[] = {
    {"Esc", "trials"}, {"t", "take over"}, {"tab", "more"}, {"left right", "cursor"},
    {"z", "zoom"},     {"?", "help"},      {"q", "quit"},   {NULL, NULL}};

static enum style state_style(enum run_state state)
{
    switch (state) {
    case RUN_RUNNING:
    case RUN_FINISHED:
        return STYLE_GOOD;
    case RUN_PAUSED:
    case RUN_INTERRUPTED:
        return STYLE_WARN;
    case RUN_EVALUATING:
    case RUN_RANGE_TEST:
    case RUN_TESTING:
        return STYLE_EDIT;
    case RUN_DIVERGED:
    case RUN_FAILED:
        return STYLE_BAD;
    case RUN_STARTING:
        break;
    }
    return STYLE_BOLD;
}

static enum style style_of(const struct snapshot *snapshot)
{
    return snapshot->diverged ? STYLE_BAD : state_style(snapshot->state);
}

enum style frame_bar_style(enum style style)
{
    switch (style) {
    case STYLE_EDIT:
        return STYLE_BAR_EDIT;
    case STYLE_GOOD:
        return STYLE_BAR_GOOD;
    case STYLE_WARN:
        return STYLE_BAR_WARN;
    case STYLE_BAD:
        return STYLE_BAR_BAD;
    default:
        return STYLE_BAR;
    }
}

/* A few words on why a rule or a limit paused the run, and not a person; "": it did not, or it
 * takes more than a few. */
static const char *pause_word(const struct snapshot *snapshot)
{
    if (snapshot->state != RUN_PAUSED)
        return "";
    if (snapshot->diverged)
        return "diverged";
    return grid_text_columns(snapshot->pause_reason) <= 24 ? snapshot->pause_reason : "";
}

/* "paused", "paused: epoch end", "evaluating 43%" */
static void state_text(const struct snapshot *snapshot, char *out, size_t size)
{
    const char *name = run_state_name(snapshot->state), *why = pause_word(snapshot);
    bool part = snapshot->state == RUN_EVALUATING || snapshot->state == RUN_RANGE_TEST ||
                snapshot->state == RUN_TESTING;
    if (part && isfinite(snapshot->evaluation_progress))
        snprintf(out, size, "%s %.0f%%", name, 100 * snapshot->evaluation_progress);
    else
        snprintf(out, size, "%s%s%.40s", name, why[0] != '\0' ? ": " : "", why);
}

void frame_banner(const struct snapshot *snapshot, bool read_only, char *out, size_t size)
{
    const char *name = run_state_name(snapshot->state);
    char epoch[32];
    int length;
    out[0] = '\0';
    switch (snapshot->state) {
    case RUN_FINISHED:
        if (isfinite(snapshot->test_accuracy))
            length = snprintf(out, size, "%s: test accuracy %.2f%%", name,
                              100 * snapshot->test_accuracy);
        else
            length = snprintf(out, size, "%s", name);
        if (isfinite(snapshot->best_validation_accuracy)) {
            draw_epoch(snapshot_epochs(snapshot, snapshot->best_step), epoch, sizeof(epoch));
            snprintf(out + length, size - (size_t)length, " (best validation %.2f%% at epoch %s)",
                     100 * snapshot->best_validation_accuracy, epoch);
        }
        break;
    case RUN_DIVERGED:
    case RUN_FAILED:
        snprintf(out, size, "%s: %s", name, snapshot->error);
        break;
    case RUN_INTERRUPTED:
        snprintf(out, size, "%s at step %" PRId64 "%s", name, snapshot->step,
                 snapshot->checkpoint_step == snapshot->step ? ": the state is saved" : "");
        break;
    default:
        if (snapshot->diverged)
            snprintf(out, size, "%s%s", snapshot->pause_reason,
                     read_only ? "" : " (Enter: what now)");
        break;
    }
}

/* Who looks, where that is not this process's view alone: "attached, 2 viewers"; "" else. */
static void viewers_text(const struct state *state, const struct snapshot *snapshot, char *out,
                         size_t size)
{
    const char *how = state->read_only ? "read-only" : state->attached ? "attached" : "";
    int length = snprintf(out, size, "%s", how);
    if (snapshot->viewers > 1)
        snprintf(out + length, size - (size_t)length, "%s%d viewers", *how ? ", " : "",
                 snapshot->viewers);
}

static void draw_head(struct grid *grid, const struct state *view, const struct snapshot *snapshot,
                      struct rect row)
{
    enum { ROOM_FOR_VIEWERS = 60 };
    char state[64], left[512], viewers[48] = "";
    state_text(snapshot, state, sizeof(state));
    draw_fill(grid, row, STYLE_BAR);
    int word = grid_text_columns(state);
    if (row.width >= ROOM_FOR_VIEWERS)
        viewers_text(view, snapshot, viewers, sizeof(viewers));
    const int who = grid_text_columns(viewers);
    int room = row.width - word - 5 - (who > 0 ? who + 3 : 0);
    /* Whole parts only: the network goes first, then the dataset. */
    const char *dot = grid->ascii ? "|" : "·";
    for (int parts = 3; parts > 0; parts--) {
        snprintf(left, sizeof(left), "%s%s%s%s%s%s%s%s%s", snapshot->name, parts > 1 ? "  " : "",
                 parts > 1 ? dot : "", parts > 1 ? "  " : "", parts > 1 ? snapshot->dataset : "",
                 parts > 2 ? "  " : "", parts > 2 ? dot : "", parts > 2 ? "  " : "",
                 parts > 2 ? snapshot->network : "");
        if (grid_text_columns(left) <= room)
            break;
    }
    grid_text(grid, row.x + 1, row.y, room, STYLE_BAR, left);
    grid_text(grid, row.x + row.width - word - 5 - who, row.y, who, STYLE_BAR, viewers);
    grid_print(grid, row.x + row.width - word - 4, row.y, word + 4,
               frame_bar_style(style_of(snapshot)), " %s %s ", grid->ascii ? "*" : "●", state);
}

static void draw_banner(struct grid *grid, const struct snapshot *snapshot, bool read_only,
                        struct rect where)
{
    char text[sizeof(snapshot->error) + 128];
    frame_banner(snapshot, read_only, text, sizeof(text));
    enum style style = style_of(snapshot);
    if (where.height >= 3) {
        draw_frame(grid, where, style, "");
        where = (struct rect){where.x + 2, where.y + 1, where.width - 4, where.height - 2};
    }
    if (draw_wrapped_lines(text, where.width) == 1)
        draw_centered(grid, where, style, text);
    else
        draw_wrapped(grid, where, style, text);
}

/* Whether a key does something where the run takes no commands. */
static bool key_only_looks(const struct key_info *key)
{
    struct command command;
    if (command_parse(key->command, &command, NULL) != 0)
        return false;
    return command_info(command.id)->scope == COMMAND_SCOPE_VIEW &&
           command.id != COMMAND_PAUSE_OR_CONTINUE && command.id != COMMAND_ROLLBACK_MENU &&
           command.id != COMMAND_ASK && command.id != COMMAND_MARK;
}

static const struct key_info *key_by_rank(size_t place)
{
    for (int rank = 1; rank < 100; rank++)
        for (size_t i = 0; i < key_count(); i++)
            if (key_row(i)->rank == rank && place-- == 0)
                return key_row(i);
    return NULL;
}

/* Writes "KEYS MEANING" where it fits before `right`; where the next one begins. */
static int put_key(struct grid *grid, int x, int y, int right, const char *keys,
                   const char *meaning)
{
    int columns = grid_text_columns(keys);
    if (x + columns + 1 + grid_text_columns(meaning) > right)
        return x;
    grid_text(grid, x, y, columns, STYLE_KEY, keys);
    x += columns + 1;
    return x + grid_text(grid, x, y, right - x, STYLE_DIM, meaning) + 2;
}

/* The first of a key's names that the screen has no meaning of its own for. */
static const char *free_name(const struct screen_info *screen, const char *names)
{
    for (const struct screen_key *own = screen->keys; own != NULL && own->keys != NULL; own++) {
        const size_t length = strlen(own->keys);
        if (strncmp(names, own->keys, length) == 0 && names[length] == ' ')
            names += length + 1;
    }
    return names;
}

void frame_keys(struct grid *grid, const struct screen_key *keys, struct rect row)
{
    int x = row.x + 1;
    for (; keys != NULL && keys->keys != NULL; keys++)
        x = put_key(grid, x, row.y, row.x + row.width - 1, keys->keys, keys->meaning);
}

/* "space pause  + - rate": the screen's own, then the first name of each key that has these
 * words. */
static void draw_keys(struct grid *grid, const struct state *state, const struct snapshot *snapshot,
                      struct rect row)
{
    const struct screen_info *screen = screen_info(state->screen);
    int x = row.x + 1, right = row.x + row.width - 1;
    const bool no_commands = run_state_ended(snapshot->state) || state->read_only;
    const struct key_info *key, *next;
    for (const struct screen_key *own = screen->keys; own != NULL && own->keys != NULL; own++)
        x = put_key(grid, x, row.y, right, own->keys, own->meaning);
    if (screen->keys_alone)
        return;
    for (size_t place = 0; (key = key_by_rank(place)) != NULL; place++) {
        char names[64] = "";
        size_t used = 0;
        for (next = key;;) {
            const char *name = free_name(screen, next->keys);
            used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s",
                                     used > 0 ? " " : "", (int)strcspn(name, " "), name);
            next = key_by_rank(place + 1);
            if (next == NULL || strcmp(next->brief, key->brief) != 0 || used > 40)
                break;
            place++;
        }
        if (no_commands && !key_only_looks(key))
            continue;
        const char *brief = key->brief;
        if (strcmp(key->command, "pause-or-continue") == 0 && state->paused)
            brief = "continue";
        x = put_key(grid, x, row.y, right, names, brief);
    }
}

static void draw_warning(struct grid *grid, const struct snapshot *snapshot, struct rect where)
{
    char text[sizeof(snapshot->warning) + 16];
    snprintf(text, sizeof(text), "warning: %s", snapshot->warning);
    where.x++;
    where.width -= 2;
    draw_wrapped(grid, where, STYLE_WARN, text);
}

/* At the right end of the news, in the longest form that leaves a gap to what is there. */
static void draw_comparison(struct grid *grid, struct rect row, int used,
                            const struct history *history)
{
    enum { GAP = 3 };
    char text[192];
    for (enum earlier_form form = 0; form < EARLIER_FORMS; form++) {
        if (!earlier_print(history, form, text, sizeof(text)))
            return;
        const int columns = grid_text_columns(text);
        if (used > 0 ? used + GAP + columns > row.width : columns > row.width)
            continue;
        grid_text(grid, row.x + row.width - columns, row.y, columns, STYLE_EARLIER, text);
        return;
    }
}

/* A warning that is longer than its row takes the one above it, too; of what is no more than good
 * to know, the last parts are left out. */
void frame_news(struct grid *grid, const struct state *state, const struct history *history,
                const struct layout *layout)
{
    struct news news;
    news_choose(state, history, &news);
    struct rect where = {layout->news.x + 1, layout->news.y, layout->news.width - 2, 1};
    /* What was changed last gives way, part by part, to the comparison. */
    char briefest[192] = "";
    int room = where.width;
    if (news.parts && earlier_print(history, EARLIER_UNNAMED, briefest, sizeof(briefest)))
        room -= grid_text_columns(briefest) + 3;
    for (char *part = news.text + strlen(news.text); news.parts && part > news.text; part--)
        if (grid_text_columns(news.text) > room && (*part == ';' || *part == '('))
            *part = '\0';
    if (news.style == STYLE_WARN && draw_wrapped_lines(news.text, where.width) > 1 &&
        (layout->strip.height > 1 || layout->body.height > 1)) {
        where.y--;
        where.height++;
        draw_fill(grid, (struct rect){layout->news.x, where.y, layout->news.width, 2}, STYLE_PLAIN);
    }
    draw_wrapped(grid, where, news.style, news.text);
    if (news.parts)
        draw_comparison(grid, where, grid_text_columns(news.text), history);
}

/* "1 charts  2 layers": where there is no room for all names, that of the one shown. */
static void draw_screens(struct grid *grid, enum view_screen shown, struct rect row)
{
    enum { PLACE_COLUMNS = 16 }; /* where a screen says how far it is scrolled */
    int x = row.x + 1, columns = 0;
    for (int i = 0; i < SCREEN_COUNT; i++)
        if (screen_info((enum view_screen)i)->number != NULL || i == (int)shown)
            columns += 4 + grid_text_columns(screen_info((enum view_screen)i)->name);
    const bool names = columns + PLACE_COLUMNS <= row.width;
    for (int i = 0; i < SCREEN_COUNT; i++) {
        const bool here = i == (int)shown;
        const char *name = screen_info((enum view_screen)i)->name;
        const char *number = screen_info((enum view_screen)i)->number;
        if (number == NULL && !here)
            continue;
        x += grid_text(grid, x, row.y, row.width, here ? STYLE_TITLE : STYLE_KEY,
                       number != NULL ? number : "f");
        if (names || here)
            x += grid_print(grid, x, row.y, row.width, here ? STYLE_TITLE : STYLE_DIM, " %s", name);
        x += 2;
    }
}

void frame_draw(struct grid *grid, const struct state *state, const struct history *history,
                const struct layout *layout)
{
    const struct snapshot *snapshot = &history->snapshot;
    draw_head(grid, state, snapshot, layout->head);
    if (layout->warning.height > 0)
        draw_warning(grid, snapshot, layout->warning);
    if (layout->banner.height > 0)
        draw_banner(grid, snapshot, state->read_only, layout->banner);
    if (layout->screens.height > 0)
        draw_screens(grid, state->screen, layout->screens);
    if (history->board.feed != NULL && !screen_info(state->screen)->keys_alone)
        frame_keys(grid, look_keys, layout->keys);
    else
        draw_keys(grid, state, snapshot, layout->keys);
}

/* Writes a part of the status line where it fits whole. */
static int line_part(struct grid *grid, struct rect row, int x, enum style style, const char *text)
{
    int columns = grid_text_columns(text);
    if (x > row.x && x + columns > row.x + row.width)
        return x;
    return x + grid_text(grid, x, row.y, row.x + row.width - x, style, text) + 2;
}

void frame_line(struct grid *grid, const struct snapshot *snapshot, struct rect row)
{
    char text[96];
    state_text(snapshot, text, sizeof(text));
    int x = line_part(grid, row, row.x, style_of(snapshot), text);
    if (snapshot->warning[0] != '\0' && grid->height > 1)
        draw_wrapped(grid, (struct rect){row.x, row.y + 1, row.width, grid->height - 1}, STYLE_WARN,
                     snapshot->warning);
    else if (snapshot->warning[0] != '\0')
        x += grid_text(grid, x, row.y, row.x + row.width - x, STYLE_WARN, snapshot->warning) + 2;
    if (isfinite(snapshot->test_accuracy)) {
        snprintf(text, sizeof(text), "test %.2f%%", 100 * snapshot->test_accuracy);
        x = line_part(grid, row, x, STYLE_GOOD, text);
    }
    snprintf(text, sizeof(text), "epoch %.1f/%" PRId64,
             floor(10 * snapshot_epochs(snapshot, snapshot->step)) / 10, snapshot->epochs);
    x = line_part(grid, row, x, STYLE_PLAIN, text);
    if (snapshot->last.step >= 0) {
        snprintf(text, sizeof(text), "val %.2f%%", 100 * snapshot->last.validation_accuracy);
        x = line_part(grid, row, x, STYLE_VALIDATION, text);
    }
    if (isfinite(snapshot->loss)) {
        snprintf(text, sizeof(text), "loss %.4f", snapshot->loss);
        x = line_part(grid, row, x, STYLE_TRAIN, text);
    }
    snprintf(text, sizeof(text), "rate %.4g", snapshot->learning_rate);
    line_part(grid, row, x, STYLE_PLAIN, text);
}
