/* See mirror.h. */
#include "mirror.h"
#include "records.h"

#include <math.h>
#include <string.h>

void mirror_init(struct mirror *mirror)
{
    *mirror = (struct mirror){0};
    settings_init(&mirror->next.settings);
    mirror->next.last.step = -1;
    mirror->shown = mirror->next;
    mirror->layers.step = -1;
    mirror->losses = mem_alloc(FEED_MAX_BUCKETS * sizeof *mirror->losses);
    mirror->next_losses = mem_alloc(FEED_MAX_BUCKETS * sizeof *mirror->next_losses);
    mirror->first = mirror->last = -1;
}

static void confusion_fini(struct mirror_confusion *one)
{
    mem_free(one->confusion.count);
    mem_free(one->pixels);
    *one = (struct mirror_confusion){0};
}

void mirror_fini(struct mirror *mirror)
{
    mem_free(mirror->names);
    mem_free(mirror->evaluations);
    mem_free(mirror->edits);
    mem_free(mirror->states);
    mem_free(mirror->next_states);
    mem_free(mirror->journal);
    mem_free(mirror->losses);
    mem_free(mirror->next_losses);
    confusion_fini(&mirror->confusion);
    confusion_fini(&mirror->next_confusion);
}

size_t mirror_image_bytes(const struct mirror *mirror)
{
    const struct snapshot *now = &mirror->next;
    const uint64_t plane = (uint64_t)now->image_width * (uint64_t)now->image_height;
    return (size_t)plane * (size_t)now->image_channels;
}

/* ---- frames ---- */

static bool take_class(struct mirror *mirror, struct words *words)
{
    char name[FEED_CLASS_NAME];
    int class;
    if (!record_take_class(words, &class, name) || class >= mirror->next.classes || mirror->begun)
        return false;
    if (!mirror->names) /* of any number, so that one said anew needs no other room */
        mirror->names = mem_alloc(256 * sizeof *mirror->names);
    text_copy(mirror->names[class], FEED_CLASS_NAME, name);
    return true;
}

/* Element i of an array that has `count`: room for it, which may be the one behind the last. */
static void *element(void *array, size_t i, size_t *count, size_t *room, size_t size)
{
    if (i == *count) {
        ++*count;
        if (*count > *room) {
            *room = *room ? 2 * *room : 64;
            array = mem_resize(array, *room * size);
        }
    }
    return array;
}

static bool take_evaluation(struct mirror *mirror, struct words *words)
{
    struct evaluation one;
    uint64_t i;
    if (!words_count(words, &i) || i > mirror->evaluation_count ||
        !record_take_evaluation(words, &one))
        return false;
    mirror->evaluations = element(mirror->evaluations, i, &mirror->evaluation_count,
                                  &mirror->evaluation_room, sizeof one);
    mirror->evaluations[i] = one;
    return true;
}

static bool take_edit(struct mirror *mirror, struct words *words)
{
    struct edit_mark one;
    uint64_t i;
    if (!words_count(words, &i) || i > mirror->edit_count || !record_take_edit(words, &one))
        return false;
    mirror->edits = element(mirror->edits, i, &mirror->edit_count, &mirror->edit_room, sizeof one);
    mirror->edits[i] = one;
    return true;
}

static void show_states(struct mirror *mirror)
{
    mem_free(mirror->states);
    mirror->states = mirror->next_states;
    mirror->state_count = mirror->next_state_count;
    mirror->next_states = NULL;
    mirror->next_state_count = mirror->next_state_at = 0;
}

static bool take_states(struct mirror *mirror, struct words *words)
{
    int count;
    if (!words_int(words, 0, 1 << 16, &count))
        return false;
    mem_free(mirror->next_states);
    mirror->next_states = mem_alloc((size_t)count * sizeof *mirror->next_states);
    mirror->next_state_count = (size_t)count;
    mirror->next_state_at = 0;
    if (count == 0)
        show_states(mirror);
    return true;
}

static bool take_state(struct mirror *mirror, struct words *words)
{
    uint64_t i;
    if (!words_count(words, &i) || i != mirror->next_state_at || i >= mirror->next_state_count ||
        !record_take_state(words, &mirror->next_states[i]))
        return false;
    if (++mirror->next_state_at == mirror->next_state_count)
        show_states(mirror);
    return true;
}

/* The oldest go, some at a time. */
static bool take_journal(struct mirror *mirror, struct words *words)
{
    struct journal_record one;
    size_t *count = &mirror->journal_count;
    if (!record_take_journal(words, &one) ||
        (*count > 0 && one.seq <= mirror->journal[*count - 1].seq))
        return false;
    /* So far behind that lines between are no longer kept there. */
    if (*count > 0 && one.seq > mirror->journal[*count - 1].seq + 1)
        *count = 0;
    if (*count == FEED_JOURNAL_LINES) {
        *count -= FEED_JOURNAL_LINES / 4;
        memmove(mirror->journal, mirror->journal + FEED_JOURNAL_LINES / 4, *count * sizeof one);
    }
    mirror->journal = element(mirror->journal, *count, count, &mirror->journal_room, sizeof one);
    mirror->journal[*count - 1] = one;
    return true;
}

/* The newest that was not abandoned. */
static struct evaluation last_evaluation(const struct mirror *mirror)
{
    for (size_t i = mirror->evaluation_count; i-- > 0;)
        if (!mirror->evaluations[i].abandoned)
            return mirror->evaluations[i];
    return (struct evaluation){.step = -1};
}

/* Images of a size that there is memory for. */
static bool has_sizes(const struct snapshot *now)
{
    const int64_t plane = (int64_t)now->image_width * now->image_height;
    return plane <= RECORD_IMAGE_MOST && plane * now->image_channels <= RECORD_IMAGE_MOST;
}

static int take_shown(struct mirror *mirror, struct words *words)
{
    uint64_t version;
    if (!words_count(words, &version) || !has_sizes(&mirror->next))
        return -1;
    /* An answer may have come before the frame that tells of it. */
    const struct answer newest = mirror->shown.answer;
    mirror->shown = mirror->next;
    if (newest.id > mirror->shown.answer.id ||
        (newest.id == mirror->shown.answer.id && newest.state > mirror->shown.answer.state))
        mirror->shown.answer = newest;
    mirror->shown.evaluations = mirror->evaluation_count;
    mirror->shown.last = last_evaluation(mirror);
    mirror->shown.edits = mirror->edit_count;
    mirror->shown.states = mirror->state_count;
    mirror->shown.journal =
        mirror->journal_count ? mirror->journal[mirror->journal_count - 1].seq : 0;
    mirror->range = mirror->next_range;
    mirror->begun = true;
    mirror->version++;
    return 1;
}

/* ---- what was asked for ---- */

static int show_losses(struct mirror *mirror)
{
    struct loss_bucket *before = mirror->losses;
    mirror->losses = mirror->next_losses;
    mirror->next_losses = before;
    mirror->loss_count = mirror->next_loss_count;
    mirror->first = mirror->next_first;
    mirror->last = mirror->next_last;
    mirror->next_loss_count = 0;
    mirror->losses_come++;
    return 1;
}

static int take_losses(struct mirror *mirror, struct words *words)
{
    int keep, count;
    if (!words_integer(words, 0, INT64_MAX, &mirror->next_first) ||
        !words_integer(words, 0, INT64_MAX, &mirror->next_last) ||
        !words_int(words, 0, (int)mirror->loss_count, &keep) ||
        !words_int(words, keep, FEED_MAX_BUCKETS, &count))
        return -1;
    memcpy(mirror->next_losses, mirror->losses, (size_t)keep * sizeof *mirror->losses);
    mirror->next_loss_at = (size_t)keep;
    mirror->next_loss_count = (size_t)count;
    return keep == count ? show_losses(mirror) : 0;
}

static int take_loss(struct mirror *mirror, struct words *words)
{
    if (mirror->next_loss_at >= mirror->next_loss_count ||
        !record_take_loss(words, &mirror->next_losses[mirror->next_loss_at]))
        return -1;
    return ++mirror->next_loss_at == mirror->next_loss_count ? show_losses(mirror) : 0;
}

static int show_layers(struct mirror *mirror)
{
    for (int l = 0; l < mirror->next_layers.count; l++)
        if (mirror->next_layers.layer[l].units < 1)
            return -1;
    mirror->layers = mirror->next_layers;
    mirror->layers_come++;
    return 1;
}

static int take_layers(struct mirror *mirror, struct words *words)
{
    if (!record_take_layers(words, &mirror->next_layers))
        return -1;
    return mirror->next_layers.count == 0 ? show_layers(mirror) : 0;
}

/* The last line of a layer. */
static int take_trend(struct mirror *mirror, struct words *words)
{
    struct layer_point trend[FEED_TREND];
    size_t count;
    int l;
    if (!record_take_trend(words, &l, trend, &count) || l >= mirror->next_layers.count)
        return -1;
    memcpy(mirror->trend[l], trend, count * sizeof *trend);
    mirror->trend_count[l] = count;
    return l == mirror->next_layers.count - 1 ? show_layers(mirror) : 0;
}

static bool take_confusion(struct mirror *mirror, struct words *words)
{
    struct confusion *next = &mirror->next_confusion.confusion;
    const size_t classes = (size_t)mirror->next.classes;
    confusion_fini(&mirror->next_confusion);
    if (!mirror->begun || !record_take_confusion(words, next) ||
        (next->classes != 0 && next->classes != mirror->next.classes))
        return false;
    if (next->classes == 0)
        return true;
    next->count = mem_alloc(classes * classes * sizeof *next->count);
    mirror->next_confusion.pixels =
        mem_alloc((size_t)next->wrong_count * mirror_image_bytes(mirror));
    return true;
}

static bool take_image(struct mirror *mirror, struct words *words)
{
    const struct confusion *next = &mirror->next_confusion.confusion;
    const size_t size = mirror_image_bytes(mirror);
    uint8_t bytes[RECORD_IMAGE_PIECE];
    size_t from, count;
    uint32_t image;
    if (!next->count || !record_take_image(words, size, &image, &from, bytes, &count))
        return false;
    for (int i = 0; i < next->wrong_count; i++)
        if (next->wrong[i].image == image)
            memcpy(mirror->next_confusion.pixels + (size_t)i * size + from, bytes, count);
    return true;
}

static int take_confused(struct mirror *mirror)
{
    confusion_fini(&mirror->confusion);
    mirror->confusion = mirror->next_confusion;
    mirror->next_confusion = (struct mirror_confusion){0};
    mirror->confusions_come++;
    return 1;
}

/* ---- commands ---- */

static int take_requested(struct mirror *mirror, struct words *words)
{
    uint64_t id;
    if (!words_count(words, &id) || id == 0 || mirror->taken == mirror->posted)
        return -1;
    struct answer *answer = &mirror->answers[id % MIRROR_ANSWERS];
    *answer = (struct answer){.id = id, .state = ANSWER_REQUESTED, .clock = clock_seconds()};
    answer->step = mirror->shown.step;
    text_copy(answer->line, sizeof answer->line, mirror->posts[mirror->taken++ % MIRROR_POSTS]);
    mirror->taken_id = id;
    if (id > mirror->shown.answer.id)
        mirror->shown.answer = *answer;
    mirror->version++;
    return 1;
}

static int take_answer(struct mirror *mirror, struct words *words, enum answer_state state)
{
    uint64_t id;
    int64_t step = mirror->shown.step;
    char text[sizeof mirror->taken_text];
    if (!words_count(words, &id) ||
        (state == ANSWER_APPLIED && !words_integer(words, -1, RECORD_MOST, &step)) ||
        !words_text(words, text, sizeof text))
        return -1;
    if (id == 0) { /* refused at once */
        if (mirror->taken == mirror->posted)
            return -1;
        mirror->taken++;
        mirror->taken_id = 0;
        text_copy(mirror->taken_text, sizeof mirror->taken_text, text);
        return 1;
    }
    struct answer *answer = &mirror->answers[id % MIRROR_ANSWERS];
    if (answer->id != id)
        return -1;
    answer->state = state;
    answer->step = step;
    answer->clock = clock_seconds();
    text_copy(answer->text, sizeof answer->text, text);
    if (id >= mirror->shown.answer.id)
        mirror->shown.answer = *answer;
    mirror->version++;
    return 1;
}

/* ---- lines ---- */

static int done(bool good)
{
    return good ? 0 : -1;
}

int mirror_take(struct mirror *mirror, char *line)
{
    struct words words = {.at = line};
    char word[32];
    if (!words_word(&words, word, sizeof word))
        return -1;
    const int member = record_take_member(word, &words, mirror->begun, &mirror->next);
    if (member != 0)
        return member < 0 ? -1 : 0;
    if (strcmp(word, "bucket") == 0)
        return take_loss(mirror, &words);
    if (strcmp(word, "losses") == 0)
        return take_losses(mirror, &words);
    if (strcmp(word, "shown") == 0)
        return take_shown(mirror, &words);
    if (strcmp(word, "evaluation") == 0)
        return done(take_evaluation(mirror, &words));
    if (strcmp(word, "edit") == 0)
        return done(take_edit(mirror, &words));
    if (strcmp(word, "states") == 0)
        return done(take_states(mirror, &words));
    if (strcmp(word, "kept") == 0)
        return done(take_state(mirror, &words));
    if (strcmp(word, "journal") == 0)
        return done(take_journal(mirror, &words));
    if (strcmp(word, "class") == 0)
        return done(take_class(mirror, &words));
    if (strcmp(word, "range") == 0)
        return done(record_take_range(&words, &mirror->next_range));
    if (strcmp(word, "point") == 0)
        return done(record_take_point(&words, &mirror->next_range));
    if (strcmp(word, "layers") == 0)
        return take_layers(mirror, &words);
    if (strcmp(word, "layer") == 0)
        return done(record_take_layer(&words, &mirror->next_layers));
    if (strcmp(word, "bins") == 0)
        return done(record_take_bins(&words, &mirror->next_layers));
    if (strcmp(word, "trend") == 0)
        return take_trend(mirror, &words);
    if (strcmp(word, "confusion") == 0)
        return done(take_confusion(mirror, &words));
    if (strcmp(word, "row") == 0)
        return done(mirror->next_confusion.confusion.count &&
                    record_take_row(&words, &mirror->next_confusion.confusion));
    if (strcmp(word, "wrong") == 0)
        return done(mirror->next_confusion.confusion.count &&
                    record_take_wrong(&words, &mirror->next_confusion.confusion));
    if (strcmp(word, "image") == 0)
        return done(take_image(mirror, &words));
    if (strcmp(word, "confused") == 0)
        return take_confused(mirror);
    if (strcmp(word, "requested") == 0)
        return take_requested(mirror, &words);
    if (strcmp(word, "applied") == 0)
        return take_answer(mirror, &words, ANSWER_APPLIED);
    if (strcmp(word, "refused") == 0)
        return take_answer(mirror, &words, ANSWER_REFUSED);
    if (strcmp(word, "interrupted") == 0) {
        mirror->interrupted = true;
        return 1;
    }
    if (strcmp(word, "error") == 0)
        return done(words_text(&words, mirror->why, sizeof mirror->why));
    return 0; /* of a later version */
}
