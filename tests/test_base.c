/*
 * Errors, memory, text, numbers, files and clock.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/base.h"

#include <errno.h>
#include <float.h>
#include <dirent.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static struct err err;

static void test_err(void **state)
{
    (void)state;
    assert_int_equal(err_set(&err, ERR_USAGE, "line %d", 3), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, "line 3");
    assert_int_equal(err_context(&err, "%s", "a.ini"), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_string_equal(err.text, "a.ini: line 3");
    err_set(&err, ERR_FILE, "again: %s", err.text);
    assert_string_equal(err.text, "again: a.ini: line 3");
    err_set_errno(&err, ERR_FILE, ENOENT, "b\n\x1b[2J");
    assert_string_equal(err.text, "b??[2J: No such file or directory");

    assert_int_equal(err_set(NULL, ERR_USAGE, "x"), -1);
    assert_int_equal(err_set_errno(NULL, ERR_USAGE, EIO, "x"), -1);
    assert_int_equal(err_context(NULL, "x"), -1);

    char longer[3000];
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    err_set(&err, ERR_FILE, "%s", longer);
    err_context(&err, "%s", longer);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
}

static void check_array(size_t count, size_t size, uintptr_t alignment)
{
    unsigned char *array = mem_array(count, size, &err);
    assert_non_null(array);
    assert_int_equal((uintptr_t)array % alignment, 0);
    for (size_t i = 0; i < count * size; i++)
        if (array[i])
            fail();
    memset(array, 1, count * size);
    mem_free(array);
}

static void test_memory(void **state)
{
    (void)state;
    for (int again = 0; again < 2; again++) {
        check_array(0, 4, 64);
        check_array(1, 1, 64);
        check_array(1000, 4, 64);
        check_array(1 << 18, 8, 2 << 20);
        check_array((1 << 18) + 1, 9, 2 << 20);
    }
    err = (struct err){0};
    assert_null(mem_array(SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.code, ERR_MEMORY);
    assert_null(mem_array(SIZE_MAX, 1, NULL));

    char *bytes = mem_alloc(0);
    assert_non_null(bytes);
    bytes = mem_resize(bytes, 10);
    strcpy(bytes, "123456789");
    bytes = mem_resize(bytes, 100000);
    assert_string_equal(bytes, "123456789");
    mem_free(bytes);
    bytes = mem_text("");
    assert_string_equal(bytes, "");
    mem_free(bytes);
    mem_free(NULL);
}

static void test_text(void **state)
{
    (void)state;
    struct text text = {0};
    text_append(&text, NULL, 0);
    assert_string_equal(text.bytes, "");
    for (int i = 0; i < 1000; i++)
        text_print(&text, "%03d,", i);
    assert_int_equal(text.length, 4000);
    assert_int_equal(strlen(text.bytes), 4000);
    assert_true(text.length < text.capacity);
    assert_memory_equal(text.bytes + 4 * 567, "567,", 4);
    text_append(&text, "a\0b", 3);
    assert_int_equal(text.length, 4003);
    assert_memory_equal(text.bytes + 4000, "a\0b", 4);
    text_fini(&text);
    assert_null(text.bytes);

    char out[8];
    text_copy(out, sizeof out, "1234567");
    assert_string_equal(out, "1234567");
    text_copy(out, sizeof out, "12345678");
    assert_string_equal(out, "1234567");
    text_copy(out, sizeof out, "12345\xe2\x82\xac");
    assert_string_equal(out, "12345");
    text_copy(out, sizeof out, "1234\xe2\x82\xac");
    assert_string_equal(out, "1234\xe2\x82\xac");
    text_copy(out, 1, "x");
    assert_string_equal(out, "");
    text_copy(out, 0, "x");
}

static const char *next(size_t i, const void *of)
{
    return ((const char *const *)of)[i];
}

static void test_nearest(void **state)
{
    (void)state;
    static const char *const words[] = {"learning_rate", "l2", "momentum", "epochs", "seed", NULL};
    assert_string_equal(text_nearest("learning_rate", next, words), "learning_rate");
    assert_string_equal(text_nearest("learnign_rate", next, words), "learning_rate");
    assert_string_equal(text_nearest("lerning-rat", next, words), "learning_rate");
    assert_string_equal(text_nearest("EPOCHS", next, words), "epochs");
    assert_string_equal(text_nearest("epoch", next, words), "epochs");
    assert_string_equal(text_nearest("esed", next, words), "seed");
    assert_null(text_nearest("width", next, words));
    assert_null(text_nearest("", next, words));
    char longer[500] = {0};
    memset(longer, 'x', sizeof longer - 1);
    assert_null(text_nearest(longer, next, words));
    assert_null(text_nearest("x", next, words + 5));
}

static void test_parse_double(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"1e-05", 1e-5},
        {"-1.5", -1.5},
        {"+2", 2},
        {"1.", 1},
        {".5", .5},
        {"1E3", 1000},
        {"4.9406564584124654e-324", 4.9406564584124654e-324},
        {"1e-999", 0},
        {"007", 7},
        {"1.7976931348623157e308", DBL_MAX},
    };
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(number_parse_double(good[i].text, &value), 0);
        assert_true(value == good[i].value);
    }
    static const char *const bad[] = {"",    " 1",    "1 ",     "1,5",   "0x10", "inf",
                                      "nan", "-",     ".",      "1e",    "1e+",  "e5",
                                      "--1", "1e999", "-1e999", "1.2.3", "1_0"};
    value = 42;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!number_parse_double(bad[i], &value))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_true(value == 42);
}

static void test_parse_integer(void **state)
{
    (void)state;
    int64_t value;
    assert_int_equal(number_parse_integer("9223372036854775807", &value), 0);
    assert_true(value == INT64_MAX);
    assert_int_equal(number_parse_integer("-9223372036854775808", &value), 0);
    assert_true(value == INT64_MIN);
    assert_int_equal(number_parse_integer("+012", &value), 0);
    assert_true(value == 12);
    static const char *const bad[] = {"",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "1e3",
                                      "0x1",
                                      "-",
                                      "+-1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!number_parse_integer(bad[i], &value))
            fail_msg("\"%s\" was taken", bad[i]);
    assert_true(value == 12);
}

static void check_format(double value, const char *expected)
{
    char out[32];
    number_format_double(out, sizeof out, value);
    assert_string_equal(out, expected);
}

static void check_numbers(void)
{
    check_format(0.1, "0.1");
    check_format(1e-5, "1e-05");
    check_format(0.012913581489067944, "0.012913581489067944");
    check_format(1.0 / 3, "0.3333333333333333");
    check_format(50000, "50000");
    check_format(-0.0, "-0");
    check_format(5e-324, "5e-324");
    check_format(DBL_MAX, "1.7976931348623157e+308");
    check_format(NAN, "nan");
    check_format(-INFINITY, "-inf");
    double value;
    assert_int_equal(number_parse_double("0.25", &value), 0);
    assert_true(value == 0.25);
    assert_int_equal(number_parse_double("0,25", &value), -1);
}

static void test_format(void **state)
{
    (void)state;
    check_numbers();
    for (uint32_t i = 0; i < 20000; i++) {
        struct rng_words draw = rng_draw(1, RNG_SYNTHETIC, 0, 0, i);
        double value, back;
        memcpy(&value, draw.word, sizeof value);
        if (!isfinite(value))
            continue;
        char out[32];
        number_format_double(out, sizeof out, value);
        assert_int_equal(number_parse_double(out, &back), 0);
        assert_memory_equal(&back, &value, sizeof value);
    }
    /* Where the machine has a locale with a decimal comma, it changes nothing. */
    static const char *const comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8"};
    for (size_t i = 0; i < sizeof comma / sizeof *comma; i++)
        if (setlocale(LC_NUMERIC, comma[i]))
            check_numbers();
    setlocale(LC_NUMERIC, "C");
}

static void test_crc(void **state)
{
    (void)state;
    assert_int_equal(digest_crc32(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(digest_crc32(digest_crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
    assert_int_equal(digest_crc32_join(digest_crc32(0, "1234", 4), digest_crc32(0, "56789", 5), 5),
                     0xcbf43926);
    assert_int_equal(digest_crc32_join(0xcbf43926, digest_crc32(0, "", 0), 0), 0xcbf43926);
}

/* A fresh directory, and in it. */
static char folder[64];

static int enter_folder(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    if (!base || strlen(base) > sizeof folder - 32)
        base = "/tmp";
    snprintf(folder, sizeof folder, "%s/kdt-base-XXXXXX", base);
    return mkdtemp(folder) && !chdir(folder) ? 0 : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    return chdir("/") || rmdir(folder);
}

static int count_entries(void)
{
    DIR *directory = opendir(".");
    assert_non_null(directory);
    int count = -2;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static void check_content(const char *path, const char *expected)
{
    unsigned char *bytes;
    size_t length;
    if (file_read(path, 1 << 20, &bytes, &length, &err))
        fail_msg("%s", err.text);
    assert_int_equal(length, strlen(expected));
    assert_string_equal((char *)bytes, expected);
    mem_free(bytes);
}

static void write_text(const char *path, const char *text)
{
    struct file_part part = {text, strlen(text)};
    if (file_write(path, &part, 1, &err))
        fail_msg("%s", err.text);
}

/* Writes over `size` bytes fail from here on, as on a full disk; 0: no more. */
static void limit_file_size(rlim_t size)
{
    struct rlimit limit;
    signal(SIGXFSZ, size ? SIG_IGN : SIG_DFL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_file_read(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t length;
    assert_int_equal(file_read("absent", 100, &bytes, &length, &err), -1);
    assert_int_equal(err.code, ERR_FILE);
    assert_string_equal(err.text, "absent: No such file or directory");
    assert_int_equal(file_read(".", SIZE_MAX, &bytes, &length, &err), -1);
    write_text("a", "");
    check_content("a", "");
    write_text("a", "12345");
    assert_int_equal(file_read("a", 4, &bytes, &length, &err), -1);
    assert_non_null(strstr(err.text, "a: 5 bytes"));
    assert_int_equal(file_read("a", 5, &bytes, &length, &err), 0);
    assert_int_equal(length, 5);
    assert_int_equal(bytes[5], 0);
    mem_free(bytes);
    unlink("a");

    /* A file that does not tell its length, read over several buffers. */
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    char chunk[10000];
    memset(chunk, 'p', sizeof chunk);
    assert_int_equal(write(ends[1], chunk, sizeof chunk), sizeof chunk);
    close(ends[1]);
    char name[32];
    snprintf(name, sizeof name, "/dev/fd/%d", ends[0]);
    assert_int_equal(file_read(name, sizeof chunk, &bytes, &length, &err), 0);
    assert_int_equal(length, sizeof chunk);
    assert_memory_equal(bytes, chunk, sizeof chunk);
    mem_free(bytes);
    close(ends[0]);
    assert_int_equal(file_read("/dev/zero", 100000, &bytes, &length, &err), -1);
    assert_non_null(strstr(err.text, "100000"));
}

static void test_file_write(void **state)
{
    (void)state;
    mode_t mask = umask(027);
    struct file_part parts[] = {{"ab", 2}, {NULL, 0}, {"cde", 3}};
    assert_int_equal(file_write("new", parts, 3, &err), 0);
    umask(mask);
    check_content("new", "abcde");
    struct stat status;
    assert_int_equal(stat("new", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0640);
    write_text("new", "second");
    check_content("new", "second");
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/new", folder);
    write_text(absolute, "third");
    check_content("new", "third");

    /* On a full disk the old file stays and nothing is left behind. */
    static char large[10000];
    struct file_part part = {large, sizeof large};
    limit_file_size(5000);
    assert_int_equal(file_write("new", &part, 1, &err), -1);
    limit_file_size(0);
    assert_int_equal(err.code, ERR_FILE);
    assert_string_equal(err.text, "new: File too large");
    check_content("new", "third");
    assert_int_equal(count_entries(), 1);

    assert_int_equal(mkdir("folder", 0777), 0);
    assert_int_equal(file_write("folder", &part, 1, &err), -1);
    assert_int_equal(count_entries(), 2);
    assert_int_equal(file_write("absent/new", &part, 1, &err), -1);
    assert_non_null(strstr(err.text, "No such file"));

    /* What an earlier process left under the temporary name is stepped over. */
    char left[64];
    snprintf(left, sizeof left, ".new.%ld-0.tmp", (long)getpid());
    write_text(left, "left");
    write_text("new", "fourth");
    check_content("new", "fourth");
    check_content(left, "left");
    unlink(left);
    rmdir("folder");
    unlink("new");
}

static void append(struct file_log *log, const char *text, bool sync)
{
    if (file_log_append(log, text, strlen(text), sync, &err))
        fail_msg("%s", err.text);
}

static void test_file_log(void **state)
{
    (void)state;
    struct file_log *log;
    assert_int_equal(file_log_open("log", false, &log, &err), -1);
    assert_int_equal(file_log_open("log", true, &log, &err), 0);
    append(log, "one\n", false);
    append(log, "two\n", true);
    assert_int_equal(file_log_length(log), 8);
    file_log_close(log);
    assert_int_equal(file_log_open("log", true, &log, &err), -1);
    assert_non_null(strstr(err.text, "log: File exists"));
    assert_int_equal(file_log_open("log", false, &log, &err), 0);
    assert_int_equal(file_log_length(log), 8);

    /* Part of the record fits; none of it stays, and the next one follows the last whole one. */
    limit_file_size(10);
    assert_int_equal(file_log_append(log, "three\n", 6, true, &err), -1);
    assert_string_equal(err.text, "log: File too large");
    limit_file_size(0);
    assert_int_equal(file_log_length(log), 8);
    check_content("log", "one\ntwo\n");
    append(log, "four\n", true);
    check_content("log", "one\ntwo\nfour\n");
    assert_int_equal(file_log_length(log), 13);
    file_log_close(log);
    file_log_close(NULL);
    assert_int_equal(file_log_open("/dev/null", false, &log, &err), -1);
    assert_int_equal(file_log_open(".", false, &log, &err), -1);
    unlink("log");
}

static void test_directories(void **state)
{
    (void)state;
    assert_int_equal(file_make_directories("a/b//c/", &err), 0);
    assert_int_equal(file_make_directories("a/b/c", &err), 0);
    assert_true(file_exists("a/b/c"));
    assert_false(file_exists("a/b/d"));
    assert_int_equal(file_sync_directory("a/b", &err), 0);
    assert_int_equal(file_sync_directory("a/x", &err), -1);
    write_text("a/file", "");
    assert_int_equal(file_sync_directory("a/file", &err), -1);
    assert_int_equal(file_make_directories("a/file", &err), -1);
    assert_string_equal(err.text, "a/file: Not a directory");
    assert_int_equal(file_make_directories("a/file/x", &err), -1);
    assert_int_equal(file_make_directories("", &err), -1);
    char absolute[128];
    snprintf(absolute, sizeof absolute, "%s/a/d", folder);
    assert_int_equal(file_make_directories(absolute, &err), 0);
    assert_int_equal(file_make_directories("/", &err), 0);
    rmdir("a/d");
    rmdir("a/b/c");
    rmdir("a/b");
    unlink("a/file");
    rmdir("a");

    static const char *const joins[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        char *path = file_path(joins[i][0], joins[i][1]);
        assert_string_equal(path, joins[i][2]);
        mem_free(path);
    }
}

static void test_clock(void **state)
{
    (void)state;
    double before = clock_seconds();
    assert_true(clock_seconds() >= before);
    char now[32];
    clock_iso8601(now, sizeof now);
    assert_int_equal(strlen(now), 24);
    int year, month, day, hour, minute, second, thousandth;
    char end;
    assert_int_equal(sscanf(now, "%4d-%2d-%2dT%2d:%2d:%2d.%3d%c", &year, &month, &day, &hour,
                            &minute, &second, &thousandth, &end),
                     8);
    assert_true(year >= 2024 && month >= 1 && month <= 12 && end == 'Z');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err),          cmocka_unit_test(test_memory),
        cmocka_unit_test(test_text),         cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_parse_double), cmocka_unit_test(test_parse_integer),
        cmocka_unit_test(test_format),       cmocka_unit_test(test_crc),
        cmocka_unit_test(test_file_read),    cmocka_unit_test(test_file_write),
        cmocka_unit_test(test_file_log),     cmocka_unit_test(test_directories),
        cmocka_unit_test(test_clock),
    };
    return cmocka_run_group_tests_name("base", tests, enter_folder, leave_folder);
}
