/* Pure books of a run: where undo and redo lead, and what returns leave live on the charts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../src/run/internal.h"

static void feed_line(struct history *history, uint64_t seq, int64_t step, enum command_id command,
                      const char *label)
{
    run_history_line(history, &(struct history_line){
                                  .seq = seq, .step = step, .command = command, .label = label});
}

static void expect_history(const struct history *history, int64_t undo, int64_t undo_step,
                           int64_t redo, int64_t redo_step)
{
    struct history_target to;
    bool can = run_history_undo(history, &to);
    assert_int_equal(can ? (int64_t)to.state : -1, undo);
    assert_int_equal(can ? to.step : -1, undo_step);
    can = run_history_redo(history, &to);
    assert_int_equal(can ? (int64_t)to.state : -1, redo);
    assert_int_equal(can ? to.step : -1, redo_step);
}

static void test_history(void **state)
{
    (void)state;
    struct history history = {0};
    struct history_target to;
    expect_history(&history, -1, -1, -1, -1);
    feed_line(&history, 2, 100, COMMAND_SET, "a");
    feed_line(&history, 3, 200, COMMAND_TOGGLE, "b");
    feed_line(&history, 4, 250, COMMAND_NOTE, "");
    expect_history(&history, 3, 200, -1, -1);
    feed_line(&history, 5, 300, COMMAND_UNDO, "");
    expect_history(&history, 2, 100, 5, 300);
    assert_true(run_history_undo(&history, &to));
    assert_string_equal(to.label, "a");
    /* At once: the state that it is in is that before line 3. */
    assert_true(run_history_landed(&history, 200));
    feed_line(&history, 6, 200, COMMAND_UNDO, "");
    expect_history(&history, -1, -1, 3, 200);
    feed_line(&history, 7, 100, COMMAND_REDO, "");
    expect_history(&history, 2, 100, 5, 300);
    feed_line(&history, 8, 200, COMMAND_REDO, "");
    expect_history(&history, 3, 200, -1, -1);
    /* Steps later: the state is one of its own. */
    assert_false(run_history_landed(&history, 350));
    feed_line(&history, 9, 350, COMMAND_UNDO, "");
    expect_history(&history, 2, 100, 9, 350);
    /* An edit is the end of redo; a rollback is one. */
    feed_line(&history, 10, 240, COMMAND_ROLLBACK, "rollback best");
    expect_history(&history, 10, 240, -1, -1);
    assert_false(run_history_landed(&history, 240));
    feed_line(&history, 11, 260, COMMAND_UNDO, "");
    expect_history(&history, 2, 100, 11, 260);
    feed_line(&history, 12, 240, COMMAND_SET, "c");
    expect_history(&history, 12, 240, -1, -1);
    /* What a rule returns to has the edits of its own way. */
    const struct jump back = {.step = 210, .seq = 4};
    run_history_line(
        &history,
        &(struct history_line){
            .seq = 13, .step = 280, .command = COMMAND_ROLLBACK, .rule = true, .jump = &back});
    expect_history(&history, 3, 200, -1, -1);
    run_history_fini(&history);
}

/* More returns than there is room for: the newest way stays in order. */
static void test_many_branches(void **state)
{
    (void)state;
    static struct publication publication;
    struct err err;
    uint64_t seq = 1;
    int64_t step = 0;
    assert_int_equal(publication_init(&publication, &err), 0);
    for (int i = 0; i < 3 * FEED_MAX_BUCKETS; i++) {
        for (int j = 0; j < 3; j++, step++)
            publication_loss(&publication, step, (double)step, 1, 0.1);
        const struct jump jump = {.step = step - 2, .seq = seq++};
        const struct edit_mark mark = {.seq = (int64_t)seq, .step = jump.step, .returned = true};
        publication_return(&publication, &mark, &jump);
        step = jump.step;
    }
    publication_loss(&publication, step, 0, 1, 0.1);
    int64_t last = -1;
    static struct loss_bucket buckets[FEED_MAX_BUCKETS];
    size_t count = series_copy(&publication.losses, 0, INT64_MAX, buckets, FEED_MAX_BUCKETS);
    assert_true(count > SERIES_LAST / 4);
    for (size_t i = 0; i < count; i++) {
        const struct loss_bucket *bucket = &buckets[i];
        assert_true(bucket->first <= bucket->last);
        if (bucket->abandoned)
            continue;
        assert_true(bucket->first > last);
        last = bucket->last;
    }
    assert_int_equal(last, step);
    publication_fini(&publication);
}

/* ---- what memory has room for ---- */

static void add_state(struct states *states, uint64_t seq, struct copy *copy)
{
    char name[32];
    const struct image image = {{.step = (int64_t)seq, .journal_seq = seq - 1}, copy};
    snprintf(name, sizeof name, "edit-%d", (int)seq);
    states_edit(states, name, "an edit", &image);
}

static void expect_state(struct states *states, const char *name, bool known, bool in_memory)
{
    struct state state;
    assert_int_equal(states_find_name(states, name, &state), known);
    if (!known)
        return;
    assert_int_equal(state.image.copy != NULL, in_memory);
    copies_release(states->copies, state.image.copy);
}

/* A state goes when neither memory nor the disk has it, nor is about to. */
static void test_little_memory(void **state)
{
    (void)state;
    static struct states states;
    static struct copies copies;
    const struct net_shape shape = {.inputs = 3, .layers = 1, .units = {2}};
    struct team *team;
    struct net *net;
    struct err err;
    char name[128];
    assert_int_equal(team_create(1, &team, &err), 0);
    assert_int_equal(net_create(&shape, 2, team, &net, &err), 0);
    assert_int_equal(copies_init(&copies, net, &err), 0);
    struct copy *copy = copies_take(&copies, net, &err);
    assert_non_null(copy);
    states_init(&states);
    states_fit(&states, &copies);
    assert_int_equal(states.in_memory, STATES_EDITS);
    states.in_memory = 2;
    for (uint64_t seq = 1; seq <= 4; seq++)
        add_state(&states, seq, copy);
    expect_state(&states, "edit-1", true, false);
    expect_state(&states, "edit-2", true, false);
    expect_state(&states, "edit-3", true, true);
    states_unsaved(&states, "edit-1");
    expect_state(&states, "edit-1", false, false);
    states_saved(&states, STATE_EDIT, "edit-2", 2, 1);
    states_unsaved(&states, "edit-3");
    expect_state(&states, "edit-3", true, true);
    add_state(&states, 5, copy);
    expect_state(&states, "edit-3", false, false);
    expect_state(&states, "edit-2", true, false);
    assert_false(states_surplus(&states, STATE_EDIT, 1, name));
    states_saved(&states, STATE_EDIT, "edit-4", 4, 3);
    assert_true(states_surplus(&states, STATE_EDIT, 1, name));
    assert_string_equal(name, "edit-2");
    expect_state(&states, "edit-2", false, false);
    assert_int_equal(states_count(&states), 2);
    states_clear(&states);
    assert_int_equal(states_count(&states), 0);
    assert_int_equal(copy->holders, 1);
    copies_release(&copies, copy);
    states_fini(&states);
    copies_fini(&copies);
    net_destroy(net);
    team_destroy(team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_many_branches),
        cmocka_unit_test(test_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
