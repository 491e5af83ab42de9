/*
 * books: search.journal, which several processes append to, and its lock.
 *
 * Who writes holds an open-file-description lock on search.lock, which ends with
 * the process: reads what others have written, cuts off what a killed one left
 * of a line, appends whole lines and syncs. Readers need no lock, since lines
 * only come whole or as a torn end that they leave alone.
 *
 * Two mutexes: `writer` is held over the lock on the file, which may have to
 * wait for another process; `lock` only while the table changes, so that who
 * shows it never waits for a disk.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <float.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#ifndef KDT_VERSION
#define KDT_VERSION "unknown"
#endif

enum { PIECE = 1 << 16, LINE_MOST = 1 << 20, JOURNAL_FORMAT = 1 };

/* ---- open ---- */

/* "kdtui-HOST-PID" */
static void name_worker(struct books *books)
{
    char host[64] = "";
    (void)gethostname(host, sizeof host - 1);
    for (char *c = host; *c; c++)
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\')
            *c = '?';
    snprintf(books->worker, sizeof books->worker, "kdtui-%s-%ld", host, (long)getpid());
}

void books_open(struct books *books, const char *directory)
{
    *books = (struct books){.lock_fd = -1, .path = file_path(directory, "search.journal")};
    pthread_mutex_init(&books->writer, NULL);
    pthread_mutex_init(&books->lock, NULL);
    name_worker(books);
}

int books_write(struct books *books, const char *directory, struct err *err)
{
    char *path = file_path(directory, "search.lock");
    do
        books->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    while (books->lock_fd < 0 && errno == EINTR);
    int result = books->lock_fd >= 0 ? 0 : err_set_errno(err, ERR_FILE, errno, "%s", path);
    mem_free(path);
    return result;
}

void books_fini(struct books *books)
{
    if (books->lock_fd >= 0)
        close(books->lock_fd);
    pthread_mutex_destroy(&books->writer);
    pthread_mutex_destroy(&books->lock);
    table_fini(&books->table);
    mem_free(books->path);
}

/* ---- reading ---- */

/* The whole lines of the text into the table; how many bytes they are. */
static int apply_lines(struct books *books, const struct text *text, size_t *whole, struct err *err)
{
    int result = 0;
    *whole = 0;
    pthread_mutex_lock(&books->lock);
    for (const char *end; result == 0 && text->length > *whole &&
                          (end = memchr(text->bytes + *whole, '\n', text->length - *whole));) {
        const char *line = text->bytes + *whole;
        result = table_apply(&books->table, line, (size_t)(end - line), err);
        if (result != 0)
            err_context(err, "%s:%" PRId64, books->path, books->table.lines + 1);
        else
            *whole = (size_t)(end + 1 - text->bytes);
    }
    pthread_mutex_unlock(&books->lock);
    return result;
}

/* From books->offset to the end; *torn: a piece of a line is left there. */
static int read_on(struct books *books, int fd, bool *torn, struct err *err)
{
    struct text text = {0};
    char *piece = mem_alloc(PIECE);
    int result = 0;
    for (;;) {
        ssize_t got = pread(fd, piece, PIECE, (off_t)(books->offset + text.length));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = err_set_errno(err, ERR_FILE, errno, "%s", books->path);
        if (got <= 0)
            break;
        size_t whole;
        text_append(&text, piece, (size_t)got);
        result = apply_lines(books, &text, &whole, err);
        if (result == 0 && text.length - whole > LINE_MOST)
            result = err_set(err, ERR_FILE, "%s:%" PRId64 ": a line of over %d bytes", books->path,
                             books->table.lines + 1, LINE_MOST);
        if (result != 0)
            break;
        books->offset += whole;
        memmove(text.bytes, text.bytes + whole, text.length - whole);
        text.length -= whole;
    }
    *torn = text.length > 0;
    text_fini(&text);
    mem_free(piece);
    return result;
}

/* -1 and errno ENOENT where there is no journal yet. */
static int open_journal(const struct books *books)
{
    int fd;
    do
        fd = open(books->path, O_RDONLY | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int read_journal(struct books *books, bool *torn, struct err *err)
{
    int fd = open_journal(books);
    *torn = false;
    if (fd < 0)
        return errno == ENOENT ? 0 : err_set_errno(err, ERR_FILE, errno, "%s", books->path);
    int result = read_on(books, fd, torn, err);
    close(fd);
    return result;
}

int books_read(struct books *books, struct err *err)
{
    bool torn;
    pthread_mutex_lock(&books->writer);
    int result = read_journal(books, &torn, err);
    pthread_mutex_unlock(&books->writer);
    return result;
}

/* ---- writing ---- */

static int set_lock(const struct books *books, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    int failed;
    do
        failed = fcntl(books->lock_fd, F_OFD_SETLKW, &lock);
    while (failed && errno == EINTR);
    return failed;
}

static int cut_torn(const struct books *books, struct err *err)
{
    struct file_log *log;
    if (file_log_open(books->path, false, &log, err) != 0)
        return -1;
    int result = file_log_cut(log, books->offset, err);
    file_log_close(log);
    return result;
}

int books_lock(struct books *books, struct err *err)
{
    bool torn;
    pthread_mutex_lock(&books->writer);
    int result = 0;
    if (set_lock(books, F_WRLCK) != 0)
        result = err_set_errno(err, ERR_FILE, errno, "%s: search.lock", books->path);
    if (result == 0)
        result = read_journal(books, &torn, err);
    if (result == 0 && torn)
        result = cut_torn(books, err);
    if (result != 0)
        books_unlock(books);
    return result;
}

void books_unlock(struct books *books)
{
    (void)set_lock(books, F_UNLCK);
    pthread_mutex_unlock(&books->writer);
}

int books_append(struct books *books, const struct text *lines, struct err *err)
{
    struct file_log *log;
    bool torn;
    if (lines->length == 0)
        return 0;
    if (file_log_open(books->path, !file_exists(books->path), &log, err) != 0)
        return -1;
    int result = file_log_append(log, lines->bytes, lines->length, true, err);
    file_log_close(log);
    return result == 0 ? read_journal(books, &torn, err) : -1;
}

/* ---- lines ---- */

static void begin(const struct books *books, struct text *out, int operation)
{
    text_print(out, "{\"op_code\": %d, \"worker_id\": \"%s\"", operation, books->worker);
}

static void end(struct text *out)
{
    text_print(out, "}\n");
}

static void print_string(struct text *out, const char *string)
{
    json_t *value = json_string(string);
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    text_print(out, "%s", text ? text : "\"?\"");
    free(text);
    json_decref(value);
}

static void print_number(struct text *out, double value)
{
    char number[40] = "null";
    if (isfinite(value))
        number_format_double(number, sizeof number, value);
    text_print(out, "%s", number);
}

/* Local time without a zone, as Optuna has it. */
static void print_now(struct text *out)
{
    struct timeval now;
    struct tm local;
    char seconds[32];
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &local);
    strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &local);
    text_print(out, "\"%s.%06ld\"", seconds, (long)now.tv_usec);
}

/* A study's attribute follows. */
static void begin_study_attribute(const struct books *books, struct text *out)
{
    begin(books, out, 2);
    text_print(out, ", \"study_id\": 0, \"user_attr\": {");
}

static void begin_trial(struct books *books, struct text *out, int operation, int64_t number)
{
    int64_t id = 0;
    while (books->table.number_of_id[id] != number)
        id++;
    begin(books, out, operation);
    text_print(out, ", \"trial_id\": %" PRId64, id);
}

void books_study(struct books *books, struct text *out, const char *name, bool maximize,
                 uint32_t data_digest)
{
    begin(books, out, 0);
    text_print(out, ", \"study_name\": ");
    print_string(out, name);
    text_print(out, ", \"directions\": [%d]", maximize ? 2 : 1);
    end(out);
    begin_study_attribute(books, out);
    text_print(out,
               "\"kdtui\": {\"format\": %d, \"version\": \"%s\", \"data_digest\": %" PRIu32 "}}",
               JOURNAL_FORMAT, KDT_VERSION, data_digest);
    end(out);
}

/* How it came; of attributes a line has one. */
static void print_source(struct books *books, struct text *out, int64_t number,
                         enum command_source source)
{
    begin_trial(books, out, 8, number);
    text_print(out, ", \"user_attr\": {\"source\": \"%s\"}", command_source_name(source));
    end(out);
}

void books_act(struct books *books, struct text *out, int64_t number, const char *key,
               const char *what, enum command_source source)
{
    print_source(books, out, number, source);
    begin_trial(books, out, 8, number);
    text_print(out, ", \"user_attr\": {\"%s\": ", key);
    print_string(out, what);
    text_print(out, "}");
    end(out);
}

void books_freeze(struct books *books, struct text *out, int64_t number, bool frozen,
                  enum command_source source)
{
    print_source(books, out, number, source);
    begin_trial(books, out, 8, number);
    text_print(out, ", \"user_attr\": {\"frozen\": %s}", frozen ? "true" : "false");
    end(out);
}

void books_create(struct books *books, struct text *out, const struct plan *plan,
                  const struct proposal *proposal, const struct act *added)
{
    struct text params = {0};
    begin(books, out, 4);
    text_print(out, ", \"study_id\": 0, \"datetime_start\": ");
    print_now(out);
    text_print(out, ", \"distributions\": {");
    for (int i = 0; i < proposal->count; i++) {
        struct text distribution = {0}, value = {0};
        dimension_describe(&plan->spaces, &proposal->parameter[i], &distribution, &value);
        text_print(out, "%s\"%s\": ", i ? ", " : "", proposal->parameter[i].name);
        print_string(out, distribution.bytes);
        text_print(&params, "%s\"%s\": %s", i ? ", " : "", proposal->parameter[i].name,
                   value.bytes);
        text_fini(&distribution);
        text_fini(&value);
    }
    text_print(out, "}, \"params\": {%s}", params.bytes);
    if (added) {
        /* It waits until a worker takes it. */
        text_print(out, ", \"state\": 4, \"user_attrs\": {\"source\": \"%s\", \"added\": ",
                   command_source_name(added->source));
        print_string(out, added->line);
        text_print(out, "}");
    }
    end(out);
    text_fini(&params);
}

void books_value(struct books *books, struct text *out, int64_t number, int64_t epoch, double value)
{
    begin_trial(books, out, 7, number);
    text_print(out, ", \"step\": %" PRId64 ", \"intermediate_value\": ", epoch);
    /* Infinity is no JSON; it is as good as the largest number. */
    print_number(out, isfinite(value) ? value : DBL_MAX);
    end(out);
}

void books_state(struct books *books, struct text *out, int64_t number, enum trial_state state)
{
    static const int states[] = {
        [TRIAL_RUNNING] = 0, [TRIAL_COMPLETE] = 1, [TRIAL_PRUNED] = 2,
        [TRIAL_FAILED] = 3,  [TRIAL_WAITING] = 4,
    };
    const struct entry *entry = &books->table.entries[number];
    const bool value = state == TRIAL_COMPLETE || state == TRIAL_PRUNED;
    begin_trial(books, out, 6, number);
    text_print(out, ", \"state\": %d, \"values\": ", states[state]);
    if (value && isfinite(entry->trial.value)) {
        text_print(out, "[");
        print_number(out, entry->trial.value);
        text_print(out, "]");
    } else {
        text_print(out, "null");
    }
    if (state == TRIAL_RUNNING) {
        text_print(out, ", \"datetime_start\": ");
        print_string(out, entry->started);
    } else if (trial_ended(state)) {
        text_print(out, ", \"datetime_complete\": ");
        print_now(out);
    }
    end(out);
}

void books_number(struct books *books, struct text *out, int64_t number, const char *key,
                  double value)
{
    if (!isfinite(value))
        return;
    begin_trial(books, out, 8, number);
    text_print(out, ", \"user_attr\": {\"%s\": ", key);
    print_number(out, value);
    text_print(out, "}");
    end(out);
}

void books_why(struct books *books, struct text *out, int64_t number, const char *why)
{
    char text[sizeof((struct trial *)0)->why];
    text_copy(text, sizeof text, why);
    begin_trial(books, out, 8, number);
    text_print(out, ", \"user_attr\": {\"why\": ");
    print_string(out, text);
    text_print(out, "}");
    end(out);
}

void books_top(struct books *books, struct text *out, const struct top_trial *top)
{
    begin_study_attribute(books, out);
    text_print(out, "\"top-%04d\": {\"test_accuracy\": ", top->number);
    print_number(out, top->test_accuracy);
    text_print(out, ", \"best_validation_accuracy\": ");
    print_number(out, top->best_validation_accuracy);
    text_print(out, ", \"best_epoch\": %" PRId64 "}}", top->best_epoch);
    end(out);
}
