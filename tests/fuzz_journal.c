/*
 * Fuzz target: any bytes as a journal, and as the lines of one whose checksums are
 * right. What is accepted is whole lines, as many as it says.
 */
#include "kdt/run.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void parse(const char *bytes, size_t length)
{
    struct err err;
    uint64_t lines, whole, found = 0;
    if (run_parse_journal(bytes, length, "fuzz", &lines, &whole, &err) != 0)
        return;
    if (!lines || whole > length || bytes[whole - 1] != '\n')
        abort();
    for (uint64_t i = 0; i < whole; i++)
        found += bytes[i] == '\n';
    if (found != lines)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct text chain = {0};
    uint32_t crc = 0;
    parse((const char *)bytes, length);
    for (size_t at = 0; at < length;) {
        const char *line = (const char *)bytes + at;
        const char *end = memchr(line, '\n', length - at);
        size_t size = end ? (size_t)(end - line) : length - at;
        if (size) {
            crc = digest_crc32(digest_crc32(crc, line, size - 1), "}", 1);
            text_append(&chain, line, size - 1);
            text_print(&chain, ",\"crc\":%u}\n", crc);
        }
        at += size + 1;
    }
    if (chain.length)
        parse(chain.bytes, chain.length);
    text_fini(&chain);
    return 0;
}
