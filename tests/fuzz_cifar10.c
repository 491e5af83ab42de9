/* Fuzz target: CIFAR-10 batch files. The records accepted fill the file and
 * have labels of the ten classes. */
#include "kdt/data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err err;
    uint32_t records;
    if (data_parse_cifar10(bytes, length, "fuzz", &records, &err))
        return 0;
    if (records == 0 || (size_t)records * 3073 != length)
        abort();
    for (size_t i = 0; i < records; i++)
        if (bytes[i * 3073] > 9)
            abort();
    return 0;
}
