/* The snapshot as lines: "step 1470", "set train.l2 0.0001". Only what has changed is sent, so that
 * a frame of a run that just goes on is some two hundred bytes. */
#include "records.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum kind {
    TEXT,   /* char[] */
    STATE,  /* enum run_state, by its name with _ for a space */
    FLAG,   /* bool: 0 or 1 */
    SMALL,  /* int */
    SIZE,   /* int that never changes: classes, sides of an image */
    COUNT,  /* uint64_t */
    STEP,   /* int64_t, -1 or more */
    NUMBER, /* double */
    BRIEF,  /* double that moves with every frame: nine digits of it */
    MOMENT, /* double, clock_seconds(): sent as an age */
};
struct member {
    const char *name;
    enum kind kind;
    size_t offset, size;
};

#define MEMBER(kind, name)                                                                         \
    {                                                                                              \
#name, kind, offsetof(struct snapshot, name), sizeof(((struct snapshot *)0)->name)         \
    }
static const struct member members[] = {
    MEMBER(TEXT, name),
    MEMBER(TEXT, directory),
    MEMBER(STATE, state),
    MEMBER(FLAG, abandoned),
    {"failure", TEXT, offsetof(struct snapshot, error), sizeof((struct snapshot *)0)->error},
    MEMBER(TEXT, warning),
    MEMBER(TEXT, dataset),
    MEMBER(TEXT, dataset_why),
    MEMBER(TEXT, network),
    MEMBER(COUNT, parameters),
    MEMBER(COUNT, train_count),
    MEMBER(COUNT, validation_count),
    MEMBER(COUNT, test_count),
    MEMBER(SIZE, classes),
    MEMBER(SIZE, image_width),
    MEMBER(SIZE, image_height),
    MEMBER(SIZE, image_channels),
    MEMBER(SMALL, threads),
    MEMBER(SMALL, viewers),
    MEMBER(STEP, step),
    MEMBER(STEP, steps_per_epoch),
    MEMBER(STEP, total_steps),
    MEMBER(STEP, epoch),
    MEMBER(STEP, epochs),
    MEMBER(BRIEF, seconds),
    MEMBER(BRIEF, eta),
    MEMBER(NUMBER, learning_rate),
    MEMBER(BRIEF, samples_per_second),
    MEMBER(BRIEF, loss),
    MEMBER(BRIEF, evaluation_progress),
    MEMBER(NUMBER, best_validation_accuracy),
    MEMBER(NUMBER, best_validation_loss),
    MEMBER(STEP, best_epoch),
    MEMBER(STEP, best_step),
    MEMBER(STEP, checkpoint_step),
    MEMBER(MOMENT, checkpoint_clock),
    MEMBER(NUMBER, test_loss),
    MEMBER(NUMBER, test_accuracy),
    MEMBER(STEP, undo_step),
    MEMBER(STEP, redo_step),
    MEMBER(TEXT, undo_label),
    MEMBER(TEXT, pause_reason),
    MEMBER(FLAG, diverged),
    MEMBER(COUNT, returns),
    MEMBER(COUNT, range_tests),
    MEMBER(COUNT, detaches),
};

enum { MEMBERS = sizeof members / sizeof *members, WORD = 64 };

/* ---- writing ---- */

static const void *at(const struct snapshot *snapshot, const struct member *member)
{
    return (const char *)snapshot + member->offset;
}

static bool same(const struct snapshot *a, const struct snapshot *b, const struct member *member)
{
    if (member->kind == TEXT)
        return strcmp(at(a, member), at(b, member)) == 0;
    return memcmp(at(a, member), at(b, member), member->size) == 0;
}

static void put_member(struct text *out, const struct snapshot *now, const struct member *member)
{
    const void *value = at(now, member);
    text_print(out, "%s", member->name);
    switch (member->kind) {
    case TEXT:
        words_put_text(out, value);
        break;
    case STATE:
        words_put_word(out, run_state_name(now->state));
        break;
    case FLAG:
        text_print(out, " %d", *(const bool *)value);
        break;
    case SMALL:
    case SIZE:
        text_print(out, " %d", *(const int *)value);
        break;
    case COUNT:
        text_print(out, " %" PRIu64, *(const uint64_t *)value);
        break;
    case STEP:
        text_print(out, " %" PRId64, *(const int64_t *)value);
        break;
    case NUMBER:
        words_put_number(out, *(const double *)value);
        break;
    case BRIEF:
        words_put_brief(out, *(const double *)value);
        break;
    case MOMENT:
        words_put_brief(out, clock_seconds() - *(const double *)value);
        break;
    }
    text_append(out, "\n", 1);
}

static void put_settings(struct text *out, const struct settings *now, const struct settings *sent,
                         bool all)
{
    char value[SETTINGS_TEXT], before[SETTINGS_TEXT];
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        settings_format(now, row, value, sizeof value);
        settings_format(sent, row, before, sizeof before);
        if (!all && strcmp(value, before) == 0)
            continue;
        text_print(out, "set %s", row->name);
        words_put_text(out, value);
        text_append(out, "\n", 1);
    }
}

static void put_answer(struct text *out, const struct answer *answer)
{
    static const char *const names[] = {"none", "requested", "applied", "refused"};
    text_print(out, "answer %" PRIu64 " %s %" PRId64, answer->id, names[answer->state],
               answer->step);
    words_put_brief(out, clock_seconds() - answer->clock);
    words_put_text(out, answer->line);
    words_put_second_text(out, answer->text);
    text_append(out, "\n", 1);
}

void record_put_snapshot(struct text *out, const struct snapshot *now, const struct snapshot *sent,
                         bool all)
{
    for (size_t i = 0; i < MEMBERS; i++)
        if (all || !same(now, sent, &members[i]))
            put_member(out, now, &members[i]);
    if (all || memcmp(&now->settings, &sent->settings, sizeof now->settings) != 0)
        put_settings(out, &now->settings, &sent->settings, all);
    if (now->answer.id != sent->answer.id || now->answer.state != sent->answer.state)
        put_answer(out, &now->answer);
}

/* ---- reading ---- */

static int take_state(struct words *words, enum run_state *out)
{
    char word[WORD], name[WORD];
    if (!words_word(words, word, sizeof word))
        return -1;
    for (int i = 0; i <= RUN_FAILED; i++) {
        text_copy(name, sizeof name, run_state_name((enum run_state)i));
        for (char *c = name; *c; c++)
            *c = *c == ' ' ? '_' : *c;
        if (strcmp(word, name) == 0) {
            *out = (enum run_state)i;
            return 1;
        }
    }
    return -1;
}

static bool take_age(struct words *words, double *clock)
{
    double age;
    if (!words_number(words, &age) || isnan(age))
        return false;
    *clock = clock_seconds() - age;
    return true;
}

static int take_value(struct words *words, const struct member *member, bool begun,
                      struct snapshot *out)
{
    void *value = (char *)out + member->offset;
    int flag;
    bool good = false;
    switch (member->kind) {
    case TEXT:
        good = words_text(words, value, member->size);
        break;
    case STATE:
        return take_state(words, &out->state);
    case FLAG:
        good = words_int(words, 0, 1, &flag);
        if (good)
            *(bool *)value = flag;
        break;
    case SMALL:
        good = words_int(words, 0, 1 << 20, value);
        break;
    case SIZE:
        good = !begun &&
               words_int(words, 0,
                         member->offset == offsetof(struct snapshot, classes) ? 256
                                                                              : RECORD_IMAGE_MOST,
                         value);
        break;
    case COUNT:
        good = words_count(words, value);
        break;
    case STEP:
        good = words_integer(words, -1, RECORD_MOST, value);
        break;
    case NUMBER:
    case BRIEF:
        good = words_number(words, value);
        break;
    case MOMENT:
        good = take_age(words, value);
        break;
    }
    return good ? 1 : -1;
}

static int take_setting(struct words *words, struct settings *out)
{
    char name[WORD], value[SETTINGS_TEXT];
    struct err err;
    if (!words_word(words, name, sizeof name) || !words_text(words, value, sizeof value))
        return -1;
    const struct setting *row = settings_find(name, &err);
    return row && settings_set(out, row, value, &err) != 0 ? -1 : 1;
}

static int take_answer(struct words *words, struct answer *out)
{
    char state[WORD];
    if (!words_count(words, &out->id) || !words_word(words, state, sizeof state) ||
        !words_integer(words, -1, RECORD_MOST, &out->step) || !take_age(words, &out->clock) ||
        !words_text_before_tab(words, out->line, sizeof out->line) ||
        !words_text(words, out->text, sizeof out->text))
        return -1;
    out->state = strcmp(state, "applied") == 0     ? ANSWER_APPLIED
                 : strcmp(state, "refused") == 0   ? ANSWER_REFUSED
                 : strcmp(state, "requested") == 0 ? ANSWER_REQUESTED
                                                   : ANSWER_NONE;
    return 1;
}

int record_take_member(const char *name, struct words *words, bool begun, struct snapshot *out)
{
    if (strcmp(name, "set") == 0)
        return take_setting(words, &out->settings);
    if (strcmp(name, "answer") == 0)
        return take_answer(words, &out->answer);
    for (size_t i = 0; i < MEMBERS; i++)
        if (strcmp(members[i].name, name) == 0)
            return take_value(words, &members[i], begun, out);
    return 0;
}
