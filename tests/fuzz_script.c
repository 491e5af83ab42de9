/* Fuzz target: any bytes as a script. */
#include "kdt/run.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct script *script;
    struct err err;
    if (script_parse((const char *)bytes, length, "fuzz", &script, &err) == 0)
        script_free(script);
    return 0;
}
