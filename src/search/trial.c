/*
 * trial: one trial as a run: made or gone on with, watched, and its results put
 * into the books. All of it is the worker's thread.
 *
 * Who trains a trial holds its run.lock until its results are in the journal, so
 * that nobody else takes it for one that was left.
 */
#include "internal.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kdt/run.h"

void trial_directory(const struct search *search, const char *kind, int64_t number,
                     struct text *out)
{
    text_print(out, "%s/%s-%04lld", search->directory, kind, (long long)number);
}

int trial_settings(const struct search *search, const struct trial *trial, bool top,
                   struct settings *out, struct err *err)
{
    struct settings standard;
    *out = search->settings;
    settings_init(&standard);
    /* A run of its own: what is searched is not its matter. */
    out->search = standard.search;
    memcpy(out->search_lists, standard.search_lists, sizeof out->search_lists);
    out->train.threads = 1;
    out->checkpoint.best = true;
    out->checkpoint.keep = 1;
    /* Nobody is there to answer. */
    if (out->train.on_divergence == ON_DIVERGENCE_PAUSE)
        out->train.on_divergence = ON_DIVERGENCE_STOP;
    if (!top) {
        const struct settings *search_settings = &search->settings;
        out->train.epochs = search_settings->search.epochs;
        if (search_settings->search.train_size)
            out->data.train_size = search_settings->search.train_size;
        if (search_settings->search.validation_size)
            out->data.validation_size = search_settings->search.validation_size;
    }
    return trial ? parameters_apply(trial, out, err) : 0;
}

/* ---- a run ---- */

struct training {
    struct worker *worker;
    struct trial trial;
    bool top;
    int64_t epochs;
    int lock_fd;
    struct text directory;
    const struct dataset *dataset;
    /* What came of it. */
    struct run_result result;
    bool finished, refused; /* refused: `err` says why it cannot be trained */
    enum run_state state;   /* of a run that was not finished */
    char why[256];          /* RUN_DIVERGED */
};

/* 1: it has finished before; else *run is NULL where it is refused. */
static int resume_training(struct training *training, struct run **run, struct err *err)
{
    struct resume *resume;
    if (resume_open_locked(training->directory.bytes, training->lock_fd,
                           training->top ? 0 : training->epochs, &resume, err) != 0)
        return -1;
    int finished = resume_result(resume, &training->result, err);
    if (finished == 0 && resume_start(resume, training->dataset, run, err) == 0)
        return 0;
    resume_close(resume);
    return finished > 0 ? 1 : -1;
}

static int create_training(struct training *training, struct run **run, struct err *err)
{
    const struct search *search = training->worker->search;
    struct run_options options = {.lock_fd = training->lock_fd,
                                  .until = training->top ? 0 : training->epochs};
    text_copy(options.runs_directory, sizeof options.runs_directory, search->directory);
    snprintf(options.name, sizeof options.name, "%s-%04d", training->top ? "top" : "trial",
             training->trial.number);
    if (trial_settings(search, &training->trial, training->top, &options.settings, err) != 0 ||
        run_create(&options, training->dataset, run, err) != 0) {
        /* Settings that are none: a mini-batch of more images than there are, say. */
        training->refused = err->code == ERR_USAGE;
        text_copy(training->why, sizeof training->why, err->text);
        return training->refused ? 1 : -1;
    }
    return 0;
}

/* 1: there is nothing to train. */
static int start(struct training *training, struct run **run, struct err *err)
{
    char *settings = file_path(training->directory.bytes, "settings.ini");
    bool begun = file_exists(settings);
    mem_free(settings);
    return begun ? resume_training(training, run, err) : create_training(training, run, err);
}

/* ---- the books ---- */

static double metric_of(const struct search *search, const struct evaluation *row)
{
    return search->settings.search.metric == METRIC_LOSS ? row->validation_loss
                                                         : row->validation_accuracy;
}

/* Values of evaluations that the journal does not have yet, or has otherwise. */
static void add_values(struct search *search, int64_t number, const struct evaluation *rows,
                       size_t count, struct text *out)
{
    const struct entry *entry = &search->books.table.entries[number];
    /* What comes for one that has ended counts for nothing. */
    for (size_t i = 0; i < count && !trial_ended(entry->trial.state); i++) {
        double value = metric_of(search, &rows[i]);
        int64_t epoch = rows[i].epoch;
        if (rows[i].abandoned || epoch < 1 || epoch > search->plan.epochs ||
            (epoch <= entry->trial.epochs && entry->curve[epoch - 1] == value))
            continue;
        books_value(&search->books, out, number, epoch, value);
    }
}

static int append_values(struct search *search, int64_t number, const struct evaluation *rows,
                         size_t count, struct err *err)
{
    struct text lines = {0};
    if (books_lock(&search->books, err) != 0)
        return -1;
    add_values(search, number, rows, count, &lines);
    int result = books_append(&search->books, &lines, err);
    books_unlock(&search->books);
    text_fini(&lines);
    search_tell(search);
    return result;
}

/* What came of the trial; `seconds` of its training. */
static void add_end(struct training *training, double seconds, struct text *out)
{
    struct books *books = &training->worker->search->books;
    const int64_t number = training->trial.number;
    enum trial_state state = TRIAL_WAITING;
    if (training->finished)
        state = TRIAL_COMPLETE;
    else if (training->refused || training->state == RUN_DIVERGED)
        state = TRIAL_FAILED;
    if (trial_ended(state))
        books_number(books, out, number, "seconds", seconds);
    if (training->finished)
        books_number(books, out, number, "test_accuracy", training->result.test_accuracy);
    if (state == TRIAL_FAILED)
        books_why(books, out, number, training->why);
    books_state(books, out, number, state);
}

static int record_locked(struct training *training, struct err *err)
{
    struct search *search = training->worker->search;
    const int64_t number = training->trial.number;
    const struct entry *entry = &search->books.table.entries[number];
    struct evaluation *rows = NULL;
    size_t count = 0;
    struct text lines = {0};
    int result = 0;
    /* Another process saw its last value and decided. */
    if (trial_ended(entry->trial.state))
        return 0;
    if (!training->refused)
        result = run_read_metrics(training->directory.bytes, &rows, &count, err);
    for (size_t i = 0; i + 1 < count; i++)
        rows[i].abandoned = rows[i].step >= rows[i + 1].step;
    if (result == 0) {
        add_values(search, number, rows, count, &lines);
        /* What follows names the best of them. */
        result = books_append(&search->books, &lines, err);
        lines.length = 0;
    }
    if (result == 0) {
        add_end(training, count ? rows[count - 1].seconds : 0, &lines);
        result = books_append(&search->books, &lines, err);
    }
    mem_free(rows);
    text_fini(&lines);
    return result;
}

static int record(struct training *training, struct err *err)
{
    struct search *search = training->worker->search;
    if (books_lock(&search->books, err) != 0)
        return -1;
    int result = record_locked(training, err);
    bool ended = trial_ended(search->books.table.entries[training->trial.number].trial.state);
    books_unlock(&search->books);
    if (ended)
        run_prune(training->directory.bytes);
    search_tell(search);
    return result;
}

static int record_top(struct training *training, struct err *err)
{
    struct search *search = training->worker->search;
    const bool finished = training->finished;
    const struct top_trial top = {
        .number = training->trial.number,
        .test_accuracy = finished ? training->result.test_accuracy : NAN,
        .best_validation_accuracy = finished ? training->result.best_validation_accuracy : NAN,
        .best_epoch = finished ? (int64_t)training->result.best_epoch : 0,
    };
    struct text lines = {0};
    if (books_lock(&search->books, err) != 0)
        return -1;
    books_top(&search->books, &lines, &top);
    int result = books_append(&search->books, &lines, err);
    books_unlock(&search->books);
    run_prune(training->directory.bytes);
    text_fini(&lines);
    search_tell(search);
    return result;
}

/* ---- watching ---- */

/* Until the run has ended; its values go into the journal as they come, and what a person has said
 * elsewhere is read there then. */
static int watch(struct training *training, struct run *run, struct err *err)
{
    struct search *search = training->worker->search;
    struct feed *feed = run_feed(run);
    struct snapshot *now = mem_alloc(sizeof *now);
    size_t seen = 0;
    int result = 0;
    search_train(training->worker, run, training->top ? -1 : training->trial.number);
    for (bool ended = false; !ended;) {
        struct pollfd wake = {.fd = feed->wake_fd, .events = POLLIN};
        uint64_t count;
        if (poll(&wake, 1, -1) < 0 && errno != EINTR)
            result = err_set_errno(err, ERR_SYSTEM, errno, "poll");
        ssize_t got = read(feed->wake_fd, &count, sizeof count);
        (void)got; /* nothing to read is fine: the state is asked for anyway */
        feed->snapshot(feed, now);
        ended = run_state_ended(now->state);
        struct evaluation row;
        while (!training->top && result == 0 && feed->evaluations(feed, seen, &row, 1) == 1) {
            seen++;
            result = append_values(search, training->trial.number, &row, 1, err);
            if (search_wants_no(search, training->trial.number))
                run_interrupt(run, "by hand");
        }
        search_came_on(search, training->top ? -1 : training->trial.number);
        if (result != 0 && !ended)
            run_interrupt(run, "the search cannot go on");
    }
    search_train(training->worker, NULL, -1);
    training->state = now->state;
    training->finished = now->state == RUN_FINISHED;
    training->result = (struct run_result){now->test_accuracy, now->best_validation_accuracy,
                                           (double)now->best_epoch};
    text_copy(training->why, sizeof training->why, now->error);
    if (result == 0 && now->state == RUN_FAILED)
        result = err_set(err, ERR_FILE, "%s: %s", training->directory.bytes, now->error);
    mem_free(now);
    return result;
}

/* The error of a search that cannot go on; the trial waits then. */
static int train(struct training *training, struct err *err)
{
    struct run *run = NULL;
    struct err recorded;
    training->result = (struct run_result){NAN, NAN, NAN};
    training->state = RUN_INTERRUPTED;
    int nothing = start(training, &run, err);
    int result = nothing < 0 ? -1 : 0;
    if (nothing > 0)
        training->finished = !training->refused;
    if (nothing == 0) {
        result = watch(training, run, err);
        run_destroy(run);
    }
    if (training->top) {
        bool ended = training->finished || training->refused || training->state == RUN_DIVERGED;
        return result != 0 || !ended ? result : record_top(training, err);
    }
    /* Also where it cannot go on, if it can be written: it is not running. */
    int recording = record(training, &recorded);
    if (result == 0 && recording != 0)
        *err = recorded;
    return result != 0 ? result : recording;
}

int trial_train(struct worker *worker, int64_t number, int64_t epochs, int lock_fd, struct err *err)
{
    struct search *search = worker->search;
    struct training training = {
        .worker = worker, .epochs = epochs, .lock_fd = lock_fd, .dataset = search->dataset};
    search_trial(search, number, &training.trial);
    trial_directory(search, "trial", number, &training.directory);
    int result = train(&training, err);
    text_fini(&training.directory);
    return result;
}

int trial_train_top(struct worker *worker, int64_t number, int lock_fd, struct err *err)
{
    struct search *search = worker->search;
    struct training training = {.worker = worker, .top = true, .lock_fd = lock_fd};
    search_trial(search, number, &training.trial);
    trial_directory(search, "top", number, &training.directory);
    training.dataset = search_top_data(search, err);
    int result = training.dataset ? train(&training, err) : -1;
    text_fini(&training.directory);
    return result;
}
