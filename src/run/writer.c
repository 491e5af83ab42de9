/*
 * The writer: a thread that puts copied states on disk, so that training does
 * not wait for it. Jobs are done in the order in which they came; the run
 * thread waits only when two are unfinished.
 *
 * It says itself what came of a job: the answer to the command that asked for
 * it, the newest safe checkpoint, a warning while something cannot be written.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static char *checkpoint_path(const struct writer *writer, const char *name)
{
    struct text text = {0};
    text_print(&text, "%s/%s.safetensors", writer->directory, name);
    return text.bytes;
}

static int write_image(const struct writer *writer, const struct job *job, const char *name,
                       struct err *err)
{
    char *path = checkpoint_path(writer, name);
    int result = image_write(&job->image, &writer->layout, path, err);
    mem_free(path);
    return result;
}

static void step_name(char out[64], int64_t step)
{
    snprintf(out, 64, "step-%" PRId64, step);
}

/* Makes `last` a hard link to the file just written; a copy where the file
 * system has no links. */
static int link_last(const struct writer *writer, const struct job *job, const char *name,
                     struct err *err)
{
    char *from = checkpoint_path(writer, name), *last = checkpoint_path(writer, "last");
    struct text temporary = {0};
    int result = 0;
    text_print(&temporary, "%s.tmp", last);
    unlink(temporary.bytes);
    if (link(from, temporary.bytes) != 0) {
        result = write_image(writer, job, "last", err);
    } else if (rename(temporary.bytes, last) != 0) {
        result = err_set_errno(err, ERR_FILE, errno, "%s", last);
        unlink(temporary.bytes);
    } else {
        /* Renaming a link onto a link to the same file leaves both. */
        unlink(temporary.bytes);
        result = file_sync_directory(writer->directory, err);
    }
    text_fini(&temporary);
    mem_free(from);
    mem_free(last);
    return result;
}

/* Notes one more automatic checkpoint and removes those over `keep`. */
static void prune(struct writer *writer, int64_t step, int64_t keep)
{
    size_t first = 0;
    if (!writer->kept_count || writer->kept[writer->kept_count - 1] != step) {
        writer->kept = mem_resize(writer->kept, (writer->kept_count + 1) * sizeof *writer->kept);
        writer->kept[writer->kept_count++] = step;
    }
    for (; writer->kept_count - first > (size_t)keep; first++) {
        char name[64];
        step_name(name, writer->kept[first]);
        char *path = checkpoint_path(writer, name);
        unlink(path);
        mem_free(path);
    }
    writer->kept_count -= first;
    for (size_t i = 0; i < writer->kept_count; i++)
        writer->kept[i] = writer->kept[i + first];
}

static int write_step(struct writer *writer, const struct job *job, char name[64], struct err *err)
{
    int64_t step = job->image.about.step;
    step_name(name, step);
    if (write_image(writer, job, name, err) != 0 || link_last(writer, job, name, err) != 0)
        return -1;
    prune(writer, step, job->image.about.settings.checkpoint.keep);
    return 0;
}

void writer_warn(const struct writer *writer, enum warning which, const struct err *err)
{
    char text[1200];
    snprintf(text, sizeof text, "checkpoint not saved: %s", err->text);
    publication_warn(writer->publication, which, err->code == ERR_OK ? "" : text);
}

/* Without any lock: it takes as long as the disk does. */
static void perform(struct writer *writer, const struct job *job, struct err *step_error,
                    bool *best_failed)
{
    int64_t step = job->image.about.step;
    char name[64] = "";
    if (job->targets & TARGET_BEST) {
        struct err err = {.code = ERR_OK};
        *best_failed = write_image(writer, job, "best", &err) != 0;
        writer_warn(writer, WARNING_BEST, &err);
        if (err.code == ERR_OK)
            publication_checkpoint(writer->publication, step);
    }
    if (job->targets & (TARGET_STEP | TARGET_NAMED)) {
        struct err err = {.code = ERR_OK};
        int result = job->targets & TARGET_NAMED ? write_image(writer, job, job->name, &err)
                                                 : write_step(writer, job, name, &err);
        const char *saved = job->targets & TARGET_NAMED ? job->name : name;
        char text[256];
        snprintf(text, sizeof text, "saved %s.safetensors", saved);
        writer_warn(writer, WARNING_CHECKPOINT, &err);
        if (result == 0)
            publication_checkpoint(writer->publication, step);
        if (job->answer)
            publication_answer(writer->publication, job->answer,
                               result == 0 ? ANSWER_APPLIED : ANSWER_REFUSED, step,
                               result == 0 ? text : err.text);
        if (job->targets & TARGET_STEP)
            *step_error = err;
    }
}

static void *writer_main(void *of)
{
    struct writer *writer = of;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (!writer->count && !writer->stop)
            pthread_cond_wait(&writer->work, &writer->lock);
        if (!writer->count || writer->drop)
            break;
        const struct job *job = &writer->jobs[writer->first];
        struct err step_error = writer->step_error;
        bool best_failed = writer->best_failed;
        pthread_mutex_unlock(&writer->lock);
        perform(writer, job, &step_error, &best_failed);
        pthread_mutex_lock(&writer->lock);
        writer->step_error = step_error;
        writer->best_failed = best_failed;
        writer->first = (writer->first + 1) % WRITER_JOBS;
        writer->count--;
        pthread_cond_signal(&writer->done);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

int writer_start(struct writer *writer, const char *run_directory, struct publication *publication,
                 struct err *err)
{
    writer->directory = file_path(run_directory, "checkpoints");
    writer->publication = publication;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->work, NULL);
    pthread_cond_init(&writer->done, NULL);
    int failed = pthread_create(&writer->thread, NULL, writer_main, writer);
    if (failed)
        return err_set_errno(err, ERR_SYSTEM, failed, "a thread cannot be made");
    pthread_setname_np(writer->thread, "kdtui-writer");
    writer->started = true;
    return 0;
}

int writer_fit(struct writer *writer, const struct net *net, struct err *err)
{
    layout_init(&writer->layout, net);
    for (int i = 0; i < WRITER_JOBS; i++)
        if (image_init(&writer->jobs[i].image, &writer->layout, err) != 0)
            return -1;
    return 0;
}

struct job *writer_job(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    while (writer->count == WRITER_JOBS)
        pthread_cond_wait(&writer->done, &writer->lock);
    struct job *job = &writer->jobs[(writer->first + writer->count) % WRITER_JOBS];
    pthread_mutex_unlock(&writer->lock);
    return job;
}

void writer_submit(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->count++;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

bool writer_best_failed(struct writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    bool failed = writer->best_failed;
    pthread_mutex_unlock(&writer->lock);
    return failed;
}

int writer_drain(struct writer *writer, struct err *err)
{
    pthread_mutex_lock(&writer->lock);
    while (writer->count)
        pthread_cond_wait(&writer->done, &writer->lock);
    struct err step_error = writer->step_error;
    pthread_mutex_unlock(&writer->lock);
    if (step_error.code == ERR_OK)
        return 0;
    *err = step_error;
    return -1;
}

void writer_stop(struct writer *writer, bool drop)
{
    if (writer->started) {
        pthread_mutex_lock(&writer->lock);
        writer->stop = true;
        writer->drop = drop;
        pthread_cond_signal(&writer->work);
        pthread_mutex_unlock(&writer->lock);
        pthread_join(writer->thread, NULL);
    }
    for (; writer->count; writer->count--, writer->first = (writer->first + 1) % WRITER_JOBS)
        if (writer->jobs[writer->first].answer)
            publication_answer(writer->publication, writer->jobs[writer->first].answer,
                               ANSWER_REFUSED, writer->jobs[writer->first].image.about.step,
                               "the run was abandoned");
    pthread_cond_destroy(&writer->done);
    pthread_cond_destroy(&writer->work);
    pthread_mutex_destroy(&writer->lock);
    for (int i = 0; i < WRITER_JOBS; i++)
        image_fini(&writer->jobs[i].image);
    layout_fini(&writer->layout);
    mem_free(writer->directory);
    mem_free(writer->kept);
}
