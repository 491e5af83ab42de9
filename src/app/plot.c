/* The subcommand plot; see plot.h. gnuplot draws into a file beside the one that is wanted,
 * which takes its place once it is whole. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "plot.h"

#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kdt/export.h"
#include "kdt/search.h"
#include "output.h"
#include "places.h"

extern char **environ;

/* What a file's ending means to gnuplot; NULL: its script itself. */
static const struct ending {
    const char *ending, *terminal;
} endings[] = {
    {".svg", "svg size 1100,440 font 'sans-serif,12' background 'white'"},
    {".png", "pngcairo size 1650,660 fontscale 1.3"},
    {".pdf", "pdfcairo size 11in,4.4in font 'sans-serif,12'"},
    {".gp", NULL},
};

static const struct ending *find_ending(const char *path, struct err *err)
{
    const size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t own = strlen(endings[i].ending);
        if (length > own && strcmp(path + length - own, endings[i].ending) == 0)
            return &endings[i];
    }
    err_set(err, ERR_USAGE,
            "--output %s: a name that ends with .svg, .png, .pdf or .gp is expected", path);
    return NULL;
}

/* Beside `path`, hidden, with this ending; mem_free it. */
static char *beside(const char *path, const char *ending)
{
    const char *slash = strrchr(path, '/');
    const size_t directory = slash ? (size_t)(slash - path) + 1 : 0;
    struct text name = {0};
    text_append(&name, path, directory);
    text_print(&name, ".%s.%ld%s", path + directory, (long)getpid(), ending);
    return name.bytes;
}

static int run_gnuplot(const char *script, struct err *err)
{
    char program[] = "gnuplot";
    char *file = mem_text(script);
    char *arguments[] = {program, file, NULL};
    pid_t child;
    int status, failed = posix_spawnp(&child, program, NULL, NULL, arguments, environ);
    mem_free(file);
    if (failed == ENOENT)
        return err_set(err, ERR_SYSTEM,
                       "gnuplot is not installed; --output FILE.gp writes the script for it");
    if (failed != 0)
        return err_set_errno(err, ERR_SYSTEM, failed, "gnuplot");
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return err_set_errno(err, ERR_SYSTEM, errno, "gnuplot");
    if (status != 0)
        return err_set(err, ERR_SYSTEM, "gnuplot failed");
    return 0;
}

/* What is to be drawn: runs, or one search. */
struct figure {
    struct run_record *records;
    size_t count;
    struct search *search;
    char name[128];
};

static void put_script(const struct figure *figure, const char *terminal, const char *picture,
                       struct text *out)
{
    if (figure->search)
        export_gnuplot_search(figure->search, terminal, picture, out);
    else
        export_gnuplot(figure->records, figure->count, terminal, picture, out);
}

static int draw(const char *path, const char *terminal, const struct figure *figure,
                struct err *err)
{
    struct text script = {0};
    struct stat drawn;
    char *picture = beside(path, ".tmp"), *file = beside(path, ".gp");
    int code = -1;
    put_script(figure, terminal, picture, &script);
    if (file_write(file, &(struct file_part){script.bytes, script.length}, 1, err) == 0 &&
        run_gnuplot(file, err) == 0) {
        if (stat(picture, &drawn) != 0 || drawn.st_size == 0)
            err_set(err, ERR_FILE, "%s: gnuplot drew nothing", path);
        else if (rename(picture, path) != 0)
            err_set_errno(err, ERR_FILE, errno, "%s", path);
        else
            code = 0;
    }
    unlink(file);
    unlink(picture);
    text_fini(&script);
    mem_free(picture);
    mem_free(file);
    if (code == 0)
        output_say(path);
    return code;
}

static int plot(const struct options *options, const struct figure *figure, struct err *err)
{
    char name[sizeof figure->name + 8];
    snprintf(name, sizeof name, "%s.svg", figure->name);
    char *path = output_path(options, name, err);
    const struct ending *ending = path ? find_ending(path, err) : NULL;
    int code = -1;
    if (ending && ending->terminal) {
        code = draw(path, ending->terminal, figure, err);
    } else if (ending) {
        struct text script = {0};
        put_script(figure, NULL, NULL, &script);
        code = output_write(path, &script, err);
        text_fini(&script);
    }
    mem_free(path);
    return code;
}

/* The directory of a search, or the name of one in the runs directory; NULL: it is none. */
static char *find_search(const char *word, const char *runs)
{
    if (search_exists(word))
        return mem_text(word);
    char *directory = file_path(runs, word);
    if (search_exists(directory))
        return directory;
    mem_free(directory);
    return NULL;
}

static int load_search(const char *directory, const char *word, struct figure *figure,
                       struct err *err)
{
    struct search_snapshot now;
    struct trial trial;
    int first;
    if (figure->count || figure->search)
        return err_set(err, ERR_USAGE, "%s: a search is drawn alone", word);
    if (search_open(directory, &figure->search, err) != 0)
        return -1;
    search_snapshot(figure->search, &now);
    text_copy(figure->name, sizeof figure->name, now.name);
    if (search_ranking(figure->search, &first, 1) == 0 ||
        !search_trial(figure->search, first, &trial) || isnan(trial.value))
        return err_set(err, ERR_FILE, "%s: no trial has been evaluated yet", word);
    return 0;
}

static int load_run(const char *word, const char *runs, struct figure *figure, struct err *err)
{
    if (figure->search)
        return err_set(err, ERR_USAGE, "%s: a search is drawn alone", figure->name);
    char *directory = places_run(word, runs, err);
    int code = directory ? run_record_load(directory, &figure->records[figure->count], err) : -1;
    if (code == 0 && figure->count++ == 0)
        text_copy(figure->name, sizeof figure->name, figure->records[0].name);
    mem_free(directory);
    return code;
}

int plot_command(const struct options *options, struct err *err)
{
    const size_t words = options->operand_count ? options->operand_count : 1;
    struct figure figure = {.records = mem_alloc(words * sizeof *figure.records)};
    char *runs =
        options->runs_directory ? mem_text(options->runs_directory) : places_runs_directory();
    int code = 0;
    for (size_t i = 0; i < words && code == 0; i++) {
        const char *word = options->operand_count ? options->operands[i] : "last";
        char *search = find_search(word, runs);
        code =
            search ? load_search(search, word, &figure, err) : load_run(word, runs, &figure, err);
        mem_free(search);
    }
    if (code == 0)
        code = plot(options, &figure, err);
    for (size_t i = 0; i < figure.count; i++)
        run_record_fini(&figure.records[i]);
    search_destroy(figure.search);
    mem_free(figure.records);
    mem_free(runs);
    return code;
}
