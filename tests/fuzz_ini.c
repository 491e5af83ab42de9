/*
 * Fuzz target: an INI file's bytes. Whatever parses must print and parse back
 * to the same settings.
 */
#include "kdt/conf.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct settings settings, again;
    struct text first = {0}, second = {0};
    struct err err;

    settings_init(&settings);
    if (settings_parse(&settings, (const char *)bytes, length, "fuzz.ini", &err))
        return 0;
    settings_print(&settings, length % 2 == 0, &first);
    settings_init(&again);
    if (settings_parse(&again, first.bytes, first.length, "printed.ini", &err))
        abort();
    settings_print(&again, length % 2 == 0, &second);
    if (strcmp(first.bytes, second.bytes) != 0)
        abort();
    text_fini(&first);
    text_fini(&second);
    return 0;
}
