/*
 * What a run's history is made of, each as a line: writing it on the server's side, reading it on
 * the client's. kdtui-protocol(7) shows them. Readers take the words after the first one or two,
 * and are false where something is not as it must be.
 */
#ifndef KDT_CTL_RECORDS_H
#define KDT_CTL_RECORDS_H

#include "kdt/feed.h"
#include "words.h"

/* Steps and the like are within these, so that sums of two of them are numbers. */
#define RECORD_MOST ((int64_t)1 << 60)
enum { RECORD_IMAGE_PIECE = 4096, RECORD_IMAGE_MOST = 1 << 22 };

/* Members of the snapshot that are not as in `sent`, a line each, settings among them. `all`:
 * every one. */
void record_put_snapshot(struct text *out, const struct snapshot *now, const struct snapshot *sent,
                         bool all);
/* 1: it is a member, taken; 0: `name` is none; -1: malformed. What never changes is malformed where
 * `begun`. */
int record_take_member(const char *name, struct words *words, bool begun, struct snapshot *out);

void record_put_class(struct text *out, int class, const char *name);
bool record_take_class(struct words *words, int *class, char out[FEED_CLASS_NAME]);
void record_put_evaluation(struct text *out, size_t i, const struct evaluation *one);
bool record_take_evaluation(struct words *words, struct evaluation *out);
void record_put_edit(struct text *out, size_t i, const struct edit_mark *one);
bool record_take_edit(struct words *words, struct edit_mark *out);
void record_put_state(struct text *out, size_t i, const struct kept_state *one);
bool record_take_state(struct words *words, struct kept_state *out);
void record_put_journal(struct text *out, const struct journal_record *one);
bool record_take_journal(struct words *words, struct journal_record *out);
void record_put_loss(struct text *out, const struct loss_bucket *one);
bool record_take_loss(struct words *words, struct loss_bucket *out);
bool record_same_loss(const struct loss_bucket *a, const struct loss_bucket *b);
/* The range test, and then those of its points that are not as in `sent`. */
void record_put_range(struct text *out, const struct range_test *now,
                      const struct range_test *sent);
bool record_take_range(struct words *words, struct range_test *out);
bool record_take_point(struct words *words, struct range_test *out);
/* The layers and their trends: one line of `layers`, then for each layer three. */
void record_put_layers(struct text *out, struct feed *feed);
bool record_take_layers(struct words *words, struct layers *out);
bool record_take_layer(struct words *words, struct layers *out);
bool record_take_bins(struct words *words, struct layers *out);
bool record_take_trend(struct words *words, int *layer, struct layer_point out[FEED_TREND],
                       size_t *count);
/* The head of a confusion matrix, with how many images are wrong; NULL: there is none. */
void record_put_confusion(struct text *out, const struct confusion *one);
/* Its count is the caller's. */
bool record_take_confusion(struct words *words, struct confusion *out);
void record_put_row(struct text *out, const struct confusion *one, int truth);
bool record_take_row(struct words *words, struct confusion *out);
void record_put_wrong(struct text *out, const struct confusion *one, int i);
bool record_take_wrong(struct words *words, struct confusion *out);
/* Some of an image's `size` bytes, from `from` on. */
void record_put_image(struct text *out, uint32_t image, const uint8_t *bytes, size_t from,
                      size_t size);
bool record_take_image(struct words *words, size_t size, uint32_t *image, size_t *from,
                       uint8_t out[RECORD_IMAGE_PIECE], size_t *count);

#endif
