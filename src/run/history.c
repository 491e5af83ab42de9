/*
 * Where undo and redo lead: a pure function of the journal's lines, fed to it in
 * their order, so that it need not be stored.
 *
 * Every edit has the edit before it on the way to its state as its parent, so
 * the edits are a tree, and the present state has the edits from its own up to
 * the root. An undo goes to the state before the present edit, edit-E of its
 * line E, and its parent is the present edit then. A redo goes back to where the
 * undo was given, edit-U of its line U. Undos wait for their redos on a stack,
 * which the next edit clears.
 *
 *   line  command     state after   present edit   redo leads to
 *   2     set …       a             2
 *   3     set …       b             3
 *   4     undo        before 3      2              edit-4
 *   5     undo        before 2      none           edit-3, then edit-4
 *   6     redo        before 3      2              edit-4
 *   7     rollback …  another       7
 *   8     undo        before 7      2              edit-8
 *
 * An undo or redo right where the last one led to, no step trained since, keeps
 * no new state: the one it is in is kept already, as that in line 5 is.
 */
#include "internal.h"

struct history_edit {
    uint64_t seq; /* of its line; the state before it is edit-SEQ */
    int64_t step;
    size_t parent; /* as history.present */
    char label[64];
};
struct history_undone {
    uint64_t state; /* edit-SEQ of where the undo was given */
    int64_t step;
    size_t present; /* there */
};
struct history_move {
    uint64_t seq;
    size_t present; /* from line seq on */
};

/* Room for one more element. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity ? 2 * *capacity : 16;
    return mem_resize(array, *capacity * size);
}

void run_history_fini(struct history *history)
{
    mem_free(history->edits);
    mem_free(history->undone);
    mem_free(history->moves);
    *history = (struct history){0};
}

static const struct history_edit *present_edit(const struct history *history)
{
    return history->present ? &history->edits[history->present - 1] : NULL;
}

/* The present edit of a state that has line `seq` and those before it in it. */
static size_t present_at(const struct history *history, uint64_t seq)
{
    size_t i = history->move_count;
    while (i && history->moves[i - 1].seq > seq)
        i--;
    return i ? history->moves[i - 1].present : 0;
}

static void move(struct history *history, uint64_t seq, size_t present)
{
    history->moves =
        grow(history->moves, history->move_count, &history->move_capacity, sizeof *history->moves);
    history->moves[history->move_count++] = (struct history_move){seq, present};
    history->present = present;
}

static void add_edit(struct history *history, const struct history_line *line)
{
    history->edits =
        grow(history->edits, history->edit_count, &history->edit_capacity, sizeof *history->edits);
    struct history_edit *edit = &history->edits[history->edit_count++];
    *edit = (struct history_edit){line->seq, line->step, history->present, ""};
    text_copy(edit->label, sizeof edit->label, line->label);
    utf8_trim(edit->label);
    move(history, line->seq, history->edit_count);
    history->undone_count = 0;
    history->landed = 0;
}

bool run_history_landed(const struct history *history, int64_t step)
{
    return history->landed && history->landed_step == step;
}

static void undo(struct history *history, const struct history_line *line)
{
    const struct history_edit *edit = present_edit(history);
    if (!edit)
        return;
    uint64_t state = run_history_landed(history, line->step) ? history->landed : line->seq;
    history->undone = grow(history->undone, history->undone_count, &history->undone_capacity,
                           sizeof *history->undone);
    history->undone[history->undone_count++] =
        (struct history_undone){state, line->step, history->present};
    history->landed = edit->seq;
    history->landed_step = edit->step;
    move(history, line->seq, edit->parent);
}

static void redo(struct history *history, const struct history_line *line)
{
    if (!history->undone_count)
        return;
    const struct history_undone *undone = &history->undone[--history->undone_count];
    history->landed = undone->state;
    history->landed_step = undone->step;
    move(history, line->seq, undone->present);
}

void run_history_line(struct history *history, const struct history_line *line)
{
    switch (line->command) {
    case COMMAND_SET:
    case COMMAND_TOGGLE:
        add_edit(history, line);
        break;
    case COMMAND_ROLLBACK:
        if (line->rule) {
            history->landed = 0;
            move(history, line->seq, present_at(history, line->jump->seq));
        } else {
            add_edit(history, line);
        }
        break;
    case COMMAND_UNDO:
        undo(history, line);
        break;
    case COMMAND_REDO:
        redo(history, line);
        break;
    default:
        break;
    }
}

bool run_history_undo(const struct history *history, struct history_target *out)
{
    const struct history_edit *edit = present_edit(history);
    if (edit)
        *out = (struct history_target){edit->seq, edit->step, edit->label};
    return edit != NULL;
}

bool run_history_redo(const struct history *history, struct history_target *out)
{
    if (!history->undone_count)
        return false;
    const struct history_undone *undone = &history->undone[history->undone_count - 1];
    *out = (struct history_target){undone->state, undone->step, ""};
    return true;
}
