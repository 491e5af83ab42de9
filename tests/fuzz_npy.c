/* Fuzz target: NPY images and labels. Whatever is accepted must be readable to
 * its end. */
#include "kdt/data.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct err err;
    struct data_images images;
    bool channels_last;
    unsigned int sum = 0;
    if (!data_parse_npy_images(bytes, length, "fuzz", &images, &channels_last, &err)) {
        size_t size = (size_t)images.count * images.channels * images.height * images.width;
        if (size == 0)
            abort();
        for (size_t i = 0; i < size; i++)
            sum += images.pixels[i];
    }
    uint32_t count;
    uint8_t *labels;
    if (!data_parse_npy_labels(bytes, length, "fuzz", &count, &labels, &err)) {
        for (uint32_t i = 0; i < count; i++)
            sum += labels[i];
        mem_free(labels);
    }
    volatile unsigned int used = sum;
    (void)used;
    return 0;
}
