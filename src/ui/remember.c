/* Choices of the view, written at once. */
#include "remember.h"

#include <string.h>

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

static int make_directory_of(const char *path, struct err *err)
{
    char directory[1024];
    text_copy(directory, sizeof(directory), path);
    char *slash = strrchr(directory, '/');
    if (slash == NULL || slash == directory)
        return 0;
    *slash = '\0';
    return file_make_directories(directory, err);
}

int remember_setting(const char *path, const struct settings *settings, const struct setting *row,
                     struct err *err)
{
    struct settings *kept = mem_alloc(sizeof(*kept));
    struct text ini = {0};
    char value[SETTINGS_TEXT];
    int result = -1;
    settings_init(kept);
    settings_format(settings, row, value, sizeof(value));
    if (settings_load(kept, path, true, err) == 0 && settings_set(kept, row, value, err) == 0 &&
        make_directory_of(path, err) == 0) {
        print_choices(kept, row, &ini);
        result = file_write(path, &(struct file_part){ini.bytes, ini.length}, 1, err);
    }
    text_fini(&ini);
    mem_free(kept);
    return result;
}
