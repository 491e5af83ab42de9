/*
 * The thread team.
 *
 * One job runs at a time. `claim` holds the job's number and the pieces that
 * nobody has taken yet, begin … end-1, in one word: a thread takes a piece by
 * exchanging the word for one with a smaller range. The caller takes from the
 * front and the first worker from the back, so that with two threads the same
 * pieces of one net meet the same core's cache step after step; whoever is
 * done first takes what is left.
 *
 *  1. `piece` and `arg` are written only while no piece is untaken or running.
 *     A thread that read them before an exchange that succeeded read this
 *     job's: the job's number makes every word differ from all earlier ones.
 *  2. Storing `claim` releases the job to the workers; decrementing
 *     `unfinished` releases a piece's results to the caller.
 *  3. Who goes to sleep says so first and then looks again; who has something
 *     to say writes it first and then looks for sleepers (all sequentially
 *     consistent), and signals under the lock. So no wake-up is lost.
 *
 * Who waits spins for SPIN_SECONDS at most, lets others have the processor
 * meanwhile, and does not spin at all where the team has more threads than
 * processors.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/math.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

static const double SPIN_SECONDS = 50e-6;

/* Whether one of the process's teams has its threads pinned. A second one on
 * the same processors leaves it to the scheduler who computes where. */
static atomic_bool pinned;

typedef void piece_function(void *arg, int i);

struct worker {
    struct team *team;
    bool from_front;
    pthread_t thread;
};

struct team {
    /* immutable after create */
    int threads;
    bool spins;
    struct worker *workers; /* threads - 1 */
    bool pins;              /* this is the team that is pinned */
    pthread_t caller;
    cpu_set_t caller_processors; /* that it gets back */

    /* written by the caller of team_run */
    uint32_t job;
    _Atomic(piece_function *) piece;
    _Atomic(void *) arg;

    _Alignas(64) _Atomic uint64_t claim; /* job << 32 | begin << 16 | end */
    _Alignas(64) atomic_int unfinished;  /* pieces */
    _Alignas(64) atomic_int sleepers;    /* workers */
    atomic_bool caller_sleeps;
    atomic_bool stop;

    pthread_mutex_t lock; /* guards nothing but the sleep */
    pthread_cond_t start, done;
};

static uint64_t claim_pack(uint32_t job, unsigned begin, unsigned end)
{
    return (uint64_t)job << 32 | begin << 16 | end;
}

static bool claim_open(uint64_t claim)
{
    return (claim >> 16 & 0xffff) < (claim & 0xffff);
}

/* Runs pieces of the current job until none is left to take. */
static void team_work(struct team *team, bool from_front)
{
    uint64_t claim = atomic_load(&team->claim);

    while (claim_open(claim)) {
        piece_function *piece = atomic_load_explicit(&team->piece, memory_order_relaxed);
        void *arg = atomic_load_explicit(&team->arg, memory_order_relaxed);
        const unsigned begin = claim >> 16 & 0xffff, end = claim & 0xffff;
        const uint64_t rest = from_front ? claim + (1 << 16) : claim - 1;

        if (!atomic_compare_exchange_weak(&team->claim, &claim, rest))
            continue;
        piece(arg, (int)(from_front ? begin : end - 1));
        if (atomic_fetch_sub(&team->unfinished, 1) == 1 && atomic_load(&team->caller_sleeps)) {
            pthread_mutex_lock(&team->lock);
            pthread_cond_signal(&team->done);
            pthread_mutex_unlock(&team->lock);
        }
        claim = atomic_load(&team->claim);
    }
}

static bool team_has_news(struct team *team)
{
    return claim_open(atomic_load(&team->claim)) || atomic_load(&team->stop);
}

static bool team_is_done(struct team *team)
{
    return atomic_load(&team->unfinished) == 0;
}

static void processor_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Whether the condition came true before the time to spin was over. */
static bool team_spin(struct team *team, bool (*condition)(struct team *))
{
    if (condition(team))
        return true;
    if (!team->spins)
        return false;
    const double end = clock_seconds() + SPIN_SECONDS;
    do {
        for (int i = 0; i < 32; i++) {
            processor_pause();
            if (condition(team))
                return true;
        }
        /* Teams that share processors would otherwise spin in each other's time. */
        sched_yield();
    } while (clock_seconds() < end);
    return false;
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct team *team = worker->team;

    math_thread_init();
    while (!atomic_load(&team->stop)) {
        team_work(team, worker->from_front);
        if (team_spin(team, team_has_news))
            continue;
        pthread_mutex_lock(&team->lock);
        atomic_fetch_add(&team->sleepers, 1);
        while (!team_has_news(team))
            pthread_cond_wait(&team->start, &team->lock);
        atomic_fetch_sub(&team->sleepers, 1);
        pthread_mutex_unlock(&team->lock);
    }
    return NULL;
}

void team_run(struct team *team, int pieces, void (*piece)(void *arg, int i), void *arg)
{
    assert(pieces >= 0 && pieces <= UINT16_MAX);
    if (pieces <= 1 || team->threads == 1) {
        for (int i = 0; i < pieces; i++)
            piece(arg, i);
        return;
    }

    atomic_store_explicit(&team->piece, piece, memory_order_relaxed);
    atomic_store_explicit(&team->arg, arg, memory_order_relaxed);
    atomic_store(&team->unfinished, pieces);
    atomic_store(&team->claim, claim_pack(++team->job, 0, (unsigned)pieces));
    if (atomic_load(&team->sleepers) > 0) {
        pthread_mutex_lock(&team->lock);
        pthread_cond_broadcast(&team->start);
        pthread_mutex_unlock(&team->lock);
    }

    team_work(team, true);
    if (team_spin(team, team_is_done))
        return;
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->caller_sleeps, true);
    while (!team_is_done(team))
        pthread_cond_wait(&team->done, &team->lock);
    atomic_store(&team->caller_sleeps, false);
    pthread_mutex_unlock(&team->lock);
}

/* The processors that the process may use: those of its first thread, since a
 * team may have pinned this one. */
static void processors_get(cpu_set_t *processors)
{
    if (sched_getaffinity(getpid(), sizeof *processors, processors) != 0 ||
        CPU_COUNT(processors) == 0) {
        CPU_ZERO(processors);
        CPU_SET(0, processors);
    }
}

/* Pins a thread to the i-th processor of the set. */
static void thread_pin(pthread_t thread, const cpu_set_t *processors, int i)
{
    cpu_set_t one;

    CPU_ZERO(&one);
    for (int processor = 0; processor < CPU_SETSIZE; processor++)
        if (CPU_ISSET(processor, processors) && i-- == 0)
            CPU_SET(processor, &one);
    /* A refusal costs time, not correctness. */
    (void)pthread_setaffinity_np(thread, sizeof one, &one);
}

/* Pins the team, unless another one is, a thread to each processor of the set. */
static void team_pin(struct team *team, const cpu_set_t *processors)
{
    team->caller = pthread_self();
    if (pthread_getaffinity_np(team->caller, sizeof team->caller_processors,
                               &team->caller_processors) != 0 ||
        atomic_exchange(&pinned, true))
        return;
    team->pins = true;
    thread_pin(team->caller, processors, 0);
    for (int i = 1; i < team->threads; i++)
        thread_pin(team->workers[i - 1].thread, processors, i);
}

static void team_unpin(struct team *team)
{
    if (pthread_equal(team->caller, pthread_self()))
        (void)pthread_setaffinity_np(team->caller, sizeof team->caller_processors,
                                     &team->caller_processors);
    atomic_store(&pinned, false);
}

int team_create(int threads, struct team **out, struct err *err)
{
    cpu_set_t processors;

    assert(threads >= 0);
    processors_get(&processors);
    const int usable = CPU_COUNT(&processors);
    if (threads == 0)
        threads = usable;

    struct team *team = mem_array(1, sizeof *team, err);
    if (team == NULL)
        return -1;
    team->threads = 1;
    team->spins = threads <= usable;
    team->workers = mem_alloc((size_t)threads * sizeof *team->workers);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->start, NULL);
    pthread_cond_init(&team->done, NULL);

    for (int i = 1; i < threads; i++) {
        struct worker *worker = &team->workers[i - 1];
        worker->team = team;
        worker->from_front = i % 2 == 0;
        const int failure = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (failure != 0) {
            team_destroy(team);
            return err_set_errno(err, ERR_SYSTEM, failure, "cannot start computing thread %d of %d",
                                 i + 1, threads);
        }
        team->threads++;
    }

    if (threads > 1 && threads == usable)
        team_pin(team, &processors);
    *out = team;
    return 0;
}

void team_destroy(struct team *team)
{
    if (team == NULL)
        return;
    pthread_mutex_lock(&team->lock);
    atomic_store(&team->stop, true);
    pthread_cond_broadcast(&team->start);
    pthread_mutex_unlock(&team->lock);
    for (int i = 1; i < team->threads; i++)
        pthread_join(team->workers[i - 1].thread, NULL);
    if (team->pins)
        team_unpin(team);
    pthread_cond_destroy(&team->done);
    pthread_cond_destroy(&team->start);
    pthread_mutex_destroy(&team->lock);
    mem_free(team->workers);
    mem_free(team);
}

int team_threads(const struct team *team)
{
    return team->threads;
}
