/* See records.h. */
#include "records.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

void record_put_class(struct text *out, int class, const char *name)
{
    text_print(out, "class %d", class);
    words_put_text(out, name);
    text_append(out, "\n", 1);
}

bool record_take_class(struct words *words, int *class, char out[FEED_CLASS_NAME])
{
    return words_int(words, 0, 255, class) && words_text(words, out, FEED_CLASS_NAME);
}

/* ---- evaluations ---- */

static void put_evaluation(struct text *out, const struct evaluation *one)
{
    text_print(out, " %" PRId64 " %" PRId64, one->epoch, one->step);
    words_put_number(out, one->seconds);
    words_put_number(out, one->learning_rate);
    words_put_number(out, one->train_loss);
    words_put_number(out, one->train_accuracy);
    words_put_number(out, one->validation_loss);
    words_put_number(out, one->validation_accuracy);
    words_put_flags(out, "a", &one->abandoned);
    text_append(out, "\n", 1);
}

void record_put_evaluation(struct text *out, size_t i, const struct evaluation *one)
{
    text_print(out, "evaluation %zu", i);
    put_evaluation(out, one);
}

bool record_take_evaluation(struct words *words, struct evaluation *out)
{
    return words_integer(words, -1, RECORD_MOST, &out->epoch) &&
           words_integer(words, -1, RECORD_MOST, &out->step) &&
           words_number(words, &out->seconds) && words_number(words, &out->learning_rate) &&
           words_number(words, &out->train_loss) && words_number(words, &out->train_accuracy) &&
           words_number(words, &out->validation_loss) &&
           words_number(words, &out->validation_accuracy) &&
           words_flags(words, "a", &out->abandoned);
}

/* ---- edits, states, the journal ---- */

void record_put_edit(struct text *out, size_t i, const struct edit_mark *one)
{
    text_print(out, "edit %zu %" PRId64 " %" PRId64, i, one->seq, one->step);
    words_put_number(out, one->seconds);
    words_put_word(out, command_source_name(one->source));
    words_put_flags(out, "arn", (const bool[]){one->abandoned, one->returned, one->note});
    words_put_text(out, one->label);
    text_append(out, "\n", 1);
}

static bool take_source(struct words *words, enum command_source *out)
{
    char word[16];
    if (!words_word(words, word, sizeof word))
        return false;
    for (int i = 0; i <= SOURCE_REPLAY; i++)
        if (strcmp(command_source_name((enum command_source)i), word) == 0) {
            *out = (enum command_source)i;
            return true;
        }
    return false;
}

bool record_take_edit(struct words *words, struct edit_mark *out)
{
    bool flags[3];
    if (!words_integer(words, -1, RECORD_MOST, &out->seq) ||
        !words_integer(words, -1, RECORD_MOST, &out->step) || !words_number(words, &out->seconds) ||
        !take_source(words, &out->source) || !words_flags(words, "arn", flags) ||
        !words_text(words, out->label, sizeof out->label))
        return false;
    out->abandoned = flags[0];
    out->returned = flags[1];
    out->note = flags[2];
    return true;
}

void record_put_state(struct text *out, size_t i, const struct kept_state *one)
{
    text_print(out, "kept %zu %" PRId64, i, one->step);
    words_put_text(out, one->name);
    words_put_second_text(out, one->label);
    text_append(out, "\n", 1);
}

bool record_take_state(struct words *words, struct kept_state *out)
{
    return words_integer(words, -1, RECORD_MOST, &out->step) &&
           words_text_before_tab(words, out->name, sizeof out->name) &&
           words_text(words, out->label, sizeof out->label);
}

void record_put_journal(struct text *out, const struct journal_record *one)
{
    text_print(out, "journal %" PRIu64 " %" PRId64 " %" PRIu64, one->seq, one->step, one->back_to);
    words_put_flags(out, "x", &one->refused);
    words_put_word(out, one->time);
    words_put_word(out, one->source);
    words_put_text(out, one->command);
    words_put_second_text(out, one->text);
    text_append(out, "\n", 1);
}

bool record_take_journal(struct words *words, struct journal_record *out)
{
    return words_count(words, &out->seq) && words_integer(words, -1, RECORD_MOST, &out->step) &&
           words_count(words, &out->back_to) && words_flags(words, "x", &out->refused) &&
           words_word(words, out->time, sizeof out->time) &&
           words_word(words, out->source, sizeof out->source) &&
           words_text_before_tab(words, out->command, sizeof out->command) &&
           words_text(words, out->text, sizeof out->text);
}

/* ---- losses ---- */

void record_put_loss(struct text *out, const struct loss_bucket *one)
{
    text_print(out, "bucket %" PRId64 " %" PRId64, one->first, one->last);
    words_put_brief(out, one->seconds);
    words_put_brief(out, one->mean);
    words_put_brief(out, one->minimum);
    words_put_brief(out, one->maximum);
    words_put_brief(out, one->learning_rate);
    words_put_flags(out, "anm", (const bool[]){one->abandoned, one->noise, one->augmented});
    text_append(out, "\n", 1);
}

bool record_take_loss(struct words *words, struct loss_bucket *out)
{
    bool flags[3];
    if (!words_integer(words, 0, RECORD_MOST, &out->first) ||
        !words_integer(words, out->first, RECORD_MOST, &out->last) ||
        !words_number(words, &out->seconds) || !words_number(words, &out->mean) ||
        !words_number(words, &out->minimum) || !words_number(words, &out->maximum) ||
        !words_number(words, &out->learning_rate) || !words_flags(words, "anm", flags))
        return false;
    out->abandoned = flags[0];
    out->noise = flags[1];
    out->augmented = flags[2];
    return true;
}

/* A number that is none is the same as another one. */
static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

bool record_same_loss(const struct loss_bucket *a, const struct loss_bucket *b)
{
    return a->first == b->first && a->last == b->last && a->abandoned == b->abandoned &&
           a->noise == b->noise && a->augmented == b->augmented &&
           same_number(a->seconds, b->seconds) && same_number(a->mean, b->mean) &&
           same_number(a->minimum, b->minimum) && same_number(a->maximum, b->maximum) &&
           same_number(a->learning_rate, b->learning_rate);
}

/* ---- the range test ---- */

void record_put_range(struct text *out, const struct range_test *now, const struct range_test *sent)
{
    const bool other = now->number != sent->number;
    text_print(out, "range %" PRIu64, now->number);
    words_put_flags(out, "r", &now->running);
    text_print(out, " %" PRId64 " %zu %zu", now->step, now->planned, now->count);
    words_put_brief(out, now->rate);
    words_put_brief(out, now->low);
    words_put_brief(out, now->high);
    words_put_brief(out, now->steepest);
    words_put_brief(out, now->lowest);
    words_put_text(out, now->text);
    text_append(out, "\n", 1);
    for (size_t i = 0; i < now->count; i++) {
        const struct range_point *point = &now->points[i], *before = &sent->points[i];
        if (!other && i < sent->count && same_number(point->rate, before->rate) &&
            same_number(point->loss, before->loss) && same_number(point->smooth, before->smooth))
            continue;
        text_print(out, "point %zu", i);
        words_put_brief(out, point->rate);
        words_put_brief(out, point->loss);
        words_put_brief(out, point->smooth);
        text_append(out, "\n", 1);
    }
}

bool record_take_range(struct words *words, struct range_test *out)
{
    int planned, count;
    if (!words_count(words, &out->number) || !words_flags(words, "r", &out->running) ||
        !words_integer(words, -1, RECORD_MOST, &out->step) ||
        !words_int(words, 0, RANGE_POINTS, &planned) ||
        !words_int(words, 0, RANGE_POINTS, &count) || !words_number(words, &out->rate) ||
        !words_number(words, &out->low) || !words_number(words, &out->high) ||
        !words_number(words, &out->steepest) || !words_number(words, &out->lowest) ||
        !words_text(words, out->text, sizeof out->text))
        return false;
    out->planned = (size_t)planned;
    out->count = (size_t)count;
    return true;
}

bool record_take_point(struct words *words, struct range_test *out)
{
    int i;
    return words_int(words, 0, RANGE_POINTS - 1, &i) && words_number(words, &out->points[i].rate) &&
           words_number(words, &out->points[i].loss) && words_number(words, &out->points[i].smooth);
}

/* ---- layers ---- */

static void put_layer(struct text *out, int l, const struct layer_measure *layer)
{
    text_print(out, "layer %d %d %d", l, layer->inputs, layer->units);
    words_put_flags(out, "h", &layer->hidden);
    words_put_brief(out, layer->gradient_norm);
    words_put_brief(out, layer->update_ratio);
    text_print(out, " %d", layer->inactive);
    words_put_brief(out, layer->mean_drift);
    words_put_brief(out, layer->deviation_drift);
    text_print(out, "\nbins %d", l);
    words_put_brief(out, layer->bins_from);
    words_put_brief(out, layer->bin_width);
    text_print(out, " %" PRIu32, layer->zeros);
    for (int i = 0; i < FEED_BINS; i++)
        text_print(out, " %" PRIu32, layer->bins[i]);
    text_append(out, "\n", 1);
}

void record_put_layers(struct text *out, struct feed *feed)
{
    struct layers layers = {.step = -1};
    struct layer_point trend[FEED_TREND];
    if (feed->layers)
        feed->layers(feed, &layers);
    text_print(out, "layers %" PRId64 " %d", layers.step, layers.count);
    words_put_brief(out, clock_seconds() - layers.clock);
    text_append(out, "\n", 1);
    for (int l = 0; l < layers.count; l++) {
        put_layer(out, l, &layers.layer[l]);
        const size_t points = feed->layer_trend(feed, l, trend, FEED_TREND);
        text_print(out, "trend %d %zu", l, points);
        for (size_t i = 0; i < points; i++) {
            text_print(out, " %" PRId64, trend[i].step);
            words_put_brief(out, trend[i].gradient_norm);
            words_put_brief(out, trend[i].update_ratio);
        }
        text_append(out, "\n", 1);
    }
}

bool record_take_layers(struct words *words, struct layers *out)
{
    double age;
    if (!words_integer(words, -1, RECORD_MOST, &out->step) ||
        !words_int(words, 0, FEED_MAX_LAYERS, &out->count) || !words_number(words, &age))
        return false;
    out->clock = clock_seconds() - age;
    return true;
}

static bool take_layer_number(struct words *words, struct layers *out, struct layer_measure **layer)
{
    int l;
    if (!words_int(words, 0, FEED_MAX_LAYERS - 1, &l))
        return false;
    *layer = &out->layer[l];
    return true;
}

bool record_take_layer(struct words *words, struct layers *out)
{
    struct layer_measure *layer;
    return take_layer_number(words, out, &layer) &&
           words_int(words, 1, INT32_MAX, &layer->inputs) &&
           words_int(words, 1, INT32_MAX, &layer->units) &&
           words_flags(words, "h", &layer->hidden) && words_number(words, &layer->gradient_norm) &&
           words_number(words, &layer->update_ratio) &&
           words_int(words, 0, INT32_MAX, &layer->inactive) &&
           words_number(words, &layer->mean_drift) && words_number(words, &layer->deviation_drift);
}

static bool take_32(struct words *words, uint32_t *out)
{
    int64_t value;
    if (!words_integer(words, 0, UINT32_MAX, &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool record_take_bins(struct words *words, struct layers *out)
{
    struct layer_measure *layer;
    bool good = take_layer_number(words, out, &layer) && words_number(words, &layer->bins_from) &&
                words_number(words, &layer->bin_width) && take_32(words, &layer->zeros);
    for (int i = 0; i < FEED_BINS && good; i++)
        good = take_32(words, &layer->bins[i]);
    return good;
}

bool record_take_trend(struct words *words, int *layer, struct layer_point out[FEED_TREND],
                       size_t *count)
{
    int points;
    bool good =
        words_int(words, 0, FEED_MAX_LAYERS - 1, layer) && words_int(words, 0, FEED_TREND, &points);
    for (int i = 0; good && i < points; i++)
        good = words_integer(words, 0, RECORD_MOST, &out[i].step) &&
               words_number(words, &out[i].gradient_norm) &&
               words_number(words, &out[i].update_ratio);
    *count = good ? (size_t)points : 0;
    return good;
}

/* ---- the confusion matrix and its images ---- */

void record_put_confusion(struct text *out, const struct confusion *one)
{
    text_print(out, "confusion %d %d", one ? one->classes : 0, one ? one->wrong_count : 0);
    put_evaluation(out, one ? &one->of : &(struct evaluation){0});
}

bool record_take_confusion(struct words *words, struct confusion *out)
{
    return words_int(words, 0, 256, &out->classes) &&
           words_int(words, 0, FEED_WRONG_GUESSES, &out->wrong_count) &&
           record_take_evaluation(words, &out->of);
}

void record_put_row(struct text *out, const struct confusion *one, int truth)
{
    text_print(out, "row %d", truth);
    for (int i = 0; i < one->classes; i++)
        text_print(out, " %" PRIu32, one->count[truth * one->classes + i]);
    text_append(out, "\n", 1);
}

bool record_take_row(struct words *words, struct confusion *out)
{
    int truth;
    bool good = words_int(words, 0, out->classes - 1, &truth);
    for (int i = 0; i < out->classes && good; i++)
        good = take_32(words, &out->count[truth * out->classes + i]);
    return good;
}

void record_put_wrong(struct text *out, const struct confusion *one, int i)
{
    const struct wrong_guess *wrong = &one->wrong[i];
    text_print(out, "wrong %d %" PRIu32 " %d %d", i, wrong->image, wrong->truth, wrong->guess);
    words_put_brief(out, (double)wrong->probability);
    text_append(out, "\n", 1);
}

bool record_take_wrong(struct words *words, struct confusion *out)
{
    int i, truth, guess;
    uint32_t image;
    double probability;
    if (!words_int(words, 0, out->wrong_count - 1, &i) || !take_32(words, &image) ||
        !words_int(words, 0, out->classes - 1, &truth) ||
        !words_int(words, 0, out->classes - 1, &guess) || !words_number(words, &probability))
        return false;
    out->wrong[i] = (struct wrong_guess){image, (uint8_t)truth, (uint8_t)guess, (float)probability};
    return true;
}

void record_put_image(struct text *out, uint32_t image, const uint8_t *bytes, size_t from,
                      size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char hex[2 * RECORD_IMAGE_PIECE];
    size_t count = size - from < RECORD_IMAGE_PIECE ? size - from : RECORD_IMAGE_PIECE;
    for (size_t i = 0; i < count; i++) {
        hex[2 * i] = digits[bytes[from + i] >> 4];
        hex[2 * i + 1] = digits[bytes[from + i] & 15];
    }
    text_print(out, "image %" PRIu32 " %zu ", image, from);
    text_append(out, hex, 2 * count);
    text_append(out, "\n", 1);
}

/* -1: none. */
static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool record_take_image(struct words *words, size_t size, uint32_t *image, size_t *from,
                       uint8_t out[RECORD_IMAGE_PIECE], size_t *count)
{
    char hex[2 * RECORD_IMAGE_PIECE + 1];
    int64_t offset;
    if (!take_32(words, image) || !words_integer(words, 0, RECORD_IMAGE_MOST, &offset) ||
        !words_word(words, hex, sizeof hex))
        return false;
    *from = (size_t)offset;
    *count = strlen(hex) / 2;
    if (strlen(hex) % 2 != 0 || *from > size || *count > size - *from)
        return false;
    for (size_t i = 0; i < *count; i++) {
        const int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
