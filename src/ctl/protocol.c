/* Requests of clients, and the object that answers `status`. */
#include "internal.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int ctl_parse_request(const char *bytes, size_t length, enum ctl_request *request,
                      char command[COMMAND_LINE], struct err *err)
{
    static const char status[] = "status", give[] = "do ";
    const size_t most = length < CTL_REQUEST_LINE ? length : CTL_REQUEST_LINE;
    const char *end = memchr(bytes, '\n', most);
    if (!end && length < CTL_REQUEST_LINE)
        return 0;
    if (!end)
        return err_set(err, ERR_USAGE, "a line of at most %d bytes is expected", CTL_REQUEST_LINE);
    const size_t line = (size_t)(end - bytes), lead = sizeof give - 1;
    command[0] = '\0';
    if (line == sizeof status - 1 && memcmp(bytes, status, line) == 0) {
        *request = CTL_REQUEST_STATUS;
        return (int)line + 1;
    }
    if (line <= lead || memcmp(bytes, give, lead) != 0 || line - lead >= COMMAND_LINE ||
        memchr(bytes, '\0', line))
        return err_set(err, ERR_USAGE, "status or \"do COMMAND\" is expected");
    memcpy(command, bytes + lead, line - lead);
    command[line - lead] = '\0';
    *request = CTL_REQUEST_COMMAND;
    return (int)line + 1;
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

void ctl_status_print(const struct snapshot *now, int viewers, struct text *out)
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
        {"viewers", json_integer(viewers)},
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
