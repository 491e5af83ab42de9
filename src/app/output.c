/* Files for the person; see output.h. */
#include "output.h"

#include <stdio.h>

char *output_path(const struct options *options, const char *name, struct err *err)
{
    if (options->output)
        return mem_text(options->output);
    if (!file_exists(name))
        return mem_text(name);
    err_set(err, ERR_FILE, "%s is there already; --output FILE names another or replaces it", name);
    return NULL;
}

void output_say(const char *path)
{
    printf("wrote %s\n", path);
}

int output_write(const char *path, const struct text *bytes, struct err *err)
{
    if (file_write(path, &(struct file_part){bytes->bytes, bytes->length}, 1, err) != 0)
        return -1;
    output_say(path);
    return 0;
}
