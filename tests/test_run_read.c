/* Malformed journals, rows and scripts: each refused with the line that is wrong. */
#include "kdt/run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- journals ---- */

/* Lines with a right chain of checksums. */
struct chain {
    struct text text;
    uint32_t crc;
};

/* `json` is a line without its crc. */
static void add(struct chain *chain, const char *json)
{
    chain->crc = digest_crc32(chain->crc, json, strlen(json));
    text_append(&chain->text, json, strlen(json) - 1);
    text_print(&chain->text, ",\"crc\":%u}\n", chain->crc);
}

#define HEAD                                                                                       \
    "{\"seq\":1,\"step\":0,\"epoch\":0,\"time\":\"t\",\"source\":\"start\",\"command\":\"start\"," \
    "\"format\":1,\"program\":\"p\",\"compiler\":\"c\",\"kernels\":\"k\","                         \
    "\"data_digest\":\"0123abcd\",\"seed\":1}"
#define LINE(seq, more)                                                                            \
    "{\"seq\":" #seq ",\"step\":7,\"epoch\":0,\"time\":\"t\",\"source\":\"key\"" more "}"
#define EDIT                                                                                       \
    ",\"command\":\"set train.l2 0\",\"old\":{\"train.l2\":\"1\"},\"new\":{\"train.l2\":\"0\"}"

static void expect_journal(const char *bytes, size_t length, uint64_t lines, uint64_t whole)
{
    uint64_t got_lines, got_whole;
    struct err err;
    if (run_parse_journal(bytes, length, "j", &got_lines, &got_whole, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(got_lines, lines);
    assert_int_equal(got_whole, whole);
}

static void expect_wrong(const char *bytes, size_t length, const char *why)
{
    uint64_t lines, whole;
    struct err err;
    assert_int_equal(run_parse_journal(bytes, length, "j", &lines, &whole, &err), -1);
    assert_int_equal(err.code, ERR_FILE);
    if (!strstr(err.text, why))
        fail_msg("%s, not %s", err.text, why);
}

/* A head, this line with a right checksum, and one more. */
static void expect_wrong_line(const char *json, const char *why)
{
    struct chain chain = {0};
    add(&chain, HEAD);
    add(&chain, json);
    add(&chain, LINE(3, ",\"command\":\"pause\""));
    expect_wrong(chain.text.bytes, chain.text.length, why);
    text_fini(&chain.text);
}

static void test_journal(void **state)
{
    (void)state;
    struct chain chain = {0};
    add(&chain, HEAD);
    const size_t head = chain.text.length;
    add(&chain, LINE(2, EDIT));
    const size_t edit = chain.text.length;
    add(&chain, LINE(3,
                     ",\"command\":\"undo\",\"to\":{\"state\":\"edit-2\",\"step\":4,\"seq\":1},"
                     "\"metrics_length\":80,\"steps_length\":90"));
    const size_t undo = chain.text.length;
    const char *bytes = chain.text.bytes;
    expect_journal(bytes, undo, 3, undo);
    expect_journal(bytes, head, 1, head);
    /* A last line that was cut off anywhere is left out; nothing else ever is. */
    for (size_t length = edit + 1; length < undo; length++)
        expect_journal(bytes, length, 2, edit);
    for (size_t length = 0; length < head; length++)
        expect_wrong(bytes, length, "j: the journal has no head");
    /* So is one that is zeros in part. */
    char *copy = mem_alloc(undo + 1);
    memcpy(copy, bytes, undo);
    memset(copy + edit + 20, 0, 10);
    expect_journal(copy, undo, 2, edit);
    memset(copy + edit, 0, undo - edit);
    expect_journal(copy, undo, 2, edit);
    /* Zeros that join it to the line before are no such end. */
    memcpy(copy, bytes, undo);
    memset(copy + edit - 10, 0, 10);
    expect_wrong(copy, undo, "j:2: ");
    /* Every other change is found. */
    for (size_t i = 0; i < undo - 1; i++) {
        memcpy(copy, bytes, undo);
        copy[i] ^= 4;
        expect_wrong(copy, undo, i < head ? "j:1: " : i < edit ? "j:2: " : "j:3: ");
    }
    /* A line that is missing, and one given twice. */
    memcpy(copy, bytes, head);
    memcpy(copy + head, bytes + edit, undo - edit);
    expect_wrong(copy, head + undo - edit, "j:2: its crc does not match");
    mem_free(copy);
    text_fini(&chain.text);
}

static void test_journal_lines(void **state)
{
    (void)state;
    struct chain chain = {0};
    add(&chain, LINE(1, ",\"command\":\"pause\""));
    expect_wrong(chain.text.bytes, chain.text.length,
                 "j:1: the first line is not a journal's head");
    text_fini(&chain.text);
    expect_wrong("{}\n", 3, "j:1: not a line of a journal");
    expect_wrong("\n\n", 2, "j:1: not a line of a journal");
    expect_wrong("}\n}\n", 4, "j:1: not a line of a journal");
    expect_wrong("5}\n5}\n", 6, "j:1: not a line of a journal");
    expect_wrong_line(LINE(3, ",\"command\":\"pause\""), "j:2: \"seq\" is 3 where 2 is expected");
    expect_wrong_line(LINE(2, ",\"command\":5"), "j:2: \"command\" is not a text");
    expect_wrong_line("{\"seq\":2}", "j:2: \"source\" is not a text");
    expect_wrong_line("[2,3}", "j:2: not a JSON object");
    expect_wrong_line("{\"seq\":2,\"step\":-1,\"source\":\"key\",\"command\":\"pause\"}",
                      "j:2: \"step\" is not a whole number");
    expect_wrong_line("{\"seq\":2,\"step\":0,\"source\":\"nobody\",\"command\":\"pause\"}",
                      "j:2: an unknown \"source\"");
    expect_wrong_line("{\"seq\":2,\"seq\":2,\"step\":0,\"source\":\"key\",\"command\":\"pause\"}",
                      "j:2: not a JSON object");
    expect_wrong_line(LINE(2, ",\"command\":\"x\",\"old\":{\"train.l2\":\"1\"}"), "j:2: \"old\"");
    expect_wrong_line(LINE(2, ",\"command\":\"x\",\"old\":{\"a\":\"1\"},\"new\":{\"a\":\"2\"}"),
                      "j:2: \"old\"");
    expect_wrong_line(LINE(2, ",\"command\":\"undo\",\"to\":5"), "j:2: \"to\" names no state");
    expect_wrong_line(LINE(2, ",\"command\":\"undo\",\"to\":{\"state\":\"x\",\"step\":4}"),
                      "j:2: \"seq\" is not a whole number");
    expect_wrong_line(
        LINE(2, ",\"command\":\"undo\",\"to\":{\"state\":\"x\",\"step\":4,\"seq\":1}"),
        "j:2: \"metrics_length\"");
}

/* ---- rows ---- */

#define METRICS                                                                                    \
    "epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_loss,"                  \
    "validation_accuracy\n"
#define STEPS "step,loss,loss_min,loss_max,learning_rate\n"

static void expect_rows(int (*parse)(const char *, size_t, const char *, size_t *, struct err *),
                        const char *text, const char *why)
{
    size_t rows;
    struct err err;
    if (parse(text, strlen(text), "f", &rows, &err) == 0) {
        if (*why)
            fail_msg("accepted: %s", text);
    } else if (!*why || !strstr(err.text, why)) {
        fail_msg("%s", err.text);
    }
}

static void test_rows(void **state)
{
    (void)state;
    expect_rows(run_parse_metrics, METRICS, "");
    expect_rows(run_parse_metrics, METRICS "1,490,3.2,0.019,1.43,0.51,nan,0.48\n", "");
    expect_rows(run_parse_metrics, "", "f:1: the header is not \"epoch,step");
    expect_rows(run_parse_metrics, STEPS, "f:1: the header is not \"epoch,step");
    expect_rows(run_parse_metrics, METRICS "1,490,3.2,0.019,1.43,0.51,1.52,0.48",
                "f:2: the row is cut off");
    expect_rows(run_parse_metrics, METRICS "1,490,3.2,0.019,1.43,0.51,1.52\n",
                "f:2: not a row of 8");
    expect_rows(run_parse_metrics, METRICS "1,490,3.2,0.019,1.43,0.51,1.52,0.48,1\n",
                "f:2: not a row of 8");
    expect_rows(run_parse_metrics, METRICS "1,4.5,3.2,0.019,1.43,0.51,1.52,0.48\n",
                "f:2: '4.5' is not a whole number");
    expect_rows(run_parse_metrics, METRICS "1,-4,3.2,0.019,1.43,0.51,1.52,0.48\n",
                "f:2: '-4' is not a whole number");
    expect_rows(run_parse_metrics, METRICS "1,4,3.2,0.019,x,0.51,1.52,0.48\n",
                "f:2: 'x' is not a number");
    expect_rows(run_parse_metrics, METRICS "\n", "f:2: not a row of 8");
    expect_rows(run_parse_steps, STEPS "8,2.41,2.30,inf,0.02\n9,1,1,1,1\n", "");
    expect_rows(run_parse_steps, METRICS, "f:1: the header is not \"step,loss");
    expect_rows(run_parse_steps, STEPS "8,2,2,2,2\n9,1,1,1\n", "f:3: not a row of 5");
    expect_rows(run_parse_steps,
                STEPS "8,2,2,2,0.00000000000000000000000000000000000000000000000000001\n",
                "f:2: not a row of 5");
}

/* ---- scripts ---- */

static void expect_script(const char *text, const char *why)
{
    struct script *script;
    struct err err;
    if (script_parse(text, strlen(text), "s", &script, &err) == 0) {
        script_free(script);
        if (*why)
            fail_msg("accepted: %s", text);
    } else if (!*why || !strstr(err.text, why)) {
        fail_msg("%s", err.text);
    } else {
        assert_int_equal(err.code, ERR_USAGE);
    }
}

static void test_scripts(void **state)
{
    (void)state;
    expect_script("", "");
    expect_script("# nothing\n\n  \t\n  # more\r\n", "");
    expect_script("@3 set train.l2 *2 train.momentum 0.5\n  @0 undo\r\n@9\tnote @ what", "");
    expect_script("@3 pause\n3 pause\n", "s:2: \"@STEP COMMAND\" is expected");
    expect_script("@ pause", "s:1: \"@STEP COMMAND\"");
    expect_script("@-1 pause", "s:1: \"@STEP COMMAND\"");
    expect_script("@1pause", "s:1: \"@STEP COMMAND\"");
    expect_script("@99999999999999999999 pause", "s:1: \"@STEP COMMAND\"");
    expect_script("\n\n@3 pouse", "s:3: ");
    expect_script("@3 set train.l3 5", "s:1: ");
    expect_script("@3 set train.l2 x", "s:1: ");
    expect_script("@3 set train.l2", "s:1: ");
    expect_script("@3 set train.seed 3", "s:1: train.seed cannot change during a run");
    expect_script("@3 toggle view.fps", "s:1: ");
    expect_script("@3 quit", "s:1: 'quit' is a command of the view");
    expect_script("@3", "s:1: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal),
        cmocka_unit_test(test_journal_lines),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
