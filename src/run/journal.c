/*
 * journal.jsonl: one JSON object per line for every command that reached the
 * run. Line 1 is the head.
 *
 *   {"seq":1,"step":0,"epoch":0,"time":"2026-03-01T12:00:00.000Z","source":"start",
 *    "command":"start","format":1,"program":"kdtui 0.1.0","compiler":"gcc 12.2.0",
 *    "kernels":"OpenBLAS 0.3.21 SkylakeX","precision":"float32","data_digest":"1c291ca3",
 *    "seed":1,"crc":912873}
 *   {"seq":2,"step":120,"epoch":0,"time":"…","source":"key",
 *    "command":"set train.learning_rate /2","old":{"train.learning_rate":"0.02"},
 *    "new":{"train.learning_rate":"0.01"},"crc":3187612093}
 *
 *   {"seq":3,"step":900,"epoch":1,"time":"…","source":"key","command":"undo",
 *    "to":{"state":"edit-2","step":120,"seq":1},"metrics_length":291,"steps_length":4005,
 *    "crc":2093318761}
 *
 * (each on one line). `step` is the step before which the command took effect.
 * A refused command has "refused" with the reason; a signal has its name in
 * "why", a rule what it saw. "to" is where undo, redo and rollback led: a file in
 * checkpoints/ ("good": a state that only memory had), its step, and the newest
 * line that it has in it; the two lengths are those of metrics.csv and steps.csv
 * with all rows of before.
 *
 * Invariants:
 * 1. crc is the last member: the CRC-32 of the line's bytes without that member
 *    and without the line's end, `{…}`, continued from the crc of the line
 *    before (0 for the first). A line that is changed, lost or moved breaks the
 *    chain.
 * 2. journal_append returns success only when the line is synced; an edit acts
 *    after that.
 * 3. A line that could not be written leaves file, seq and crc as they were.
 */
#include "internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#ifndef KDT_VERSION
#define KDT_VERSION "unknown"
#endif
#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* Adds the members that every line begins with. */
static json_t *begin_line(const struct journal *journal, int64_t step, int64_t epoch,
                          const char *source, const char *command)
{
    char time[40];
    clock_iso8601(time, sizeof time);
    json_t *line = json_object();
    json_object_set_new(line, "seq", json_integer((json_int_t)journal->seq + 1));
    json_object_set_new(line, "step", json_integer(step));
    json_object_set_new(line, "epoch", json_integer(epoch));
    json_object_set_new(line, "time", json_string(time));
    json_object_set_new(line, "source", json_string(source));
    json_object_set_new(line, "command", json_string(command));
    return line;
}

/* What the bits depend on, beside settings, data and commands. */
static void add_libraries(json_t *line)
{
    json_object_set_new(line, "program", json_string("kdtui " KDT_VERSION));
    json_object_set_new(line, "compiler", json_string(COMPILER));
    json_object_set_new(line, "kernels", json_string(math_library()));
}

bool journal_same_libraries(const struct journal_line *line)
{
    json_t *ours = json_object();
    add_libraries(ours);
    const char *key;
    json_t *value;
    bool same = true;
    json_object_foreach(ours, key, value)
    {
        same = same && json_equal(json_object_get(line->object, key), value);
    }
    json_decref(ours);
    return same;
}

static const char *member(json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text ? text : "";
}

void journal_record(const struct journal_entry *entry, uint64_t seq, json_t *line,
                    struct journal_record *out)
{
    struct text text = {0};
    *out = (struct journal_record){
        .seq = seq,
        .step = entry->step,
        .back_to = entry->jump && !entry->refused ? entry->jump->seq : 0,
        .refused = entry->refused != NULL,
    };
    text_copy(out->time, sizeof out->time, member(line, "time"));
    text_copy(out->source, sizeof out->source, member(line, "source"));
    text_copy(out->command, sizeof out->command, entry->command);
    if (entry->refused)
        text_print(&text, "%s", entry->refused);
    else if (entry->jump)
        text_print(&text, "to step %" PRId64 " (%s)", entry->jump->step, entry->jump->state);
    else if (seq == 1)
        text_print(&text, "%s, %s, data %s", member(line, "program"), member(line, "kernels"),
                   member(line, "data_digest"));
    edits_label(entry->edits, entry->edit_count, &text);
    if (entry->why)
        text_print(&text, "%s%s", text.length ? ", " : "", entry->why);
    text_copy(out->text, sizeof out->text, text.bytes ? text.bytes : "");
    utf8_trim(out->text);
    text_fini(&text);
}

/* Completes the line with its crc and writes it. Takes `line` over. */
static int end_line(struct journal *journal, json_t *line, const struct journal_entry *entry,
                    struct err *err)
{
    char *json = json_dumps(line, JSON_COMPACT);
    if (!json) {
        json_decref(line);
        return err_set(err, ERR_MEMORY, "the journal's line cannot be made");
    }
    uint32_t crc = digest_crc32(journal->crc, json, strlen(json));
    struct text text = {0};
    text_append(&text, json, strlen(json) - 1);
    text_print(&text, ",\"crc\":%" PRIu32 "}\n", crc);
    free(json);
    int result = file_log_append(journal->log, text.bytes, text.length, true, err);
    text_fini(&text);
    if (result == 0) {
        journal->seq++;
        journal->crc = crc;
        if (journal->shown) {
            struct journal_record record;
            journal_record(entry, journal->seq, line, &record);
            publication_journal(journal->shown, &record);
        }
    }
    json_decref(line);
    return result;
}

int journal_open(struct journal *journal, const char *path, uint32_t data_digest,
                 const struct settings *settings, struct err *err)
{
    char precision[SETTINGS_TEXT];
    settings_format(settings, settings_find("train.precision", NULL), precision, sizeof precision);
    if (file_log_open(path, true, &journal->log, err) != 0)
        return -1;
    char digest[16];
    snprintf(digest, sizeof digest, "%08" PRIx32, data_digest);
    json_t *line = begin_line(journal, 0, 0, "start", "start");
    json_object_set_new(line, "format", json_integer(JOURNAL_FORMAT));
    add_libraries(line);
    json_object_set_new(line, "precision", json_string(precision));
    json_object_set_new(line, "data_digest", json_string(digest));
    json_object_set_new(line, "seed", json_integer(settings->train.seed));
    return end_line(journal, line, &(struct journal_entry){.command = "start"}, err);
}

int journal_append(struct journal *journal, const struct journal_entry *entry, struct err *err)
{
    json_t *line = begin_line(journal, entry->step, entry->epoch, entry->source, entry->command);
    if (entry->libraries)
        add_libraries(line);
    if (entry->edit_count) {
        json_t *old = json_object(), *new = json_object();
        for (size_t i = 0; i < entry->edit_count; i++) {
            const struct edit *edit = &entry->edits[i];
            json_object_set_new(old, edit->row->name, json_string(edit->old));
            json_object_set_new(new, edit->row->name, json_string(edit->new));
        }
        json_object_set_new(line, "old", old);
        json_object_set_new(line, "new", new);
    }
    if (entry->jump) {
        const struct jump *jump = entry->jump;
        json_object_set_new(line, "to",
                            json_pack("{s:s,s:I,s:I}", "state", jump->state, "step",
                                      (json_int_t)jump->step, "seq", (json_int_t)jump->seq));
        json_object_set_new(line, "metrics_length", json_integer((json_int_t)jump->metrics_length));
        json_object_set_new(line, "steps_length", json_integer((json_int_t)jump->steps_length));
    }
    if (entry->why)
        json_object_set_new(line, "why", json_string(entry->why));
    if (entry->refused)
        json_object_set_new(line, "refused", json_string(entry->refused));
    return end_line(journal, line, entry, err);
}

int journal_reopen(struct journal *journal, const char *path, const struct journal_file *file,
                   struct err *err)
{
    if (file_log_open(path, false, &journal->log, err) != 0 ||
        file_log_cut(journal->log, file->length, err) != 0)
        return -1;
    journal->seq = file->count;
    journal->crc = file->crc;
    return 0;
}

void journal_close(struct journal *journal)
{
    file_log_close(journal->log);
    journal->log = NULL;
}
