/* The subcommand list; see list.h. Newest first; a run whose files are damaged is listed as such.
 */
#include "list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "places.h"
#include "standing.h"

struct row {
    char *name;
    double started; /* seconds since 1970 */
    json_t *standing;
    struct err damage; /* where `standing` is NULL */
};
struct rows {
    struct row *list;
    size_t count;
};

static void add_run(struct rows *rows, const char *runs, const char *name)
{
    struct stat status;
    char *directory = file_path(runs, name), *settings = file_path(directory, "settings.ini");
    if (stat(settings, &status) == 0) {
        rows->list = mem_resize(rows->list, (rows->count + 1) * sizeof *rows->list);
        struct row *row = &rows->list[rows->count++];
        *row = (struct row){.name = mem_text(name), .started = (double)status.st_mtim.tv_sec};
        row->standing = standing_find(directory, &row->damage);
    }
    mem_free(settings);
    mem_free(directory);
}

static int newest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->started != y->started)
        return x->started < y->started ? 1 : -1;
    return strcmp(x->name, y->name);
}

static int find_runs(const char *runs, struct rows *rows, struct err *err)
{
    DIR *stream = opendir(runs);
    if (!stream && errno != ENOENT)
        return err_set_errno(err, ERR_FILE, errno, "%s", runs);
    for (const struct dirent *entry; stream && (entry = readdir(stream));)
        if (entry->d_name[0] != '.')
            add_run(rows, runs, entry->d_name);
    if (stream)
        closedir(stream);
    if (rows->count)
        qsort(rows->list, rows->count, sizeof *rows->list, newest_first);
    return 0;
}

static void rows_fini(struct rows *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        mem_free(rows->list[i].name);
        json_decref(rows->list[i].standing);
    }
    mem_free(rows->list);
}

static const char *text_of(const struct row *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row->standing, key));
    return text ? text : "damaged";
}

/* "45 s", "12 min", "3 h", "2 days" */
static void format_age(double seconds, char *out, size_t size)
{
    if (seconds < 60)
        snprintf(out, size, "%.0f s", seconds < 0 ? 0 : seconds);
    else if (seconds < 3600)
        snprintf(out, size, "%.0f min", seconds / 60);
    else if (seconds < 48 * 3600)
        snprintf(out, size, "%.0f h", seconds / 3600);
    else
        snprintf(out, size, "%.0f days", seconds / 86400);
}

static void print_table(const struct rows *rows, double now)
{
    int wide = (int)strlen("run");
    for (size_t i = 0; i < rows->count; i++)
        wide = (int)strlen(rows->list[i].name) > wide ? (int)strlen(rows->list[i].name) : wide;
    printf("%-*s  %-11s  %9s  %7s  %8s\n", wide, "run", "state", "epoch", "best", "age");
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->list[i];
        const json_t *best = json_object_get(row->standing, "best_validation_accuracy");
        char epoch[32] = "-", accuracy[32] = "-", age[32];
        if (row->standing)
            snprintf(epoch, sizeof epoch, "%lld/%lld",
                     (long long)json_integer_value(json_object_get(row->standing, "epoch")),
                     (long long)json_integer_value(json_object_get(row->standing, "epochs")));
        if (json_is_number(best))
            snprintf(accuracy, sizeof accuracy, "%.2f%%", 100 * json_number_value(best));
        format_age(now - row->started, age, sizeof age);
        printf("%-*s  %-11s  %9s  %7s  %8s\n", wide, row->name, text_of(row, "state"), epoch,
               accuracy, age);
        if (!row->standing)
            fprintf(stderr, "kdtui: %s\n", row->damage.text);
    }
}

static void print_json(const struct rows *rows, double now)
{
    static const char *const keys[] = {"epoch", "epochs", "best_validation_accuracy", "directory"};
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        const struct row *row = &rows->list[i];
        json_t *object = json_object();
        json_object_set_new(object, "name", json_string(row->name));
        json_object_set_new(object, "state", json_string(text_of(row, "state")));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            json_t *value = json_object_get(row->standing, keys[k]);
            json_object_set(object, keys[k], value ? value : json_null());
        }
        json_object_set_new(object, "age", json_real(now - row->started));
        json_array_append_new(list, object);
    }
    json_dumpf(list, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    printf("\n");
    json_decref(list);
}

int list_command(const struct options *options, struct err *err)
{
    struct rows rows = {0};
    struct timespec now;
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    int code = find_runs(runs, &rows, err);
    clock_gettime(CLOCK_REALTIME, &now);
    if (code == 0 && options->json)
        print_json(&rows, (double)now.tv_sec);
    else if (code == 0 && rows.count == 0)
        printf("no run in %s\n", runs);
    else if (code == 0)
        print_table(&rows, (double)now.tv_sec);
    rows_fini(&rows);
    mem_free(runs);
    return code;
}
