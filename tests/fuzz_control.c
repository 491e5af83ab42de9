/*
 * Fuzz target: any bytes as what a client of the control socket has sent. A
 * request is within the bytes, and the same without what follows it.
 */
#include "kdt/ctl.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct ctl_request request, again;
    struct err err;
    char *copy = malloc(length);
    memcpy(copy, bytes, length);
    const int used = ctl_parse_request(copy, length, &request, &err);
    if (used > (int)length || used < -1)
        abort();
    if (used > 0 && (copy[used - 1] != '\n' || strlen(request.command) >= COMMAND_LINE ||
                     ctl_parse_request(copy, (size_t)used, &again, &err) != used ||
                     request.kind != again.kind || strcmp(request.command, again.command) != 0 ||
                     request.last < request.first))
        abort();
    free(copy);
    return 0;
}
