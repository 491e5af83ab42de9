/*
 * The writer: a thread that puts copied states on disk, so that training does
 * not wait for it. Jobs are done in the order in which they came; the run
 * thread waits only when more are unfinished than memory has room for.
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
    int result = image_write(&job->image, &writer->copies->layout, path, err);
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

/* Removes the oldest files over `keep`. */
static void prune(struct writer *writer, enum state_kind kind, size_t keep)
{
    char name[128];
    while (states_surplus(writer->states, kind, keep, name)) {
        char *path = checkpoint_path(writer, name);
        unlink(path);
        mem_free(path);
    }
}

void writer_warn(const struct writer *writer, enum warning which, const struct err *err)
{
    char text[1200];
    snprintf(text, sizeof text, "checkpoint not saved: %s", err->text);
    publication_warn(writer->publication, which, err->code == ERR_OK ? "" : text);
}

/* The file, under its name, and what it replaces. */
static int write_job(struct writer *writer, const struct job *job, const char *name,
                     struct err *err)
{
    const struct checkpoint *about = &job->image.about;
    static const struct {
        unsigned target;
        enum state_kind kind;
    } kinds[] = {{TARGET_STEP, STATE_STEP},
                 {TARGET_BEST, STATE_BEST},
                 {TARGET_NAMED, STATE_NAMED},
                 {TARGET_EDIT, STATE_EDIT}};
    size_t i = 0;
    while (kinds[i].target != job->target)
        i++;
    if (write_image(writer, job, name, err) != 0 ||
        (job->target == TARGET_STEP && link_last(writer, job, name, err) != 0)) {
        states_unsaved(writer->states, name);
        return -1;
    }
    states_saved(writer->states, kinds[i].kind, name, about->step, about->journal_seq);
    if (job->target == TARGET_STEP)
        prune(writer, STATE_STEP, (size_t)about->settings.checkpoint.keep);
    if (job->target == TARGET_EDIT)
        prune(writer, STATE_EDIT, STATES_EDITS);
    return 0;
}

static void answer_job(const struct writer *writer, const struct job *job, const char *name,
                       const struct err *err)
{
    struct text text = {0};
    bool saved = err->code == ERR_OK;
    if (!job->answer)
        return;
    if (job->text[0])
        text_print(&text, saved ? "%s" : "%s; not saved: %s", job->text, err->text);
    else if (saved)
        text_print(&text, "saved %s.safetensors", name);
    else
        text_print(&text, "%s", err->text);
    publication_answer(writer->publication, job->answer,
                       saved || job->text[0] ? ANSWER_APPLIED : ANSWER_REFUSED,
                       job->image.about.step, text.bytes);
    text_fini(&text);
}

/* Without any lock: it takes as long as the disk does. */
static void perform(struct writer *writer, const struct job *job, struct err *error)
{
    char name[128];
    if (job->target == TARGET_STEP)
        step_name(name, job->image.about.step);
    else
        text_copy(name, sizeof name, job->target == TARGET_BEST ? "best" : job->name);
    *error = (struct err){.code = ERR_OK};
    (void)write_job(writer, job, name, error);
    writer_warn(writer, job->target == TARGET_BEST ? WARNING_BEST : WARNING_CHECKPOINT, error);
    if (error->code == ERR_OK)
        publication_checkpoint(writer->publication, job->image.about.step,
                               job->target != TARGET_BEST);
    answer_job(writer, job, name, error);
}

/* Under the lock. */
static void end_job(struct writer *writer, const struct err *error)
{
    const struct job *job = &writer->jobs[writer->first];
    if (job->target == TARGET_STEP)
        writer->step_error = *error;
    if (job->target == TARGET_BEST)
        writer->best_failed = error->code != ERR_OK;
    writer->first = (writer->first + 1) % WRITER_JOBS;
    writer->count--;
    writer->busy = false;
    pthread_cond_signal(&writer->done);
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
        struct job job = writer->jobs[writer->first];
        struct err error;
        writer->busy = true;
        pthread_mutex_unlock(&writer->lock);
        perform(writer, &job, &error);
        copies_release(writer->copies, job.image.copy);
        copies_prepare(writer->copies);
        pthread_mutex_lock(&writer->lock);
        end_job(writer, &error);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

int writer_start(struct writer *writer, const char *run_directory, struct publication *publication,
                 struct states *states, struct err *err)
{
    writer->states = states;
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

void writer_fit(struct writer *writer, struct copies *copies)
{
    writer->copies = copies;
    writer->room = (int)writer->states->in_memory + 2;
}

/* Forgets the oldest state of an edit that waits where it would be pruned at once,
 * so that a person who makes edits faster than the disk takes them does not wait.
 * Its name, under the lock; false: there is none. */
static bool drop_surplus(struct writer *writer, struct job *dropped)
{
    int waiting = 0, oldest = -1;
    for (int i = writer->count - 1; i >= (writer->busy ? 1 : 0); i--) {
        if (writer->jobs[(writer->first + i) % WRITER_JOBS].target != TARGET_EDIT)
            continue;
        waiting++;
        oldest = i;
    }
    if (waiting < STATES_EDITS)
        return false;
    *dropped = writer->jobs[(writer->first + oldest) % WRITER_JOBS];
    for (int i = oldest; i + 1 < writer->count; i++)
        writer->jobs[(writer->first + i) % WRITER_JOBS] =
            writer->jobs[(writer->first + i + 1) % WRITER_JOBS];
    writer->count--;
    return true;
}

void writer_submit(struct writer *writer, const struct job *job)
{
    struct job dropped;
    copies_hold(writer->copies, job->image.copy);
    pthread_mutex_lock(&writer->lock);
    bool drops = job->target == TARGET_EDIT && drop_surplus(writer, &dropped);
    while (writer->count >= writer->room)
        pthread_cond_wait(&writer->done, &writer->lock);
    writer->jobs[(writer->first + writer->count) % WRITER_JOBS] = *job;
    writer->count++;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    if (drops) {
        states_unsaved(writer->states, dropped.name);
        copies_release(writer->copies, dropped.image.copy);
    }
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
    for (; writer->count; writer->count--, writer->first = (writer->first + 1) % WRITER_JOBS) {
        const struct job *job = &writer->jobs[writer->first];
        if (job->answer)
            publication_answer(writer->publication, job->answer, ANSWER_REFUSED,
                               job->image.about.step, "the run was abandoned");
        copies_release(writer->copies, job->image.copy);
    }
    pthread_cond_destroy(&writer->done);
    pthread_cond_destroy(&writer->work);
    pthread_mutex_destroy(&writer->lock);
    mem_free(writer->directory);
}
