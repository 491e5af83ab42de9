/* The leaderboard; see board.h. */
#include "board.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BOARD_ROWS = 25, COLUMNS = 40, CELL = 80 };

static bool shows_loss(struct search *search)
{
    return search_settings(search)->search.metric == METRIC_LOSS;
}

/* "43.21%", or of a loss "1.6123". */
static void format_value(struct search *search, double value, char *out, size_t size)
{
    if (isnan(value))
        text_copy(out, size, "-");
    else if (shows_loss(search))
        snprintf(out, size, "%.4f", value);
    else
        snprintf(out, size, "%.2f%%", 100 * value);
}

static void format_percent(double value, char *out, size_t size)
{
    if (isnan(value))
        text_copy(out, size, "-");
    else
        snprintf(out, size, "%.2f%%", 100 * value);
}

/* The parameters as people read them: layers joined, numbers short, names without their section.
 * Returns false after the last; *at counts on. */
static bool next_parameter(const struct trial *trial, int *at, char name[CELL], char value[CELL])
{
    static const char layers[] = "network.hidden.";
    double number;
    if (*at == trial->parameters)
        return false;
    const struct trial_parameter *parameter = &trial->parameter[(*at)++];
    if (strncmp(parameter->name, layers, strlen(layers)) == 0) {
        struct text joined = {0};
        text_print(&joined, "%s", parameter->value);
        for (; *at < trial->parameters && strncmp(parameter[1].name, layers, strlen(layers)) == 0;
             (*at)++)
            text_print(&joined, "-%s", (++parameter)->value);
        text_copy(name, CELL, "hidden");
        text_copy(value, CELL, joined.bytes);
        text_fini(&joined);
        return true;
    }
    text_copy(name, CELL, strchr(parameter->name, '.') + 1);
    text_copy(value, CELL, parameter->value);
    if (number_parse_double(value, &number) == 0)
        snprintf(value, CELL, "%.4g", number);
    return true;
}

void board_trial(struct search *search, const struct trial *trial, int64_t finished)
{
    struct search_snapshot now;
    char name[CELL], value[CELL];
    search_snapshot(search, &now);
    printf("%" PRId64 "/%" PRId64 "  trial %d  ", finished, now.planned, trial->number);
    if (trial->state == TRIAL_FAILED) {
        printf("failed: %s", trial->why);
    } else {
        format_value(search, trial->value, value, sizeof value);
        printf("val %s at epoch %" PRId64, value, trial->best_epoch);
        if (trial->state == TRIAL_PRUNED)
            printf(", pruned after %" PRId64, trial->epochs);
        if (!isnan(trial->test_accuracy))
            printf("  test %.2f%%", 100 * trial->test_accuracy);
    }
    for (int at = 0; next_parameter(trial, &at, name, value);)
        printf("  %s %s", name, value);
    printf("\n");
}

/* ---- the table ---- */

struct board {
    int columns, rows;
    bool left[COLUMNS]; /* text, not numbers */
    char (*cell)[COLUMNS][CELL];
};

static void add_cell(struct board *board, int row, const char *head, bool left, const char *value)
{
    int column = 0;
    while (column < board->columns && strcmp(board->cell[0][column], head) != 0)
        column++;
    if (column == COLUMNS)
        return;
    if (column == board->columns) {
        board->columns++;
        board->left[column] = left;
        text_copy(board->cell[0][column], CELL, head);
    }
    text_copy(board->cell[row][column], CELL, value);
}

/* The figure that search.reference has for an architecture; false: none. */
static bool find_reference(const char *reference, const char *hidden, char *out, size_t size)
{
    size_t length = strlen(hidden);
    while (*reference) {
        reference += strspn(reference, " ,");
        size_t entry = strcspn(reference, ",");
        if (length && entry > length && strncmp(reference, hidden, length) == 0 &&
            reference[length] == ' ') {
            snprintf(out, size, "%.*s%%", (int)(entry - length - 1), reference + length + 1);
            return true;
        }
        reference += entry;
    }
    return false;
}

/* `states`: some are not complete. Whether a figure of elsewhere was found for it. */
static bool add_row(struct board *board, struct search *search, int number, bool states)
{
    struct trial trial;
    char value[CELL], name[CELL], figure[CELL];
    bool found = false;
    const int row = ++board->rows;
    search_trial(search, number, &trial);
    snprintf(value, sizeof value, "%d", row);
    add_cell(board, row, "", false, value);
    snprintf(value, sizeof value, "%d", number);
    add_cell(board, row, "trial", false, value);
    format_value(search, trial.value, value, sizeof value);
    add_cell(board, row, "validation", false, value);
    snprintf(value, sizeof value, "%" PRId64, trial.best_epoch);
    add_cell(board, row, "epoch", false, trial.best_epoch ? value : "-");
    format_percent(trial.test_accuracy, value, sizeof value);
    add_cell(board, row, "test", false, value);
    if (trial.state == TRIAL_PRUNED)
        snprintf(value, sizeof value, "pruned at %" PRId64, trial.epochs);
    else
        text_copy(value, sizeof value, trial_state_name(trial.state));
    if (states)
        add_cell(board, row, "state", true, value);
    for (int at = 0; next_parameter(&trial, &at, name, value);) {
        add_cell(board, row, name, true, value);
        if (strcmp(name, "hidden") == 0 && find_reference(search_settings(search)->search.reference,
                                                          value, figure, sizeof figure)) {
            add_cell(board, row, "report", false, figure);
            found = true;
        }
    }
    return found;
}

static void print_table(const struct board *board)
{
    for (int row = 0; row <= board->rows; row++) {
        for (int column = 0; column < board->columns; column++) {
            int width = 0;
            bool last = column == board->columns - 1;
            for (int i = 0; i <= board->rows; i++) {
                int length = (int)strlen(board->cell[i][column]);
                width = length > width ? length : width;
            }
            const char *cell = board->cell[row][column];
            if (board->left[column])
                printf("%s%-*s", column ? "  " : "", last ? 0 : width, cell);
            else
                printf("%s%*s", column ? "  " : "", width, cell);
        }
        printf("\n");
    }
}

static void print_top(const struct top_trial *top)
{
    printf("trial %d  ", top->number);
    if (top->failed)
        printf("failed\n");
    else
        printf("test %.2f%% (best validation %.2f%% at epoch %" PRId64 ")\n",
               100 * top->test_accuracy, 100 * top->best_validation_accuracy, top->best_epoch);
}

/* In the order of the trials that they were. */
static void print_tops(struct search *search, const struct search_snapshot *now)
{
    struct top_trial top;
    if (now->tops == 0)
        return;
    int *numbers = mem_alloc((size_t)now->trials * sizeof *numbers);
    size_t count = search_ranking(search, numbers, (size_t)now->trials);
    printf("\ntrained again on the full protocol\n");
    for (size_t i = 0; i < count; i++)
        for (int64_t j = 0; search_top(search, j, &top); j++)
            if (top.number == numbers[i])
                print_top(&top);
    mem_free(numbers);
}

void board_print(struct search *search)
{
    int numbers[BOARD_ROWS];
    struct board board = {.cell = mem_alloc((BOARD_ROWS + 1) * sizeof *board.cell)};
    struct search_snapshot now;
    bool figures = false;
    search_snapshot(search, &now);
    size_t count = search_ranking(search, numbers, BOARD_ROWS);
    for (size_t i = 0; i < count; i++)
        figures = add_row(&board, search, numbers[i], now.complete < now.trials) || figures;
    print_table(&board);
    if (now.trials > (int64_t)count)
        printf("and %" PRId64 " more: kdtui search --csv -n %s\n", now.trials - (int64_t)count,
               now.name);
    if (*search_settings(search)->search.reference && !figures)
        printf("report: %s\n", search_settings(search)->search.reference);
    print_tops(search, &now);
    mem_free(board.cell);
}

/* ---- CSV ---- */

static void print_number(double value)
{
    char number[40] = "";
    if (isfinite(value))
        number_format_double(number, sizeof number, value);
    printf(",%s", number);
}

static const char *find_parameter(const struct trial *trial, const char *name)
{
    for (int i = 0; i < trial->parameters; i++)
        if (strcmp(trial->parameter[i].name, name) == 0)
            return trial->parameter[i].value;
    return "";
}

void board_csv(struct search *search)
{
    struct trial first = {0}, trial;
    search_trial(search, 0, &first);
    printf("trial,state,epochs,value,best_epoch,test_accuracy,seconds");
    for (int i = 0; i < first.parameters; i++)
        printf(",%s", first.parameter[i].name);
    printf(",directory\n");
    for (int64_t i = 0; search_trial(search, i, &trial); i++) {
        printf("%d,%s,%" PRId64, trial.number, trial_state_name(trial.state), trial.epochs);
        print_number(trial.value);
        printf(",%" PRId64, trial.best_epoch);
        print_number(trial.test_accuracy);
        print_number(trial.seconds);
        for (int j = 0; j < first.parameters; j++)
            printf(",%s", find_parameter(&trial, first.parameter[j].name));
        printf(",trial-%04d\n", trial.number);
    }
}
