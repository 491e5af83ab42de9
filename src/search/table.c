/*
 * table: the lines of search.journal, one operation each, and the trials that
 * they make. The dialect is Optuna's:
 *
 *   {"op_code":0,"worker_id":"kdtui-…","study_name":"srch1","directions":[2]}
 *   {"op_code":2,"worker_id":"kdtui-…","study_id":0,"user_attr":{"kdtui":{…}}}
 *   {"op_code":4,"worker_id":"kdtui-…","study_id":0,"datetime_start":"2026-03-01T12:00:00.000000",
 *    "distributions":{"train.l2":"{\"name\":\"FloatDistribution\",…}"},"params":{"train.l2":1e-05}}
 *   {"op_code":7,"worker_id":"kdtui-…","trial_id":0,"step":1,"intermediate_value":0.3871}
 *   {"op_code":8,"worker_id":"kdtui-…","trial_id":0,"user_attr":{"test_accuracy":0.4012}}
 *   {"op_code":6,"worker_id":"kdtui-…","trial_id":0,"state":1,"values":[0.4102],
 *    "datetime_complete":"2026-03-01T12:00:09.000000"}
 *
 * Trials are numbered in the order of their lines, and what comes for one that
 * has ended counts for nothing, as there. What only Optuna's users write
 * (attributes, other studies) is passed over. What a person did are attributes:
 *
 *   … "params":{…},"user_attrs":{"added":"trial add train.l2 1e-05","source":"key"}}
 *   … "trial_id":0,"user_attr":{"source":"key"}}
 *   … "trial_id":0,"user_attr":{"frozen":true}}
 *   … "trial_id":0,"user_attr":{"stopped":"trial stop 0"}}
 *   … "trial_id":0,"user_attr":{"taken":"tab1-trial-0"}}
 *
 * and the last two are followed by the state 2, which Optuna calls pruned.
 */
#include "internal.h"

#include <float.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum operation {
    CREATE_STUDY,
    DELETE_STUDY,
    STUDY_USER_ATTRIBUTE,
    STUDY_SYSTEM_ATTRIBUTE,
    CREATE_TRIAL,
    TRIAL_PARAMETER,
    TRIAL_STATE,
    TRIAL_INTERMEDIATE,
    TRIAL_USER_ATTRIBUTE,
    TRIAL_SYSTEM_ATTRIBUTE,
    OPERATIONS
};
enum { EPOCHS_MOST = 1000000, MAXIMIZE = 2 };

void table_fini(struct table *table)
{
    for (int64_t i = 0; i < table->count; i++) {
        mem_free((void *)(uintptr_t)table->entries[i].trial.parameter);
        mem_free(table->entries[i].curve);
    }
    mem_free(table->entries);
    mem_free(table->number_of_id);
    mem_free(table->planned);
    mem_free(table->finished);
    mem_free(table->tops);
    *table = (struct table){0};
}

bool trial_ended(enum trial_state state)
{
    return state == TRIAL_COMPLETE || state == TRIAL_PRUNED || state == TRIAL_FAILED;
}

const char *trial_state_name(enum trial_state state)
{
    static const char *const names[] = {
        [TRIAL_WAITING] = "waiting", [TRIAL_RUNNING] = "running", [TRIAL_COMPLETE] = "complete",
        [TRIAL_PRUNED] = "pruned",   [TRIAL_FAILED] = "failed",
    };
    return names[state];
}

/* Room for one more, twice as many each time. */
static void *grow(void *list, int64_t count, size_t size)
{
    bool full = (count & (count - 1)) == 0;
    return full ? mem_resize(list, (size_t)(count ? 2 * count : 1) * size) : list;
}

/* ---- comparing ---- */

bool table_better(const struct table *table, double a, double b)
{
    if (isnan(a) || isnan(b))
        return !isnan(a);
    return table->maximize ? a > b : a < b;
}

static double value_up_to(const struct table *table, const struct entry *entry, int64_t epochs,
                          int64_t *epoch)
{
    double value = NAN;
    for (int64_t i = 0; i < entry->trial.epochs && i < epochs; i++)
        if (table_better(table, entry->curve[i], value)) {
            value = entry->curve[i];
            *epoch = i + 1;
        }
    return value;
}

double table_value(const struct table *table, const struct entry *entry, int64_t epochs)
{
    int64_t epoch;
    return value_up_to(table, entry, epochs, &epoch);
}

int64_t table_epochs(const struct table *table)
{
    int64_t epochs = 0;
    for (int64_t i = 0; i < table->count; i++)
        epochs += table->entries[i].trial.epochs;
    return epochs;
}

static bool beats(const struct table *table, int number, int best)
{
    const struct trial *trial = &table->entries[number].trial;
    return trial->state == TRIAL_COMPLETE &&
           (best < 0 || table_better(table, trial->value, table->entries[best].trial.value));
}

int table_best(const struct table *table)
{
    int best = -1;
    for (int number = 0; number < table->count; number++)
        best = beats(table, number, best) ? number : best;
    return best;
}

int table_best_planned(const struct table *table, int64_t limit)
{
    int best = -1;
    for (int64_t slot = 0; slot < table->planned_count && slot < limit; slot++)
        best = beats(table, table->planned[slot], best) ? table->planned[slot] : best;
    return best;
}

void table_rank(const struct table *table, int *numbers, size_t count, int64_t epochs)
{
    double *values = mem_alloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        int number = numbers[i];
        double value = table_value(table, &table->entries[number], epochs);
        size_t at = i;
        for (; at > 0 && table_better(table, value, values[at - 1]); at--) {
            values[at] = values[at - 1];
            numbers[at] = numbers[at - 1];
        }
        values[at] = value;
        numbers[at] = number;
    }
    mem_free(values);
}

/* ---- members of an object ---- */

static int get_integer(json_t *object, const char *key, int64_t least, int64_t most, int64_t *out,
                       struct err *err)
{
    const json_t *member = json_object_get(object, key);
    *out = 0;
    if (!json_is_integer(member) || json_integer_value(member) < least ||
        json_integer_value(member) > most)
        return err_set(err, ERR_FILE, "\"%s\": a whole number from %lld to %lld is expected", key,
                       (long long)least, (long long)most);
    *out = json_integer_value(member);
    return 0;
}

static int get_text(json_t *object, const char *key, char *out, size_t size, struct err *err)
{
    const json_t *member = json_object_get(object, key);
    if (!json_is_string(member) || json_string_length(member) >= size ||
        strlen(json_string_value(member)) != json_string_length(member))
        return err_set(err, ERR_FILE, "\"%s\": a text of at most %zu bytes is expected", key,
                       size - 1);
    text_copy(out, size, json_string_value(member));
    return 0;
}

/* null is NaN. */
static int get_number(json_t *object, const char *key, double *out, struct err *err)
{
    const json_t *member = json_object_get(object, key);
    *out = json_is_number(member) ? json_number_value(member) : NAN;
    if (json_is_number(member) || json_is_null(member))
        return 0;
    return err_set(err, ERR_FILE, "\"%s\": a number or null is expected", key);
}

/* ---- studies ---- */

static int apply_create_study(struct table *table, json_t *line, struct err *err)
{
    int64_t direction;
    json_t *directions = json_object_get(line, "directions");
    if (table->studies++ > 0)
        return 0;
    if (get_text(line, "study_name", table->study, sizeof table->study, err) != 0)
        return -1;
    if (json_array_size(directions) != 1 || !json_is_integer(json_array_get(directions, 0)))
        return err_set(err, ERR_FILE, "\"directions\": one direction is expected");
    direction = json_integer_value(json_array_get(directions, 0));
    if (direction != 1 && direction != MAXIMIZE)
        return err_set(err, ERR_FILE, "\"directions\": 1 or 2 is expected");
    table->maximize = direction == MAXIMIZE;
    table->begun = true;
    return 0;
}

/* "top-0012": {"test_accuracy": …, …} */
static int apply_top(struct table *table, const char *key, json_t *value, struct err *err)
{
    struct top_trial top = {0};
    int64_t number;
    if (number_parse_integer(key + 4, &number) != 0 || number < 0 || number >= table->count)
        return err_set(err, ERR_FILE, "\"%s\": the number of a trial is expected", key);
    if (get_number(value, "test_accuracy", &top.test_accuracy, err) != 0 ||
        get_number(value, "best_validation_accuracy", &top.best_validation_accuracy, err) != 0 ||
        get_integer(value, "best_epoch", 0, EPOCHS_MOST, &top.best_epoch, err) != 0)
        return -1;
    top.number = (int)number;
    top.failed = isnan(top.test_accuracy);
    for (int64_t i = 0; i < table->top_count; i++)
        if (table->tops[i].number == top.number)
            return 0;
    table->tops = grow(table->tops, table->top_count, sizeof *table->tops);
    table->tops[table->top_count++] = top;
    return 0;
}

static int apply_study_attribute(struct table *table, json_t *line, struct err *err)
{
    const char *key;
    json_t *value;
    int64_t digest;
    json_object_foreach(json_object_get(line, "user_attr"), key, value)
    {
        if (strcmp(key, "kdtui") == 0) {
            if (get_integer(value, "data_digest", 0, UINT32_MAX, &digest, err) != 0)
                return -1;
            table->data_digest = (uint32_t)digest;
        } else if (strncmp(key, "top-", 4) == 0 && apply_top(table, key, value, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- trials ---- */

/* A value in Optuna's own terms as the text that it was: of a list its index. */
static int external_value(json_t *distribution, json_t *internal, char *out, size_t size,
                          struct err *err)
{
    json_t *attributes = json_object_get(distribution, "attributes");
    json_t *choices = json_object_get(attributes, "choices");
    double number = json_is_number(internal) ? json_number_value(internal) : NAN;
    if (choices) {
        bool within = number >= 0 && number < (double)json_array_size(choices);
        const json_t *choice = within ? json_array_get(choices, (size_t)number) : NULL;
        if (json_is_string(choice) && json_string_length(choice) < size) {
            text_copy(out, size, json_string_value(choice));
            return 0;
        }
        number = json_is_number(choice) ? json_number_value(choice) : NAN;
    }
    if (!isfinite(number))
        return err_set(err, ERR_FILE, "\"params\": a value of its distribution is expected");
    number_format_double(out, size, number);
    return 0;
}

static int get_parameter(json_t *distributions, const char *name, json_t *internal,
                         struct trial_parameter *out, struct err *err)
{
    const json_t *text = json_object_get(distributions, name);
    json_t *distribution =
        json_is_string(text) ? json_loads(json_string_value(text), 0, NULL) : NULL;
    int result;
    if (!distribution || strlen(name) >= sizeof out->name)
        result = err_set(err, ERR_FILE, "\"distributions\": one of %.64s is expected", name);
    else
        result = external_value(distribution, internal, out->value, sizeof out->value, err);
    text_copy(out->name, sizeof out->name, name);
    json_decref(distribution);
    return result;
}

static int apply_create_trial(struct table *table, json_t *line, struct err *err)
{
    struct entry entry = {.trial = {.number = (int)table->count,
                                    .state = TRIAL_RUNNING,
                                    .value = NAN,
                                    .test_accuracy = NAN,
                                    .seconds = NAN}};
    int64_t study;
    char worker[256];
    json_t *params = json_object_get(line, "params"), *value;
    const char *name;
    if (get_integer(line, "study_id", 0, INT32_MAX, &study, err) != 0)
        return -1;
    if (table->ids == INT32_MAX)
        return err_set(err, ERR_FILE, "more trials than can be counted");
    if (study == 0) {
        if (get_text(line, "worker_id", worker, sizeof worker, err) != 0 ||
            get_text(line, "datetime_start", entry.started, sizeof entry.started, err) != 0)
            return -1;
        if (strncmp(worker, "kdtui-", 6) != 0 || !params)
            return err_set(err, ERR_FILE, "a trial that kdtui did not make");
        if (json_object_size(params) > DIMENSIONS + SETTINGS_MAX_LAYERS)
            return err_set(err, ERR_FILE, "\"params\": there are too many");
        struct trial_parameter *parameter = mem_alloc(json_object_size(params) * sizeof *parameter);
        json_object_foreach(params, name, value)
        {
            if (get_parameter(json_object_get(line, "distributions"), name, value,
                              &parameter[entry.trial.parameters++], err) != 0) {
                mem_free(parameter);
                return -1;
            }
        }
        entry.trial.parameter = parameter;
        if (json_is_integer(json_object_get(line, "state")))
            entry.trial.state = json_integer_value(json_object_get(line, "state")) == 4
                                    ? TRIAL_WAITING
                                    : TRIAL_RUNNING;
        entry.trial.added = json_object_get(json_object_get(line, "user_attrs"), "added") != NULL;
        entry.slot = entry.trial.added ? -1 : table->planned_count;
        if (!entry.trial.added) {
            table->planned = grow(table->planned, table->planned_count, sizeof *table->planned);
            table->planned[table->planned_count++] = entry.trial.number;
        }
        table->entries = grow(table->entries, table->count, sizeof *table->entries);
        table->entries[table->count++] = entry;
    }
    table->number_of_id = grow(table->number_of_id, table->ids, sizeof *table->number_of_id);
    table->number_of_id[table->ids++] = study == 0 ? entry.trial.number : -1;
    return 0;
}

/* NULL: nothing is to be done, or (-1 in *result) the line is wrong. */
static struct entry *find_entry(const struct table *table, json_t *line, int *result,
                                struct err *err)
{
    int64_t id = -1;
    *result = get_integer(line, "trial_id", 0, table->ids - 1, &id, err);
    int number = *result == 0 ? table->number_of_id[id] : -1;
    struct entry *entry = number < 0 ? NULL : &table->entries[number];
    return entry && !trial_ended(entry->trial.state) ? entry : NULL;
}

static int apply_state(struct table *table, json_t *line, struct entry *entry, struct err *err)
{
    static const enum trial_state states[] = {TRIAL_RUNNING, TRIAL_COMPLETE, TRIAL_PRUNED,
                                              TRIAL_FAILED, TRIAL_WAITING};
    int64_t state;
    if (get_integer(line, "state", 0, 4, &state, err) != 0)
        return -1;
    entry->trial.state = states[state];
    if (entry->trial.state == TRIAL_COMPLETE && isnan(entry->trial.value))
        return err_set(err, ERR_FILE, "a complete trial without a value");
    if (trial_ended(entry->trial.state)) {
        entry->trial.frozen = false;
        table->finished = grow(table->finished, table->finished_count, sizeof *table->finished);
        table->finished[table->finished_count++] = entry->trial.number;
        table->complete_count += entry->trial.state == TRIAL_COMPLETE;
    }
    return 0;
}

static int apply_intermediate(const struct table *table, json_t *line, struct entry *entry,
                              struct err *err)
{
    int64_t epoch;
    double value;
    struct trial *trial = &entry->trial;
    if (get_integer(line, "step", 1, EPOCHS_MOST, &epoch, err) != 0 ||
        get_number(line, "intermediate_value", &value, err) != 0)
        return -1;
    while (trial->epochs < epoch) {
        entry->curve = grow(entry->curve, trial->epochs, sizeof *entry->curve);
        entry->curve[trial->epochs++] = NAN;
    }
    entry->curve[epoch - 1] = value;
    trial->progress = (double)trial->epochs;
    trial->value = value_up_to(table, entry, trial->epochs, &trial->best_epoch);
    return 0;
}

/* What a person did to it. */
static int apply_person(json_t *attributes, struct trial *trial, struct err *err)
{
    char name[128];
    const json_t *frozen = json_object_get(attributes, "frozen");
    if (frozen) {
        if (!json_is_boolean(frozen))
            return err_set(err, ERR_FILE, "\"frozen\": true or false is expected");
        trial->frozen = json_is_true(frozen);
    } else if (json_object_get(attributes, "stopped")) {
        trial->stopped = true;
        text_copy(trial->why, sizeof trial->why, "stopped by hand");
    } else if (json_object_get(attributes, "taken")) {
        if (get_text(attributes, "taken", name, sizeof name, err) != 0)
            return -1;
        trial->stopped = true;
        snprintf(trial->why, sizeof trial->why, "taken over as %s", name);
    }
    return 0;
}

static int apply_trial_attribute(json_t *line, struct entry *entry, struct err *err)
{
    json_t *attributes = json_object_get(line, "user_attr");
    struct trial *trial = &entry->trial;
    if (json_object_get(attributes, "test_accuracy"))
        return get_number(attributes, "test_accuracy", &trial->test_accuracy, err);
    if (json_object_get(attributes, "seconds"))
        return get_number(attributes, "seconds", &trial->seconds, err);
    if (json_object_get(attributes, "why"))
        return get_text(attributes, "why", trial->why, sizeof trial->why, err);
    return apply_person(attributes, trial, err);
}

static int apply_to_trial(struct table *table, enum operation operation, json_t *line,
                          struct err *err)
{
    int result;
    struct entry *entry = find_entry(table, line, &result, err);
    if (!entry)
        return result;
    switch (operation) {
    case TRIAL_STATE:
        return apply_state(table, line, entry, err);
    case TRIAL_INTERMEDIATE:
        return apply_intermediate(table, line, entry, err);
    case TRIAL_USER_ATTRIBUTE:
        return apply_trial_attribute(line, entry, err);
    default:
        return 0;
    }
}

static int apply(struct table *table, json_t *line, struct err *err)
{
    int64_t operation, study;
    if (get_integer(line, "op_code", 0, OPERATIONS - 1, &operation, err) != 0)
        return -1;
    if (!table->begun && operation != CREATE_STUDY)
        return err_set(err, ERR_FILE, "a study is expected first");
    switch ((enum operation)operation) {
    case CREATE_STUDY:
        return apply_create_study(table, line, err);
    case CREATE_TRIAL:
        return apply_create_trial(table, line, err);
    case DELETE_STUDY:
    case STUDY_USER_ATTRIBUTE:
    case STUDY_SYSTEM_ATTRIBUTE:
        if (get_integer(line, "study_id", 0, INT32_MAX, &study, err) != 0)
            return -1;
        if (study == 0 && operation == DELETE_STUDY)
            return err_set(err, ERR_FILE, "the study was deleted");
        return study == 0 && operation == STUDY_USER_ATTRIBUTE
                   ? apply_study_attribute(table, line, err)
                   : 0;
    default:
        return apply_to_trial(table, (enum operation)operation, line, err);
    }
}

int table_apply(struct table *table, const char *line, size_t length, struct err *err)
{
    json_error_t error;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    int result =
        json_is_object(object)
            ? apply(table, object, err)
            : err_set(err, ERR_FILE, "%s", object ? "a JSON object is expected" : error.text);
    json_decref(object);
    table->lines += result == 0;
    return result;
}

int search_parse_journal(const char *bytes, size_t length, const char *name, int64_t *trials,
                         size_t *whole, struct err *err)
{
    struct table table = {0};
    int result = 0;
    *whole = 0;
    for (const char *end; result == 0 && (end = memchr(bytes + *whole, '\n', length - *whole));) {
        result = table_apply(&table, bytes + *whole, (size_t)(end - bytes) - *whole, err);
        if (result != 0)
            err_context(err, "%s:%lld", name, (long long)table.lines + 1);
        else
            *whole = (size_t)(end - bytes) + 1;
    }
    *trials = table.count;
    table_fini(&table);
    return result;
}
