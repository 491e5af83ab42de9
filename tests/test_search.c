/*
 * Tests of search: what is proposed, in which order trials climb, what the
 * journal accepts; and whole searches, by any number of workers, stopped and
 * gone on with, in two places at once.
 */
#include "run_fixture.h"

#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../src/search/internal.h"

static struct fixture fixture;

static int open_fixture(void **state)
{
    (void)state;
    fixture_open(&fixture);
    return 0;
}

static int close_fixture(void **state)
{
    (void)state;
    fixture_close(&fixture);
    return 0;
}

/* ---- plans ---- */

static void make_plan(const char *const *lines, struct plan *plan)
{
    struct settings settings;
    struct err err;
    settings_init(&settings);
    for (; *lines; lines++)
        fixture_set(&settings, *lines);
    if (plan_make(&settings, plan, &err) != 0)
        fail_msg("%s", err.text);
}

static double number_of(const struct proposal *proposal, const char *name)
{
    double number = NAN;
    for (int i = 0; i < proposal->count; i++)
        if (strcmp(proposal->parameter[i].name, name) == 0)
            (void)number_parse_double(proposal->parameter[i].value, &number);
    return number;
}

static void test_random(void **state)
{
    static const char *const lines[] = {
        "search.learning_rate=log 0.001 1", "search.l2=0:0.4:0.1", "search.hidden=10:30:10 5:15:5",
        "search.train.momentum=0.5 0.9",    "search.trials=3000",  NULL};
    struct plan plan;
    struct table table = {0};
    struct proposal proposal, again;
    int decade[3] = {0}, step[5] = {0}, wide[3][3] = {{0}}, momentum[2] = {0};
    (void)state;
    make_plan(lines, &plan);
    for (int64_t i = 0; i < 3000; i++) {
        plan_propose(&plan, &table, i, &proposal);
        plan_propose(&plan, &table, i, &again);
        assert_memory_equal(&proposal, &again, sizeof proposal);
        assert_int_equal(proposal.count, 5);
        double rate = number_of(&proposal, "train.learning_rate");
        assert_true(rate >= 0.001 && rate <= 1);
        decade[rate < 0.01 ? 0 : rate < 0.1 ? 1 : 2]++;
        step[lround(10 * number_of(&proposal, "train.l2"))]++;
        wide[lround(number_of(&proposal, "network.hidden.1") / 10) - 1]
            [lround(number_of(&proposal, "network.hidden.2") / 5) - 1]++;
        momentum[number_of(&proposal, "train.momentum") > 0.7]++;
    }
    for (int i = 0; i < 3; i++)
        assert_in_range(decade[i], 900, 1100);
    for (int i = 0; i < 5; i++)
        assert_in_range(step[i], 500, 700);
    for (int i = 0; i < 9; i++)
        assert_in_range(wide[i / 3][i % 3], 260, 410);
    assert_in_range(momentum[0], 1400, 1600);
}

static void test_grid(void **state)
{
    static const char *const lines[] = {"search.method=grid", "search.learning_rate=log 0.01 1 3",
                                        "search.l2=",         "search.hidden=90-60-25 50",
                                        "search.trials=100",  NULL};
    static const char *const values[6][2] = {{"1", "50"},    {"1", "90-60-25"},
                                             {"0.1", "50"},  {"0.1", "90-60-25"},
                                             {"0.01", "50"}, {"0.01", "90-60-25"}};
    struct plan plan;
    struct table table = {0};
    struct proposal proposal;
    double number;
    (void)state;
    make_plan(lines, &plan);
    assert_int_equal(plan.first[1], 6);
    for (int i = 0; i < 6; i++) {
        plan_propose(&plan, &table, i, &proposal);
        assert_int_equal(number_parse_double(values[i][0], &number), 0);
        assert_true(fabs(number_of(&proposal, "train.learning_rate") / number - 1) < 1e-12);
        assert_string_equal(proposal.parameter[1].value, values[i][1]);
    }
}

/* The report's four-layer architectures, each once. */
static void test_decreasing(void **state)
{
    static const char *const lines[] = {"search.method=grid",
                                        "search.learning_rate=",
                                        "search.l2=",
                                        "search.decreasing=on",
                                        "search.hidden=50:100:5 30:95:5 20:90:5",
                                        "search.trials=1000",
                                        NULL};
    struct plan plan;
    struct table table = {0};
    struct proposal proposal;
    double before = INFINITY;
    (void)state;
    make_plan(lines, &plan);
    assert_int_equal(plan.first[1], 649);
    for (int i = 0; i < 649; i++) {
        plan_propose(&plan, &table, i, &proposal);
        double a = number_of(&proposal, "network.hidden.1");
        double b = number_of(&proposal, "network.hidden.2");
        double c = number_of(&proposal, "network.hidden.3");
        assert_true(a > b && b > c && a <= 100 && b >= 30 && c >= 20);
        assert_true(1e6 * a + 1e3 * b + c < before); /* the largest first */
        before = 1e6 * a + 1e3 * b + c;
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *lines[4], *error;
    } cases[] = {
        {{"search.method=grid"}, "the range of train.learning_rate needs a number of points"},
        {{"search.learning_rate=", "search.l2="}, "nothing to search"},
        {{"search.method=grid", "search.learning_rate=0.1", "search.l2=0", "search.refine=1"},
         "search.refine = 1: of a grid only ranges"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct settings settings;
        struct plan plan;
        struct err err;
        settings_init(&settings);
        for (int j = 0; j < 4 && cases[i].lines[j]; j++)
            fixture_set(&settings, cases[i].lines[j]);
        assert_int_equal(plan_make(&settings, &plan, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.text, cases[i].error));
    }
}

/* ---- climbing ---- */

static void apply(struct table *table, const char *format, ...) KDT_PRINTF(2, 3);
static void apply(struct table *table, const char *format, ...)
{
    char line[1024];
    struct err err;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (table_apply(table, line, strlen(line), &err) != 0)
        fail_msg("%s: %s", line, err.text);
}

#define WORKER "\"worker_id\": \"kdtui-test-1\""

static void begin_table(struct table *table)
{
    *table = (struct table){0};
    apply(table, "{\"op_code\": 0, " WORKER ", \"study_name\": \"s\", \"directions\": [2]}");
}

static void add_trial(struct table *table)
{
    apply(table, "{\"op_code\": 4, " WORKER
                 ", \"study_id\": 0, \"datetime_start\": \"x\", "
                 "\"distributions\": {}, \"params\": {}}");
}

static void add_epoch(struct table *table, int trial, int epoch, double value)
{
    apply(table,
          "{\"op_code\": 7, " WORKER
          ", \"trial_id\": %d, \"step\": %d, "
          "\"intermediate_value\": %.3f}",
          trial, epoch, value);
}

static void set_state(struct table *table, int trial, int to)
{
    apply(table, "{\"op_code\": 6, " WORKER ", \"trial_id\": %d, \"state\": %d, \"values\": null}",
          trial, to);
}

static bool never(int64_t number, void *of)
{
    (void)number, (void)of;
    return false;
}

static bool always(int64_t number, void *of)
{
    (void)number, (void)of;
    return true;
}

static void expect_task(const struct plan *plan, const struct table *table, enum task_kind kind,
                        int64_t number, int64_t epochs)
{
    struct task task = plan_next(plan, table, never, NULL);
    assert_int_equal(task.kind, kind);
    if (kind != TASK_NONE && kind != TASK_WAIT && kind != TASK_FROZEN)
        assert_int_equal(task.number, number);
    if (kind == TASK_CREATE || kind == TASK_GO_ON)
        assert_int_equal(task.epochs, epochs);
}

/* Nine trials for 1 epoch, 3 for 3, 1 for 10. */
static void test_halving(void **state)
{
    static const char *const lines[] = {"search.method=halving", "search.trials=9", NULL};
    static const double first[9] = {0.1, 0.5, 0.2, 0.5, 0.3, 0.1, 0.4, 0.2, 0.5};
    struct plan plan;
    struct table table;
    (void)state;
    make_plan(lines, &plan);
    begin_table(&table);
    for (int i = 0; i < 9; i++) {
        expect_task(&plan, &table, TASK_CREATE, i, 1);
        add_trial(&table);
        expect_task(&plan, &table, TASK_GO_ON, i, 1);
        /* The sixth diverges at once. */
        if (i != 5)
            add_epoch(&table, i, 1, first[i]);
        set_state(&table, i, i == 5 ? 3 : 4);
    }
    /* The best are 1, 3 and 8; of equals the first would go on. */
    static const int pruned[5] = {6, 4, 2, 7, 0};
    for (int i = 0; i < 5; i++) {
        expect_task(&plan, &table, TASK_PRUNE, pruned[i], 0);
        set_state(&table, pruned[i], 2);
    }
    expect_task(&plan, &table, TASK_GO_ON, 1, 3);
    assert_int_equal(plan_next(&plan, &table, always, NULL).kind, TASK_WAIT);
    for (int epoch = 2; epoch <= 3; epoch++)
        add_epoch(&table, 1, epoch, 0.4);
    expect_task(&plan, &table, TASK_GO_ON, 3, 3);
    add_epoch(&table, 3, 2, 0.1);
    set_state(&table, 3, 3); /* diverges: what was decided below stays */
    expect_task(&plan, &table, TASK_GO_ON, 8, 3);
    add_epoch(&table, 8, 2, 0.6);
    add_epoch(&table, 8, 3, 0.2);
    expect_task(&plan, &table, TASK_PRUNE, 1, 0);
    set_state(&table, 1, 2);
    expect_task(&plan, &table, TASK_GO_ON, 8, 10);
    for (int epoch = 4; epoch <= 10; epoch++)
        add_epoch(&table, 8, epoch, 0.1);
    expect_task(&plan, &table, TASK_GO_ON, 8, 10); /* only its end is missing */
    set_state(&table, 8, 1);
    expect_task(&plan, &table, TASK_NONE, 0, 0);
    assert_int_equal(table_best(&table), 8);
    assert_true(table.entries[8].trial.value == 0.6);
    assert_int_equal(table.entries[8].trial.best_epoch, 2);
    table_fini(&table);
}

/* The second round is a third as wide, around the best of the first. */
static void set_attribute(struct table *table, int trial, const char *attribute)
{
    apply(table, "{\"op_code\": 8, " WORKER ", \"trial_id\": %d, \"user_attr\": {%s}}", trial,
          attribute);
}

/* What a person does to trials that climb: six for 1 epoch, 2 of them for 3. */
static void test_person(void **state)
{
    static const char *const lines[] = {"search.method=halving", "search.trials=6",
                                        "search.epochs=3", NULL};
    struct plan plan;
    struct table table;
    (void)state;
    make_plan(lines, &plan);
    begin_table(&table);
    for (int i = 0; i < 6; i++)
        add_trial(&table);
    for (int i = 0; i < 6; i++)
        if (i != 2)
            add_epoch(&table, i, 1, 0.1 * (6 - i));
    /* The rung waits for one that is frozen, and goes on without one that is stopped. */
    set_attribute(&table, 2, "\"frozen\": true, \"source\": \"key\"");
    assert_true(table.entries[2].trial.frozen);
    expect_task(&plan, &table, TASK_FROZEN, 0, 0);
    set_attribute(&table, 2, "\"frozen\": false, \"source\": \"key\"");
    expect_task(&plan, &table, TASK_GO_ON, 2, 1);
    set_attribute(&table, 0, "\"stopped\": \"trial stop 0\", \"source\": \"key\"");
    expect_task(&plan, &table, TASK_PRUNE, 0, 0);
    set_state(&table, 0, 2);
    assert_string_equal(table.entries[0].trial.why, "stopped by hand");
    expect_task(&plan, &table, TASK_GO_ON, 2, 1);
    add_epoch(&table, 2, 1, 0.45);
    /* 1 and 2 go on, as the best of those that are left; 0 would have been the best. */
    for (int i = 3; i < 6; i++) {
        expect_task(&plan, &table, TASK_PRUNE, i, 1);
        set_state(&table, i, 2);
    }
    expect_task(&plan, &table, TASK_GO_ON, 1, 3);
    /* One that is stopped later leaves its place empty. */
    set_attribute(&table, 1, "\"taken\": \"mine\", \"source\": \"key\"");
    set_state(&table, 1, 2);
    assert_string_equal(table.entries[1].trial.why, "taken over as mine");
    expect_task(&plan, &table, TASK_GO_ON, 2, 3);
    /* An added one goes first, to the end, and moves no other's place. */
    apply(&table, "{\"op_code\": 4, " WORKER
                  ", \"study_id\": 0, \"datetime_start\": \"x\", \"distributions\": {}, "
                  "\"params\": {}, \"state\": 4, \"user_attrs\": {\"added\": \"trial add\"}}");
    assert_true(table.entries[6].trial.added);
    assert_int_equal(table.entries[6].trial.state, TRIAL_WAITING);
    assert_int_equal(table.planned_count, 6);
    expect_task(&plan, &table, TASK_GO_ON, 6, 3);
    assert_int_equal(plan_epochs_left(&plan, &table), 2 + 3);
    add_epoch(&table, 6, 3, 0.9);
    set_state(&table, 6, 1);
    expect_task(&plan, &table, TASK_GO_ON, 2, 3);
    add_epoch(&table, 2, 3, 0.5);
    set_state(&table, 2, 1);
    expect_task(&plan, &table, TASK_NONE, 0, 0);
    assert_int_equal(plan_epochs_left(&plan, &table), 0);
    assert_int_equal(table_best(&table), 6);
    assert_int_equal(table_best_planned(&table, 6), 2);
    table_fini(&table);
}

/* Values that a person gives, and those that are drawn beside them. */
static void test_add(void **state)
{
    static const char *const lines[] = {"search.learning_rate=log 0.001 1",
                                        "search.l2=", "search.hidden=10:30:10 5:15:5",
                                        "search.train.momentum=0.5 0.9", NULL};
    static const struct {
        const char *key, *value, *error;
    } cases[] = {{"train.l2", "0.1", "train.l2 is not searched here; train.learning_rate, "},
                 {"train.learning_rate", "-1", "train.learning_rate"},
                 {"network.hidden", "10", "network.hidden: 2 layers are searched, not 1"},
                 {"network.hidden", "10-0", "network.hidden"},
                 {"train.momentum", "x", "train.momentum"}};
    struct plan plan;
    struct table table = {0};
    struct proposal proposal;
    struct err err;
    char words[4][32] = {"train.learning_rate", "5", "network.hidden", "90-60"};
    char *given[4] = {words[0], words[1], words[2], words[3]};
    (void)state;
    make_plan(lines, &plan);
    assert_int_equal(plan_add(&plan, &table, given, 2, &proposal, &err), 0);
    assert_true(number_of(&proposal, "train.learning_rate") == 5);
    assert_true(number_of(&proposal, "network.hidden.1") == 90);
    assert_true(number_of(&proposal, "network.hidden.2") == 60);
    assert_true(number_of(&proposal, "train.momentum") >= 0.5);
    struct text distribution = {0}, value = {0};
    dimension_describe(&plan.spaces, &proposal.parameter[0], &distribution, &value);
    assert_non_null(strstr(distribution.bytes, "\"low\": 0.001, \"high\": 5,"));
    text_fini(&distribution);
    text_fini(&value);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text_copy(words[0], sizeof words[0], cases[i].key);
        text_copy(words[1], sizeof words[1], cases[i].value);
        assert_int_equal(plan_add(&plan, &table, given, 1, &proposal, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_non_null(strstr(err.text, cases[i].error));
    }
}

static void test_refine(void **state)
{
    static const char *const lines[] = {"search.learning_rate=log 0.001 1",
                                        "search.l2=", "search.refine=1", "search.trials=40", NULL};
    struct plan plan;
    struct table table;
    struct proposal proposal;
    (void)state;
    make_plan(lines, &plan);
    assert_int_equal(plan.first[1], 20);
    begin_table(&table);
    for (int i = 0; i < 20; i++) {
        apply(&table,
              "{\"op_code\": 4, " WORKER
              ", \"study_id\": 0, \"datetime_start\": \"x\", "
              "\"distributions\": {\"train.learning_rate\": \"{\\\"name\\\": "
              "\\\"FloatDistribution\\\"}\"}, "
              "\"params\": {\"train.learning_rate\": 0.0%d}}",
              i + 1);
        add_epoch(&table, i, 1, i == 9 ? 0.9 : 0.1); /* 0.010 */
        set_state(&table, i, 1);
    }
    for (int64_t i = 20; i < 40; i++) {
        plan_propose(&plan, &table, i, &proposal);
        double rate = number_of(&proposal, "train.learning_rate");
        assert_true(rate >= 0.00316 && rate <= 0.0317);
    }
    table_fini(&table);
}

/* ---- the journal ---- */

static void test_journal_refused(void **state)
{
    static const struct {
        const char *line, *error;
    } cases[] = {
        {"{", "j:2: "},
        {"[]", "j:2: a JSON object is expected"},
        {"{}", "j:2: \"op_code\": a whole number from 0 to 9"},
        {"{\"op_code\": 10}", "j:2: \"op_code\""},
        {"{\"op_code\": 7, \"trial_id\": 0}", "j:2: \"trial_id\": a whole number"},
        {"{\"op_code\": 1, \"study_id\": 0}", "j:2: the study was deleted"},
        {"{\"op_code\": 4, \"study_id\": 0, \"worker_id\": \"x\", \"datetime_start\": \"x\"}",
         "j:2: a trial that kdtui did not make"},
        {"{\"op_code\": 4, \"study_id\": 0, " WORKER ", \"datetime_start\": \"x\", "
         "\"params\": {\"a\": 1}}",
         "j:2: \"distributions\": one of a"},
        {"{\"op_code\": 4, \"study_id\": 0, " WORKER
         ", \"datetime_start\": \"x\", \"distributions\": "
         "{\"a\": \"{\\\"attributes\\\": {\\\"choices\\\": [1]}}\"}, \"params\": {\"a\": 1}}",
         "j:2: \"params\": a value of its distribution"},
        {"{\"op_code\": 2, \"study_id\": 0, \"user_attr\": {\"kdtui\": {}}}",
         "j:2: \"data_digest\""},
        {"{\"op_code\": 2, \"study_id\": 0, \"user_attr\": {\"top-7\": {}}}",
         "j:2: \"top-7\": the number of a trial"},
    };
    static const char head[] =
        "{\"op_code\": 0, " WORKER ", \"study_name\": \"s\", \"directions\": [2]}\n";
    struct err err;
    int64_t trials;
    size_t whole;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct text text = {0};
        text_print(&text, "%s%s\n", head, cases[i].line);
        assert_int_equal(search_parse_journal(text.bytes, text.length, "j", &trials, &whole, &err),
                         -1);
        if (strncmp(err.text, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("%s: %s", cases[i].line, err.text);
        assert_int_equal(whole, strlen(head));
        text_fini(&text);
    }
    /* A torn end is somebody's who writes still; what others do in the file is passed over. */
    struct text text = {0};
    text_print(
        &text,
        "%s{\"op_code\": 0, \"worker_id\": \"o\", \"study_name\": \"t\", \"directions\": [1]}\n"
        "{\"op_code\": 4, \"worker_id\": \"o\", \"study_id\": 1, \"datetime_start\": null}\n"
        "{\"op_code\": 6, \"worker_id\": \"o\", \"trial_id\": 0, \"state\": 1}\n{\"op_",
        head);
    assert_int_equal(search_parse_journal(text.bytes, text.length, "j", &trials, &whole, &err), 0);
    assert_int_equal(trials, 0);
    assert_int_equal(whole, text.length - 5);
    text_fini(&text);
    assert_int_equal(search_parse_journal("{\"op_code\": 4}\n", 15, "j", &trials, &whole, &err),
                     -1);
    assert_string_equal(err.text, "j:1: a study is expected first");
}

/* ---- whole searches ---- */

static void search_path(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/runs/%s", fixture.directory, name);
}

static struct search *open_search(const char *name)
{
    char directory[512];
    struct search *search;
    struct err err;
    search_path(name, directory, sizeof directory);
    if (search_open(directory, &search, &err) != 0)
        fail_msg("%s", err.text);
    return search;
}

static struct search *start_search(const char *name, const char *const *lines, int workers)
{
    char directory[512];
    struct settings settings;
    struct err err;
    search_path(name, directory, sizeof directory);
    fixture_settings(&fixture, &settings);
    fixture_set(&settings, "search.epochs=4");
    for (; lines && *lines; lines++)
        fixture_set(&settings, *lines);
    if (!search_exists(directory) && search_make(directory, &settings, &err) != 0)
        fail_msg("%s", err.text);
    struct search *search = open_search(name);
    if (search_start(search, workers, &err) != 0)
        fail_msg("%s", err.text);
    return search;
}

/* Until it has ended, or so many trials have; in whatever state it is then. */
static void wait_search(struct search *search, int64_t finished, struct search_snapshot *out)
{
    for (int i = 0; i < 1000; i++) {
        struct pollfd wake = {.fd = search_fd(search), .events = POLLIN};
        uint64_t count;
        search_snapshot(search, out);
        if (out->state != SEARCH_RUNNING || out->finished >= finished)
            return;
        (void)poll(&wake, 1, 20);
        ssize_t got = read(search_fd(search), &count, sizeof count);
        (void)got;
    }
    fail_msg("the search takes too long");
}

static void finish_search(struct search *search)
{
    struct search_snapshot now;
    wait_search(search, INT64_MAX, &now);
    if (now.state != SEARCH_FINISHED)
        fail_msg("state %d: %s", (int)now.state, now.error);
    search_destroy(search);
}

/* All that does not depend on time. */
static void assert_same_search(const char *a, const char *b)
{
    struct search *one = open_search(a), *other = open_search(b);
    struct search_snapshot now, then;
    struct trial x, y;
    int ranks[2][8] = {{0}};
    search_snapshot(one, &now);
    search_snapshot(other, &then);
    assert_int_equal(now.trials, then.trials);
    assert_int_equal(now.finished, now.trials);
    assert_int_equal(now.best, then.best);
    for (int64_t i = 0; search_trial(one, i, &x); i++) {
        assert_true(search_trial(other, i, &y));
        assert_int_equal(x.state, y.state);
        assert_int_equal(x.epochs, y.epochs);
        assert_memory_equal(&x.value, &y.value, sizeof x.value);
        assert_memory_equal(&x.test_accuracy, &y.test_accuracy, sizeof x.value);
        assert_int_equal(x.best_epoch, y.best_epoch);
        assert_int_equal(x.parameters, y.parameters);
        assert_memory_equal(x.parameter, y.parameter, (size_t)x.parameters * sizeof *x.parameter);
    }
    assert_int_equal(search_ranking(one, ranks[0], 8), search_ranking(other, ranks[1], 8));
    assert_memory_equal(ranks[0], ranks[1], 8 * sizeof(int));
    search_destroy(one);
    search_destroy(other);
}

static const char *const random_lines[] = {"search.trials=5", "search.hidden=4-3 8", "search.top=2",
                                           "search.train_size=200", NULL};
static const char *const halving_lines[] = {"search.trials=12", "search.method=halving",
                                            "search.refine=1", NULL};

static void test_workers(void **state)
{
    (void)state;
    finish_search(start_search("random-1", random_lines, 1));
    finish_search(start_search("random-3", random_lines, 3));
    assert_same_search("random-1", "random-3");
    finish_search(start_search("halving-1", halving_lines, 1));
    finish_search(start_search("halving-3", halving_lines, 3));
    assert_same_search("halving-1", "halving-3");
}

/* What stays of a trial, and that it is a run as any other. */
static void test_files(void **state)
{
    struct resume *resume;
    struct run_result result;
    struct top_trial top;
    struct trial trial;
    struct err err;
    char directory[1024];
    (void)state;
    assert_true(fixture_has(&fixture, "random-1/trial-0000", "checkpoints/best.safetensors"));
    assert_false(fixture_has(&fixture, "random-1/trial-0000", "checkpoints/last.safetensors"));
    search_path("random-1/trial-0000", directory, sizeof directory);
    assert_int_equal(resume_open(directory, &resume, &err), 0);
    assert_int_equal(resume_result(resume, &result, &err), 1);
    assert_int_equal(resume_settings(resume)->data.train_size, 200);
    assert_int_equal(resume_settings(resume)->train.epochs, 4);
    resume_close(resume);
    struct search *search = open_search("random-1");
    assert_true(search_trial(search, 0, &trial));
    assert_true(trial.value == result.best_validation_accuracy);
    assert_true(trial.test_accuracy == result.test_accuracy);
    int best[2];
    assert_int_equal(search_ranking(search, best, 2), 2);
    for (int i = 0; i < 2; i++) {
        assert_true(search_top(search, i, &top));
        assert_true(top.number == best[0] || top.number == best[1]);
        snprintf(directory, sizeof directory, "random-1/top-%04d", top.number);
        assert_true(fixture_has(&fixture, directory, "result.json"));
    }
    assert_false(search_top(search, 2, &top));
    search_destroy(search);
}

static void test_stop_and_go_on(void **state)
{
    struct search_snapshot now;
    (void)state;
    int stops = 0;
    for (bool finished = false; !finished; stops++) {
        struct search *search = start_search("stopped", halving_lines, 2);
        search_snapshot(search, &now);
        wait_search(search, now.finished + 1, &now);
        search_stop(search, "test");
        wait_search(search, INT64_MAX, &now);
        finished = now.state == SEARCH_FINISHED;
        struct trial trial;
        for (int64_t i = 0; search_trial(search, i, &trial); i++)
            assert_int_not_equal(trial.state, TRIAL_RUNNING);
        search_destroy(search);
        assert_true(stops < 40);
    }
    assert_true(stops > 1);
    assert_same_search("halving-1", "stopped");
}

/* As two processes would, since a lock is that of the open file. */
static void test_two_at_once(void **state)
{
    struct search_snapshot now;
    (void)state;
    struct search *one = start_search("shared", halving_lines, 1);
    struct search *other = start_search("shared", NULL, 2);
    wait_search(one, INT64_MAX, &now);
    assert_int_equal(now.state, SEARCH_FINISHED);
    finish_search(other);
    search_destroy(one);
    assert_same_search("halving-1", "shared");
}

static void test_failing_trials(void **state)
{
    static const char *const lines[] = {"search.method=grid",
                                        "search.l2=", "search.learning_rate=0.1 1000",
                                        "search.train.batch_size=20 60000", NULL};
    struct trial trial;
    (void)state;
    finish_search(start_search("failing", lines, 2));
    struct search *search = open_search("failing");
    assert_true(search_trial(search, 3, &trial));
    assert_int_equal(trial.state, TRIAL_COMPLETE);
    assert_true(search_trial(search, 2, &trial));
    assert_int_equal(trial.state, TRIAL_FAILED);
    assert_non_null(strstr(trial.why, "there are 400 training images"));
    assert_true(search_trial(search, 1, &trial));
    assert_int_equal(trial.state, TRIAL_FAILED);
    assert_non_null(strstr(trial.why, "loss"));
    search_destroy(search);
}

static void test_change(void **state)
{
    struct search *search = open_search("random-1");
    struct settings settings = *search_settings(search);
    struct search_snapshot now;
    struct err err;
    (void)state;
    fixture_set(&settings, "search.l2=0.1");
    assert_int_equal(search_change(search, &settings, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_non_null(strstr(err.text, "search.l2 = 0.1: the search random-1 was begun with log"));
    settings = *search_settings(search);
    fixture_set(&settings, "search.trials=6");
    assert_int_equal(search_change(search, &settings, &err), 0);
    search_destroy(search);
    finish_search(start_search("random-1", NULL, 2));
    search = open_search("random-1");
    search_snapshot(search, &now);
    assert_int_equal(now.complete, 6);
    search_destroy(search);
    search = open_search("halving-1");
    settings = *search_settings(search);
    fixture_set(&settings, "search.trials=13");
    assert_int_equal(search_change(search, &settings, &err), -1);
    search_destroy(search);
}

/* A process that was killed in a line: it is cut off before the next one is written. */
static void test_torn(void **state)
{
    char *path = fixture_path(&fixture, "random-3", "search.journal");
    FILE *journal = fopen(path, "a");
    struct search_snapshot now;
    (void)state;
    assert_non_null(journal);
    fputs("{\"op_code\": 4, \"worker", journal);
    assert_int_equal(fclose(journal), 0);
    struct search *search = open_search("random-3");
    struct settings settings = *search_settings(search);
    struct err err;
    fixture_set(&settings, "search.trials=6");
    assert_int_equal(search_change(search, &settings, &err), 0);
    search_destroy(search);
    finish_search(start_search("random-3", NULL, 2));
    search = open_search("random-3");
    search_snapshot(search, &now);
    assert_int_equal(now.complete, 6);
    search_destroy(search);
    mem_free(path);
}

/* ---- persons ---- */

static void give(struct search *search, const char *line, enum answer_state expected)
{
    struct search_feed *feed = search_feed(search);
    struct answer answer = {0};
    struct err err;
    uint64_t id = feed->post(feed, line, SOURCE_PROMPT, &err);
    if (!id)
        fail_msg("%s: %s", line, err.text);
    for (int i = 0; i < 1000; i++) {
        struct pollfd wake = {.fd = feed->wake_fd, .events = POLLIN};
        uint64_t count;
        feed->answer(feed, id, &answer);
        if (answer.state != ANSWER_REQUESTED)
            break;
        (void)poll(&wake, 1, 20);
        ssize_t got = read(feed->wake_fd, &count, sizeof count);
        (void)got;
    }
    if (answer.state != expected)
        fail_msg("%s: %s", line, answer.text);
}

static void wait_state(struct search *search, enum search_state state)
{
    struct search_snapshot now = {0};
    for (int i = 0; i < 1000; i++) {
        struct pollfd wake = {.fd = search_fd(search), .events = POLLIN};
        uint64_t count;
        search_snapshot(search, &now);
        if (now.state == state)
            return;
        (void)poll(&wake, 1, 20);
        ssize_t got = read(search_fd(search), &count, sizeof count);
        (void)got;
    }
    fail_msg("state %d is not %d: %s", (int)now.state, (int)state, now.error);
}

static void wait_trial(struct search *search, int number, enum trial_state state, int64_t epochs)
{
    struct trial trial = {0};
    for (int i = 0; i < 2000; i++) {
        struct pollfd wake = {.fd = search_fd(search), .events = POLLIN};
        uint64_t count;
        if (search_trial(search, number, &trial) && trial.state == state && trial.epochs >= epochs)
            return;
        (void)poll(&wake, 1, 20);
        ssize_t got = read(search_fd(search), &count, sizeof count);
        (void)got;
    }
    fail_msg("trial %d: state %d after %d epochs", number, (int)trial.state, (int)trial.epochs);
}

/* Long trials, so that there is time to do something to them. */
static const char *const long_lines[] = {"search.trials=3", "search.epochs=3000",
                                         "search.hidden=4-3 8", NULL};

static void test_hands(void **state)
{
    struct trial trial;
    struct err err;
    (void)state;
    struct search *search = start_search("hands", long_lines, 1);
    search_watched(search, true);
    wait_trial(search, 0, TRIAL_RUNNING, 1);
    /* A frozen trial keeps its state while the next one trains. */
    give(search, "trial freeze 0", ANSWER_APPLIED);
    wait_trial(search, 1, TRIAL_RUNNING, 1);
    assert_true(search_trial(search, 0, &trial));
    assert_int_equal(trial.state, TRIAL_WAITING);
    assert_true(trial.frozen);
    assert_true(fixture_has(&fixture, "hands/trial-0000", "checkpoints/last.safetensors"));
    /* An added one is next; a stopped one ends, and so leaves the worker to it. */
    give(search, "trial add network.hidden 7-5 train.learning_rate 0.03", ANSWER_APPLIED);
    give(search, "trial stop 1", ANSWER_APPLIED);
    wait_trial(search, 2, TRIAL_RUNNING, 1);
    assert_true(search_trial(search, 1, &trial));
    assert_int_equal(trial.state, TRIAL_PRUNED);
    assert_true(trial.stopped && trial.epochs > 0);
    assert_true(search_trial(search, 2, &trial));
    assert_true(trial.added);
    assert_string_equal(trial.parameter[trial.parameters - 1].value, "7-5");
    give(search, "trial stop 1", ANSWER_REFUSED);
    give(search, "trial stop 9", ANSWER_REFUSED);
    give(search, "trial freeze", ANSWER_REFUSED);
    give(search, "trial add train.l2", ANSWER_REFUSED);
    give(search, "trial add train.momentum 0.3", ANSWER_REFUSED);
    assert_int_equal(search_feed(search)->post(search_feed(search), "undo", SOURCE_KEY, &err), 0);
    give(search, "trial stop 2", ANSWER_APPLIED);
    wait_trial(search, 3, TRIAL_RUNNING, 1);
    give(search, "trial stop 3", ANSWER_APPLIED);
    /* What is left is frozen; that is respected by who goes on. */
    wait_state(search, SEARCH_FROZEN);
    search_stop(search, "test");
    search_destroy(search);
    search = start_search("hands", long_lines, 2);
    wait_state(search, SEARCH_FROZEN);
    search_destroy(search);
    search = start_search("hands", long_lines, 2);
    search_watched(search, true);
    give(search, "trial freeze 0", ANSWER_APPLIED);
    wait_trial(search, 0, TRIAL_RUNNING, 1);
    give(search, "trial stop 0", ANSWER_APPLIED);
    wait_state(search, SEARCH_FINISHED);
    give(search, "trial add", ANSWER_APPLIED);
    wait_trial(search, 4, TRIAL_RUNNING, 1);
    give(search, "trial stop 4", ANSWER_APPLIED);
    wait_state(search, SEARCH_FINISHED);
    search_watched(search, false);
    search_destroy(search);
}

/* What a viewer sees of one trial after another, trained here or not. */
static void test_look(void **state)
{
    (void)state;
    struct search *search = start_search("look", long_lines, 1);
    struct search_feed *feed = search_feed(search);
    struct feed *run = feed->look(feed, -1);
    struct snapshot *now = mem_alloc(sizeof *now);
    struct evaluation row;
    struct trial trials[4];
    struct err err;
    double curve[4];
    int best[4];
    struct loss_bucket *buckets = mem_alloc(FEED_MAX_BUCKETS * sizeof *buckets);
    search_watched(search, true);
    run->snapshot(run, now);
    assert_int_equal(now->state, RUN_STARTING);
    wait_trial(search, 0, TRIAL_RUNNING, 4);
    assert_ptr_equal(feed->look(feed, 0), run);
    run->snapshot(run, now);
    assert_false(run_state_ended(now->state));
    assert_true(now->step > 0);
    const uint64_t version = now->version, returns = now->returns;
    assert_int_equal(run->evaluations(run, 0, &row, 1), 1);
    assert_true(run->buckets(run, 0, INT64_MAX, buckets, FEED_MAX_BUCKETS) > 0);
    assert_int_equal(feed->curve(feed, 0, curve, 4), 4);
    assert_true(curve[0] == row.validation_accuracy);
    assert_int_equal(feed->trials(feed, 0, trials, 4), 1);
    assert_true(trials[0].progress >= 4);
    assert_int_equal(feed->ranking(feed, best, 4), 1);
    assert_int_equal(run->post(run, "set train.learning_rate 1", SOURCE_KEY, &err), 0);
    assert_non_null(strstr(err.text, "trial 0 is the search's"));
    give(search, "trial stop 0", ANSWER_APPLIED);
    wait_trial(search, 1, TRIAL_RUNNING, 1);
    run->snapshot(run, now);
    assert_int_equal(now->state, RUN_INTERRUPTED);
    assert_true(now->version != version && now->returns != returns);
    assert_true(now->evaluations >= 4 && now->last.epoch >= 4);
    assert_string_equal(now->name, "trial-0000");
    assert_int_equal(run->evaluations(run, 0, &row, 1), 1);
    assert_true(curve[0] == row.validation_accuracy);
    assert_true(run->buckets(run, 0, INT64_MAX, buckets, FEED_MAX_BUCKETS) > 0);
    (void)feed->look(feed, 1);
    run->snapshot(run, now);
    assert_false(run_state_ended(now->state));
    search_stop(search, "test");
    search_destroy(search);
    mem_free(buckets);
    mem_free(now);
}

/* The copy is a run that goes on from where the trial was; the books say so. */
static void test_take(void **state)
{
    struct search_snapshot now;
    struct resume *resume;
    struct trial trial;
    struct err err;
    char directory[512];
    int64_t step;
    (void)state;
    struct search *search = start_search("take", long_lines, 2);
    search_path("mine", directory, sizeof directory);
    wait_trial(search, 0, TRIAL_RUNNING, 2);
    assert_int_equal(search_take(search, 0, directory, SOURCE_KEY, &err), -1);
    assert_int_equal(err.code, ERR_USAGE); /* it is trained */
    assert_false(fixture_has(&fixture, "mine", "settings.ini"));
    search_stop(search, "test");
    wait_search(search, INT64_MAX, &now);
    assert_int_equal(search_take(search, 0, directory, SOURCE_KEY, &err), 0);
    assert_int_equal(search_take(search, 2, directory, SOURCE_KEY, &err), -1);
    assert_true(search_trial(search, 0, &trial));
    assert_int_equal(trial.state, TRIAL_PRUNED);
    assert_string_equal(trial.why, "taken over as mine");
    search_destroy(search);
    assert_false(fixture_has(&fixture, "take/trial-0000", "checkpoints/last.safetensors"));
    assert_int_equal(resume_open(directory, &resume, &err), 0);
    assert_string_not_equal(resume_from(resume, &step), "");
    assert_true(step >= 2 * 20);
    resume_close(resume);
    search_path("best-again", directory, sizeof directory);
    search = start_search("random-3", NULL, 1);
    wait_search(search, INT64_MAX, &now);
    assert_int_equal(search_take(search, 1, directory, SOURCE_KEY, &err), 0);
    assert_true(search_trial(search, 1, &trial));
    assert_int_equal(trial.state, TRIAL_COMPLETE);
    search_destroy(search);
    assert_int_equal(resume_open(directory, &resume, &err), 0);
    resume_close(resume);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_grid),
        cmocka_unit_test(test_decreasing),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_halving),
        cmocka_unit_test(test_refine),
        cmocka_unit_test(test_journal_refused),
        cmocka_unit_test(test_workers),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_stop_and_go_on),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_failing_trials),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_person),
        cmocka_unit_test(test_add),
        cmocka_unit_test(test_hands),
        cmocka_unit_test(test_look),
        cmocka_unit_test(test_take),
    };
    return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
