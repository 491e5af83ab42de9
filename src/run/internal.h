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
    bool urgent; /* a range test that is under way makes way for it */
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
    bool closed, watched;
    enum queue_event leave; /* QUEUE_EMPTY: nobody asked */
    char why[64];           /* of the interrupt */
};
void queue_init(struct queue *queue);
void queue_fini(struct queue *queue);
int queue_push(struct queue *queue, uint64_t id, const struct command *command,
               enum command_source source, struct err *err);
void queue_leave(struct queue *queue, enum queue_event how, const char *why);
/* The next thing to do; a wish to leave goes before commands. `wait`: sleeps
 * until there is one. */
enum queue_event queue_next(struct queue *queue, bool wait, struct queue_item *out);
/* Only whether somebody wants the run to leave. */
enum queue_event queue_leaving(struct queue *queue);
/* Whether something waits that a range test makes way for. */
bool queue_urgent(struct queue *queue);
void queue_watch(struct queue *queue, bool watched);
bool queue_watched(struct queue *queue);
void queue_why(struct queue *queue, char *out, size_t size);
/* From now on pushes fail; what still waits is handed out by queue_next. */
void queue_close(struct queue *queue);

/* ---- history.c: where undo and redo lead ---- */

/* A return to another state, as its line in the journal records it. */
struct jump {
    char state[128]; /* its file in checkpoints/ without .safetensors: "edit-7", "step-490" */
    int64_t step;
    uint64_t seq; /* of the newest line that the state has in it */
    /* Of both files, with all rows of before the jump. */
    uint64_t metrics_length, steps_length;
};
struct history_line {
    uint64_t seq;
    int64_t step;
    enum command_id command;
    bool rule;               /* a rule did it: the line has "why" */
    const char *label;       /* of an edit or a rollback */
    const struct jump *jump; /* of undo, redo and rollback */
};
struct history_target {
    uint64_t state; /* edit-STATE */
    int64_t step;
    const char *label; /* of the edit that undo takes back; lives until the next line */
};
struct history { /* zeroed is the start */
    struct history_edit *edits;
    struct history_undone *undone;
    struct history_move *moves;
    size_t edit_count, undone_count, move_count;
    size_t edit_capacity, undone_capacity, move_capacity;
    size_t present;  /* 1 + index of the newest edit that the present state has in it; 0 none */
    uint64_t landed; /* edit-SEQ that the last undo or redo led to, no edit since; 0 none */
    int64_t landed_step;
};
void run_history_fini(struct history *history);
/* The lines of the journal in their order, without those that were refused. */
void run_history_line(struct history *history, const struct history_line *line);
/* False where there is nothing to take back. */
bool run_history_undo(const struct history *history, struct history_target *out);
bool run_history_redo(const struct history *history, struct history_target *out);
/* Whether the present state, at `step`, is the very one that the last undo or
 * redo led to, so that the next one need not keep it again. */
bool run_history_landed(const struct history *history, int64_t step);

/* ---- series.c: the losses of all steps, in bounded memory ---- */

enum { SERIES_ROOM = FEED_MAX_BUCKETS, SERIES_LAST = SERIES_ROOM / 4, SERIES_LEVELS = 26 };
struct series_bucket {
    struct loss_bucket loss;
    int branch;
    int64_t tick, ticks; /* losses before it, and in it, in the order of time */
};
struct series_level {
    int64_t width;                 /* steps in a full bucket */
    struct series_bucket *buckets; /* [SERIES_ROOM], a ring that begins at `first` */
    size_t first, count;
    bool open; /* the newest is not full */
};
struct series {
    struct series_level levels[SERIES_LEVELS];
    int level_count;
    int64_t ticks;
};
void series_init(struct series *series);
void series_fini(struct series *series);
/* Some steps in one, after those that are there, or of another branch. */
void series_add(struct series *series, const struct loss_bucket *loss, int branch);
/* What comes next is not merged with what is there. */
void series_close(struct series *series);
/* Marks what is from limits[branch] on, of those branches. */
void series_mark(struct series *series, const int64_t *limits);
/* feed.h's `buckets`. */
size_t series_copy(const struct series *series, int64_t first, int64_t last,
                   struct loss_bucket *out, size_t most);

/* ---- publish.c: what readers see ---- */

enum { PUBLISH_ANSWERS = 64 };
/* One warning for each thing that can go wrong and get well again. */
enum warning {
    WARNING_CHECKPOINT,
    WARNING_BEST,
    WARNING_JOURNAL,
    WARNING_METRICS,
    WARNING_SCRIPT,
    WARNINGS
};
/* A stretch of a run from one return to an earlier state to the next. */
struct branch {
    int parent;     /* the branch that it leaves; -1 for the first */
    int64_t step;   /* the state at which it does: */
    uint64_t seq;   /* this step, and the newest journal line in it */
    uint64_t first; /* line that began it */
};
/* Where on a branch something is. */
struct place {
    int branch;
    uint64_t seq; /* newest journal line before it */
};
/* What is measured of the layers; layers.c. */
struct layers_shown {
    double looked; /* clock_seconds() of a reader's last look */
    struct layers newest;
    /* Of all layers the same steps. */
    struct layer_point trend[FEED_MAX_LAYERS][FEED_TREND];
    size_t points;
    uint64_t measured, apart; /* every so many of them are points */
};
struct publication {
    int wake_fd, control_fd; /* immutable */
    pthread_mutex_t lock;
    /* Under lock. */
    uint64_t version;
    struct snapshot snapshot; /* as the run thread put it */
    /* Everything in the order of time, each with the branch it is on. */
    struct series losses;
    struct evaluation *evaluations;
    struct place *evaluation_place;
    size_t evaluation_count, evaluation_capacity, evaluation_place_capacity;
    struct confusion confusion; /* its count NULL: none yet */
    size_t confusion_of;        /* index of its evaluation */
    struct edit_mark *edits;
    struct place *edit_place;
    size_t edit_count, edit_capacity, edit_place_capacity;
    struct branch *branches; /* the first is the run as it began */
    size_t branch_count, branch_capacity;
    uint64_t returns;
    struct journal_record *journal; /* the newest lines */
    size_t journal_count, journal_capacity;
    struct answer answers[PUBLISH_ANSWERS]; /* id is at id % PUBLISH_ANSWERS */
    uint64_t newest;                        /* id */
    int64_t checkpoint_step;
    double checkpoint_clock;
    char warnings[WARNINGS][512];
    struct layers_shown layers;
    struct range_test range; /* the newest */
};
int publication_init(struct publication *publication, struct err *err);
void publication_fini(struct publication *publication);
void publication_put(struct publication *publication, const struct snapshot *snapshot);
void publication_loss(struct publication *publication, int64_t step, double seconds, double loss,
                      double learning_rate);
/* Some steps in one. */
void publication_losses(struct publication *publication, const struct loss_bucket *some);
/* `seq`: of the newest line of the journal before it. confusion: NULL where it is not known. */
void publication_evaluation(struct publication *publication, const struct evaluation *evaluation,
                            uint64_t seq, const struct confusion *confusion);
void publication_edit(struct publication *publication, const struct edit_mark *edit);
/* A jump: what follows is on a new branch, and what is not on its way is abandoned. */
void publication_return(struct publication *publication, const struct edit_mark *mark,
                        const struct jump *jump);
/* A line of the journal that is on disk. */
void publication_journal(struct publication *publication, const struct journal_record *record);
/* `present`: it was the run's state when it was queued; the best may be written late. */
void publication_checkpoint(struct publication *publication, int64_t step, bool present);
void publication_warn(struct publication *publication, enum warning which, const char *text);
void publication_range(struct publication *publication, const struct range_test *test);
uint64_t publication_request(struct publication *publication, const char *line);
void publication_answer(struct publication *publication, uint64_t id, enum answer_state state,
                        int64_t step, const char *text);
void publication_feed(struct feed *feed); /* sets the functions that read */

/* ---- layers.c: what readers see of the layers, while they look ---- */

/* Whether the next step is to be measured, into run->layers. */
bool run_layers_due(struct run *run, double clock);
void run_layers_measured(struct run *run); /* the step that has just been done */
/* Under the publication's lock: at another state. */
void layers_forget(struct layers_shown *shown);
void layers_feed(struct feed *feed); /* as publication_feed */

/* ---- journal.c ---- */

struct json_t;

enum { EDIT_TEXT = 64, EDITS_MAX = COMMAND_WORDS / 2 };
struct edit {
    const struct setting *row;
    char old[EDIT_TEXT], new[EDIT_TEXT]; /* as settings_format has them */
};
struct journal_entry {
    int64_t step, epoch;
    const char *source, *command;
    const char *refused;     /* why; NULL: it was not */
    const char *why;         /* of a signal or a rule; NULL: none */
    const struct jump *jump; /* of undo, redo and rollback; NULL: none */
    bool libraries;          /* with program and kernels, which may be others than before */
    const struct edit *edits;
    size_t edit_count;
};
struct journal {
    struct file_log *log;
    struct publication *shown; /* the lines are; NULL: nowhere */
    uint64_t seq;              /* of the last line */
    uint32_t crc;
};
/* Creates the file with its head line; `journal` is zeroed but for `shown`. */
int journal_open(struct journal *journal, const char *path, uint32_t data_digest,
                 const struct settings *settings, struct err *err);
/* Returns once the line is safe on disk; on an error nothing was added. */
int journal_append(struct journal *journal, const struct journal_entry *entry, struct err *err);
void journal_close(struct journal *journal);
/* The line of that entry as viewers see it. */
void journal_record(const struct journal_entry *entry, uint64_t seq, struct json_t *line,
                    struct journal_record *out);

/* ---- journal_read.c ---- */

enum { JOURNAL_FORMAT = 1 };
struct journal_line {
    uint64_t seq;
    int64_t step;
    enum command_source source; /* of the head it says nothing */
    const char *command;
    const char *refused, *why; /* NULL: none */
    struct edit *edits;
    size_t edit_count;
    struct jump *jump; /* NULL: none */
    struct json_t *object;
};
/* A whole journal, verified; lines[i] has the number i + 1. */
struct journal_file {
    struct journal_line *lines;
    size_t count;
    uint64_t length; /* of the lines that are whole */
    uint32_t crc;    /* of the last of them */
    bool torn;       /* a piece of one more line follows */
    uint32_t data_digest;
    int64_t seed;
};
/* Shows viewers all lines. */
void journal_show(const struct journal_file *file, struct publication *publication);
/* Whether a line that has libraries has those of this program. */
bool journal_same_libraries(const struct journal_line *line);
int journal_load(const char *path, struct journal_file *out, struct err *err);
void journal_file_fini(struct journal_file *file);
/* Continues what was read: cuts off a torn end, and new lines follow. */
int journal_reopen(struct journal *journal, const char *path, const struct journal_file *file,
                   struct err *err);

/* ---- edits.c: changes of live settings ---- */

struct edits {
    struct settings settings; /* as they will be */
    struct edit list[EDITS_MAX];
    size_t count;
    bool rate; /* the learning rate is among them */
};
/* What `set` or `toggle` would make of the settings. Changes nothing in the run. */
int edits_plan(const struct run *run, const struct command *command, struct edits *out,
               struct err *err);
/* "learning rate 0.02 → 0.01, noise off → on". */
void edits_label(const struct edit *list, size_t count, struct text *out);
void edits_make(struct run *run, const struct edits *edits);

/* ---- metrics.c: metrics.csv and steps.csv ---- */

/* Each row with the offset of its first byte. */
struct evaluation_row {
    struct evaluation evaluation;
    uint64_t begin;
};
struct step_row {
    int64_t step;
    double loss, minimum, maximum, learning_rate;
    uint64_t begin;
};

#define METRICS_HEADER                                                                             \
    "epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_loss,"                  \
    "validation_accuracy\n"
#define STEPS_HEADER "step,loss,loss_min,loss_max,learning_rate\n"
struct csv {
    struct file_log *log;
    struct text pending; /* rows that could not be written yet */
};
struct metrics {
    struct csv evaluations, steps;
    int64_t stride, steps_per_epoch;
    struct steps_row row;
    uint64_t ended;         /* rows of steps.csv so far */
    struct step_row newest; /* of them */
};
int metrics_open(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                 struct err *err);
/* Rows that could not be written wait for the next call; -1 says why. */
int metrics_evaluation(struct metrics *metrics, const struct evaluation *row, struct err *err);
int metrics_step(struct metrics *metrics, int64_t step, double loss, double learning_rate,
                 struct err *err);
/* Ends the unfinished row of steps.csv; `step` is the last one. What was ended so
 * can be undone as long as nothing was written since. */
struct metrics_cut {
    uint64_t metrics_length, steps_length; /* of the files with every row so far */
    struct steps_row row;
    size_t pending;
};
struct metrics_cut metrics_cut(struct metrics *metrics, int64_t step, double learning_rate);
void metrics_uncut(struct metrics *metrics, const struct metrics_cut *cut);
/* Writes what waits, and makes safe what is in the files. */
int metrics_sync(struct metrics *metrics, struct err *err);
/* Ends the row and writes all. */
int metrics_flush(struct metrics *metrics, int64_t step, double learning_rate, struct err *err);
bool metrics_behind(const struct metrics *metrics); /* rows wait */
void metrics_close(struct metrics *metrics);
/* How many steps are in a row; done where the files are opened, too. */
void metrics_plan(struct metrics *metrics, int64_t steps_per_epoch);
/* Opens the files of before, cut to these lengths. */
int metrics_reopen(struct metrics *metrics, const char *directory, int64_t steps_per_epoch,
                   uint64_t metrics_length, uint64_t steps_length, struct err *err);

/* ---- metrics_read.c ---- */

struct metrics_file {
    struct evaluation_row *evaluations;
    struct step_row *steps;
    size_t evaluation_count, step_count;
};
/* The first `…_length` bytes of both files. METRICS_ALL: all whole rows. */
#define METRICS_ALL UINT64_MAX
int metrics_load(struct metrics_file *file, const char *directory, uint64_t metrics_length,
                 uint64_t steps_length, struct err *err);
/* All whole rows of one metrics.csv of at most `most` bytes. */
int metrics_load_evaluations(struct metrics_file *file, const char *path, size_t most,
                             struct err *err);
void metrics_file_fini(struct metrics_file *file);

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
/* In the order of their data. */
const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t i);
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

/* ---- image.c: complete states in memory ---- */

/* The net's tensors and the length of all of them; immutable. */
struct layout {
    int count;
    struct net_tensor *tensors;
    size_t numbers;
};
/* The numbers of a net's tensors; immutable until the last holder releases it. */
struct copy {
    float *values; /* [layout.numbers] */
    int holders;   /* under copies.lock */
    struct copy *next;
};
struct copies {
    struct layout layout; /* immutable */
    pthread_mutex_t lock;
    /* Under lock. */
    struct copy *spare;
    int spare_count;
};
int copies_init(struct copies *copies, const struct net *net, struct err *err);
void copies_fini(struct copies *copies);
/* Gets memory for one more where there is little in advance; any thread. */
void copies_prepare(struct copies *copies);
/* A copy of the net's numbers, held once. */
struct copy *copies_take(struct copies *copies, const struct net *net, struct err *err);
struct copy *copies_hold(struct copies *copies, struct copy *copy); /* NULL is fine */
void copies_release(struct copies *copies, struct copy *copy);      /* NULL is fine */

/* A state. about.factor and .offset are the dataset's, about.tensors NULL. */
struct image {
    struct checkpoint about;
    struct copy *copy; /* NULL: none */
};
void image_restore(const struct image *image, const struct copies *copies, struct net *net);
/* From a file that is checked against the layout before anything is kept of it;
 * without the data's transform. Holds a copy once. */
int image_load(struct image *out, struct copies *copies, const char *path, struct err *err);

/* ---- checkpoint.c ---- */

size_t net_tensor_numbers(const struct net_tensor *tensor);
int image_write(const struct image *image, const struct layout *layout, const char *path,
                struct err *err);
/* Copies the tensor's numbers, or says why it does not fit. */
int checkpoint_tensor(const struct checkpoint *checkpoint, const struct net_tensor *wanted,
                      float *out, struct err *err);
/* That the file holds so many tensors of a net. */
int checkpoint_check_count(const struct checkpoint *checkpoint, int tensors, struct err *err);

/* ---- states.c: the states that are kept to return to ---- */

enum { STATES_EDITS = 8 }; /* of so many edits stay */
enum state_kind { STATE_EDIT, STATE_STEP, STATE_BEST, STATE_NAMED };
enum state_file { FILE_AWAITED, FILE_SAFE, FILE_NONE };
struct state {
    enum state_kind kind;
    char name[128]; /* of its file, without .safetensors */
    char label[64]; /* of the edit that it is the state before; "" of others */
    int64_t step;
    uint64_t seq;       /* of the newest journal line in it */
    struct image image; /* image.copy NULL: only on disk */
    enum state_file file;
};
struct states {
    struct copies *copies; /* immutable */
    size_t in_memory;      /* states of edits whose copies may stay; immutable */
    pthread_mutex_t lock;
    /* Under lock. In the order of time. */
    struct state *list;
    size_t count, capacity;
};
void states_init(struct states *states);
void states_fit(struct states *states, struct copies *copies);
void states_clear(struct states *states); /* the run has ended: none can be returned to */
void states_fini(struct states *states);
/* The state before an edit: in memory from now on, on disk once the writer says so. Holds the copy.
 */
void states_edit(struct states *states, const char *name, const char *label,
                 const struct image *image);
/* A file that is there, also one that a run found when it began. */
void states_saved(struct states *states, enum state_kind kind, const char *name, int64_t step,
                  uint64_t seq);
void states_label(struct states *states, const char *name, const char *label);
/* A file of an edit that could not or need not be written. */
void states_unsaved(struct states *states, const char *name);
/* The name of a file to remove: the oldest of those over `keep` on disk. */
bool states_surplus(struct states *states, enum state_kind kind, size_t keep, char out[128]);
/* The newest that fits, its copy held; false: none. */
bool states_find_name(struct states *states, const char *name, struct state *out);
bool states_find_step(struct states *states, int64_t step, struct state *out);
bool states_find_exact(struct states *states, uint64_t seq, int64_t step, struct state *out);
bool states_find_last(struct states *states, struct state *out);
/* As feed->states and snapshot.states have it. */
size_t states_list(struct states *states, size_t first, struct kept_state *out, size_t most);
size_t states_count(struct states *states);

/* ---- writer.c: the thread that writes checkpoints ---- */

enum {
    TARGET_STEP = 1,  /* step-N, with `last` linked to it, and the oldest pruned */
    TARGET_BEST = 2,  /* best */
    TARGET_NAMED = 4, /* job.name */
    TARGET_EDIT = 8,  /* job.name, edit-SEQ, and the oldest of those pruned */
};
struct job {
    struct image image; /* its copy held */
    unsigned target;
    char name[128];  /* without .safetensors */
    uint64_t answer; /* the command that waits for it; 0: none */
    /* The answer of a command that is done whatever becomes of the file; "": the
     * file is what was asked for. */
    char text[160];
};
enum { WRITER_JOBS = STATES_EDITS + 2 };
struct writer {
    /* Immutable once started; copies and room: from the first job on. */
    pthread_t thread;
    bool started;
    char *directory;
    struct publication *publication;
    struct states *states;
    struct copies *copies;
    int room; /* jobs that may wait */
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    /* Under lock; the first job is the writer's while it is `busy`. */
    struct job jobs[WRITER_JOBS];
    int first, count; /* waiting or being written */
    bool busy, stop, drop;
    bool best_failed;
    struct err step_error; /* of the newest TARGET_STEP; code ERR_OK: it is safe */
};
int writer_start(struct writer *writer, const char *run_directory, struct publication *publication,
                 struct states *states, struct err *err);
/* Shows that no checkpoint was saved, until one is (code ERR_OK). */
void writer_warn(const struct writer *writer, enum warning which, const struct err *err);
/* Before the first job. */
void writer_fit(struct writer *writer, struct copies *copies);
/* Queues the job and holds its copy; waits while there is no room. */
void writer_submit(struct writer *writer, const struct job *job);
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
/* Fills in `confusion`, unless NULL. 1 where it was given up. */
int evaluate_split(struct net *net, const struct dataset *dataset, enum data_split split,
                   const struct data_transform *transform, const struct evaluate_watch *watch,
                   struct confusion *confusion, struct evaluation_result *out);

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

/* ---- script.c ---- */

struct script_line {
    int64_t step;
    int number; /* in its file */
    char *command;
};
struct script {
    char *name;
    struct script_line *lines;
    size_t count;
};

/* ---- resume.c: a run that goes on ---- */

/* A checkpoint that was verified. */
struct candidate {
    char name[128]; /* without .safetensors */
    uint64_t seq;
    int64_t step;
    uint64_t metrics_length;
    int64_t best_step; /* as its `best` has it */
    double best_accuracy;
};
struct resume {
    char *directory;
    int lock_fd; /* -1: the run has it */
    struct run_options options;
    struct settings started;  /* settings.ini */
    struct settings settings; /* as they will be when it goes on, but for `orders` */
    struct journal_file journal;
    struct candidate *candidates; /* in the order of time */
    size_t candidate_count;
    int skipped;         /* files that do not hold */
    bool has_checkpoint; /* false: from the very beginning */
    struct checkpoint checkpoint;
    char from[128]; /* its name */
    /* What is different, once the journal's lines have been repeated: settings that
     * are no part of a state, then commands. */
    struct edit plan[2];
    size_t plan_count;
    char **orders;
    size_t order_count;
    bool goes_on; /* also where the run had finished */
    struct text notes;
};
/* Locked (lock_fd 0: by itself), settings and journal read; `states`: and every checkpoint
 * verified. */
int resume_read(const char *directory, int lock_fd, bool states, struct resume **out,
                struct err *err);
/* The file that holds the weights of the checkpoint's best evaluation; NULL: none does. */
char *resume_best_path(const struct resume *resume);
/* restore.c: the numbers of the run's net; its thread calls this. */
int resume_prepare(struct run *run, struct err *err);

/* ---- tape.c: commands that are due at steps ---- */

struct order;
/* A state that a line to be repeated will lead back to, and that nothing else keeps for sure. */
struct pin {
    size_t line; /* its index */
    struct image image;
};
/* Run thread only. */
struct tape {
    struct pin *pins;
    size_t pin_count;
    const struct journal_file *journal; /* its lines from `next` on are repeated */
    size_t next;
    bool replay;           /* the journal is another run's */
    bool live;             /* rules act, so theirs are not repeated, and steps may be others */
    struct resume *resume; /* what is to be done then; NULL: nothing */
    const struct script *script;
    size_t script_next;
};
/* Performs what is due before the next step. -1: the run cannot go on. */
int tape_perform(struct run *run, struct err *err);
/* Lines wait to be repeated. */
bool tape_repeats(const struct run *run);
/* And until then nobody else changes anything. */
bool tape_holds(const struct run *run);
/* And the run is known to have been changed by somebody, or to be, from here on. */
bool tape_goes_on(const struct run *run);
/* Whether a command that is no line of the tape may be performed meanwhile. */
int tape_check(const struct run *run, const struct order *order, enum command_id command,
               struct err *err);
/* Of the next lines of a journal. */
void tape_load(struct tape *tape, const struct journal_file *journal, size_t next);
void tape_fini(struct tape *tape, struct copies *copies);
/* The state that a repeated jump leads to; NULL: it is kept elsewhere. */
const struct image *tape_pinned(const struct tape *tape, const struct jump *jump);
/* Passes over the lines that the journal says were used. */
void tape_skip_script(struct tape *tape);

/* ---- replay.c, verify.c: another run, trained again ---- */

/* What the other run has on disk, compared while this one gets there. Run thread only. */
struct verify {
    const struct resume *other; /* its checkpoints */
    struct metrics_file rows;
    size_t evaluations, steps, checkpoints; /* compared so far */
    uint64_t seen, measured;                /* as metrics.ended and run->measured were */
    int64_t end;                            /* the other's last step */
    bool exact;                             /* every bit must be the same */
    double largest;                         /* difference, where it need not */
    char where[128];                        /* it was */
};
struct replay {
    struct resume *other; /* owned */
    struct settings settings;
    bool changed; /* its rules are live */
    bool compares;
    struct verify verify;
};
int verify_open(struct verify *verify, const struct resume *other, struct err *err);
void verify_fini(struct verify *verify);
/* What is there since the last time; -1 at a difference, with the step in `err`. */
int verify_check(struct run *run, struct err *err);
/* The other run ended here. */
bool verify_ends(const struct run *run);
/* That nothing of the other run is left to compare, and says what was. */
int verify_end(struct run *run, struct err *err);

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

/* A command that is to be performed now, wherever it came from. */
struct order {
    uint64_t id; /* who waits for an answer; 0: nobody */
    enum command_source source;
    const char *line;
    const char *why; /* a rule's reason, as the journal has it; NULL: a person gave it */
    /* Of a line that is repeated, as the journal has it already: its number, and
     * what it recorded of a jump. Such lines are not written again. 0 and NULL:
     * written as it is performed. Lines that only pace are not acted on where they
     * are repeated. */
    uint64_t seq;
    const struct jump *jump;
    bool repeated; /* a journal's line, of this run or of the one that is replayed */
};
/* `pause when`. */
struct condition {
    enum { PAUSE_NEVER, PAUSE_EPOCH_END, PAUSE_LOSS_UP, PAUSE_LOSS_ABOVE } kind;
    int64_t times, seen; /* PAUSE_LOSS_UP: so often in a row, so many already */
    double previous;     /* validation loss; NaN: none yet */
    double above;
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
    int64_t until; /* the step of run_options.until; 0: none */
    double loss_limit;
    struct resume *resume;               /* owned; NULL: a new run */
    struct verify *verify;               /* the replay's; NULL: none */
    size_t past_evaluations, past_edits; /* of before it went on */
    pthread_t thread;

    /* Run thread only. */
    struct snapshot now; /* what is published next */
    double published;    /* clock of the last publication */
    struct settings settings;
    double rate_scale, rate_anchor; /* as struct checkpoint has them */
    int64_t step;
    /* Of the newest journal line that the state has in it: the journal's last one,
     * but for lines that wait to be repeated. */
    uint64_t seq;
    struct history history;
    int64_t steps_left; /* while single-stepping, and of `run`; 0: no limit */
    bool paused, stopping, evaluation_due;
    struct team *team;
    struct net *net;
    uint8_t *labels;       /* of a mini-batch */
    uint32_t *permutation; /* of epoch `permuted` */
    int64_t permuted;
    double *losses;      /* of the last metrics.stride steps, */
    int64_t losses_from; /* but only from this one on */
    struct epoch_sums sums;
    struct patience patience;
    struct stopwatch watch;
    double speed_samples, speed_seconds; /* decaying sums over training steps */
    double train_samples, train_seconds; /* of all training steps of this process */
    double epoch_seconds, epoch_start;   /* NaN before the first epoch */
    uint64_t measured;                   /* evaluations by this process */
    struct confusion confusion;          /* of the validation set, as it is measured */
    struct evaluation best;              /* step < 0: none */
    struct copies copies;
    struct copy *present;         /* of the net as it is; NULL: none was needed yet */
    struct image best_image;      /* its copy NULL: none */
    struct image good, candidate; /* candidate: the next step judges it; copies NULL: none */
    int halvings;                 /* of the rate, by rules, since the last epoch's end */
    struct condition condition;
    struct net_measure layers[NET_MAX_LAYERS]; /* of the last step that was measured */
    double layers_due;                         /* clock; before it no step is measured */
    struct range_test range;                   /* the newest */
    bool range_stopped;                        /* it made way for another command */
    char verified[256];                        /* what was compared, once all was */
    char limit[64]; /* why the last of steps_left pauses; "": one by one */
    struct journal journal;
    struct metrics metrics;
    struct tape tape;
    int lock_fd;

    /* Each with a lock of its own. */
    struct hold hold;
    struct queue queue;
    struct publication publication;
    struct states states;
    struct writer writer;
};

/* run.c */
/* A run without files; run_discard ends one whose thread was never started. */
struct run *run_make(const struct run_options *options, const char *directory,
                     const struct dataset *dataset, struct err *err);
void run_discard(struct run *run);
/* What the settings ask for against what the dataset has. */
int run_plan(struct run *run, struct err *err);
/* Other plans than it began with: how many epochs, how many threads. */
int run_plan_again(struct run *run, const struct edit *edits, size_t count, struct err *err);
void run_first_snapshot(struct run *run);
int run_start(struct run *run, struct err *err); /* the thread */
/* The lock of the run itself: another hold on the one there is already, or its own. */
int run_take_lock(const char *directory, int held, int *fd, struct err *err);

/* thread.c */
void *run_thread(void *run);
void run_publish(struct run *run, bool important);
void run_set_state(struct run *run, enum run_state state);
double run_rate(const struct run *run);
void run_pause(struct run *run, const char *reason); /* "": a person's wish */
void run_go(struct run *run);
/* Training and validation set: a row, a point, perhaps the best so far. 1 where
 * it was interrupted. With train.evaluate = running there must have been a step. */
int run_measure(struct run *run);
/* Goes on, or stays paused, after something that was done between two steps. */
void run_settle(struct run *run);
/* The mini-batch of a step that is due or yet to come, and its labels. */
struct gather run_batch(struct run *run, int64_t step);
/* Shows its progress; `before` of `total` images are done already. 1 where it was
 * interrupted. */
int run_measure_split(struct run *run, enum data_split split, uint64_t before, uint64_t total,
                      struct confusion *confusion, struct evaluation_result *out);
/* Shows why a row could not be written, until all of them are. */
void run_warn_metrics(struct run *run, int result, const struct err *err);

/* keep.c */
/* The present state. Its copy is the run's: who keeps it holds it. -1: no memory. */
int run_image(struct run *run, struct image *out, struct err *err);
void run_net_changed(struct run *run); /* the copy of the present net is of the past */
/* A place for an image that holds its copy, or none. */
void run_hold_image(struct run *run, struct image *held, const struct image *image);
void run_drop_image(struct run *run, struct image *held);
/* Hands the present state to the writer; the job's image is filled in. -1 where it
 * holds a NaN. */
int run_save(struct run *run, struct job *job, struct err *err);
/* Waits for the disk; best weights that it did not take get one more try. -1 where
 * the newest step-N is not safe. */
int run_drain(struct run *run, struct err *err);
void run_keep_best(struct run *run);
/* As the state before the journal's line run->seq. */
void run_keep_edit(struct run *run, const struct image *image, const char *label);
void run_offer_good(struct run *run);
void run_judge_good(struct run *run); /* the step was good */

/* jump.c */
/* Undo, redo, rollback. -1 where it was refused; answered in any case. */
/* "undo, from step 900"; of a rule what it saw. */
void run_jump_label(char out[64], bool rule, const struct command *command, int64_t from);
int run_jump(struct run *run, const struct order *order, const struct command *command,
             struct err *err);
/* Makes the image the present state. */
void run_restore(struct run *run, const struct image *image);

/* diverge.c */
/* The step's loss was bad and it changed nothing. True: the run is at a good state
 * and goes on or is paused; else it ends so. */
bool run_diverge(struct run *run, double loss, enum run_state *end);

/* conditions.c */
int run_condition_check(const struct command *command, struct err *err);
void run_condition_set(struct run *run, const struct command *command, struct text *text);
void run_conditions_reset(struct run *run); /* at another state */
void run_condition_evaluated(struct run *run, const struct evaluation *row);
void run_condition_stepped(struct run *run, double loss);
int run_limit_check(const struct command *command, struct err *err);
void run_limit_set(struct run *run, const struct command *command, struct text *text);

/* range.c */
/* The present state is put back whatever happens. -1: it was refused; 1: it made way for
 * something that waits. `text` says what came of it. */
int run_range_test(struct run *run, struct text *text);

/* time.c */
double run_clock(struct run *run);   /* monotonic, without the time that was held */
double run_seconds(struct run *run); /* that it was running */
void run_watch_start(struct run *run);
void run_watch_stop(struct run *run);

/* ends.c: each gives the state that the run ends in */
enum run_state run_fail(struct run *run, const struct err *err);
/* Somebody wants it to. */
enum run_state run_leave(struct run *run);
/* The epochs of run_options.until are done. */
enum run_state run_reach(struct run *run);
/* By the rule: `what` is shown, `why` journalled. The present state is saved. */
/* An evaluation, before any state of after it is kept; then the end, where it is due. */
void run_note_patience(struct run *run, const struct evaluation *row);
void run_end_early(struct run *run);
enum run_state run_end_diverged(struct run *run, const char *what, const char *why);
/* All steps are done, or `stop` was given. A final state that cannot be saved
 * makes the run a failed one, but keeps it from nothing else. */
enum run_state run_complete(struct run *run);

/* apply.c */
/* Shows what was changed on the charts. */
void run_mark(struct run *run, const struct edit_mark *where, const char *label);
/* Journalled, performed and answered. -1 where it was refused; `err` says why. */
int run_apply(struct run *run, const struct order *order, struct err *err);
/* The command's line in the journal; run->seq is its number then. */
int run_note(struct run *run, const struct order *order, struct journal_entry *entry,
             struct err *err);
/* Refuses, in the journal and to who waits. Always -1. */
int run_refuse(struct run *run, const struct order *order, struct err *why);
/* The same for what could not be journalled. */
int run_refuse_unwritten(struct run *run, const struct order *order, struct err *why);

/* result.c */
int result_read(const char *path, struct run_result *out, struct err *err);
int result_write(struct run *run, const char *path, const char *tested,
                 const struct evaluation_result *test, struct err *err);

#endif
