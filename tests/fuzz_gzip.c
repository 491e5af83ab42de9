/* Fuzz target: gzip to memory, and IDX inside of it. Never more than the
 * limit, and nothing left behind after an error. */
#include "kdt/data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static const size_t limits[] = {0, 16, 4096, 1 << 20};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct err err;
        struct data_images images;
        unsigned char *out;
        size_t out_length;
        if (data_gunzip(bytes, length, "fuzz", limits[i], &out, &out_length, &err)) {
            if (out)
                abort();
            continue;
        }
        if (out_length > limits[i])
            abort();
        (void)data_parse_idx_images(out, out_length, "fuzz", &images, &err);
        mem_free(out);
    }
    return 0;
}
