/*
 * look: the feed of one trial at a time, for a viewer. Where the trial is
 * trained here each call goes to its run's own feed; a run ends under
 * search.lock, so it is there as long as the call lasts. Of any other trial it
 * shows what is on disk, read when it becomes that trial or its standing another.
 *
 * Nothing can be changed through it: what a trial comes to is a function of the
 * search's settings.
 */
#include "internal.h"

#include <math.h>
#include <string.h>

static struct look *look_of(struct feed *feed)
{
    return (struct look *)((char *)feed - offsetof(struct look, feed));
}

/* ---- trained here ---- */

/* With search.lock held until leave_run; NULL: it is not trained here. */
static struct feed *enter_run(const struct look *look)
{
    struct search *search = look->search;
    pthread_mutex_lock(&search->lock);
    for (int i = 0; i < search->worker_count; i++)
        if (search->workers[i].run && search->workers[i].number == look->number)
            return run_feed(search->workers[i].run);
    return NULL;
}

static void leave_run(const struct look *look)
{
    pthread_mutex_unlock(&look->search->lock);
}

/* ---- on disk ---- */

static void drop_record(struct look *look)
{
    if (look->record)
        run_record_fini(look->record);
    mem_free(look->record);
    look->record = NULL;
}

static void read_record(struct look *look)
{
    struct text directory = {0};
    drop_record(look);
    look->record = mem_alloc(sizeof *look->record);
    trial_directory(look->search, "trial", look->number, &directory);
    if (run_record_load(directory.bytes, look->record, NULL) != 0) {
        mem_free(look->record); /* nothing of it is there yet */
        look->record = NULL;
    }
    text_fini(&directory);
}

static void describe_data(const struct search *search, const struct settings *settings,
                          struct snapshot *out)
{
    struct net_shape shape;
    const struct data_info *info = search->dataset ? data_info(search->dataset) : NULL;
    if (!info)
        return;
    text_copy(out->dataset, sizeof out->dataset, info->name);
    text_copy(out->dataset_why, sizeof out->dataset_why, info->why);
    if (run_net_shape(settings, info->inputs, info->classes, &shape, NULL) == 0)
        run_describe_network(&shape, out->network, sizeof out->network);
}

static void describe_best(const struct run_record *record, struct snapshot *out)
{
    const struct evaluation *best = run_record_best(record);
    if (!best)
        return;
    out->best_validation_accuracy = best->validation_accuracy;
    out->best_epoch = best->epoch;
    out->best_step = best->step;
    out->best_validation_loss = INFINITY;
    for (size_t i = 0; i < record->evaluation_count; i++)
        out->best_validation_loss =
            fmin(out->best_validation_loss, record->evaluations[i].validation_loss);
}

static void describe_record(const struct run_record *record, struct snapshot *out)
{
    out->settings = record->settings;
    out->steps_per_epoch = record->steps_per_epoch;
    out->epochs = record->settings.train.epochs;
    out->total_steps = out->epochs * out->steps_per_epoch;
    out->buckets = record->loss_count;
    out->evaluations = record->evaluation_count;
    out->edits = record->edit_count;
    out->learning_rate = record->settings.train.learning_rate;
    if (record->loss_count) {
        const struct loss_bucket *last = &record->losses[record->loss_count - 1];
        out->step = last->last + 1;
        out->seconds = last->seconds;
        out->loss = last->mean;
        out->learning_rate = last->learning_rate;
    }
    if (record->evaluation_count) {
        out->last = record->evaluations[record->evaluation_count - 1];
        out->step = out->last.step > out->step ? out->last.step : out->step;
        out->seconds = fmax(out->seconds, out->last.seconds);
    }
    out->epoch = out->steps_per_epoch ? out->step / out->steps_per_epoch : 0;
    describe_best(record, out);
}

static enum run_state state_of(const struct trial *trial)
{
    static const enum run_state states[] = {
        [TRIAL_WAITING] = RUN_INTERRUPTED, [TRIAL_RUNNING] = RUN_RUNNING,
        [TRIAL_COMPLETE] = RUN_FINISHED,   [TRIAL_PRUNED] = RUN_INTERRUPTED,
        [TRIAL_FAILED] = RUN_FAILED,
    };
    return states[trial->state];
}

static void describe(const struct look *look, struct snapshot *out)
{
    const struct trial *trial = &look->trial;
    struct text directory = {0};
    *out = (struct snapshot){
        .state = RUN_STARTING,
        .eta = NAN,
        .samples_per_second = NAN,
        .loss = NAN,
        .last.step = -1,
        .best_validation_accuracy = NAN,
        .best_validation_loss = NAN,
        .checkpoint_step = -1,
        .test_loss = NAN,
        .test_accuracy = NAN,
        .undo_step = -1,
        .redo_step = -1,
        .settings = look->search->settings,
    };
    if (look->number < 0)
        return;
    out->state = state_of(trial);
    out->test_accuracy = trial->test_accuracy;
    text_copy(out->error, sizeof out->error, trial->why);
    trial_directory(look->search, "trial", look->number, &directory);
    text_copy(out->directory, sizeof out->directory, directory.bytes);
    text_copy(out->name, sizeof out->name, strrchr(directory.bytes, '/') + 1);
    text_fini(&directory);
    if (look->record)
        describe_record(look->record, out);
    describe_data(look->search, &out->settings, out);
}

/* ---- the feed ---- */

/* What comes after another source is not a continuation of what came before. */
static void mark(const struct look *look, struct snapshot *out)
{
    out->version += look->version << 32;
    out->returns += look->version << 32;
}

static void look_snapshot(struct feed *feed, struct snapshot *out)
{
    struct look *look = look_of(feed);
    struct trial now = {.number = -1};
    if (look->number >= 0)
        search_trial(look->search, look->number, &now);
    struct feed *run = enter_run(look);
    if (run)
        run->snapshot(run, out);
    leave_run(look);
    const bool other =
        look->trained != (run != NULL) || now.number != look->trial.number ||
        (!run && (now.state != look->trial.state || now.epochs != look->trial.epochs));
    look->trained = run != NULL;
    look->trial = now;
    if (other) {
        look->version++;
        drop_record(look);
        if (!run && now.number >= 0)
            read_record(look);
    }
    if (!run)
        describe(look, out);
    mark(look, out);
}

/* Several rows of steps.csv as one. */
static struct loss_bucket join(const struct loss_bucket *rows, size_t count)
{
    struct loss_bucket all = rows[0];
    double sum = 0, steps = 0;
    for (size_t i = 0; i < count; i++) {
        const double some = (double)(rows[i].last - rows[i].first + 1);
        sum += isfinite(rows[i].mean) ? some * rows[i].mean : 0;
        steps += isfinite(rows[i].mean) ? some : 0;
        all.minimum = fmin(all.minimum, rows[i].minimum);
        all.maximum = fmax(all.maximum, rows[i].maximum);
    }
    all.last = rows[count - 1].last;
    all.seconds = rows[count - 1].seconds;
    all.learning_rate = rows[count - 1].learning_rate;
    all.mean = steps > 0 ? sum / steps : NAN;
    return all;
}

static size_t record_buckets(const struct run_record *record, struct loss_bucket *out, size_t most)
{
    size_t count = 0;
    const size_t each = (record->loss_count + most - 1) / most;
    for (size_t i = 0; i < record->loss_count; i += each) {
        const size_t left = record->loss_count - i;
        out[count++] = join(&record->losses[i], left < each ? left : each);
    }
    return count;
}

static size_t look_buckets(struct feed *feed, int64_t first, int64_t last, struct loss_bucket *out,
                           size_t most)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    size_t count = run ? run->buckets(run, first, last, out, most) : 0;
    leave_run(look);
    return run || !look->record ? count : record_buckets(look->record, out, most);
}

static size_t look_evaluations(struct feed *feed, size_t first, struct evaluation *out, size_t most)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    size_t count = run ? run->evaluations(run, first, out, most) : 0;
    leave_run(look);
    if (run || !look->record)
        return count;
    const struct run_record *record = look->record;
    return mem_copy_range(out, record->evaluations, record->evaluation_count, sizeof *out, first,
                          most);
}

static size_t look_edits(struct feed *feed, size_t first, struct edit_mark *out, size_t most)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    size_t count = run ? run->edits(run, first, out, most) : 0;
    leave_run(look);
    if (run || !look->record)
        return count;
    const struct run_record *record = look->record;
    return mem_copy_range(out, record->edits, record->edit_count, sizeof *out, first, most);
}

static size_t look_states(struct feed *feed, size_t first, struct kept_state *out, size_t most)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    size_t count = run ? run->states(run, first, out, most) : 0;
    leave_run(look);
    return count;
}

static bool look_confusion(struct feed *feed, struct confusion *out)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    bool there = run && run->confusion(run, out);
    leave_run(look);
    return there;
}

static void look_class_name(struct feed *feed, int class, char out[FEED_CLASS_NAME])
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    out[0] = '\0';
    if (run)
        run->class_name(run, class, out);
    leave_run(look);
}

static void look_image(struct feed *feed, uint32_t image, uint8_t *out)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    if (run)
        run->image(run, image, out);
    leave_run(look);
}

static size_t look_journal(struct feed *feed, uint64_t seq, struct journal_record *out, size_t most)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    size_t count = run ? run->journal(run, seq, out, most) : 0;
    leave_run(look);
    return count;
}

static void look_layers(struct feed *feed, struct layers *out)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    *out = (struct layers){.step = -1};
    if (run)
        run->layers(run, out);
    leave_run(look);
}

static size_t look_layer_trend(struct feed *feed, int layer, struct layer_point *out, size_t most)
{
    const struct look *look = look_of(feed);
    struct feed *run = enter_run(look);
    size_t count = run ? run->layer_trend(run, layer, out, most) : 0;
    leave_run(look);
    return count;
}

static uint64_t look_post(struct feed *feed, const char *line, enum command_source source,
                          struct err *err)
{
    const int number = look_of(feed)->number;
    (void)line, (void)source;
    if (number < 0)
        err_set(err, ERR_USAGE,
                "a search has no such command; t makes a run of a trial, which has");
    else
        err_set(err, ERR_USAGE, "trial %d is the search's; t takes it over as a run of its own",
                number);
    return 0;
}

static void look_answer(struct feed *feed, uint64_t id, struct answer *out)
{
    (void)feed;
    *out = (struct answer){.id = id};
}

void look_init(struct look *look, struct search *search)
{
    *look = (struct look){
        .search = search,
        .number = -1,
        .trial.number = -1,
        .feed =
            {
                .snapshot = look_snapshot,
                .buckets = look_buckets,
                .evaluations = look_evaluations,
                .edits = look_edits,
                .states = look_states,
                .confusion = look_confusion,
                .class_name = look_class_name,
                .image = look_image,
                .journal = look_journal,
                .post = look_post,
                .answer = look_answer,
                .layers = look_layers,
                .layer_trend = look_layer_trend,
                .wake_fd = -1,
                .control_fd = -1,
            },
    };
}

void look_fini(struct look *look)
{
    drop_record(look);
}

void look_at(struct look *look, int number)
{
    if (number == look->number)
        return;
    look->number = number;
    look->trial = (struct trial){.number = -1}; /* read anew */
    look->version++;
}
