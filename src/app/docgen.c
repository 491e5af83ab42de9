/*
 * docgen: prints a document of the source tree with everything in it that
 * comes from the tables renewed. Not installed.
 *
 *   kdtui-docgen FILE
 *
 * A manual page keeps its text; only its regions are written anew:
 *
 *   .\" begin generated NAME
 *   .\" end generated NAME
 *
 * etc/kdtui.ini and the completions are printed whole.
 */
#include "completion.h"
#include "manual.h"

#include "kdt/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DOCUMENT_MOST = 1 << 20 };

static _Noreturn void fail(const struct err *err)
{
    fprintf(stderr, "kdtui-docgen: %s\n", err->text);
    exit(1);
}

/* The line's region name where it is `.\" WHICH generated NAME`, else NULL. */
static const char *region_name(const char *line, size_t length, const char *which, char name[64])
{
    char start[64];

    int used = snprintf(start, sizeof start, ".\\\" %s generated ", which);
    if (length <= (size_t)used || strncmp(line, start, (size_t)used) != 0)
        return NULL;
    length -= (size_t)used;
    text_copy(name, length < 63 ? length + 1 : 64, line + used);
    return name;
}

static int renew_manual(const char *path, struct text *out, struct err *err)
{
    unsigned char *bytes;
    size_t length;
    char region[64] = "", name[64];
    int line_number = 0, status = 0;

    if (file_read(path, DOCUMENT_MOST, &bytes, &length, err))
        return -1;
    const char *line = (const char *)bytes;
    while (status == 0 && *line) {
        size_t line_length = strcspn(line, "\n");

        line_number++;
        if (*region && region_name(line, line_length, "end", name)) {
            if (strcmp(region, name) != 0)
                status = err_set(err, ERR_FILE, "%s:%d: the end of %s is expected", path,
                                 line_number, region);
            *region = '\0';
        }
        if (!*region)
            text_print(out, "%.*s\n", (int)line_length, line);
        if (!*region && region_name(line, line_length, "begin", name)) {
            text_copy(region, sizeof region, name);
            if (manual_print(name, out))
                status = err_set(err, ERR_FILE, "%s:%d: no region is called %s", path, line_number,
                                 name);
        }
        line += line_length;
        line += *line == '\n';
    }
    if (status == 0 && *region)
        status = err_set(err, ERR_FILE, "%s: region %s has no end", path, region);
    mem_free(bytes);
    return status;
}

static int renew(const char *path, struct text *out, struct err *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;

    if (strcmp(name, "kdtui.ini") == 0) {
        struct settings settings;
        settings_init(&settings);
        settings_print(&settings, true, out);
        return 0;
    }
    if (strcmp(name, "kdtui.bash") == 0)
        return completion_print(COMPLETION_BASH, path, out, err);
    if (strcmp(name, "_kdtui") == 0)
        return completion_print(COMPLETION_ZSH, path, out, err);
    if (strcmp(name, "kdtui.fish") == 0)
        return completion_print(COMPLETION_FISH, path, out, err);
    return renew_manual(path, out, err);
}

int main(int count, char **arguments)
{
    struct text out = {0};
    struct err err;

    if (count != 2) {
        err_set(&err, ERR_USAGE, "usage: kdtui-docgen FILE");
        fail(&err);
    }
    if (renew(arguments[1], &out, &err))
        fail(&err);
    if (fwrite(out.bytes, 1, out.length, stdout) != out.length || fflush(stdout) != 0) {
        err_set(&err, ERR_FILE, "standard output cannot be written");
        fail(&err);
    }
    text_fini(&out);
    return 0;
}
