/*
 * result.json, written once at the end of a run:
 *
 *   {
 *     "name": "fig06",
 *     "test_loss": 1.4123, "test_accuracy": 0.5071,
 *     …
 *     "machine": {"cpu": "…", "cpus": 2, "threads": 2},
 *     "libraries": {"blas": "OpenBLAS 0.3.21 SkylakeX", …}
 *   }
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef KDT_VERSION
#define KDT_VERSION "unknown"
#endif

#define RESULT_MAX ((size_t)1 << 20)

static void put_text(struct text *out, const char *name, const char *value)
{
    json_t *string = json_string(value);
    char *json = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    text_print(out, "\"%s\": %s", name, json ? json : "null");
    free(json);
    json_decref(string);
}

/* A number that reads back as the same double; jansson has no such format. */
static void put_number(struct text *out, const char *name, double value)
{
    char number[40] = "null";
    if (isfinite(value))
        number_format_double(number, sizeof number, value);
    text_print(out, "\"%s\": %s", name, number);
}

static void put_integer(struct text *out, const char *name, int64_t value)
{
    text_print(out, "\"%s\": %" PRId64, name, value);
}

static void put_end(struct text *out)
{
    text_print(out, ",\n  ");
}

void run_processor(char *out, size_t size)
{
    unsigned char *bytes;
    size_t length;
    text_copy(out, size, "unknown");
    if (file_read("/proc/cpuinfo", (size_t)1 << 24, &bytes, &length, NULL) != 0)
        return;
    char *line = strstr((char *)bytes, "model name");
    char *value = line ? strstr(line, ": ") : NULL;
    if (value) {
        value[strcspn(value, "\n")] = '\0';
        text_copy(out, size, value + 2);
    }
    mem_free(bytes);
}

static void put_machine(struct text *out, const struct run *run)
{
    char cpu[128];
    run_processor(cpu, sizeof cpu);
    text_print(out, "\"machine\": {");
    put_text(out, "cpu", cpu);
    text_print(out, ", ");
    put_integer(out, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
    text_print(out, ", ");
    put_integer(out, "threads", run->now.threads);
    text_print(out, "}");
}

static void put_libraries(struct text *out)
{
    char libc[64] = "unknown";
    confstr(_CS_GNU_LIBC_VERSION, libc, sizeof libc);
    text_print(out, "\"libraries\": {");
    put_text(out, "blas", math_library());
    text_print(out, ", ");
    put_text(out, "jansson", JANSSON_VERSION);
    text_print(out, ", ");
    put_text(out, "libc", libc);
    text_print(out, "}");
}

int result_write(struct run *run, const char *path, const char *tested,
                 const struct evaluation_result *test, struct err *err)
{
    const struct evaluation *best = &run->best;
    bool any = best->step >= 0;
    struct text out = {0};
    text_print(&out, "{\n  ");
    put_text(&out, "name", run->options.name);
    put_end(&out);
    put_number(&out, "test_loss", test->loss);
    put_end(&out);
    put_number(&out, "test_accuracy", test->accuracy);
    put_end(&out);
    put_text(&out, "tested", tested);
    put_end(&out);
    put_number(&out, "best_validation_accuracy", any ? best->validation_accuracy : NAN);
    put_end(&out);
    put_number(&out, "best_validation_loss", any ? best->validation_loss : NAN);
    put_end(&out);
    put_number(&out, "best_epoch", any ? (double)best->epoch : NAN);
    put_end(&out);
    put_number(&out, "best_step", any ? (double)best->step : NAN);
    put_end(&out);
    put_integer(&out, "epochs", run->step / run->schedule.steps_per_epoch);
    put_end(&out);
    put_integer(&out, "steps", run->step);
    put_end(&out);
    put_number(&out, "seconds", run_seconds(run));
    put_end(&out);
    put_number(&out, "samples_per_second", run->train_samples / run->train_seconds);
    put_end(&out);
    put_text(&out, "dataset", run->info->name);
    put_end(&out);
    put_text(&out, "network", run->now.network);
    put_end(&out);
    char precision[SETTINGS_TEXT];
    settings_format(&run->settings, settings_find("train.precision", NULL), precision,
                    sizeof precision);
    put_text(&out, "precision", precision);
    put_end(&out);
    put_integer(&out, "parameters", (int64_t)run->now.parameters);
    put_end(&out);
    put_integer(&out, "seed", run->settings.train.seed);
    put_end(&out);
    put_text(&out, "version", KDT_VERSION);
    put_end(&out);
    put_machine(&out, run);
    put_end(&out);
    put_libraries(&out);
    text_print(&out, "\n}\n");
    struct file_part part = {out.bytes, out.length};
    int result = file_write(path, &part, 1, err);
    text_fini(&out);
    return result;
}

/* null is NaN. */
static int get_number(json_t *result, const char *key, const char *path, double *out,
                      struct err *err)
{
    json_t *value = json_object_get(result, key);
    *out = json_is_number(value) ? json_number_value(value) : NAN;
    if (json_is_number(value) || json_is_null(value))
        return 0;
    return err_set(err, ERR_FILE, "%s: no number \"%s\"", path, key);
}

int result_read(const char *path, struct run_result *out, struct err *err)
{
    unsigned char *bytes;
    size_t length;
    json_error_t error;
    if (file_read(path, RESULT_MAX, &bytes, &length, err) != 0)
        return -1;
    json_t *result = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, &error);
    mem_free(bytes);
    int status = 0;
    if (!json_is_object(result))
        status = err_set(err, ERR_FILE, "%s:%d: not a JSON object", path, result ? 1 : error.line);
    else if (get_number(result, "test_accuracy", path, &out->test_accuracy, err) != 0 ||
             get_number(result, "best_validation_accuracy", path, &out->best_validation_accuracy,
                        err) != 0 ||
             get_number(result, "best_epoch", path, &out->best_epoch, err) != 0)
        status = -1;
    json_decref(result);
    return status;
}
