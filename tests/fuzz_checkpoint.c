/* Any bytes as a checkpoint: refused, or read without touching memory that is not its own. */
#include <stddef.h>
#include <stdint.h>

#include "kdt/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct checkpoint checkpoint;
    struct err err;
    if (checkpoint_parse(bytes, length, "fuzz", &checkpoint, &err) == 0)
        checkpoint_fini(&checkpoint);
    return 0;
}
