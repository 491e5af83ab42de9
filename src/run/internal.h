/*
 * Inside of the room run: what its files share. Which thread may touch what is
 * written at each struct; thread.c has the rules.
 */
#ifndef KDT_RUN_INTERNAL_H
#define KDT_RUN_INTERNAL_H

#include <pthread.h>

#include "kdt/run.h"

/* ---- utf8.c ---- */

/* Whether all of the text is UTF-8, as everything in a run's JSON files is. */
bool utf8_valid(const char *text);
/* Cuts off a character that truncation has left incomplete at the end. */
void utf8_trim(char *text);
/* Replaces every byte that is no UTF-8 or part of a control character by '?';
 * whether there was one. */
bool utf8_show(char *text);

/* ---- queue.c: what other threads ask of the run ---- */

enum { QUEUE_CAPACITY = 64 };
struct queue_item {
    uint64_t id;
    enum command_source source;
    char line[COMMAND_LINE];
};
enum queue_event {
    QUEUE_EMPTY,
    QUEUE_COMMAND,
    QUEUE_INTERRUPT, /* save and leave */
    QUEUE_ABANDON,   /* leave */
};
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under lock. */
    struct queue_item items[QUEUE_CAPACITY];
    size_t first, count;
    bool closed;
    enum queue_event leave; /* QUEUE_EMPTY: nobody asked */
    char why[64];           /* of the interrupt */
};
void queue_init(struct queue *queue);
void queue_fini(struct queue *queue);
int queue_push(struct queue *queue, uint64_t id, const char *line, enum command_source source,
               struct err *err);
void queue_leave(struct queue *queue, enum queue_event how, const char *why);
/* The next thing to do; a wish to leave goes before commands. `wait`: sleeps
 * until there is one. */
enum queue_event queue_next(struct queue *queue, bool wait, struct queue_item *out);
/* Only whether somebody wants the run to leave. */
enum queue_event queue_leaving(struct queue *queue);
void queue_why(struct queue *queue, char *out, size_t size);
/* From now on pushes fail; what still waits is handed out by queue_next. */
void queue_close(struct queue *queue);

/* ---- publish.c: what readers see ---- */

enum { PUBLISH_ANSWERS = 64 };
/* One warning for each thing that can go wrong and get well again. */
enum warning { WARNING_CHECKPOINT, WARNING_BEST, WARNING_JOURNAL, WARNING_METRICS, WARNINGS };
struct publication {
    int wake_fd; /* immutable */
    pthread_mutex_t lock;
    /* Under lock. */
    uint64_t version;
    struct snapshot snapshot; /* as the run thread put it */
    struct loss_bucket *buckets;
    size_t bucket_count;
    int64_t bucket_width; /* steps in a full bucket */
    struct evaluation *evaluations;
    size_t evaluation_count, evaluation_capacity;
    struct edit_mark *edits;
    size_t edit_count, edit_capacity;
    struct answer answers[PUBLISH_ANSWERS]; /* id is at id % PUBLISH_ANSWERS */
    uint64_t newest;                        /* id */
    int64_t checkpoint_step;
    double checkpoint_clock;
    char warnings[WARNINGS][512];
};
int publication_init(struct publication *publication, struct err *err);
void publication_fini(struct publication *publication);
void publication_put(struct publication *publication, const struct snapshot *snapshot);
void publication_loss(struct publication *publication, int64_t step, double seconds, double loss,
                      double learning_rate);
void publication_evaluation(struct publication *publication, const struct evaluation *evaluation);
void publication_edit(struct publication *publication, const struct edit_mark *edit);
void publication_checkpoint(struct publication *publication, int64_t step);
void publication_warn(struct publication *publication, enum warning which, const char *text);
uint64_t publication_request(struct publication *publication, const char *line);
void publication_answer(struct publication *publication, uint64_t id, enum answer_state state,
                        int64_t step, const char *text);
void publication_feed(struct feed *feed); /* sets the functions that read */

/* ---- journal.c ---- */

enum { EDIT_TEXT = 64, EDITS_MAX = COMMAND_WORDS / 2 };
struct edit {
    const struct setting *row;
    char old[EDIT_TEXT], new[EDIT_TEXT]; /* as settings_format has them */
};
struct journal_entry {
    int64_t step, epoch;
    const char *source, *command;
    const char *refused; /* why; NULL: it was not */
    const char *why;     /* of a signal or a rule; NULL: none */
    const struct edit *edits;
    size_t edit_count;
};
struct journal {
    struct file_log *log;
    uint64_t seq; /* of the last line */
    uint32_t crc;
};
/* Creates the file with its head line. */
int journal_open(struct journal *journal, const char *path, uint32_t data_digest,
                 const struct settings *settings, struct err *err);
/* Returns once the line is safe on disk; on an error nothing was added. */
int journal_append(struct journal *journal, const struct journal_entry *entry, struct err *err);
void journal_close(struct journal *journal);

/* ---- metrics.c: metrics.csv and steps.csv ---- */

struct csv {
    struct file_log *log;
    struct text pending; /* rows that could not be written yet */
};
struct metrics {
    struct csv evaluations, steps;
    int64_t stride, steps_per_epoch;
    struct steps_row row;
};
int metrics_open(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                 struct err *err);
/* Rows that could not be written wait for the next call; -1 says why. */
int metrics_evaluation(struct metrics *metrics, const struct evaluation *row, struct err *err);
int metrics_step(struct metrics *metrics, int64_t step, double loss, double learning_rate,
                 struct err *err);
/* Writes the unfinished row of steps.csv; `step` is the last one. */
int metrics_flush(struct metrics *metrics, int64_t step, double learning_rate, struct err *err);
bool metrics_behind(const struct metrics *metrics); /* rows wait */
void metrics_close(struct metrics *metrics);

/* ---- safetensors.c: the container ---- */

struct safetensors_tensor {
    char *name;
    int dimensions;
    int64_t size[2];
    const unsigned char *bytes; /* little-endian float32, not aligned */
    size_t count;               /* of numbers */
};
struct safetensors;
/* Takes the bytes over, also where it fails. */
int safetensors_read(unsigned char *bytes, size_t length, const char *name,
                     struct safetensors **out, struct err *err);
void safetensors_free(struct safetensors *file);
const char *safetensors_name(const struct safetensors *file);
size_t safetensors_count(const struct safetensors *file);
const char *safetensors_metadata(const struct safetensors *file, const char *key); /* or NULL */
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);
uint32_t safetensors_checksum(const struct safetensors *file); /* CRC-32 of all tensor bytes */

struct safetensors_pair {
    const char *key;
    char *value;
};
struct safetensors_shape {
    const char *name;
    int dimensions, size[2];
};
/* The bytes before the tensors' own, which follow without gaps in this order. */
void safetensors_header(const struct safetensors_pair *metadata, size_t pairs,
                        const struct safetensors_shape *shapes, size_t tensors, struct text *out);

/* ---- checkpoint.c ---- */

/* The net's tensors and the length of all of them; immutable. */
struct layout {
    int count;
    struct net_tensor *tensors;
    size_t numbers;
};
void layout_init(struct layout *layout, const struct net *net);
void layout_fini(struct layout *layout);

/* A copy of a complete state. about.factor and .offset are the dataset's. */
struct image {
    struct checkpoint about;
    float *values; /* [layout.numbers] */
};
int image_init(struct image *image, const struct layout *layout, struct err *err);
void image_fini(struct image *image);
void image_copy(struct image *to, const struct image *from, const struct layout *layout);
void image_take(struct image *image, const struct layout *layout, const struct net *net);
void image_restore(const struct image *image, const struct layout *layout, struct net *net);
int image_write(const struct image *image, const struct layout *layout, const char *path,
                struct err *err);

/* ---- writer.c: the thread that writes checkpoints ---- */

enum {
    TARGET_STEP = 1,  /* step-N, with `last` linked to it, and the oldest pruned */
    TARGET_BEST = 2,  /* best */
    TARGET_NAMED = 4, /* job.name */
};
struct job {
    struct image image;
    unsigned targets;
    char name[128];  /* without .safetensors */
    uint64_t answer; /* the command that asked for it; 0: none */
};
enum { WRITER_JOBS = 2 };
struct writer {
    /* Immutable once started; layout: from the first job on. */
    pthread_t thread;
    bool started;
    char *directory;
    struct publication *publication;
    struct layout layout;
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    /* Under lock; a job belongs to the run thread before it is submitted and to
     * the writer until it is done. */
    struct job jobs[WRITER_JOBS];
    int first, count; /* waiting or being written */
    bool stop, drop;
    bool best_failed;
    struct err step_error; /* of the newest TARGET_STEP; code ERR_OK: it is safe */
    /* Writer thread only. */
    int64_t *kept; /* steps of automatic checkpoints, oldest first */
    size_t kept_count;
};
int writer_start(struct writer *writer, const char *run_directory, struct publication *publication,
                 struct err *err);
/* Shows that no checkpoint was saved, until one is (code ERR_OK). */
void writer_warn(const struct writer *writer, enum warning which, const struct err *err);
/* Room for states of this net; before the first job. */
int writer_fit(struct writer *writer, const struct net *net, struct err *err);
/* A free job for the run thread to fill; waits while all are taken. */
struct job *writer_job(struct writer *writer);
void writer_submit(struct writer *writer);
bool writer_best_failed(struct writer *writer);
/* Waits until everything is written; -1 where the newest step-N is not safe. */
int writer_drain(struct writer *writer, struct err *err);
/* Ends the thread. `drop`: jobs that it has not begun are forgotten. */
void writer_stop(struct writer *writer, bool drop);

/* ---- evaluate.c ---- */

/* Images as the rows that a net asks for, with noise where its sigma is not 0. */
struct gather {
    const struct dataset *dataset;
    const struct data_transform *transform; /* NULL: the dataset's own */
    struct data_choice choice, next;        /* next: the step after, or no rows */
    struct data_noise noise;
};
struct net_source gather_source(const struct gather *gather);
/* The mini-batch of a step, of its epoch's permutation. */
struct gather gather_batch(const struct dataset *dataset, const struct settings *settings,
                           const uint32_t *permutation, int64_t step);
/* Called between blocks with the rows done; true gives the evaluation up. */
struct evaluate_watch {
    bool (*stop)(void *of, uint64_t done);
    void *of;
};
/* 1 where it was given up. */
int evaluate_split(struct net *net, const struct dataset *dataset, enum data_split split,
                   const struct data_transform *transform, const struct evaluate_watch *watch,
                   uint64_t *confusion, struct evaluation_result *out);

/* ---- terms.c ---- */

/* Makes the settings name the dataset that was opened, so that they open it
 * again from anywhere: its kind, and its folder as an absolute path. */
int data_record(const struct data_info *info, struct settings *settings, struct err *err);
struct net_update update_terms(const struct settings *settings, double rate);
void draw_weights(const struct settings *settings, struct net *net);
/* The net to train, which alone knows train.precision: an evaluation of the same weights does
 * without. There must be images for a mini-batch, and not too many to number. */
int training_shape(const struct settings *settings, const struct data_info *info,
                   struct net_shape *out, struct err *err);

/* ---- the run ---- */

/* Time spent running. */
struct stopwatch {
    double seconds, since;
    bool running;
};

/* Time in which the process is stopped; it counts for nothing. */
struct hold {
    pthread_mutex_t lock;
    /* Under lock. */
    bool held;
    double since, total; /* clock of the hold; seconds of those before */
};

struct run {
    struct feed feed; /* first, so that a feed is its run */

    /* Immutable after create. */
    struct run_options options;
    char *directory;
    const struct dataset *dataset;
    const struct data_info *info;
    struct net_shape shape;
    struct net_schedule schedule;
    int batch;
    double loss_limit;
    pthread_t thread;

    /* Run thread only. */
    struct snapshot now; /* what is published next */
    double published;    /* clock of the last publication */
    struct settings settings;
    double rate_scale, rate_anchor; /* as struct checkpoint has them */
    int64_t step;
    int64_t steps_left; /* while single-stepping; 0: not */
    bool paused, stopping, evaluation_due;
    struct team *team;
    struct net *net;
    uint8_t *labels;       /* of a mini-batch */
    uint32_t *permutation; /* of epoch `permuted` */
    int64_t permuted;
    double *losses; /* of the last metrics.stride steps */
    struct epoch_sums sums;
    struct stopwatch watch;
    double speed_samples, speed_seconds; /* decaying sums over training steps */
    double train_seconds;                /* spent in training steps */
    double epoch_seconds, epoch_start;   /* NaN before the first epoch */
    struct evaluation best;              /* step < 0: none */
    struct image best_image;
    struct journal journal;
    struct metrics metrics;
    int lock_fd;

    /* Each with a lock of its own. */
    struct hold hold;
    struct queue queue;
    struct publication publication;
    struct writer writer;
};

/* thread.c */
void *run_thread(void *run);
void run_publish(struct run *run, bool important);
void run_set_state(struct run *run, enum run_state state);
double run_rate(const struct run *run);
void run_pause(struct run *run);
void run_go(struct run *run);
/* Training and validation set: a row, a point, perhaps the best so far. 1 where
 * it was interrupted. With train.evaluate = running there must have been a step. */
int run_measure(struct run *run);
/* Hands the present state to the writer. -1 where it holds a NaN. */
int run_save(struct run *run, unsigned targets, const char *name, uint64_t answer, struct err *err);
/* Shows its progress; `before` of `total` images are done already. 1 where it was
 * interrupted. */
int run_measure_split(struct run *run, enum data_split split, uint64_t before, uint64_t total,
                      struct evaluation_result *out);
/* Shows why a row could not be written, until all of them are. */
void run_warn_metrics(struct run *run, int result, const struct err *err);

/* time.c */
double run_clock(struct run *run);   /* monotonic, without the time that was held */
double run_seconds(struct run *run); /* that it was running */
void run_watch_start(struct run *run);
void run_watch_stop(struct run *run);

/* ends.c: each gives the state that the run ends in */
enum run_state run_fail(struct run *run, const struct err *err);
/* Somebody wants it to. */
enum run_state run_leave(struct run *run);
/* The step changed nothing, so the state before it is still here, and is kept. */
enum run_state run_diverge(struct run *run, double loss);
/* All steps are done, or `stop` was given. A final state that cannot be saved
 * makes the run a failed one, but keeps it from nothing else. */
enum run_state run_complete(struct run *run);

/* apply.c */
void run_apply(struct run *run, const struct queue_item *item);

/* result.c */
int result_write(struct run *run, const char *path, const char *tested,
                 const struct evaluation_result *test, struct err *err);

#endif
