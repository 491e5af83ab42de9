/* Fuzz target: IDX images and labels. Whatever is accepted must be readable to
 * its end. */
#include "kdt/data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err err;
    struct data_images images;
    unsigned int sum = 0;
    if (!data_parse_idx_images(bytes, length, "fuzz", &images, &err)) {
        size_t size = (size_t)images.count * images.channels * images.height * images.width;
        if (size == 0)
            abort();
        for (size_t i = 0; i < size; i++)
            sum += images.pixels[i];
    }
    uint32_t count;
    const unsigned char *labels;
    if (!data_parse_idx_labels(bytes, length, "fuzz", &count, &labels, &err))
        for (uint32_t i = 0; i < count; i++)
            sum += labels[i];
    volatile unsigned int used = sum;
    (void)used;
    return 0;
}
