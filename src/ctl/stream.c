/* See stream.h. */
#include "stream.h"
#include "records.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The parts of a frame, and after them what was asked for, in the order in which they are sent. */
enum part {
    IDLE,
    CLASSES,
    EVALUATIONS,
    EDITS,
    STATES,
    JOURNAL,
    RANGE,
    SHOWN,
    LOSSES,
    ROWS,   /* of the confusion matrix */
    IMAGES, /* that are wrong */
};

struct stream {
    struct feed *feed;
    double seconds, due;
    bool news, begun;
    enum part part;
    size_t at; /* how far it is in its part */
    struct snapshot now;
    struct range_test range;

    /* What was sent. */
    size_t evaluations, edits;
    uint64_t journal;
    struct kept_state *states;
    size_t state_count;
    struct loss_bucket *losses, *spare; /* FEED_MAX_BUCKETS each */
    size_t loss_count;

    /* What was asked for. */
    bool asked_losses, asked_layers, asked_confusion;
    int64_t first, last;
    struct confusion confusion;
    uint8_t *pixels;
    size_t pixel_count, pixel_at;
};

struct stream *stream_create(struct feed *feed, double seconds)
{
    struct stream *stream = mem_alloc(sizeof *stream);
    stream->feed = feed;
    stream->seconds = seconds;
    stream->news = true;
    return stream;
}

void stream_destroy(struct stream *stream)
{
    if (!stream)
        return;
    mem_free(stream->states);
    mem_free(stream->losses);
    mem_free(stream->spare);
    mem_free(stream->confusion.count);
    mem_free(stream->pixels);
    mem_free(stream);
}

void stream_news(struct stream *stream)
{
    stream->news = true;
}

void stream_hurry(struct stream *stream)
{
    stream->due = 0;
}

void stream_ask_losses(struct stream *stream, int64_t first, int64_t last)
{
    stream->asked_losses = true;
    stream->first = first;
    stream->last = last;
}

void stream_ask_layers(struct stream *stream)
{
    stream->asked_layers = true;
}

void stream_ask_confusion(struct stream *stream)
{
    stream->asked_confusion = true;
}

double stream_due(const struct stream *stream)
{
    if (stream->part != IDLE || stream->asked_losses || stream->asked_layers ||
        stream->asked_confusion)
        return 0;
    return stream->news ? stream->due : INFINITY;
}

static void enter(struct stream *stream, enum part part)
{
    stream->part = part;
    stream->at = 0;
}

/* ---- frames ---- */

static void begin_frame(struct stream *stream, double now, struct text *out)
{
    const struct snapshot before = stream->now;
    stream->news = false;
    stream->due = now + stream->seconds;
    stream->feed->snapshot(stream->feed, &stream->now);
    record_put_snapshot(out, &stream->now, &before, !stream->begun);
    /* A return marks anew what is abandoned. */
    if (stream->now.returns != before.returns)
        stream->evaluations = stream->edits = 0;
    enter(stream, stream->begun ? EVALUATIONS : CLASSES);
    stream->begun = true;
}

static void put_classes(struct stream *stream, struct text *out)
{
    char name[FEED_CLASS_NAME];
    for (int i = 0; i < stream->now.classes; i++) {
        stream->feed->class_name(stream->feed, i, name);
        record_put_class(out, i, name);
    }
    enter(stream, EVALUATIONS);
}

enum { SOME = 64 }; /* at a time */

/* After a night there may be a hundred thousand: the first screen does not wait for all. */
static void put_evaluations(struct stream *stream, struct text *out)
{
    enum { IN_A_FRAME = 32 * SOME };
    struct evaluation some[SOME];
    const size_t count = stream->feed->evaluations(stream->feed, stream->evaluations, some, SOME);
    for (size_t i = 0; i < count; i++)
        record_put_evaluation(out, stream->evaluations++, &some[i]);
    stream->at += count;
    if (count == SOME && stream->at < IN_A_FRAME)
        return;
    if (count == SOME) { /* the others come with the next frame, which is due at once */
        stream->news = true;
        stream->due -= stream->seconds;
    }
    enter(stream, EDITS);
}

static void put_edits(struct stream *stream, struct text *out)
{
    struct edit_mark some[SOME];
    const size_t count = stream->feed->edits(stream->feed, stream->edits, some, SOME);
    for (size_t i = 0; i < count; i++)
        record_put_edit(out, stream->edits++, &some[i]);
    if (count < SOME)
        enter(stream, STATES);
}

static bool same_states(const struct kept_state *a, const struct kept_state *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (a[i].step != b[i].step || strcmp(a[i].name, b[i].name) != 0 ||
            strcmp(a[i].label, b[i].label) != 0)
            return false;
    return true;
}

/* All of them, where they are others: they are few. */
static void put_states(struct stream *stream, struct text *out)
{
    struct kept_state *states = NULL;
    size_t count = 0, got;
    do {
        states = mem_resize(states, (count + SOME) * sizeof *states);
        got = stream->feed->states(stream->feed, count, states + count, SOME);
        count += got;
    } while (got == SOME);
    if (count != stream->state_count || !same_states(states, stream->states, count)) {
        text_print(out, "states %zu\n", count);
        for (size_t i = 0; i < count; i++)
            record_put_state(out, i, &states[i]);
    }
    mem_free(stream->states);
    stream->states = states;
    stream->state_count = count;
    enter(stream, JOURNAL);
}

static void put_journal(struct stream *stream, struct text *out)
{
    enum { LINES = 8 };
    struct journal_record some[LINES];
    struct feed *feed = stream->feed;
    const size_t count = feed->journal ? feed->journal(feed, stream->journal + 1, some, LINES) : 0;
    for (size_t i = 0; i < count; i++)
        record_put_journal(out, &some[i]);
    if (count > 0)
        stream->journal = some[count - 1].seq;
    if (count < LINES)
        enter(stream, RANGE);
}

/* Not again once it has ended. */
static void put_range(struct stream *stream, struct text *out)
{
    struct range_test *sent = &stream->range, now;
    const bool ended = sent->number == stream->now.range_tests && !sent->running;
    if (stream->feed->range && (stream->now.state == RUN_RANGE_TEST || !ended)) {
        stream->feed->range(stream->feed, &now);
        if (now.number > 0)
            record_put_range(out, &now, sent);
        *sent = now;
    }
    enter(stream, SHOWN);
}

/* ---- what was asked for ---- */

/* As many of them stay as are the same; the others follow. */
static void begin_losses(struct stream *stream, struct text *out)
{
    struct loss_bucket *fresh = stream->spare;
    if (!fresh)
        fresh = mem_alloc(FEED_MAX_BUCKETS * sizeof *fresh);
    const size_t count =
        stream->feed->buckets(stream->feed, stream->first, stream->last, fresh, FEED_MAX_BUCKETS);
    size_t keep = 0;
    while (keep < count && keep < stream->loss_count &&
           record_same_loss(&fresh[keep], &stream->losses[keep]))
        keep++;
    text_print(out, "losses %" PRId64 " %" PRId64 " %zu %zu\n", stream->first, stream->last, keep,
               count);
    stream->spare = stream->losses;
    stream->losses = fresh;
    stream->loss_count = count;
    stream->asked_losses = false;
    enter(stream, LOSSES);
    stream->at = keep;
}

static void put_losses(struct stream *stream, struct text *out)
{
    const size_t end =
        stream->at + SOME < stream->loss_count ? stream->at + SOME : stream->loss_count;
    while (stream->at < end)
        record_put_loss(out, &stream->losses[stream->at++]);
    if (stream->at == stream->loss_count)
        enter(stream, IDLE);
}

static void begin_confusion(struct stream *stream, struct text *out)
{
    struct feed *feed = stream->feed;
    const size_t classes = (size_t)stream->now.classes;
    struct confusion *confusion = &stream->confusion;
    if (!confusion->count)
        confusion->count = mem_alloc(classes * classes * sizeof *confusion->count);
    stream->asked_confusion = false;
    if (!feed->confusion || !feed->confusion(feed, confusion)) {
        record_put_confusion(out, NULL);
        text_print(out, "confused\n");
        return;
    }
    record_put_confusion(out, confusion);
    enter(stream, ROWS);
}

static void put_row(struct stream *stream, struct text *out)
{
    record_put_row(out, &stream->confusion, (int)stream->at++);
    if (stream->at < (size_t)stream->confusion.classes)
        return;
    enter(stream, IMAGES);
    stream->pixel_at = 0;
}

/* A piece of one of them. */
static void put_image(struct stream *stream, struct text *out)
{
    const struct snapshot *now = &stream->now;
    struct feed *feed = stream->feed;
    if (stream->at == (size_t)stream->confusion.wrong_count) {
        text_print(out, "confused\n");
        enter(stream, IDLE);
        return;
    }
    const uint32_t image = stream->confusion.wrong[stream->at].image;
    if (stream->pixel_at == 0) {
        stream->pixel_count =
            (size_t)now->image_width * (size_t)now->image_height * (size_t)now->image_channels;
        if (!stream->pixels)
            stream->pixels = mem_alloc(stream->pixel_count);
        feed->image(feed, image, stream->pixels);
        record_put_wrong(out, &stream->confusion, (int)stream->at);
    }
    if (stream->pixel_count > 0)
        record_put_image(out, image, stream->pixels, stream->pixel_at, stream->pixel_count);
    stream->pixel_at += RECORD_IMAGE_PIECE;
    if (stream->pixel_at >= stream->pixel_count) {
        stream->pixel_at = 0;
        stream->at++;
    }
}

/* ---- one after another ---- */

/* False where there is nothing to begin. What was asked for comes first, but not before a frame
 * has told what it is about. */
static bool begin(struct stream *stream, double now, struct text *out)
{
    if (!stream->begun || (stream->news && stream->due == 0)) {
        begin_frame(stream, now, out);
    } else if (stream->asked_losses) {
        begin_losses(stream, out);
    } else if (stream->asked_confusion) {
        begin_confusion(stream, out);
    } else if (stream->asked_layers) {
        record_put_layers(out, stream->feed);
        stream->asked_layers = false;
    } else if (stream->news && now >= stream->due) {
        begin_frame(stream, now, out);
    } else {
        return false;
    }
    return true;
}

static void go_on(struct stream *stream, struct text *out)
{
    switch (stream->part) {
    case IDLE:
        break;
    case CLASSES:
        put_classes(stream, out);
        break;
    case EVALUATIONS:
        put_evaluations(stream, out);
        break;
    case EDITS:
        put_edits(stream, out);
        break;
    case STATES:
        put_states(stream, out);
        break;
    case JOURNAL:
        put_journal(stream, out);
        break;
    case RANGE:
        put_range(stream, out);
        break;
    case SHOWN:
        text_print(out, "shown %" PRIu64 "\n", stream->now.version);
        enter(stream, IDLE);
        break;
    case LOSSES:
        put_losses(stream, out);
        break;
    case ROWS:
        put_row(stream, out);
        break;
    case IMAGES:
        put_image(stream, out);
        break;
    }
}

void stream_fill(struct stream *stream, double now, struct text *out)
{
    while (out->length < STREAM_FULL) {
        if (stream->part != IDLE)
            go_on(stream, out);
        else if (!begin(stream, now, out))
            return;
    }
}
