/* Requests of clients, and the object that answers `status`. */
#include "internal.h"
#include "words.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Words without arguments. */
static const struct {
    const char *word;
    enum ctl_request_kind kind;
} plain[] = {
    {"status", CTL_STATUS},
    {"layers", CTL_LAYERS},
    {"confusion", CTL_CONFUSION},
    {"interrupt", CTL_INTERRUPT},
};

static bool parse_line(char *line, struct ctl_request *out)
{
    struct words words = {.at = line};
    char word[16];
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(line, plain[i].word) == 0) {
            out->kind = plain[i].kind;
            return true;
        }
    if (strncmp(line, "do ", 3) == 0 && line[3] != '\0') {
        out->kind = CTL_COMMAND;
        text_copy(out->command, sizeof out->command, line + 3);
        return strlen(line + 3) < sizeof out->command;
    }
    if (!words_word(&words, word, sizeof word))
        return false;
    if (strcmp(word, "watch") == 0) {
        out->kind = CTL_WATCH;
        if (!words_number(&words, &out->frames) || out->frames < 0.1 || out->frames > 50)
            return false;
        out->read_only = words.at && strcmp(words.at, "read-only") == 0;
        return out->read_only || !words.at;
    }
    out->kind = CTL_LOSSES;
    return strcmp(word, "losses") == 0 && words_integer(&words, 0, INT64_MAX, &out->first) &&
           words_integer(&words, out->first, INT64_MAX, &out->last) && !words.at;
}

int ctl_parse_request(const char *bytes, size_t length, struct ctl_request *out, struct err *err)
{
    char line[CTL_REQUEST_LINE];
    const size_t most = length < CTL_REQUEST_LINE ? length : CTL_REQUEST_LINE;
    const char *end = memchr(bytes, '\n', most);
    *out = (struct ctl_request){0};
    if (!end && length < CTL_REQUEST_LINE)
        return 0;
    if (!end)
        return err_set(err, ERR_USAGE, "a line of at most %d bytes is expected", CTL_REQUEST_LINE);
    const size_t used = (size_t)(end - bytes);
    memcpy(line, bytes, used);
    line[used] = '\0';
    if (strlen(line) != used || !parse_line(line, out))
        return err_set(
            err, ERR_USAGE,
            "status, do COMMAND, watch FRAMES [read-only], losses FIRST LAST, layers, confusion or "
            "interrupt is expected");
    return (int)used + 1;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* For who asks from outside, whatever it does while it goes on is running. */
static const char *state_name(enum run_state state)
{
    return run_state_name(state == RUN_PAUSED || run_state_ended(state) ? state : RUN_RUNNING);
}

void ctl_status_print(const struct snapshot *now, struct text *out)
{
    const struct evaluation none = {.train_loss = NAN,
                                    .train_accuracy = NAN,
                                    .validation_loss = NAN,
                                    .validation_accuracy = NAN};
    const struct evaluation *last = now->last.step < 0 ? &none : &now->last;
    json_t *object = json_object();
    const struct {
        const char *key;
        json_t *value;
    } members[] = {
        {"name", json_string(now->name)},
        {"state", json_string(state_name(now->state))},
        {"step", json_integer(now->step)},
        {"epoch", json_integer(now->epoch)},
        {"epochs", json_integer(now->epochs)},
        {"learning_rate", number(now->learning_rate)},
        {"train_loss", number(last->train_loss)},
        {"train_accuracy", number(last->train_accuracy)},
        {"validation_loss", number(last->validation_loss)},
        {"validation_accuracy", number(last->validation_accuracy)},
        {"best_validation_loss", number(now->best_validation_loss)},
        {"best_validation_accuracy", number(now->best_validation_accuracy)},
        {"best_epoch",
         isfinite(now->best_validation_accuracy) ? json_integer(now->best_epoch) : json_null()},
        {"samples_per_second", number(now->samples_per_second)},
        {"viewers", json_integer(now->viewers)},
        {"directory", json_string(now->directory)},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        json_object_set_new(object, members[i].key, members[i].value);
    char *text = json_dumps(object, JSON_COMPACT);
    if (text)
        text_print(out, "%s", text);
    free(text);
    json_decref(object);
}
