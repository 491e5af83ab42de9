/* Fuzz target: any bytes as metrics.csv and as steps.csv. What is accepted has a row a line. */
#include "kdt/run.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *text = (const char *)bytes;
    struct err err;
    size_t lines = 0, rows;
    for (size_t i = 0; i < length; i++)
        lines += bytes[i] == '\n';
    if (run_parse_metrics(text, length, "fuzz", &rows, &err) == 0 && rows + 1 != lines)
        abort();
    if (run_parse_steps(text, length, "fuzz", &rows, &err) == 0 && rows + 1 != lines)
        abort();
    return 0;
}
