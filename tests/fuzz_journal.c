/* Fuzz target: any bytes as a journal. What is accepted is whole lines, as many as it says. */
#include "kdt/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err err;
    uint64_t lines, whole, found = 0;
    if (run_parse_journal((const char *)bytes, length, "fuzz", &lines, &whole, &err) != 0)
        return 0;
    if (!lines || whole > length || bytes[whole - 1] != '\n')
        abort();
    for (uint64_t i = 0; i < whole; i++)
        found += bytes[i] == '\n';
    if (found != lines)
        abort();
    return 0;
}
