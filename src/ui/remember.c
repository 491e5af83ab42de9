/* Choices of the view, written at once. */
#include "remember.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Every setting of the view that is not as it always is, and the one that was chosen. */
static void print_choices(const struct settings *settings, const struct setting *chosen,
                          struct text *out)
{
    text_print(out, "[view]\n");
    for (size_t i = 0; i < settings_count(); i++) {
        const struct setting *row = settings_row(i);
        char value[SETTINGS_TEXT];
        settings_format(settings, row, value, sizeof(value));
        if (row->change == SETTING_VIEW && (row == chosen || strcmp(value, row->standard) != 0))
            text_print(out, "%s = %s\n", row->key, value);
    }
}

static void directory_of(const char *path, char *out, size_t size)
{
    text_copy(out, size, path);
    char *slash = strrchr(out, '/');
    if (slash == NULL)
        text_copy(out, size, ".");
    else
        slash[slash == out] = '\0';
}

/* Two views may choose at once: each reads what the other wrote. The lock is the directory's, as
 * the file is another with every choice. -1: a file system without locks, which is no reason not
 * to remember. */
static int lock_directory(const char *directory)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)flock(fd, LOCK_EX);
    return fd;
}

int remember_setting(const char *path, const struct settings *settings, const struct setting *row,
                     struct err *err)
{
    char value[SETTINGS_TEXT], directory[1024];
    directory_of(path, directory, sizeof(directory));
    if (file_make_directories(directory, err) != 0)
        return -1;
    const int lock = lock_directory(directory);
    struct settings *kept = mem_alloc(sizeof(*kept));
    struct text ini = {0};
    int result = -1;
    settings_init(kept);
    settings_format(settings, row, value, sizeof(value));
    if (settings_load(kept, path, true, err) == 0 && settings_set(kept, row, value, err) == 0) {
        print_choices(kept, row, &ini);
        result = file_write(path, &(struct file_part){ini.bytes, ini.length}, 1, err);
    }
    text_fini(&ini);
    mem_free(kept);
    if (lock >= 0)
        close(lock);
    return result;
}
