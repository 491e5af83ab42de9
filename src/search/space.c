/*
 * space: what [search] says of each setting as points and ranges to choose from,
 * and a choice in the terms of settings and of Optuna.
 *
 * Decreasing architectures are counted and numbered: ways(l, w) is how many
 * there are of layer l on when the layer before has w units.
 */
#include "internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- what there is ---- */

static int add_dimension(struct spaces *spaces, const struct setting *row, const char *text,
                         struct err *err)
{
    char name[80];
    snprintf(name, sizeof name, "search.%s",
             strcmp(row->name, "train.learning_rate") == 0 ? "learning_rate"
             : strcmp(row->name, "train.l2") == 0          ? "l2"
             : strcmp(row->name, "network.hidden") == 0    ? "hidden"
                                                           : row->name);
    if (!*text)
        return 0;
    if (spaces->count == DIMENSIONS)
        return err_set(err, ERR_USAGE, "%s: at most %d settings can be searched", name, DIMENSIONS);
    return space_parse(row, name, text, &spaces->dimension[spaces->count++].space, err);
}

static bool is_range(const struct dimension *dimension)
{
    return dimension->space.kind == SPACE_LOG || dimension->space.kind == SPACE_UNIFORM;
}

static int check_grid(const struct settings *settings, const struct spaces *spaces, struct err *err)
{
    bool range = false;
    for (int i = 0; i < spaces->count; i++) {
        const struct space *space = &spaces->dimension[i].space;
        range = range || is_range(&spaces->dimension[i]);
        if (is_range(&spaces->dimension[i]) && space->points == 0)
            return err_set(err, ERR_USAGE,
                           "search.method = grid: the range of %s needs a number of points, "
                           "`%s A B N`",
                           space->row->name, space->kind == SPACE_LOG ? "log" : "uniform");
    }
    if (settings->search.refine && !range)
        return err_set(
            err, ERR_USAGE,
            "search.refine = %lld: of a grid only ranges (log, uniform) can be narrowed, "
            "and there is none",
            (long long)settings->search.refine);
    return 0;
}

int spaces_make(const struct settings *settings, struct spaces *out, struct err *err)
{
    const struct setting *row;
    char value[SETTINGS_TEXT];
    size_t at = 0;
    *out = (struct spaces){0};
    if (add_dimension(out, settings_find("train.learning_rate", NULL),
                      settings->search.learning_rate, err) != 0 ||
        add_dimension(out, settings_find("train.l2", NULL), settings->search.l2, err) != 0 ||
        add_dimension(out, settings_find("network.hidden", NULL), settings->search.hidden, err) !=
            0)
        return -1;
    while (settings_list_next(settings, &at, &row, value))
        if (add_dimension(out, row, value, err) != 0)
            return -1;
    if (out->count == 0)
        return err_set(err, ERR_USAGE,
                       "nothing to search: search.learning_rate, search.l2, search.hidden and "
                       "lists of other settings are all empty");
    for (int i = 0; i < out->count; i++)
        out->dimension[i].decreasing = settings->search.decreasing;
    return settings->search.method == METHOD_GRID ? check_grid(settings, out, err) : 0;
}

/* ---- architectures ---- */

static uint64_t add(uint64_t a, uint64_t b)
{
    return __builtin_add_overflow(a, b, &a) ? UINT64_MAX : a;
}

/* below[l][i]: the architectures of layers l on whose layer l has one of its first i widths. */
struct ways {
    uint64_t *below[SETTINGS_MAX_LAYERS];
};

/* How many widths of a layer are allowed where the one before has `before` units. */
static int64_t allowed(const struct dimension *dimension, int layer, double before)
{
    const struct space_steps *steps = &dimension->space.layer[layer];
    int64_t count = steps->count;
    while (dimension->decreasing && count > 0 && space_step(steps, count - 1) >= before)
        count--;
    return count;
}

static void count_ways(const struct dimension *dimension, struct ways *out)
{
    const struct space *space = &dimension->space;
    for (int l = space->layers - 1; l >= 0; l--) {
        const struct space_steps *steps = &space->layer[l];
        out->below[l] = mem_alloc((size_t)(steps->count + 1) * sizeof **out->below);
        for (int64_t i = 0; i < steps->count; i++) {
            uint64_t ways = 1;
            if (l + 1 < space->layers)
                ways = out->below[l + 1][allowed(dimension, l + 1, space_step(steps, i))];
            out->below[l][i + 1] = add(out->below[l][i], ways);
        }
    }
}

static void ways_fini(const struct dimension *dimension, struct ways *ways)
{
    for (int l = 0; l < dimension->space.layers; l++)
        mem_free(ways->below[l]);
}

/* Architecture i, the first layer's width varying slowest. */
static void choose_layers(const struct dimension *dimension, uint64_t i, double *units)
{
    struct ways ways;
    double before = INFINITY;
    count_ways(dimension, &ways);
    for (int l = 0; l < dimension->space.layers; l++) {
        int64_t count = allowed(dimension, l, before), width = 0;
        while (width + 1 < count && ways.below[l][width + 1] <= i)
            width++;
        i -= ways.below[l][width];
        before = units[l] = space_step(&dimension->space.layer[l], width);
    }
    ways_fini(dimension, &ways);
}

uint64_t dimension_points(const struct dimension *dimension)
{
    const struct space *space = &dimension->space;
    struct ways ways;
    uint64_t points;
    switch (space->kind) {
    case SPACE_LIST:
        return (uint64_t)space->words;
    case SPACE_STEPS:
        return (uint64_t)space->steps.count;
    case SPACE_LAYERS:
        count_ways(dimension, &ways);
        points = ways.below[0][space->layer[0].count];
        ways_fini(dimension, &ways);
        return points;
    default:
        return (uint64_t)space->points;
    }
}

/* ---- a value ---- */

static bool is_number(const struct setting *row)
{
    return row->type == SETTING_INTEGER || row->type == SETTING_NUMBER;
}

/* Word i of a list as a parameter has it: a number in its shortest form, "90-60" as it is. */
static void list_value(const struct space *space, int64_t i, char *out, size_t size)
{
    double number;
    space_word(space, i, out, size);
    for (char *c = out; *c; c++)
        *c = *c == ' ' ? '-' : *c;
    if (is_number(space->row) && number_parse_double(out, &number) == 0)
        number_format_double(out, size, number);
}

static void add_parameter(struct proposal *out, const char *name, const char *value)
{
    struct trial_parameter *parameter = &out->parameter[out->count++];
    text_copy(parameter->name, sizeof parameter->name, name);
    text_copy(parameter->value, sizeof parameter->value, value);
}

static double place_in_range(const struct space *space, double share)
{
    if (share <= 0)
        return space->low;
    if (share >= 1)
        return space->high;
    double value = space->kind == SPACE_LOG
                       ? exp(log(space->low) + share * (log(space->high) - log(space->low)))
                       : space->low + share * (space->high - space->low);
    value = space->row->type == SETTING_INTEGER ? round(value) : value;
    return fmin(fmax(value, space->low), space->high);
}

void dimension_propose(const struct dimension *dimension, uint64_t i, double share,
                       struct proposal *out)
{
    const struct space *space = &dimension->space;
    const char *name = space->row->name;
    double units[SETTINGS_MAX_LAYERS];
    char value[64], layer[80];
    switch (space->kind) {
    case SPACE_LIST:
        list_value(space, (int64_t)i, value, sizeof value);
        break;
    case SPACE_STEPS:
        number_format_double(value, sizeof value, space_step(&space->steps, (int64_t)i));
        break;
    case SPACE_LAYERS:
        choose_layers(dimension, i, units);
        for (int l = 0; l < space->layers; l++) {
            snprintf(layer, sizeof layer, "%s.%d", name, l + 1);
            snprintf(value, sizeof value, "%.0f", units[l]);
            add_parameter(out, layer, value);
        }
        return;
    default:
        if (space->points > 1 && i != UINT64_MAX)
            share = (double)i / (double)(space->points - 1);
        number_format_double(value, sizeof value, place_in_range(space, share));
    }
    add_parameter(out, name, value);
}

/* ---- a value that a person gives ---- */

/* "90-60-25" as network.hidden has it. */
static void with_spaces(char *value)
{
    for (char *c = value; *c; c++)
        *c = *c == '-' ? ' ' : *c;
}

/* A number for each layer. */
static int take_layers(const struct space *space, char *value, struct proposal *out,
                       struct err *err)
{
    char name[80], *rest = NULL;
    int layers = 0;
    for (char *units = strtok_r(value, " ", &rest); units; units = strtok_r(NULL, " ", &rest)) {
        snprintf(name, sizeof name, "%s.%d", space->row->name, ++layers);
        if (layers <= space->layers)
            add_parameter(out, name, units);
    }
    if (layers == space->layers)
        return 0;
    return err_set(err, ERR_USAGE, "%s: %d layers are searched, not %d", space->row->name,
                   space->layers, layers);
}

int dimension_take(const struct dimension *dimension, const char *value, struct proposal *out,
                   struct err *err)
{
    const struct space *space = &dimension->space;
    const bool architecture =
        space->kind == SPACE_LAYERS || strcmp(space->row->name, "network.hidden") == 0;
    struct settings *scratch = mem_alloc(sizeof *scratch);
    char text[sizeof out->parameter->value];
    double number;
    settings_init(scratch);
    text_copy(text, sizeof text, value);
    if (architecture)
        with_spaces(text);
    int result = strlen(value) < sizeof text
                     ? settings_set(scratch, space->row, text, err)
                     : err_set(err, ERR_USAGE, "%s: a shorter value is expected", space->row->name);
    if (result == 0 && space->kind == SPACE_LAYERS) {
        settings_format(scratch, space->row, text, sizeof text);
        result = take_layers(space, text, out, err);
    } else if (result == 0) {
        settings_format(scratch, space->row, text, sizeof text);
        if (is_number(space->row) && number_parse_double(text, &number) == 0)
            number_format_double(text, sizeof text, number);
        for (char *c = text; *c && architecture; c++)
            *c = *c == ' ' ? '-' : *c;
        add_parameter(out, space->row->name, text);
    }
    mem_free(scratch);
    return result;
}

/* ---- as a viewer sees it ---- */

void dimension_axis(const struct dimension *dimension, struct search_axis *out)
{
    const struct space *space = &dimension->space;
    *out = (struct search_axis){.range = is_range(dimension), .log = space->kind == SPACE_LOG};
    text_copy(out->name, sizeof out->name, space->row->name);
    if (out->range) {
        out->low = space->low;
        out->high = space->high;
    }
}

/* ---- narrower ---- */

static const char *value_of(const struct trial *trial, const char *name)
{
    for (int i = 0; i < trial->parameters; i++)
        if (strcmp(trial->parameter[i].name, name) == 0)
            return trial->parameter[i].value;
    return NULL;
}

/* `part` of the steps, 3 at least, with `value` in the middle where there is room. */
static void narrow_steps(struct space_steps *steps, double value, double part)
{
    int64_t middle = llround((value - steps->low) / steps->step);
    int64_t count = (int64_t)ceil((double)steps->count * part);
    if (part > 0 && count < 3)
        count = 3;
    if (part <= 0)
        count = 1;
    if (count >= steps->count)
        return;
    int64_t first = middle - count / 2;
    first = first < 0 ? 0 : first > steps->count - count ? steps->count - count : first;
    steps->low = space_step(steps, first);
    steps->count = count;
}

static void narrow_range(struct space *space, double value, double part)
{
    bool log_scale = space->kind == SPACE_LOG;
    double low = log_scale ? log(space->low) : space->low;
    double high = log_scale ? log(space->high) : space->high;
    double middle = log_scale ? log(value) : value, width = (high - low) * part;
    double from = fmin(fmax(middle - width / 2, low), high - width);
    space->low = fmax(log_scale ? exp(from) : from, space->low);
    space->high = fmin(log_scale ? exp(from + width) : from + width, space->high);
}

static void narrow_list(struct space *space, const char *value)
{
    char word[64];
    for (int64_t i = 0; i < space->words; i++) {
        list_value(space, i, word, sizeof word);
        if (strcmp(word, value) == 0) {
            text_copy(space->text, sizeof space->text, word);
            space->words = 1;
        }
    }
}

void dimension_narrow(struct dimension *dimension, const struct trial *around, int round, bool fix)
{
    struct space *space = &dimension->space;
    const double part = fix && !is_range(dimension) ? 0 : pow(3, -round);
    const char *value = value_of(around, space->row->name);
    double number = NAN;
    char layer[80];
    if (space->kind == SPACE_LAYERS) {
        for (int l = 0; l < space->layers; l++) {
            snprintf(layer, sizeof layer, "%s.%d", space->row->name, l + 1);
            value = value_of(around, layer);
            if (value && number_parse_double(value, &number) == 0)
                narrow_steps(&space->layer[l], number, part);
        }
    } else if (space->kind == SPACE_LIST) {
        if (value && fix)
            narrow_list(space, value);
    } else if (value && number_parse_double(value, &number) == 0) {
        if (space->kind == SPACE_STEPS)
            narrow_steps(&space->steps, number, part);
        else
            narrow_range(space, number, part);
    }
}

/* ---- in other terms ---- */

static void print_number(struct text *out, const char *key, double value)
{
    char number[40];
    number_format_double(number, sizeof number, value);
    text_print(out, "\"%s\": %s", key, number);
}

static void describe_numbers(bool whole, bool log_scale, double low, double high, double step,
                             struct text *out)
{
    text_print(out, "{\"name\": \"%sDistribution\", \"attributes\": {", whole ? "Int" : "Float");
    print_number(out, "low", low);
    text_print(out, ", ");
    print_number(out, "high", high);
    text_print(out, ", \"log\": %s, ", log_scale ? "true" : "false");
    if (step > 0)
        print_number(out, "step", step);
    else
        text_print(out, "\"step\": %s", whole ? "1" : "null");
    text_print(out, "}}");
}

/* A value that a person gave may lie elsewhere: the distribution is as wide as it then is. */
static void describe_range(bool whole, bool log_scale, double low, double high, double step,
                           const char *value, struct text *out)
{
    double number = low;
    (void)number_parse_double(value, &number);
    if (step > 0 && fabs(remainder(number - low, step)) > 1e-9 * step)
        step = 0;
    describe_numbers(whole, log_scale && number > 0, fmin(low, number), fmax(high, number), step,
                     out);
}

static void describe_steps(bool whole, const struct space_steps *steps, const char *value,
                           struct text *out)
{
    describe_range(whole, false, steps->low, space_step(steps, steps->count - 1), steps->step,
                   value, out);
}

/* Numbers as numbers, so that they can be drawn on an axis. One that a person gave comes last. */
static void describe_list(const struct space *space, const char *value, struct text *distribution,
                          struct text *index)
{
    const bool number = is_number(space->row);
    char word[64];
    int64_t found = -1;
    text_print(distribution,
               "{\"name\": \"CategoricalDistribution\", \"attributes\": "
               "{\"choices\": [");
    for (int64_t i = 0; i < space->words; i++) {
        list_value(space, i, word, sizeof word);
        text_print(distribution, number ? "%s%s" : "%s\"%s\"", i ? ", " : "", word);
        found = strcmp(word, value) == 0 ? i : found;
    }
    if (found < 0)
        text_print(distribution, number ? ", %s" : ", \"%s\"", value);
    text_print(distribution, "]}}");
    text_print(index, "%lld", (long long)(found < 0 ? space->words : found));
}

void dimension_describe(const struct spaces *spaces, const struct trial_parameter *parameter,
                        struct text *distribution, struct text *value)
{
    for (int i = 0; i < spaces->count; i++) {
        const struct space *space = &spaces->dimension[i].space;
        const bool whole = space->row->type != SETTING_NUMBER;
        size_t length = strlen(space->row->name);
        int64_t layer;
        if (space->kind == SPACE_LAYERS) {
            if (strncmp(parameter->name, space->row->name, length) == 0 &&
                parameter->name[length] == '.' &&
                number_parse_integer(parameter->name + length + 1, &layer) == 0) {
                describe_steps(true, &space->layer[layer - 1], parameter->value, distribution);
                text_print(value, "%s", parameter->value);
            }
            continue;
        }
        if (strcmp(parameter->name, space->row->name) != 0)
            continue;
        if (space->kind == SPACE_LIST) {
            describe_list(space, parameter->value, distribution, value);
            continue;
        }
        if (space->kind == SPACE_STEPS)
            describe_steps(whole, &space->steps, parameter->value, distribution);
        else
            describe_range(whole, space->kind == SPACE_LOG, space->low, space->high, 0,
                           parameter->value, distribution);
        text_print(value, "%s", parameter->value);
    }
}

int parameters_apply(const struct trial *trial, struct settings *settings, struct err *err)
{
    struct text hidden = {0};
    int result = 0;
    for (int i = 0; i < trial->parameters && result == 0; i++) {
        const struct trial_parameter *parameter = &trial->parameter[i];
        const bool layer = strncmp(parameter->name, "network.hidden.", 15) == 0;
        char value[64];
        if (layer) {
            text_print(&hidden, "%s%s", hidden.length ? " " : "", parameter->value);
            continue;
        }
        text_copy(value, sizeof value, parameter->value);
        if (strcmp(parameter->name, "network.hidden") == 0)
            for (char *c = value; *c; c++)
                *c = *c == '-' ? ' ' : *c;
        const struct setting *row = settings_find(parameter->name, err);
        result = row ? settings_set(settings, row, value, err) : -1;
    }
    if (result == 0 && hidden.length)
        result = settings_set(settings, settings_find("network.hidden", NULL), hidden.bytes, err);
    text_fini(&hidden);
    return result;
}
