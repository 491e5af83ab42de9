/* Fuzz target: any bytes as search.journal. What is accepted up to a line is accepted again. */
#include "kdt/search.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    const char *text = (const char *)bytes;
    struct err err;
    int64_t trials, again;
    size_t whole, same;
    (void)search_parse_journal(text, length, "fuzz", &trials, &whole, &err);
    if (search_parse_journal(text, whole, "fuzz", &again, &same, &err) != 0 || same != whole ||
        again > trials)
        abort();
    return 0;
}
