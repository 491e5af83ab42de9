/* Watching a run over the control socket: what the client's feed shows is what the server's does.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../src/ctl/internal.h"
#include "ctl_stage.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* A watch with a thread that turns it. */
struct visit {
    struct ctl_watch *watch;
    struct feed *feed;
    pthread_t thread;
    atomic_bool ends;
};

static void *turn(void *of)
{
    struct visit *visit = of;
    while (!atomic_load(&visit->ends) && ctl_watch_fd(visit->watch) >= 0) {
        struct pollfd fd = {.fd = ctl_watch_fd(visit->watch), .events = POLLIN};
        poll(&fd, 1, 5);
        ctl_watch_turn(visit->watch);
    }
    return NULL;
}

static struct visit *visit_open(const struct stage *stage, bool read_only)
{
    struct visit *visit = mem_alloc(sizeof *visit);
    struct err err;
    if (ctl_watch_open(stage_connect(stage), 50, read_only, &visit->watch, &err) != 0)
        fail_msg("%s", err.text);
    visit->feed = ctl_watch_feed(visit->watch);
    pthread_create(&visit->thread, NULL, turn, visit);
    return visit;
}

static void visit_close(struct visit *visit)
{
    atomic_store(&visit->ends, true);
    pthread_join(visit->thread, NULL);
    ctl_watch_close(visit->watch);
    mem_free(visit);
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* Until the visitor has seen what was published last. */
static void catch_up(const struct visit *visit, struct stage *stage)
{
    static struct snapshot here, there;
    for (int i = 0; i < 5000; i++, nap()) {
        stage->fake.feed.snapshot(&stage->fake.feed, &there);
        visit->feed->snapshot(visit->feed, &here);
        if (here.step == there.step && here.state == there.state &&
            here.evaluations == there.evaluations && here.returns == there.returns &&
            here.edits == there.edits && here.answer.id == there.answer.id &&
            here.answer.state == there.answer.state && here.range_tests == there.range_tests)
            return;
    }
    fail_msg("the visitor does not see step %lld: %lld", (long long)there.step,
             (long long)here.step);
}

static uint64_t give(struct visit *visit, struct stage *stage, const char *line)
{
    struct answer answer = {0};
    struct err err;
    const uint64_t id = visit->feed->post(visit->feed, line, SOURCE_KEY, &err);
    if (id == 0)
        fail_msg("%s: %s", line, err.text);
    for (int i = 0; i < 5000; i++, nap()) {
        visit->feed->answer(visit->feed, id, &answer);
        if (answer.state != ANSWER_REQUESTED)
            break;
    }
    assert_int_equal(answer.state, ANSWER_APPLIED);
    assert_string_equal(answer.line, line);
    catch_up(visit, stage);
    return id;
}

static void expect_same_number(double a, double b)
{
    if (!(a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-8 * fabs(a)))
        fail_msg("%.17g is not %.17g", b, a);
}

static void expect_same_snapshot(struct feed *a, struct feed *b)
{
    static struct snapshot here, there;
    char one[SETTINGS_TEXT], other[SETTINGS_TEXT];
    a->snapshot(a, &there);
    b->snapshot(b, &here);
    assert_int_equal(here.state, there.state);
    assert_string_equal(here.name, there.name);
    assert_string_equal(here.directory, there.directory);
    assert_string_equal(here.warning, there.warning);
    assert_string_equal(here.network, there.network);
    assert_string_equal(here.dataset_why, there.dataset_why);
    assert_string_equal(here.undo_label, there.undo_label);
    assert_string_equal(here.answer.text, there.answer.text);
    assert_int_equal(here.parameters, there.parameters);
    assert_int_equal(here.classes, there.classes);
    assert_int_equal(here.image_width, there.image_width);
    assert_int_equal(here.viewers, there.viewers);
    assert_int_equal(here.epochs, there.epochs);
    assert_int_equal(here.total_steps, there.total_steps);
    assert_int_equal(here.undo_step, there.undo_step);
    assert_int_equal(here.redo_step, there.redo_step);
    assert_int_equal(here.checkpoint_step, there.checkpoint_step);
    assert_int_equal(here.journal, there.journal);
    assert_int_equal(here.detaches, there.detaches);
    assert_true(here.learning_rate == there.learning_rate);
    expect_same_number(there.seconds, here.seconds);
    expect_same_number(there.loss, here.loss);
    expect_same_number(there.eta, here.eta);
    expect_same_number(there.best_validation_accuracy, here.best_validation_accuracy);
    expect_same_number(there.last.validation_loss, here.last.validation_loss);
    for (size_t i = 0; i < settings_count(); i++) {
        settings_format(&there.settings, settings_row(i), one, sizeof one);
        settings_format(&here.settings, settings_row(i), other, sizeof other);
        assert_string_equal(one, other);
    }
}

static void expect_same_losses(struct feed *a, struct feed *b)
{
    static struct loss_bucket there[FEED_MAX_BUCKETS], here[FEED_MAX_BUCKETS];
    const size_t count = a->buckets(a, 0, INT64_MAX - 1, there, FEED_MAX_BUCKETS);
    /* A call waits for an answer only for a moment, and then shows what was there before. */
    size_t got = 0;
    for (int i = 0; i < 100; i++, nap()) {
        got = b->buckets(b, 0, INT64_MAX - 1, here, FEED_MAX_BUCKETS);
        if (got == count && here[got - 1].last == there[count - 1].last &&
            here[0].abandoned == there[0].abandoned)
            break;
    }
    assert_int_equal(got, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(here[i].first, there[i].first);
        assert_int_equal(here[i].last, there[i].last);
        assert_int_equal(here[i].abandoned, there[i].abandoned);
        assert_int_equal(here[i].noise, there[i].noise);
        expect_same_number(there[i].mean, here[i].mean);
        expect_same_number(there[i].minimum, here[i].minimum);
        expect_same_number(there[i].maximum, here[i].maximum);
        expect_same_number(there[i].seconds, here[i].seconds);
        expect_same_number(there[i].learning_rate, here[i].learning_rate);
    }
}

static void expect_same_history(struct feed *a, struct feed *b)
{
    static struct evaluation rows[2][FAKE_EVALUATIONS];
    static struct edit_mark edits[2][FAKE_EDITS];
    static struct kept_state states[2][FAKE_STATES + 2];
    static struct journal_record lines[2][FAKE_JOURNAL];
    size_t count = a->evaluations(a, 0, rows[0], FAKE_EVALUATIONS);
    assert_int_equal(b->evaluations(b, 0, rows[1], FAKE_EVALUATIONS), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(rows[1][i].step, rows[0][i].step);
        assert_int_equal(rows[1][i].abandoned, rows[0][i].abandoned);
        assert_true(rows[1][i].train_loss == rows[0][i].train_loss);
        assert_true(rows[1][i].validation_accuracy == rows[0][i].validation_accuracy);
    }
    count = a->edits(a, 0, edits[0], FAKE_EDITS);
    assert_int_equal(b->edits(b, 0, edits[1], FAKE_EDITS), count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(edits[1][i].label, edits[0][i].label);
        assert_int_equal(edits[1][i].step, edits[0][i].step);
        assert_int_equal(edits[1][i].source, edits[0][i].source);
        assert_int_equal(edits[1][i].abandoned, edits[0][i].abandoned);
        assert_int_equal(edits[1][i].returned, edits[0][i].returned);
    }
    count = a->states(a, 0, states[0], FAKE_STATES + 2);
    assert_int_equal(b->states(b, 0, states[1], FAKE_STATES + 2), count);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(states[1][i].name, states[0][i].name);
        assert_string_equal(states[1][i].label, states[0][i].label);
        assert_int_equal(states[1][i].step, states[0][i].step);
    }
    count = a->journal(a, 1, lines[0], FAKE_JOURNAL);
    assert_int_equal(b->journal(b, 1, lines[1], FAKE_JOURNAL), count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lines[1][i].seq, lines[0][i].seq);
        assert_int_equal(lines[1][i].back_to, lines[0][i].back_to);
        assert_int_equal(lines[1][i].refused, lines[0][i].refused);
        assert_string_equal(lines[1][i].command, lines[0][i].command);
        assert_string_equal(lines[1][i].text, lines[0][i].text);
        assert_string_equal(lines[1][i].source, lines[0][i].source);
    }
}

static void expect_same_confusion(struct feed *a, struct feed *b)
{
    uint32_t count[2][FAKE_CLASSES * FAKE_CLASSES];
    uint8_t pixels[2][FAKE_SIDE * FAKE_SIDE];
    char name[2][FEED_CLASS_NAME];
    struct confusion there = {.count = count[0]}, here = {.count = count[1]};
    const bool known = a->confusion(a, &there);
    assert_int_equal(b->confusion(b, &here), known);
    for (int i = 0; i < FAKE_CLASSES; i++) {
        a->class_name(a, i, name[0]);
        b->class_name(b, i, name[1]);
        assert_string_equal(name[1], name[0]);
    }
    if (!known)
        return;
    assert_memory_equal(count[1], count[0], sizeof count[0]);
    assert_int_equal(here.wrong_count, there.wrong_count);
    assert_int_equal(here.of.step, there.of.step);
    for (int i = 0; i < there.wrong_count; i++) {
        assert_int_equal(here.wrong[i].image, there.wrong[i].image);
        assert_int_equal(here.wrong[i].guess, there.wrong[i].guess);
        a->image(a, there.wrong[i].image, pixels[0]);
        b->image(b, there.wrong[i].image, pixels[1]);
        assert_memory_equal(pixels[1], pixels[0], sizeof pixels[0]);
    }
}

static void expect_same_layers(struct feed *a, struct feed *b)
{
    static struct layers there, here;
    struct layer_point trend[2][FEED_TREND];
    a->layers(a, &there);
    b->layers(b, &here);
    for (int i = 0; i < 5000 && here.step != there.step; i++, nap())
        b->layers(b, &here);
    assert_int_equal(here.step, there.step);
    assert_int_equal(here.count, there.count);
    for (int l = 0; l < there.count; l++) {
        const struct layer_measure *one = &there.layer[l], *other = &here.layer[l];
        assert_int_equal(other->units, one->units);
        assert_int_equal(other->hidden, one->hidden);
        assert_int_equal(other->inactive, one->inactive);
        expect_same_number(one->gradient_norm, other->gradient_norm);
        expect_same_number(one->mean_drift, other->mean_drift);
        assert_int_equal(other->zeros, one->zeros);
        assert_memory_equal(other->bins, one->bins, sizeof one->bins);
        const size_t count = a->layer_trend(a, l, trend[0], FEED_TREND);
        assert_int_equal(b->layer_trend(b, l, trend[1], FEED_TREND), count);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(trend[1][i].step, trend[0][i].step);
            expect_same_number(trend[0][i].update_ratio, trend[1][i].update_ratio);
        }
    }
}

static void expect_same_range(struct feed *a, struct feed *b)
{
    static struct range_test there, here;
    a->range(a, &there);
    for (int i = 0; i < 5000; i++, nap()) {
        b->range(b, &here);
        if (here.count == there.count && here.running == there.running)
            break;
    }
    assert_int_equal(here.number, there.number);
    assert_int_equal(here.count, there.count);
    assert_string_equal(here.text, there.text);
    expect_same_number(there.steepest, here.steepest);
    for (size_t i = 0; i < there.count; i++) {
        expect_same_number(there.points[i].rate, here.points[i].rate);
        expect_same_number(there.points[i].smooth, here.points[i].smooth);
    }
}

static void expect_same(struct visit *visit, struct stage *stage)
{
    struct feed *a = &stage->fake.feed, *b = visit->feed;
    catch_up(visit, stage);
    expect_same_snapshot(a, b);
    expect_same_losses(a, b);
    expect_same_history(a, b);
    expect_same_confusion(a, b);
    expect_same_layers(a, b);
    expect_same_range(a, b);
}

/* The stage's thread performs commands meanwhile, but only where some are posted. */
static void train(struct stage *stage, int64_t steps)
{
    fake_feed_train(&stage->fake, steps);
    fake_feed_publish(&stage->fake);
}

static void test_the_same(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct visit *visit = visit_open(stage, false);
    expect_same(visit, stage);
    train(stage, 3000);
    expect_same(visit, stage);
    give(visit, stage, "set train.learning_rate 0.01");
    give(visit, stage, "toggle augment.noise");
    give(visit, stage, "note gr\xc3\xbc\xc3\x9f dich");
    train(stage, 1000);
    give(visit, stage, "checkpoint here");
    expect_same(visit, stage);
    give(visit, stage, "undo");
    expect_same(visit, stage);
    train(stage, 700);
    text_copy(stage->fake.now.warning, sizeof stage->fake.now.warning, "a\ttab and a\nline");
    fake_feed_publish(&stage->fake);
    catch_up(visit, stage);
    text_copy(stage->fake.now.warning, sizeof stage->fake.now.warning, "");
    fake_feed_publish(&stage->fake);
    fake_feed_range(&stage->fake, 40);
    fake_feed_publish(&stage->fake);
    expect_same_range(&stage->fake.feed, visit->feed);
    fake_feed_range(&stage->fake, RANGE_POINTS);
    fake_feed_publish(&stage->fake);
    expect_same(visit, stage);
    /* One who comes later sees the same. */
    struct visit *later = visit_open(stage, false);
    expect_same(later, stage);
    give(later, stage, "redo");
    expect_same(visit, stage);
    expect_same(later, stage);
    visit_close(later);
    visit_close(visit);
    stage_close(stage);
}

static void test_refused(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct visit *visit = visit_open(stage, false), *reader = visit_open(stage, true);
    struct err err;
    struct answer answer;
    assert_int_equal(visit->feed->post(visit->feed, "puase", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "pause"));
    assert_int_equal(reader->feed->post(reader->feed, "pause", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "only to read"));
    assert_int_equal(stage->fake.posted, 0);
    const uint64_t id =
        visit->feed->post(visit->feed, "set train.learning_rate -1", SOURCE_KEY, &err);
    assert_int_not_equal(id, 0);
    do {
        nap();
        visit->feed->answer(visit->feed, id, &answer);
    } while (answer.state == ANSWER_REQUESTED);
    assert_int_equal(answer.state, ANSWER_REFUSED);
    assert_true(answer.text[0]);
    visit->feed->answer(visit->feed, 999, &answer);
    assert_int_equal(answer.state, ANSWER_NONE);
    assert_int_equal(stage->fake.sources[0], SOURCE_SOCKET);
    visit_close(reader);
    visit_close(visit);
    stage_close(stage);
}

static void test_interrupt(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct visit *visit = visit_open(stage, false);
    assert_int_equal(atomic_load(&stage->interrupts), 0);
    ctl_watch_interrupt(visit->watch);
    while (atomic_load(&stage->interrupts) == 0)
        nap();
    assert_int_equal(atomic_load(&stage->interrupts), 1);
    /* Who may only read does not even ask. */
    struct visit *reader = visit_open(stage, true);
    ctl_watch_interrupt(reader->watch);
    give(visit, stage, "pause");
    assert_int_equal(atomic_load(&stage->interrupts), 1);
    visit_close(reader);
    visit_close(visit);
    stage_close(stage);
}

/* A watch whose connection is read only when a test says so. */
struct reader {
    int fd;
    struct ctl_watch *watch;
    struct feed *feed;
    size_t length; /* of what has come of a line */
    char bytes[1 << 20];
};

static struct reader *reader_open(const struct stage *stage)
{
    struct reader *reader = mem_alloc(sizeof *reader);
    const char *hello = "watch 50\nlosses 0 9000000000000000000\n";
    reader->fd = stage_connect_raw(stage);
    reader->watch = ctl_watch_none();
    reader->feed = ctl_watch_feed(reader->watch);
    assert_int_equal(send(reader->fd, hello, strlen(hello), MSG_NOSIGNAL), strlen(hello));
    return reader;
}

static void reader_close(struct reader *reader)
{
    ctl_watch_close(reader->watch);
    close(reader->fd);
    mem_free(reader);
}

static void reader_take(struct reader *reader, size_t most)
{
    struct err err;
    assert_true(reader->length + most <= sizeof reader->bytes);
    const ssize_t got = recv(reader->fd, reader->bytes + reader->length, most, 0);
    assert_true(got > 0);
    reader->length += (size_t)got;
    const int used = ctl_watch_take(reader->watch, reader->bytes, reader->length, &err);
    if (used < 0)
        fail_msg("%s", err.text);
    reader->length -= (size_t)used;
    memmove(reader->bytes, reader->bytes + used, reader->length);
}

/* Until it shows what was published last, the journal included, which comes after the numbers. */
static void reader_catch_up(struct reader *reader, struct stage *stage)
{
    static struct snapshot there, now;
    struct journal_record newest;
    stage->fake.feed.snapshot(&stage->fake.feed, &there);
    do {
        reader_take(reader, 1 << 16);
        reader->feed->snapshot(reader->feed, &now);
    } while (
        now.step != there.step || now.journal != there.journal ||
        (there.journal > 0 && reader->feed->journal(reader->feed, there.journal, &newest, 1) == 0));
}

/* A long frame. */
static void train_and_warn(struct stage *stage, int64_t steps, int number)
{
    train(stage, steps);
    pthread_mutex_lock(&stage->fake.lock);
    snprintf(stage->fake.now.warning, sizeof stage->fake.now.warning, "%d%0500d", number, 0);
    pthread_mutex_unlock(&stage->fake.lock);
    fake_feed_publish(&stage->fake);
}

/* Who watches and does not read loses frames, and nothing else; the others see all meanwhile. */
static void test_never_reads(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct reader *late = reader_open(stage);
    struct visit *visit = visit_open(stage, false);
    for (int i = 0; i < 300; i++) {
        train_and_warn(stage, 90, i);
        if (i % 50 == 0)
            send(late->fd, "confusion\nlosses 0 9000000000000000000\n", 39,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
        nap();
    }
    expect_same(visit, stage);
    visit_close(visit);
    /* Now it reads: each evaluation is there, in its order, and the newest frame. */
    static struct snapshot now, there;
    reader_catch_up(late, stage);
    stage->fake.feed.snapshot(&stage->fake.feed, &there);
    late->feed->snapshot(late->feed, &now);
    assert_int_equal(now.evaluations, there.evaluations);
    expect_same_history(&stage->fake.feed, late->feed);
    reader_close(late);
    stage_close(stage);
}

/* Who always lags, and never takes all there is, gets all the same whole lines in their order. */
static void test_always_lags(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct reader *late = reader_open(stage);
    const int room = 1; /* the kernel's least */
    setsockopt(late->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    for (int i = 0; i < 300; i++) {
        train_and_warn(stage, 20, i);
        send(late->fd, "losses 0 9000000000000000000\n", 29, MSG_NOSIGNAL | MSG_DONTWAIT);
        reader_take(late, 1000);
    }
    reader_catch_up(late, stage);
    expect_same_history(&stage->fake.feed, late->feed);
    reader_close(late);
    stage_close(stage);
}

/* After very many epochs the first frame has the first of them, and the others follow. */
static void test_many_evaluations(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    pthread_mutex_lock(&stage->fake.lock);
    while (stage->fake.now.evaluations < FAKE_EVALUATIONS)
        stage->fake.evaluations[stage->fake.now.evaluations++] =
            (struct evaluation){.epoch = (int64_t)stage->fake.now.evaluations};
    pthread_mutex_unlock(&stage->fake.lock);
    fake_feed_publish(&stage->fake);
    struct reader *late = reader_open(stage);
    static struct snapshot now;
    static struct evaluation rows[FAKE_EVALUATIONS];
    do {
        reader_take(late, 1);
        late->feed->snapshot(late->feed, &now);
    } while (now.step == 0);
    assert_int_equal(late->feed->evaluations(late->feed, 0, rows, FAKE_EVALUATIONS), 2048);
    while (late->feed->evaluations(late->feed, 0, rows, FAKE_EVALUATIONS) < FAKE_EVALUATIONS)
        reader_take(late, 1 << 16);
    expect_same_history(&stage->fake.feed, late->feed);
    reader_close(late);
    stage_close(stage);
}

/* The run ends, its server says all and goes: the view has the result. */
static void test_end(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct visit *visit = visit_open(stage, false);
    static struct snapshot now;
    struct err err;
    train(stage, 2000);
    atomic_store(&stage->ends, true);
    pthread_join(stage->thread, NULL);
    fake_feed_finish(&stage->fake);
    fake_feed_publish(&stage->fake);
    ctl_server_finish(stage->server, 5);
    ctl_server_close(stage->server);
    pthread_join(visit->thread, NULL); /* ends by itself */
    visit->feed->snapshot(visit->feed, &now);
    assert_int_equal(now.state, RUN_FINISHED);
    assert_true(now.test_accuracy > 0);
    expect_same_history(&stage->fake.feed, visit->feed);
    expect_same_confusion(&stage->fake.feed, visit->feed);
    assert_int_equal(visit->feed->post(visit->feed, "pause", SOURCE_KEY, &err), 0);
    ctl_watch_close(visit->watch);
    mem_free(visit);
    fake_feed_fini(&stage->fake);
    stage_remove_folders(stage);
    mem_free(stage);
}

/* Its process is killed: the view says so. */
static void test_gone(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct visit *visit = visit_open(stage, false);
    static struct snapshot now;
    stage_close(stage);
    pthread_join(visit->thread, NULL);
    visit->feed->snapshot(visit->feed, &now);
    assert_int_equal(now.state, RUN_FAILED);
    assert_non_null(strstr(now.error, "is gone"));
    ctl_watch_close(visit->watch);
    mem_free(visit);
}

static void expect_malformed(const char *lines)
{
    struct ctl_watch *watch = ctl_watch_none();
    struct err err = {0};
    if (ctl_watch_take(watch, lines, strlen(lines), &err) != -1)
        fail_msg("taken: %s", lines);
    assert_non_null(strstr(err.text, "not of the protocol"));
    ctl_watch_close(watch);
}

/* Who is so far behind that the run no longer keeps what is between goes on from there. */
static void test_journal_gap(void **state)
{
    (void)state;
    static const char lines[] =
        "journal 1 0 0 - time key a\tb\njournal 2 0 0 - time key c\td\n"
        "journal 5000 9 0 - time key e\tf\n";
    struct ctl_watch *watch = ctl_watch_none();
    struct feed *feed = ctl_watch_feed(watch);
    struct journal_record some[4];
    struct err err;
    assert_int_equal(ctl_watch_take(watch, lines, strlen(lines), &err), strlen(lines));
    assert_int_equal(feed->journal(feed, 3, some, 4), 1);
    assert_int_equal(some[0].seq, 5000);
    assert_string_equal(some[0].command, "e");
    ctl_watch_close(watch);
}

static void note(struct stage *stage, int times, uint64_t oldest)
{
    pthread_mutex_lock(&stage->fake.lock);
    for (int i = 0; i < times; i++)
        fake_note(&stage->fake, stage->fake.now.step, "key", "note a", "note: a");
    stage->fake.journal_oldest = oldest;
    pthread_mutex_unlock(&stage->fake.lock);
    fake_feed_publish(&stage->fake);
}

/* The run keeps only the newest lines of its journal: the server begins there, and goes on where
 * it can. */
static void test_journal_is_cut(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct journal_record some[4];
    static struct snapshot now;
    stage->fake.feed.snapshot(&stage->fake.feed, &now);
    const uint64_t before = now.journal;
    note(stage, 20, before + 10);
    struct reader *late = reader_open(stage);
    reader_catch_up(late, stage);
    assert_int_equal(late->feed->journal(late->feed, 1, some, 4), 4);
    assert_int_equal(some[0].seq, before + 10);
    note(stage, 20, before + 35);
    reader_catch_up(late, stage);
    assert_int_equal(late->feed->journal(late->feed, before + 36, some, 4), 4);
    reader_close(late);
    stage_close(stage);
}

/* A process that stands still: who watches is told, and then that it goes on. */
static void test_silence(void **state)
{
    (void)state;
    struct stage *stage = stage_open();
    struct visit *visit = visit_open(stage, false);
    static struct snapshot now;
    train(stage, 100);
    catch_up(visit, stage);
    atomic_store(&stage->ends, true);
    pthread_join(stage->thread, NULL);
    do {
        nap();
        visit->feed->snapshot(visit->feed, &now);
    } while (!now.warning[0]);
    assert_non_null(strstr(now.warning, "no news for 5 s"));
    struct err err; /* nothing is sent that would be obeyed much later */
    assert_int_equal(visit->feed->post(visit->feed, "pause", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "not sent: "));
    for (int i = 0; now.warning[0]; i++) {
        train(stage, 1);
        ctl_server_turn(stage->server);
        nap();
        visit->feed->snapshot(visit->feed, &now);
        assert_true(i < 5000);
    }
    visit_close(visit);
    ctl_server_close(stage->server);
    fake_feed_fini(&stage->fake);
    stage_remove_folders(stage);
    mem_free(stage);
}

static void *speak_nonsense(void *of)
{
    static const char words[] =
        "kdtui 1 %s\nstate running\nstep 5\nclasses 0\nshown 1\n"
        "losses 0 0 0 0\n",
                      nonsense[] = "state asleep\n";
    struct stage *stage = of;
    char line[512], *directory = address_directory(stage->run);
    struct sockaddr_un address;
    struct err err;
    const int folder = address_open_folder(stage->sockets, true, &err);
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address_make(folder, stage->run, &address);
    if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 1) != 0)
        abort();
    atomic_store(&stage->applies, true); /* it listens */
    const int fd = accept(listener, NULL, NULL);
    const int length = snprintf(line, sizeof line, words, directory);
    (void)!send(fd, line, (size_t)length, MSG_NOSIGNAL);
    while (recv(fd, line, sizeof line, 0) > 0) { /* what it asks for */
        nap();
        (void)!send(fd, nonsense, strlen(nonsense), MSG_NOSIGNAL);
    }
    close(fd);
    close(listener);
    close(folder);
    mem_free(directory);
    return NULL;
}

/* A server that sends what is not of the protocol: the view says that it left, and why. */
static void test_lost(void **state)
{
    (void)state;
    struct stage *stage = mem_alloc(sizeof *stage);
    static struct snapshot now;
    stage_make_folders(stage);
    pthread_create(&stage->thread, NULL, speak_nonsense, stage);
    while (!atomic_load(&stage->applies))
        nap();
    struct visit *visit = visit_open(stage, false);
    pthread_join(visit->thread, NULL);
    visit->feed->snapshot(visit->feed, &now);
    assert_int_equal(now.state, RUN_FAILED);
    assert_int_equal(now.step, 5);
    assert_non_null(strstr(now.error, "lost the connection: "));
    assert_non_null(strstr(now.error, "state asleep"));
    ctl_watch_close(visit->watch);
    mem_free(visit);
    pthread_join(stage->thread, NULL);
    stage_remove_folders(stage);
    mem_free(stage);
}

static void test_malformed(void **state)
{
    (void)state;
    expect_malformed("\n");
    expect_malformed(" step 1\n");
    expect_malformed("step\n");
    expect_malformed("step one\n");
    expect_malformed("step 99999999999999999999\n");
    expect_malformed("state asleep\n");
    expect_malformed("classes 257\n");
    expect_malformed("classes 10\nshown 1\nclasses 10\n");
    expect_malformed("image_width 3000\nimage_height 3000\nimage_channels 3\nshown 1\n");
    expect_malformed("set train.learning_rate x\n");
    expect_malformed("warning a\tb\n");
    expect_malformed("evaluation 1 0 0 0 0 0 0 0 0 -\n");
    expect_malformed("evaluation 0 0 0 0 0 0 0 0 0\n");
    expect_malformed("edit 0 1 2 3 nobody - label\n");
    expect_malformed("edit 0 1 2 3 key z label\n");
    expect_malformed("kept 0 1 best\t\n");
    expect_malformed("states 2\nkept 1 1 best\t\n");
    expect_malformed("states 1\nkept 0 1 best\n");
    expect_malformed("journal 3 0 0 - time key a\tb\njournal 3 0 0 - time key a\tb\n");
    expect_malformed("losses 0 9 1 2\n");
    expect_malformed("losses 0 9 0 4097\n");
    expect_malformed("bucket 0 0 0 0 0 0 0 -\n");
    expect_malformed("losses 0 9 0 1\nbucket 5 4 0 0 0 0 0 -\n");
    expect_malformed("point 256 0 0 0\n");
    expect_malformed("range 1 - 0 300 0 0 0 0 0 0 text\n");
    expect_malformed("layers 5 33 0\n");
    expect_malformed("layers 5 1 0\ntrend 0 0\n");
    expect_malformed("layers 5 1 0\ntrend 0 65\n");
    expect_malformed("row 0 1 2\n");
    expect_malformed("classes 2\nshown 1\nconfusion 3 0 0 0 0 0 0 0 0 0 -\n");
    expect_malformed("classes 2\nshown 1\nconfusion 2 1 0 0 0 0 0 0 0 0 -\nwrong 0 7 2 0 1\n");
    expect_malformed("classes 2\nshown 1\nconfusion 2 1 0 0 0 0 0 0 0 0 -\nimage 7 0 00\n");
    expect_malformed("requested 1\n");
    expect_malformed("refused 0 why\n");
    expect_malformed("applied 5 1 text\n");
    /* A line without an end. */
    struct ctl_watch *watch = ctl_watch_none();
    struct err err;
    static char line[CTL_ANSWER_LINE + 1];
    memset(line, 'x', sizeof line);
    assert_int_equal(ctl_watch_take(watch, line, CTL_ANSWER_LINE - 1, &err), 0);
    assert_int_equal(ctl_watch_take(watch, line, CTL_ANSWER_LINE, &err), -1);
    line[CTL_ANSWER_LINE] = '\n';
    assert_int_equal(ctl_watch_take(watch, line, CTL_ANSWER_LINE + 1, &err), -1);
    /* What a later version may say is passed over. */
    const char *later = "a_later_word 1 2 3\nset train.a_later_setting 5\n";
    assert_int_equal(ctl_watch_take(watch, later, strlen(later), &err), strlen(later));
    ctl_watch_close(watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_never_reads),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_journal_gap),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_always_lags),
        cmocka_unit_test(test_journal_is_cut),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_many_evaluations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
