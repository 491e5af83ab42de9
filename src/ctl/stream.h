/*
 * What one watching client is sent: frames, each with all that has changed since the one before,
 * and what it asks for. One thing after another, and only as much at a time as the client takes,
 * so a slow one gets fewer frames, but each evaluation, edit and line of the journal.
 *
 * Memory of each is bounded: what it was sent of the losses, of the newest frame and of the range
 * test, so as to send differences. One thread calls.
 */
#ifndef KDT_CTL_STREAM_H
#define KDT_CTL_STREAM_H

#include "kdt/feed.h"

struct stream;
struct stream *stream_create(struct feed *feed, double seconds); /* between two frames */
void stream_destroy(struct stream *stream);                      /* NULL is fine */
/* There is something new in the feed. */
void stream_news(struct stream *stream);
/* The next frame does not wait for its time. */
void stream_hurry(struct stream *stream);
/* What it asked for; asked again before it is sent, it is sent once. */
void stream_ask_losses(struct stream *stream, int64_t first, int64_t last);
void stream_ask_layers(struct stream *stream);
void stream_ask_confusion(struct stream *stream);
/* Appends what is to be sent at this moment, while out holds less than STREAM_FULL bytes that are
 * not sent. */
enum { STREAM_FULL = 1 << 16 };
void stream_fill(struct stream *stream, double now, struct text *out);
/* clock_seconds() at which there will be a frame; 0: there is something to be sent now; infinite:
 * nothing before there is news. */
double stream_due(const struct stream *stream);

#endif
