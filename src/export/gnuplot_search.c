/*
 * The figure of a search as a gnuplot script: its trials in a named block, then
 * a map of two of the values that were searched, coloured by the metric, and all
 * trials in their order.
 */
#include "gnuplot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    LABELLED = 30,  /* so many trials have their names on the axis */
    LOG_SPAN = 30,  /* from which on the axis of an unknown value is logarithmic */
    TWENTIETHS = 20 /* the worst one has the map's last colour together */
};

/* Viridis, from the best to the worst. */
static const char *const COLORS[] = {"#fde725", "#7ad151", "#22a884",
                                     "#2a788e", "#414487", "#440154"};

/* A value that was searched, as an axis. */
struct axis {
    char parameter[64];
    int layer; /* of an architecture in one value, "85-35": 1, 2, ...; 0: the value is the number */
    double least, most;
    bool log;
};

struct map {
    struct search *search;
    int *numbers; /* the trials, the best first */
    size_t count, valued;
    bool loss;
    struct axis axis[2];
    int axes;
};

/* ---- values ---- */

static double layer_units(const char *value, int layer)
{
    long units = 0;
    for (int i = 1; i <= layer; i++) {
        int length = 0;
        if (sscanf(value, "%6ld%n", &units, &length) != 1)
            return NAN;
        value += length;
        value += *value == '-' || *value == ' ';
    }
    return (double)units;
}

static double axis_value(const struct axis *axis, const struct trial *trial)
{
    double value;
    for (int i = 0; i < trial->parameters; i++) {
        const struct trial_parameter *parameter = &trial->parameter[i];
        if (strcmp(parameter->name, axis->parameter) != 0)
            continue;
        if (axis->layer)
            return layer_units(parameter->value, axis->layer);
        return number_parse_double(parameter->value, &value) == 0 ? value : NAN;
    }
    return NAN;
}

/* As the metric is shown: accuracy in percent. */
static double shown(const struct map *map, double value)
{
    return map->loss ? value : 100 * value;
}

static struct trial trial_at(const struct map *map, size_t rank)
{
    struct trial trial = {0};
    search_trial(map->search, map->numbers[rank], &trial);
    return trial;
}

static bool has_value(const struct map *map, size_t rank)
{
    const struct trial trial = trial_at(map, rank);
    return trial.state != TRIAL_FAILED && !isnan(trial.value);
}

/* ---- axes ---- */

/* Where its values are numbers and differ. */
static void try_axis(struct map *map, const char *parameter, int layer)
{
    struct axis *axis = &map->axis[map->axes];
    *axis = (struct axis){.layer = layer, .least = INFINITY, .most = -INFINITY};
    text_copy(axis->parameter, sizeof axis->parameter, parameter);
    for (size_t i = 0; i < map->count; i++) {
        struct trial trial = trial_at(map, i);
        double value = axis_value(axis, &trial);
        if (isnan(value))
            return;
        axis->least = fmin(axis->least, value);
        axis->most = fmax(axis->most, value);
    }
    axis->log = axis->least > 0 &&
                (strcmp(parameter, "train.learning_rate") == 0 ||
                 strcmp(parameter, "train.l2") == 0 || axis->most > LOG_SPAN * axis->least);
    map->axes += axis->least < axis->most;
}

/* "network.hidden" or, of ranges per layer, "network.hidden.2". */
static bool is_layer_name(const char *parameter)
{
    static const char whole[] = "network.hidden";
    return strncmp(parameter, whole, strlen(whole)) == 0 &&
           (parameter[strlen(whole)] == '\0' || parameter[strlen(whole)] == '.');
}

static bool is_layer(const struct axis *axis)
{
    return is_layer_name(axis->parameter);
}

static void choose_axes(struct map *map)
{
    const struct trial first = trial_at(map, 0);
    for (int i = 0; i < first.parameters && map->axes < 2; i++) {
        const char *name = first.parameter[i].name;
        if (!strchr(name, '.'))
            continue; /* no setting of ours */
        if (strcmp(name, "network.hidden") != 0)
            try_axis(map, name, 0);
        else
            for (int layer = 1; layer <= SETTINGS_MAX_LAYERS && map->axes < 2; layer++)
                try_axis(map, name, layer);
    }
}

/* "units of layer 2", "learning rate" */
static void axis_name(const struct axis *axis, char *out, size_t size)
{
    const char *key = strchr(axis->parameter, '.') + 1;
    if (!is_layer(axis)) {
        text_copy(out, size, strcmp(key, "l2") == 0 ? "L2" : key);
        for (char *at = out; (at = strchr(at, '_'));)
            *at = ' ';
    } else if (axis->layer) {
        snprintf(out, size, "units of layer %d", axis->layer);
    } else {
        snprintf(out, size, "units of layer %s", strrchr(key, '.') + 1);
    }
}

/* Of a logarithmic axis that spans few powers of ten, as gnuplot names those alone. */
static void put_tics(const struct axis *axis, char letter, struct text *out)
{
    static const int coarse[] = {1, 2, 5, 0}, fine[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0};
    const double span = axis->most / axis->least;
    int named = 0;
    text_print(out, "set format %c '%%g'\n", letter);
    if (span > 100)
        return;
    text_print(out, "set %ctics (", letter);
    for (double power = pow(10, floor(log10(axis->least))); power <= axis->most; power *= 10)
        for (const int *digit = span > 5 ? coarse : fine; *digit; digit++)
            if (power * *digit > 0.95 * axis->least && power * *digit < 1.05 * axis->most)
                text_print(out, "%s%.6g", named++ ? ", " : "", power * *digit);
    text_print(out, ")\n");
}

static void put_axis(const struct axis *axis, char letter, struct text *out)
{
    char name[sizeof axis->parameter];
    const double margin =
        axis->log ? pow(axis->most / axis->least, 0.05) : 0.06 * (axis->most - axis->least);
    text_print(out, "%s logscale %c\nset %crange [", axis->log ? "set" : "unset", letter, letter);
    gnuplot_number(out, axis->log ? axis->least / margin : axis->least - margin);
    text_print(out, ":");
    gnuplot_number(out, axis->log ? axis->most * margin : axis->most + margin);
    text_print(out, "]\n");
    if (axis->log)
        put_tics(axis, letter, out);
    axis_name(axis, name, sizeof name);
    text_print(out, "set %clabel ", letter);
    gnuplot_quoted(out, name);
    text_print(out, " noenhanced\n");
}

/* ---- trials ---- */

/* What a person calls it: the architecture, or else its number. */
static void trial_name(const struct trial *trial, struct text *out)
{
    bool any = false;
    for (int i = 0; i < trial->parameters; i++)
        if (is_layer_name(trial->parameter[i].name)) {
            text_print(out, "%s%s", any ? "-" : "", trial->parameter[i].value);
            any = true;
        }
    if (!any)
        text_print(out, "trial %d", trial->number);
}

/* A row for each that has a value, the best last, so that it is drawn above others at its place:
 * rank, places on the axes, value, test accuracy. Then those that have failed. */
static void put_trials(const struct map *map, struct text *out)
{
    text_print(out, "$trials << END\n");
    for (size_t i = map->valued; i-- > 0;) {
        const struct trial trial = trial_at(map, i);
        text_print(out, "%zu", i + 1);
        for (int j = 0; j < 2; j++)
            gnuplot_number(out, j < map->axes ? axis_value(&map->axis[j], &trial) : NAN);
        gnuplot_number(out, shown(map, trial.value));
        gnuplot_number(out, 100 * trial.test_accuracy);
        text_print(out, "\n");
    }
    text_print(out, "END\n$failed << END\n");
    for (size_t i = 0; i < map->count; i++) {
        const struct trial trial = trial_at(map, i);
        if (trial.state != TRIAL_FAILED)
            continue;
        text_print(out, "%d", trial.number);
        for (int j = 0; j < 2; j++)
            gnuplot_number(out, j < map->axes ? axis_value(&map->axis[j], &trial) : NAN);
        text_print(out, "\n");
    }
    text_print(out, "END\n");
}

static size_t count_failed(const struct map *map)
{
    size_t failed = 0;
    for (size_t i = 0; i < map->count; i++)
        failed += trial_at(map, i).state == TRIAL_FAILED;
    return failed;
}

static bool any_tested(const struct map *map)
{
    bool any = false;
    for (size_t i = 0; i < map->valued && !any; i++)
        any = isfinite(trial_at(map, i).test_accuracy);
    return any;
}

/* Colours from the best to what a twentieth of the trials is worse than, so that a few that are
 * bad do not take them all. */
static void put_colors(const struct map *map, struct text *out)
{
    const int count = sizeof COLORS / sizeof *COLORS;
    const double best = shown(map, trial_at(map, 0).value);
    const double worst =
        shown(map, trial_at(map, map->valued - 1 - map->valued / TWENTIETHS).value);
    text_print(out, "set palette defined (");
    for (int i = 0; i < count; i++)
        text_print(out, "%s%d '%s'", i ? ", " : "", i, COLORS[map->loss ? i : count - 1 - i]);
    text_print(out, ")\n");
    if (best != worst) {
        text_print(out, "set cbrange [");
        gnuplot_number(out, fmin(best, worst));
        text_print(out, ":");
        gnuplot_number(out, fmax(best, worst));
        text_print(out, "]\n");
    }
}

/* ---- the plots ---- */

static const char *metric_label(const struct map *map)
{
    return map->loss ? "validation loss" : "validation accuracy [%]";
}

static void put_map(const struct map *map, struct text *out)
{
    const bool cells = map->axes == 2 && is_layer(&map->axis[0]) && is_layer(&map->axis[1]);
    const int y = map->axes == 2 ? 3 : 4; /* column */
    put_axis(&map->axis[0], 'x', out);
    if (map->axes == 2)
        put_axis(&map->axis[1], 'y', out);
    else
        text_print(out, "set ylabel '%s'\n", metric_label(map));
    text_print(out, "set cblabel '%s' offset 1,0\nplot ", metric_label(map));
    if (count_failed(map) && map->axes == 2)
        text_print(out,
                   "$failed using 2:3 with points pt 2 ps 0.8 lc rgb '#999999' "
                   "title 'failed', \\\n  ");
    text_print(out,
               "$trials using 2:%d:4 with points pt %d ps %s lc palette notitle, \\\n"
               "  $trials using 2:($1 == 1 ? $%d : NaN) with points pt %d ps %s lw 1.5 "
               "lc rgb '#d03030' title 'the best'\n"
               "unset logscale\nset format '%%h'\nset xtics autofreq\nset ytics autofreq\n"
               "set yrange [*:*]\n",
               y, cells ? 5 : 7, cells ? "2" : "1.1", y, cells ? 4 : 6, cells ? "2.4" : "2");
}

static void put_order(const struct map *map, struct text *out)
{
    const bool tested = any_tested(map) && !map->loss;
    text_print(out, "unset colorbox\nset xrange [0.5:%zu.5]\nset xlabel 'trials, the best first'\n",
               map->valued);
    text_print(out, "set ylabel '%s'\n", tested ? "accuracy [%]" : metric_label(map));
    if (map->valued <= LABELLED) {
        text_print(out, "set xtics rotate by 90 right (");
        for (size_t i = 0; i < map->valued; i++) {
            const struct trial trial = trial_at(map, i);
            struct text name = {0};
            trial_name(&trial, &name);
            text_print(out, "%s", i ? ", " : "");
            gnuplot_quoted(out, name.bytes);
            text_print(out, " %zu", i + 1);
            text_fini(&name);
        }
        text_print(out, ") noenhanced\n");
    }
    text_print(out, "plot ");
    if (tested)
        text_print(out,
                   "$trials using 1:5 with points pt 6 ps 0.7 lc rgb '#888888' "
                   "title 'test', \\\n  ");
    text_print(out, "$trials using 1:4:4 with points pt 7 ps 1 lc palette title 'validation'\n");
}

/* "srch1: 100 trials, the best 43.51%: trial 12, learning rate 0.0073, L2 3.1e-06" */
static void put_title(const struct map *map, struct text *out)
{
    struct search_snapshot now;
    struct text title = {0};
    char name[sizeof map->axis->parameter];
    const struct trial best = trial_at(map, 0);
    const size_t failed = count_failed(map);
    search_snapshot(map->search, &now);
    text_print(&title, "%s: %zu trials", now.name, map->count);
    if (failed)
        text_print(&title, ", %zu failed", failed);
    text_print(&title,
               map->loss ? ", the best %.4f: " : ", the best %.2f%%: ", shown(map, best.value));
    trial_name(&best, &title);
    for (int i = 0; i < map->axes; i++)
        if (!is_layer(&map->axis[i])) {
            axis_name(&map->axis[i], name, sizeof name);
            text_print(&title, ", %s %.3g", name, axis_value(&map->axis[i], &best));
        }
    gnuplot_quoted(out, title.bytes);
    text_fini(&title);
}

void export_gnuplot_search(struct search *search, const char *terminal, const char *output,
                           struct text *out)
{
    struct search_snapshot now;
    search_snapshot(search, &now);
    struct map map = {.search = search,
                      .numbers = mem_alloc((size_t)now.trials * sizeof(int)),
                      .loss = search_settings(search)->search.metric == METRIC_LOSS};
    map.count = search_ranking(search, map.numbers, (size_t)now.trials);
    while (map.valued < map.count && has_value(&map, map.valued))
        map.valued++;
    choose_axes(&map);
    text_print(out, "# The trials of a search, drawn by gnuplot.\n");
    put_trials(&map, out);
    gnuplot_begin(out, terminal, output);
    put_colors(&map, out);
    text_print(out,
               "set key above right horizontal noenhanced samplen 1\n"
               "set multiplot layout 1,%d title ",
               map.axes ? 2 : 1);
    put_title(&map, out);
    text_print(out, " noenhanced\n");
    if (map.axes)
        put_map(&map, out);
    put_order(&map, out);
    text_print(out, "unset multiplot\n");
    mem_free(map.numbers);
}
