/* The view's copy of a search; see board.h. */
#include "board.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* A loss that was infinite is the largest number in the journal. */
#define VALUE_LARGEST 1e300

void board_fini(struct board *board)
{
    mem_free(board->trials);
    mem_free(board->order);
    mem_free(board->curves);
    *board = (struct board){0};
}

const double *board_curve(const struct board *board, int number)
{
    return board->curves + (size_t)number * (size_t)board->now.epochs;
}

static void make_room(struct board *board, size_t count)
{
    if (count <= board->room)
        return;
    board->room = count < 32 ? 64 : 2 * count;
    board->trials = mem_resize(board->trials, board->room * sizeof *board->trials);
    board->order = mem_resize(board->order, board->room * sizeof *board->order);
    board->curves =
        mem_resize(board->curves, board->room * (size_t)board->now.epochs * sizeof *board->curves);
}

static void read_curve(struct board *board, size_t number)
{
    const size_t epochs = (size_t)board->now.epochs;
    double *curve = board->curves + number * epochs;
    size_t count = board->feed->curve(board->feed, (int)number, curve, epochs);
    for (size_t i = 0; i < epochs; i++) {
        if (i >= count || !(fabs(curve[i]) < VALUE_LARGEST))
            curve[i] = NAN;
        if (isnan(curve[i]))
            continue;
        board->low = isnan(board->low) ? curve[i] : fmin(board->low, curve[i]);
        board->high = isnan(board->high) ? curve[i] : fmax(board->high, curve[i]);
    }
}

static bool is_value(double value)
{
    return fabs(value) < VALUE_LARGEST;
}

/* What is still trained is worse than it will be, and would leave the others one colour. */
static void find_range(struct board *board)
{
    const bool complete = board->now.complete > 0;
    board->worst = board->best = NAN;
    for (size_t i = 0; i < board->count; i++) {
        const struct trial *trial = &board->trials[i];
        if (!is_value(trial->value) || (complete && trial->state != TRIAL_COMPLETE))
            continue;
        const double value = board->now.loss ? -trial->value : trial->value;
        board->worst = isnan(board->worst) ? value : fmin(board->worst, value);
        board->best = isnan(board->best) ? value : fmax(board->best, value);
    }
    if (board->now.loss) {
        board->worst = -board->worst;
        board->best = -board->best;
    }
}

bool board_update(struct board *board)
{
    struct search_feed *feed = board->feed;
    const uint64_t version = board->now.version;
    const bool first = board->now.epochs == 0;
    feed->snapshot(feed, &board->now);
    if (!first && board->now.version == version)
        return false;
    make_room(board, (size_t)board->now.trials);
    board->count = feed->trials(feed, 0, board->trials, (size_t)board->now.trials);
    board->low = board->high = NAN;
    for (size_t i = 0; i < board->count; i++)
        read_curve(board, i);
    /* Trials may have come since. */
    size_t ranked = feed->ranking(feed, board->order, board->count);
    for (size_t i = 0; i < ranked; i++)
        if ((size_t)board->order[i] >= board->count)
            memmove(&board->order[i], &board->order[i + 1], (--ranked - i) * sizeof *board->order);
    board->count = ranked < board->count ? ranked : board->count;
    find_range(board);
    return true;
}

const struct trial *board_chosen(const struct board *board, int chosen)
{
    if (board->count == 0)
        return NULL;
    return &board->trials[chosen >= 0 && (size_t)chosen < board->count ? chosen : board->order[0]];
}

int board_place(const struct board *board, int number)
{
    for (size_t i = 0; i < board->count; i++)
        if (board->order[i] == number)
            return (int)i;
    return 0;
}

double board_share(const struct board *board, const struct trial *trial)
{
    if (!is_value(trial->value))
        return NAN;
    if (!(fabs(board->best - board->worst) > 0))
        return 1;
    return fmin(fmax((trial->value - board->worst) / (board->best - board->worst), 0), 1);
}

/* ---- in words ---- */

void board_value(const struct board *board, double value, char out[BOARD_TEXT])
{
    if (!is_value(value))
        text_copy(out, BOARD_TEXT, "-");
    else if (board->now.loss)
        snprintf(out, BOARD_TEXT, "%.4f", value);
    else
        snprintf(out, BOARD_TEXT, "%.2f%%", 100 * value);
}

void board_state(const struct board *board, const struct trial *trial, bool brief,
                 char out[BOARD_TEXT])
{
    char at[32] = "", progress[48];
    const bool taken = strncmp(trial->why, "taken", 5) == 0;
    const char *word = trial_state_name(trial->state);
    snprintf(progress, sizeof progress, "%.1f/%" PRId64, floor(10 * trial->progress) / 10,
             board->now.epochs);
    if (!brief && trial->epochs > 0)
        snprintf(at, sizeof at, " at %" PRId64, trial->epochs);
    if (trial->frozen)
        snprintf(out, BOARD_TEXT, "frozen%s", at);
    else if (trial->state == TRIAL_RUNNING)
        snprintf(out, BOARD_TEXT, "%s%s", brief ? "" : "training ", progress);
    else if (trial->state == TRIAL_PRUNED)
        snprintf(out, BOARD_TEXT, "%s%s", taken ? "taken" : trial->stopped ? "stopped" : word, at);
    else if (trial->state == TRIAL_WAITING)
        snprintf(out, BOARD_TEXT, "%s%s", brief ? "waits" : word, at);
    else
        text_copy(out, BOARD_TEXT, brief && trial->state == TRIAL_COMPLETE ? "done" : word);
}

enum style board_style(const struct trial *trial)
{
    return trial->frozen                    ? STYLE_WARN
           : trial->state == TRIAL_RUNNING  ? STYLE_VALIDATION
           : trial->state == TRIAL_FAILED   ? STYLE_BAD
           : trial->state == TRIAL_COMPLETE ? STYLE_PLAIN
                                            : STYLE_DIM;
}

bool board_parameter(const struct trial *trial, int *at, char name[BOARD_TEXT],
                     char value[BOARD_TEXT])
{
    static const char layers[] = "network.hidden.";
    double number;
    if (*at >= trial->parameters)
        return false;
    const struct trial_parameter *parameter = &trial->parameter[(*at)++];
    text_copy(value, BOARD_TEXT, parameter->value);
    if (strncmp(parameter->name, layers, strlen(layers)) == 0) {
        text_copy(name, BOARD_TEXT, "hidden");
        for (; *at < trial->parameters &&
               strncmp(trial->parameter[*at].name, layers, strlen(layers)) == 0;
             (*at)++) {
            const size_t used = strlen(value);
            snprintf(value + used, BOARD_TEXT - used, "-%s", trial->parameter[*at].value);
        }
        return true;
    }
    const char *dot = strchr(parameter->name, '.');
    text_copy(name, BOARD_TEXT, dot != NULL ? dot + 1 : parameter->name);
    if (number_parse_double(value, &number) == 0)
        snprintf(value, BOARD_TEXT, "%.4g", number);
    return true;
}

void board_parameters(const struct trial *trial, char *out, size_t size)
{
    char name[BOARD_TEXT], value[BOARD_TEXT];
    size_t used = 0;
    out[0] = '\0';
    for (int at = 0; used < size && board_parameter(trial, &at, name, value);)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s %s", used > 0 ? ", " : "", name, value);
}

const char *board_standing(const struct board *board, enum style *style)
{
    switch (board->now.state) {
    case SEARCH_RUNNING:
        *style = board->now.stopping ? STYLE_WARN : STYLE_GOOD;
        return board->now.stopping ? "saving" : "running";
    case SEARCH_FINISHED:
        *style = STYLE_GOOD;
        return "finished";
    case SEARCH_FROZEN:
        *style = STYLE_WARN;
        return "frozen";
    case SEARCH_STOPPED:
        *style = STYLE_WARN;
        return "stopped";
    case SEARCH_FAILED:
        break;
    }
    *style = STYLE_BAD;
    return "failed";
}
