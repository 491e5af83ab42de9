/*
 * The layers' screen: a table with one row a layer, what is out of the ordinary
 * in words, and pictures of the chosen layer, or of more where there is room.
 */
#include "control.h"
#include "draw.h"
#include "health.h"
#include "layer_panel.h"
#include "screens.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where the table's columns end, each with a place for a sign; 0: there is no room for it. Then
 * the histogram, with its range where there is room. */
struct columns {
    int shape, gradient, update, dead, drift, zero;
    int low, bars, cells, high; /* bars and high begin */
};

static struct columns choose_columns(struct rect body)
{
    enum { RANGE = 5 }; /* of a number at an end of it */
    const bool wide = body.width >= 100, middle = body.width >= 72;
    const int right = body.x + body.width - 1;
    struct columns columns = {0};
    int x = body.x + 4;
    x = columns.shape = x + (wide ? 12 : middle ? 10 : 5);
    x = columns.gradient = x + (wide ? 11 : middle ? 9 : 8);
    x = columns.update = x + (wide ? 15 : middle ? 9 : 8);
    x = columns.dead = x + (wide ? 8 : middle ? 6 : 5);
    if (middle) {
        x = columns.drift = x + (wide ? 8 : 6);
        x = columns.zero = x + (wide ? 8 : 6);
    }
    int room = right - x - 1;
    const bool range = room >= 16 + 2 * (RANGE + 1);
    if (range)
        room -= 2 * (RANGE + 1);
    columns.cells = room >= 2 * FEED_BINS ? 2 * FEED_BINS
                    : room >= FEED_BINS   ? FEED_BINS
                    : room >= 16          ? 16
                                          : 8;
    columns.bars = x + 1 + (range ? RANGE + 1 : 0);
    if (range) {
        columns.low = columns.bars - 1;
        columns.high = columns.bars + columns.cells + 1;
    }
    return columns;
}

/* Text that ends before column `end`, and behind it the sign of something out of the ordinary. */
static void put_cell(struct grid *grid, int end, int y, const struct finding *finding,
                     const char *text)
{
    if (end == 0)
        return;
    end -= 1;
    grid_text(grid, end - grid_text_columns(text), y, 16, finding->style, text);
    if (finding->style != STYLE_PLAIN)
        grid_put(grid, end, y, finding->style, '!');
}

static void draw_header(struct grid *grid, struct rect body, const struct columns *columns, int y,
                        const struct settings *settings)
{
    const bool wide = body.width >= 100, middle = body.width >= 72;
    const struct {
        int end;
        const char *name;
    } names[] = {
        {columns->gradient, middle ? "gradient" : "grad"},
        {columns->update, wide     ? "update/weight"
                          : middle ? "update/w"
                                   : "upd/w"},
        {columns->dead, settings->network.activation == ACTIVATION_RELU ? "dead" : "below"},
        {columns->drift, "drift"},
        {columns->zero, "zero"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].end > 0)
            grid_text(grid, names[i].end - 1 - (int)strlen(names[i].name), y, 16, STYLE_DIM,
                      names[i].name);
    if (middle)
        grid_text(grid, body.x + 4, y, 5, STYLE_DIM, "layer");
    grid_text(grid, columns->bars, y, body.x + body.width - columns->bars, STYLE_DIM,
              columns->cells >= 16 ? "activations" : "activ.");
}

/* Digits after the point that suit all layers' gradients; -1: their range is too wide for that. */
static int gradient_digits(const struct layers *layers)
{
    double least = INFINITY, largest = 0;
    for (int l = 0; l < layers->count; l++) {
        least = fmin(least, layers->layer[l].gradient_norm);
        largest = fmax(largest, layers->layer[l].gradient_norm);
    }
    return !(least >= 0.001 && largest < 1000) ? -1 : largest < 10 ? 4 : largest < 100 ? 3 : 2;
}

static void draw_layer(struct grid *grid, const struct state *state, const struct history *history,
                       const struct columns *columns, struct rect row, int l)
{
    const struct layer_measure *layer = &history->layers.layer[l];
    const int digits = gradient_digits(&history->layers), y = row.y;
    struct finding findings[HEALTH_SIGNS];
    char text[32];
    health_judge(layer, &history->snapshot.settings, findings);
    if (l == state->layer)
        grid_put(grid, row.x + 1, y, STYLE_KEY, 0x25b8);
    grid_print(grid, row.x + 2, y, 2, STYLE_KEY, "%2d", l + 1);
    if (columns->drift > 0)
        snprintf(text, sizeof(text), "%d→%d", layer->inputs, layer->units);
    else
        snprintf(text, sizeof(text), "%d", layer->units);
    grid_text(grid, columns->shape - grid_text_columns(text), y, 16, STYLE_PLAIN, text);

    if (digits < 0)
        draw_scientific(layer->gradient_norm, text, sizeof(text));
    else
        snprintf(text, sizeof(text), "%.*f", digits, layer->gradient_norm);
    put_cell(grid, columns->gradient, y, &findings[HEALTH_GRADIENT], text);
    draw_scientific(layer->update_ratio, text, sizeof(text));
    put_cell(grid, columns->update, y, &findings[HEALTH_UPDATE], text);
    if (layer->hidden) {
        snprintf(text, sizeof(text), "%.0f%%", 100 * layer_dead(layer));
        put_cell(grid, columns->dead, y, &findings[HEALTH_DEAD], text);
        snprintf(text, sizeof(text), "%.0f%%", 100 * layer_zero(layer));
        put_cell(grid, columns->zero, y, &findings[HEALTH_ZERO], text);
    }
    if (!isnan(layer->mean_drift)) {
        snprintf(text, sizeof(text), "%.2f", fmax(layer->mean_drift, layer->deviation_drift));
        put_cell(grid, columns->drift, y, &findings[HEALTH_DRIFT], text);
    }
    if (columns->low > 0) {
        snprintf(text, sizeof(text), "%.3g", layer->bins_from);
        grid_text(grid, columns->low - grid_text_columns(text), y, 8, STYLE_AXIS, text);
        grid_print(grid, columns->high, y, 6, STYLE_AXIS, "%.3g",
                   layer->bins_from + FEED_BINS * layer->bin_width);
    }
    layer_bins_row(grid, columns->bars, y, columns->cells, state->glyphs, layer);
}

/* ---- in words ---- */

/* What is the same in some layers. */
struct word {
    struct finding finding; /* of the first of them */
    bool layers[FEED_MAX_LAYERS];
    int count;
};
enum { MOST_WORDS = 2 * HEALTH_SIGNS };

/* The worst first; how many. */
static int find_words(const struct history *history, struct word out[MOST_WORDS])
{
    static const enum style order[] = {STYLE_BAD, STYLE_WARN};
    int count = 0;
    for (int o = 0; o < 2; o++)
        for (int i = 0; i < HEALTH_SIGNS; i++) {
            struct word word = {.count = 0};
            for (int l = 0; l < history->layers.count; l++) {
                struct finding findings[HEALTH_SIGNS];
                health_judge(&history->layers.layer[l], &history->snapshot.settings, findings);
                if (findings[i].style != order[o])
                    continue;
                if (word.count++ == 0)
                    word.finding = findings[i];
                word.layers[l] = true;
            }
            if (word.count > 0)
                out[count++] = word;
        }
    return count;
}

/* "layer 2", "layers 1-4 6" */
static void name_layers(const struct word *word, char *out, size_t size)
{
    size_t used = (size_t)snprintf(out, size, "layer%s", word->count > 1 ? "s" : "");
    for (int l = 0; l < FEED_MAX_LAYERS && used < size; l++) {
        const int first = l;
        if (!word->layers[l])
            continue;
        while (l + 1 < FEED_MAX_LAYERS && word->layers[l + 1])
            l++;
        used += (size_t)snprintf(out + used, size - used, l > first ? " %d-%d" : " %d", first + 1,
                                 l + 1);
    }
}

static void draw_words(struct grid *grid, struct rect where, const struct word *words, int count)
{
    static const char *const healthy[] = {
        "Nothing out of the ordinary in gradients, updates, dead units and averages",
        "Nothing out of the ordinary in any layer",
        "Nothing out of the ordinary",
    };
    if (count == 0)
        draw_fitting(grid, where, STYLE_DIM, healthy, 3);
    for (int i = 0; i < count && i < where.height; i++) {
        const struct finding *finding = &words[i].finding;
        const struct rect row = {where.x, where.y + i, where.width, 1};
        char names[128], text[320], brief[256];
        const int more = i == where.height - 1 ? count - where.height : 0;
        if (more > 0 && i > 0) {
            grid_print(grid, row.x, row.y, row.width, STYLE_WARN, "! and %d more", more + 1);
            return;
        }
        name_layers(&words[i], names, sizeof(names));
        snprintf(brief, sizeof(brief), "! %s: %s", names,
                 words[i].count > 1 ? finding->kind : finding->what);
        if (more > 0)
            snprintf(text, sizeof(text), "%s; and %d more", brief, more);
        else
            snprintf(text, sizeof(text), "%s, %s", brief, finding->why);
        draw_fitting(grid, row, finding->style, (const char *const[]){text, brief}, 2);
    }
}

/* When it was measured; with its age where that is not now. */
static void draw_caption(struct grid *grid, struct rect row, const struct state *state,
                         const struct history *history)
{
    const struct snapshot *snapshot = &history->snapshot;
    const struct layers *layers = &history->layers;
    const double age = state->now - layers->clock;
    char epoch[32], when[32], wide[160], narrow[96];
    draw_epoch(snapshot_epochs(snapshot, layers->step), epoch, sizeof(epoch));
    draw_age(age, when, sizeof(when));
    const bool rests = snapshot->state == RUN_PAUSED || run_state_ended(snapshot->state);
    const bool now = !rests && age < 2;
    const char *measured = now ? "Measured" : "Last measured";
    snprintf(wide, sizeof(wide), "%s at step %" PRId64 ", epoch %s, on %" PRId64 " images%s%s%s",
             measured, layers->step, epoch, snapshot->settings.train.batch_size, now ? "" : ", ",
             now ? "" : when, now ? "" : " ago");
    snprintf(narrow, sizeof(narrow), "%s at step %" PRId64 "%s%s%s", measured, layers->step,
             now ? "" : ", ", now ? "" : when, now ? "" : " ago");
    draw_fitting(grid, row, STYLE_DIM, (const char *const[]){wide, narrow}, 2);
}

/* ---- the screen ---- */

static void draw_nothing(struct grid *grid, struct rect body, const struct history *history)
{
    const enum run_state state = history->snapshot.state;
    draw_centered(grid, body, STYLE_DIM,
                  !history->has_layers     ? "This run does not tell of its layers."
                  : run_state_ended(state) ? "The run has ended. Layers are measured while it "
                                             "trains and this screen is shown."
                  : state == RUN_PAUSED    ? "Nothing is measured yet: the next step will be."
                                           : "The next steps will be measured.");
}

/* As many panels as fit below the table, the chosen layer's among them. */
static void draw_panels(struct grid *grid, struct rect where, const struct state *state,
                        const struct history *history)
{
    const int layers = history->layers.count;
    int count = where.height / (LAYER_PANEL_LEAST + 2);
    count = count < 1 ? 1 : count < layers ? count : layers;
    int height = where.height / count;
    height = height < LAYER_PANEL_MOST ? height : LAYER_PANEL_MOST;
    int first = state->layer - count / 2;
    first = first + count > layers ? layers - count : first;
    first = first < 0 ? 0 : first;
    for (int i = 0; i < count; i++) {
        const struct rect panel = {where.x + 1, where.y + i * height, where.width - 2,
                                   height - (i + 1 < count)};
        layer_panel_draw(grid, panel, state->glyphs, history, first + i);
    }
}

void layers_draw(struct grid *grid, const struct layout *layout, struct state *state,
                 const struct history *history)
{
    const struct layers *layers = &history->layers;
    struct rect rest = layout->body;
    if (layers->step < 0) {
        draw_nothing(grid, rest, history);
        return;
    }
    if (state->layer >= layers->count)
        state->layer = layers->count - 1;
    struct word words[MOST_WORDS];
    const int found = find_words(history, words);
    const struct columns columns = choose_columns(rest);

    if (rest.height >= 6) {
        draw_caption(grid, (struct rect){rest.x + 1, rest.y, rest.width - 2, 1}, state, history);
        rest.y++;
        rest.height--;
    }
    draw_header(grid, rest, &columns, rest.y, &history->snapshot.settings);
    rest.y++;
    rest.height--;

    /* Most of the rest for the table, but a row of words at least. */
    int rows = layers->count < rest.height - 1 ? layers->count : rest.height - 1;
    int first = state->layer - rows / 2;
    first = first + rows > layers->count ? layers->count - rows : first;
    first = first < 0 ? 0 : first;
    for (int i = 0; i < rows; i++)
        draw_layer(grid, state, history, &columns, (struct rect){rest.x, rest.y + i, rest.width, 1},
                   first + i);
    rest.y += rows;
    rest.height -= rows;

    int lines = found > 1 ? found : 1;
    if (rest.height > lines) { /* room between them */
        rest.y++;
        rest.height--;
    }
    /* Before the pictures, but not in their place where many are out of the ordinary. */
    const int third = rest.height / 3 > 4 ? rest.height / 3 : 4;
    const int most = rest.height > LAYER_PANEL_LEAST + 4 ? third : rest.height;
    lines = lines < most ? lines : most;
    draw_words(grid, (struct rect){rest.x + 1, rest.y, rest.width - 2, lines}, words, found);
    rest.y += lines + 1;
    rest.height -= lines + 1;
    if (rest.height >= LAYER_PANEL_LEAST)
        draw_panels(grid, rest, state, history);
}

bool layers_key(struct control *control, const char *key)
{
    struct state *state = control->state;
    const int last = control->history->layers.count - 1;
    if (strcmp(key, "down") == 0 || strcmp(key, "j") == 0)
        state->layer += state->layer < last;
    else if (strcmp(key, "up") == 0 || strcmp(key, "k") == 0)
        state->layer -= state->layer > 0;
    else if (strcmp(key, "home") == 0)
        state->layer = 0;
    else if (strcmp(key, "end") == 0)
        state->layer = last > 0 ? last : 0;
    else
        return false;
    return true;
}
