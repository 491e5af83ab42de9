/*
 * Fuzz target: any bytes as what a server has sent to who watches. Whatever is taken of them, the
 * feed that they make keeps its promises.
 */
#include "kdt/ctl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void check(bool holds)
{
    if (!holds)
        abort();
}

static void read_confusion(struct feed *feed, const struct snapshot *now)
{
    struct confusion confusion;
    const size_t classes = (size_t)now->classes;
    confusion.count = malloc(classes * classes * sizeof *confusion.count);
    if (feed->confusion(feed, &confusion)) {
        check(confusion.classes == now->classes && confusion.wrong_count <= FEED_WRONG_GUESSES);
        const size_t size =
            (size_t)now->image_width * (size_t)now->image_height * (size_t)now->image_channels;
        uint8_t *pixels = malloc(size);
        for (int i = 0; i < confusion.wrong_count; i++) {
            check(confusion.wrong[i].truth < classes && confusion.wrong[i].guess < classes);
            feed->image(feed, confusion.wrong[i].image, pixels);
        }
        free(pixels);
    }
    free(confusion.count);
}

static void read_layers(struct feed *feed)
{
    static struct layers layers;
    struct layer_point points[FEED_TREND];
    feed->layers(feed, &layers);
    check(layers.count >= 0 && layers.count <= FEED_MAX_LAYERS);
    for (int l = 0; l < layers.count; l++)
        check(layers.layer[l].units > 0 &&
              feed->layer_trend(feed, l, points, FEED_TREND) <= FEED_TREND);
}

static void read_history(struct feed *feed, const struct snapshot *now)
{
    static struct loss_bucket buckets[FEED_MAX_BUCKETS];
    static struct range_test range;
    struct evaluation evaluation;
    struct edit_mark edit;
    struct kept_state state;
    struct journal_record record;
    size_t count = 0;
    const size_t losses = feed->buckets(feed, 0, INT64_MAX, buckets, FEED_MAX_BUCKETS);
    for (size_t i = 0; i < losses; i++)
        check(buckets[i].first <= buckets[i].last);
    while (feed->evaluations(feed, count, &evaluation, 1) == 1)
        count++;
    check(count >= now->evaluations);
    for (count = 0; feed->edits(feed, count, &edit, 1) == 1; count++)
        check(memchr(edit.label, '\0', sizeof edit.label));
    for (count = 0; feed->states(feed, count, &state, 1) == 1; count++)
        check(memchr(state.name, '\0', sizeof state.name));
    if (feed->journal(feed, 1, &record, 1) == 1)
        check(memchr(record.text, '\0', sizeof record.text));
    feed->range(feed, &range);
    check(range.count <= RANGE_POINTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct snapshot now;
    char name[FEED_CLASS_NAME];
    struct err err;
    struct ctl_watch *watch = ctl_watch_none();
    struct feed *feed = ctl_watch_feed(watch);
    char *copy = malloc(length);
    memcpy(copy, bytes, length);
    check(ctl_watch_take(watch, copy, length, &err) <= (int)length);
    feed->snapshot(feed, &now);
    check(now.classes >= 0 && now.classes <= 256 && now.state <= RUN_FAILED);
    for (int i = 0; i < now.classes; i++)
        feed->class_name(feed, i, name);
    read_history(feed, &now);
    read_layers(feed);
    if (now.classes > 0)
        read_confusion(feed, &now);
    ctl_watch_close(watch);
    free(copy);
    return 0;
}
