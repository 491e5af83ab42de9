/*
 * Making and ending a run: its directory, files and thread. The directory is
 *
 *   settings.ini journal.jsonl metrics.csv steps.csv result.json checkpoints/ run.lock
 *
 * settings.ini is what makes a directory a run. run.lock is locked as long as
 * somebody trains here.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool has_file(const char *directory, const char *name)
{
    char *path = file_path(directory, name);
    bool exists = file_exists(path);
    mem_free(path);
    return exists;
}

/* A run is absent while it has no settings.ini. */
static int refuse_existing(const char *runs_directory, const char *name, struct err *err)
{
    char *directory = file_path(runs_directory, name);
    bool exists = has_file(directory, "settings.ini"), search = has_file(directory, "search.ini");
    mem_free(directory);
    return exists || search ? err_set(err, ERR_USAGE,
                                      "a %s named %s exists already in %s; "
                                      "kdtui %s continues it, another name begins a new one",
                                      search ? "search" : "run", name, runs_directory,
                                      search ? "search" : "resume")
                            : 0;
}

int run_name_check(const char *runs_directory, const char *name, struct err *err)
{
    char shown[sizeof((struct run_options *)0)->name];
    text_copy(shown, sizeof shown, name);
    bool unprintable = utf8_show(shown);
    const char *wrong = !name[0]                       ? "is empty"
                        : strlen(name) >= sizeof shown ? "is too long"
                        : strcmp(name, "last") == 0    ? "means the newest run"
                        : name[0] == '.'               ? "begins with '.'"
                        : strchr(name, '/')            ? "contains '/'"
                        : !utf8_valid(name)            ? "is not valid UTF-8"
                        : unprintable                  ? "contains a control character"
                                                       : NULL;
    if (wrong)
        return err_set(err, ERR_USAGE, "a run cannot have the name '%s': it %s", shown, wrong);
    return refuse_existing(runs_directory, name, err);
}

int run_plan(struct run *run, struct err *err)
{
    static const enum net_schedule_kind kinds[] = {
        [SCHEDULE_CONSTANT] = NET_CONSTANT, [SCHEDULE_DECAY] = NET_DECAY,
        [SCHEDULE_STEP] = NET_STEP,         [SCHEDULE_COSINE] = NET_COSINE,
        [SCHEDULE_CYCLICAL] = NET_CYCLICAL,
    };
    const struct settings *settings = &run->settings;
    uint64_t images = run->info->count[DATA_TRAIN];
    if (training_shape(settings, run->info, &run->shape, err) != 0)
        return -1;
    run->batch = (int)settings->train.batch_size;
    int64_t steps_per_epoch = (int64_t)images / run->batch;
    run->schedule = (struct net_schedule){
        .kind = kinds[settings->train.schedule],
        .rate = settings->train.learning_rate,
        .decay = settings->train.decay,
        .step_epochs = settings->train.step_epochs,
        .rate_min = settings->train.rate_min,
        .rate_max = settings->train.rate_max,
        .cycle_steps = settings->train.cycle_steps,
        .warmup_steps = settings->train.warmup_steps,
        .steps_per_epoch = steps_per_epoch,
        .total_steps = steps_per_epoch * settings->train.epochs,
    };
    run->until = run->options.until * steps_per_epoch;
    run->loss_limit = 20 * log(run->info->classes);
    return 0;
}

int run_plan_again(struct run *run, const struct edit *edits, size_t count, struct err *err)
{
    double before = run_rate(run);
    for (size_t i = 0; i < count; i++)
        if (settings_set(&run->settings, edits[i].row, edits[i].new, err) != 0)
            return -1;
    run->schedule.total_steps = run->schedule.steps_per_epoch * run->settings.train.epochs;
    run->now.total_steps = run->schedule.total_steps;
    run->now.epochs = run->settings.train.epochs;
    if (count) {
        struct text label = {0};
        edits_label(edits, count, &label);
        /* A cosine ends with the last step, wherever that is now. */
        if (run_rate(run) != before)
            text_print(&label, ", learning rate %.4g → %.4g", before, run_rate(run));
        const struct edit_mark mark = {.seq = (int64_t)run->seq,
                                       .step = run->step,
                                       .seconds = run->watch.seconds,
                                       .source = SOURCE_RESUME};
        run_mark(run, &mark, label.bytes);
        text_fini(&label);
    }
    return 0;
}

void run_describe_network(const struct net_shape *shape, char *out, size_t size)
{
    static const char *const activations[] = {
        [NET_RELU] = "relu", [NET_LEAKY_RELU] = "leaky relu", [NET_ELU] = "elu"};
    static const char *const norms[] = {[NET_NORM_BEFORE] = "batch norm before",
                                        [NET_NORM_AFTER] = "batch norm after",
                                        [NET_NORM_NONE] = "no batch norm"};
    struct text text = {0};
    text_print(&text, "%d", shape->inputs);
    for (int i = 0; i < shape->layers; i++)
        text_print(&text, "-%d", shape->units[i]);
    text_print(&text, " %s, %s%s%s", activations[shape->activation], norms[shape->norm],
               shape->norm != NET_NORM_NONE && shape->norm_learned ? ", learned" : "",
               shape->precision == NET_BFLOAT16 ? ", mixed precision" : "");
    text_copy(out, size, text.bytes);
    text_fini(&text);
}

void run_first_snapshot(struct run *run)
{
    struct snapshot *now = &run->now;
    const struct data_info *info = run->info;
    text_copy(now->name, sizeof now->name, run->options.name);
    text_copy(now->directory, sizeof now->directory, run->directory);
    text_copy(now->dataset, sizeof now->dataset, info->name);
    text_copy(now->dataset_why, sizeof now->dataset_why, info->why);
    run_describe_network(&run->shape, now->network, sizeof now->network);
    now->train_count = info->count[DATA_TRAIN];
    now->validation_count = info->count[DATA_VALIDATION];
    now->test_count = info->count[DATA_TEST];
    now->classes = info->classes;
    now->image_width = info->width;
    now->image_height = info->height;
    now->image_channels = info->channels;
    now->steps_per_epoch = run->schedule.steps_per_epoch;
    now->total_steps = run->schedule.total_steps;
    now->epochs = run->settings.train.epochs;
    now->last.step = -1;
    now->test_loss = now->test_accuracy = NAN;
    now->undo_step = now->redo_step = -1;
    run_set_state(run, RUN_STARTING);
}

/* ---- the directory ---- */

int run_lock(const char *directory, int *fd, struct err *err)
{
    char *path = file_path(directory, "run.lock");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result = 0;
    do
        *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    while (*fd < 0 && errno == EINTR);
    if (*fd < 0)
        result = err_set_errno(err, ERR_FILE, errno, "%s", path);
    else if (fcntl(*fd, F_OFD_SETLK, &lock) == 0)
        result = 0;
    else if (errno == EAGAIN || errno == EACCES)
        result = err_set(err, ERR_USAGE, "%s: another process is training this run", directory);
    else
        result = err_set_errno(err, ERR_FILE, errno, "%s", path);
    mem_free(path);
    return result;
}

int run_take_lock(const char *directory, int held, int *fd, struct err *err)
{
    if (held == 0)
        return run_lock(directory, fd, err);
    *fd = fcntl(held, F_DUPFD_CLOEXEC, 0);
    return *fd >= 0 ? 0 : err_set_errno(err, ERR_SYSTEM, errno, "%s", directory);
}

static int write_settings(const struct run *run, const char *path, struct err *err)
{
    struct text text = {0};
    settings_print(&run->settings, false, &text);
    struct file_part part = {text.bytes, text.length};
    int result = file_write(path, &part, 1, err);
    text_fini(&text);
    return result;
}

static void remove_file(const struct run *run, const char *name)
{
    char *path = file_path(run->directory, name);
    unlink(path);
    mem_free(path);
}

/* What a run that could not be started has made so far; nothing else. */
static void remove_files(struct run *run)
{
    remove_file(run, "settings.ini");
    if (run->journal.log)
        remove_file(run, "journal.jsonl");
    if (run->metrics.evaluations.log)
        remove_file(run, "metrics.csv");
    if (run->metrics.steps.log)
        remove_file(run, "steps.csv");
}

/* Whether the file has its head at most, or is not there. */
static bool is_begun(const struct run *run, const char *name)
{
    char *path = file_path(run->directory, name);
    unsigned char *bytes = NULL;
    size_t length = 0;
    struct err err;
    bool begun = !file_exists(path) || file_read(path, 4096, &bytes, &length, &err) == 0;
    const char *end = length ? memchr(bytes, '\n', length) : NULL;
    begun = begun && (!end || end + 1 == (char *)bytes + length);
    mem_free(bytes);
    mem_free(path);
    return begun;
}

/* What a process left that was killed while it made this run: its lock file and
 * of the others the heads at most. */
static void remove_remains(const struct run *run)
{
    static const char *const names[] = {"journal.jsonl", "metrics.csv", "steps.csv"};
    for (size_t i = 0; i < 3; i++)
        if (!is_begun(run, names[i]))
            return;
    for (size_t i = 0; i < 3; i++)
        remove_file(run, names[i]);
}

/* settings.ini comes last: a directory without it is no run. */
static int make_files(struct run *run, struct err *err)
{
    char *settings = file_path(run->directory, "settings.ini");
    char *checkpoints = file_path(run->directory, "checkpoints");
    char *journal = file_path(run->directory, "journal.jsonl");
    char *lock = file_path(run->directory, "run.lock");
    bool locked_before = file_exists(lock);
    int result = -1;
    if (file_make_directories(checkpoints, err) != 0 ||
        run_take_lock(run->directory, run->options.lock_fd, &run->lock_fd, err) != 0 ||
        file_sync_directory(run->directory, err) != 0 ||
        file_sync_directory(run->options.runs_directory, err) != 0)
        goto done;
    /* Again, since another process may have been faster. */
    if (refuse_existing(run->options.runs_directory, run->options.name, err) != 0)
        goto done;
    if (locked_before)
        remove_remains(run);
    if (journal_open(&run->journal, journal, run->info->digest, &run->settings, err) == 0 &&
        metrics_open(&run->metrics, run->directory, run->schedule.steps_per_epoch, err) == 0 &&
        write_settings(run, settings, err) == 0)
        result = 0;
    else
        remove_files(run);
done:
    mem_free(settings);
    mem_free(checkpoints);
    mem_free(journal);
    mem_free(lock);
    return result;
}

/* ---- create and destroy ---- */

int run_start(struct run *run, struct err *err)
{
    return thread_start(&run->thread, "kdtui-run", run_thread, run, err);
}

static void release(struct run *run)
{
    run_history_fini(&run->history);
    states_fini(&run->states);
    batches_fini(&run->batches);
    mem_free(run->losses);
    mem_free(run->confusion.count);
    publication_fini(&run->publication);
    queue_fini(&run->queue);
    pthread_mutex_destroy(&run->hold.lock);
    resume_close(run->resume);
    mem_free(run->directory);
    mem_free(run);
}

struct run *run_make(const struct run_options *options, const char *directory,
                     const struct dataset *dataset, struct err *err)
{
    struct run *run = mem_alloc(sizeof *run);
    if (publication_init(&run->publication, err) != 0) {
        mem_free(run);
        return NULL;
    }
    pthread_mutex_init(&run->hold.lock, NULL);
    states_init(&run->states);
    queue_init(&run->queue);
    queue_watch(&run->queue, options->watched);
    publication_feed(&run->feed);
    run->options = *options;
    run->settings = options->settings;
    run->dataset = dataset;
    run->info = data_info(dataset);
    run->directory = mem_text(directory);
    run->lock_fd = -1;
    run->rate_scale = run->rate_anchor = run->momentum_product = 1;
    run->epoch_seconds = NAN;
    run->best.step = -1;
    run->patience.evaluations = -1;
    run->tape.script = options->script;
    run->journal.shown = &run->publication;
    return run;
}

void run_discard(struct run *run)
{
    journal_close(&run->journal);
    metrics_close(&run->metrics);
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    release(run);
}

static int load_replay(struct run *run, struct replay *replay, struct err *err)
{
    if (!replay->changed && run->info->digest != replay->other->journal.data_digest)
        return err_set(err, ERR_FILE, "%s: trained on other data than %s has now",
                       replay->other->directory,
                       run->info->path[0] ? run->info->path : run->info->name);
    run->tape.replay = true;
    run->tape.live = replay->changed;
    tape_load(&run->tape, &replay->other->journal, 1);
    run->verify = replay->compares ? &replay->verify : NULL;
    return 0;
}

int run_create(const struct run_options *options, const struct dataset *dataset, struct run **out,
               struct err *err)
{
    if (run_name_check(options->runs_directory, options->name, err) != 0)
        return -1;
    char *directory = file_path(options->runs_directory, options->name);
    struct run *run = run_make(options, directory, dataset, err);
    mem_free(directory);
    if (!run)
        return -1;
    if (data_record(run->info, &run->settings, err) != 0 ||
        settings_check(&run->settings, err) != 0 || run_plan(run, err) != 0 ||
        (options->replay && load_replay(run, options->replay, err) != 0) ||
        make_files(run, err) != 0)
        goto failed;
    run->seq = run->journal.seq;
    run_first_snapshot(run);
    if (run_start(run, err) != 0) {
        remove_files(run);
        goto failed;
    }
    *out = run;
    return 0;
failed:
    run_discard(run);
    return -1;
}

void run_name_choose(const char *runs_directory, const char *dataset, char *out, size_t size)
{
    time_t seconds = time(NULL);
    struct tm now;
    char stamp[32];
    localtime_r(&seconds, &now);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &now);
    bool taken = true;
    for (int i = 1; taken; i++) {
        if (i == 1)
            snprintf(out, size, "%s-%s", dataset, stamp);
        else
            snprintf(out, size, "%s-%s-%d", dataset, stamp, i);
        char *path = file_path(runs_directory, out);
        taken = file_exists(path);
        mem_free(path);
    }
}

const char *run_verified(const struct run *run)
{
    return run->verified;
}

void run_past(const struct run *run, size_t *evaluations, size_t *edits)
{
    *evaluations = run->past_evaluations;
    *edits = run->past_edits;
}

struct feed *run_feed(struct run *run)
{
    return &run->feed;
}

void run_interrupt(struct run *run, const char *why)
{
    queue_leave(&run->queue, QUEUE_INTERRUPT, why);
}

void run_viewers(struct run *run, int viewers, int able)
{
    queue_watch(&run->queue, able > 0);
    publication_viewers(&run->publication, viewers);
}

void run_abandon(struct run *run)
{
    queue_leave(&run->queue, QUEUE_ABANDON, "");
}

void run_destroy(struct run *run)
{
    if (!run)
        return;
    pthread_join(run->thread, NULL);
    release(run);
}
