/*
 * Fuzz target: any bytes as a command line. What is accepted must be within
 * its limits and parse again to the same words.
 */
#include "kdt/cmd.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct command command, again;
    struct err err;
    char *line = mem_alloc(length + 1);
    memcpy(line, bytes, length);
    if (command_parse(line, &command, &err) == 0) {
        if (command_parse(command.line, &again, &err) || again.id != command.id ||
            again.words != command.words || again.number != command.number)
            abort();
        for (int i = 0; i < command.words; i++)
            if (strcmp(command.word[i], again.word[i]))
                abort();
    }
    mem_free(line);
    return 0;
}
