/* How a run stands; see standing.h. */
#include "standing.h"

#include <math.h>
#include <string.h>

#include "kdt/ctl.h"
#include "kdt/run.h"
#include "places.h"

/* What the files tell, as the run's process would. */
static void fill_snapshot(const struct run_record *record, const char *directory,
                          struct snapshot *out)
{
    const struct evaluation *best = run_record_best(record);
    *out = (struct snapshot){
        .state = record->state,
        .epochs = record->settings.train.epochs,
        .learning_rate = record->settings.train.learning_rate,
        .samples_per_second = NAN,
        .last = {.step = -1},
        .best_validation_accuracy = best ? best->validation_accuracy : NAN,
        .best_validation_loss = best ? best->validation_loss : NAN,
        .best_epoch = best ? best->epoch : 0,
    };
    text_copy(out->name, sizeof out->name, record->name);
    text_copy(out->directory, sizeof out->directory, directory);
    for (size_t i = 0; i < record->loss_count; i++)
        if (!record->losses[i].abandoned) {
            out->step = record->losses[i].last + 1;
            out->learning_rate = record->losses[i].learning_rate;
        }
    for (size_t i = 0; i < record->evaluation_count; i++)
        if (!record->evaluations[i].abandoned)
            out->last = record->evaluations[i];
    if (out->last.step > out->step)
        out->step = out->last.step;
    out->epoch = record->steps_per_epoch ? out->step / record->steps_per_epoch : 0;
}

static int print_files(const char *directory, struct text *out, struct err *err)
{
    struct run_record record;
    struct snapshot now;
    if (run_record_load(directory, &record, err) != 0)
        return -1;
    fill_snapshot(&record, directory, &now);
    /* Somebody trains it who has no socket. */
    if (run_is_trained(directory))
        now.state = RUN_RUNNING;
    run_record_fini(&record);
    ctl_status_print(&now, out);
    return 0;
}

json_t *standing_find(const char *directory, struct err *err)
{
    struct text text = {0};
    struct ctl_client *client = NULL;
    struct err unanswered;
    json_error_t error;
    json_t *object = NULL;
    char *sockets = places_sockets();
    const bool answered = run_is_trained(directory) &&
                          ctl_connect(sockets, directory, &client, &unanswered) == 1 &&
                          ctl_status(client, &text, &unanswered) == 0;
    text.length = answered ? text.length : 0;
    if (answered || print_files(directory, &text, err) == 0) {
        object = json_loadb(text.bytes, text.length, 0, &error);
        if (!json_is_object(object)) {
            err_set(err, ERR_SYSTEM, "%s: the answer of its process is no JSON object", directory);
            json_decref(object);
            object = NULL;
        }
    }
    ctl_client_close(client);
    mem_free(sockets);
    text_fini(&text);
    return object;
}
