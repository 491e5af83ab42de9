/*
 * CRC-32, zlib's.
 */
#include "kdt/base.h"

#include <assert.h>
#include <zlib.h>

uint32_t digest_crc32(uint32_t crc, const void *bytes, size_t length)
{
    return (uint32_t)crc32_z(crc, bytes, length);
}

uint32_t digest_crc32_join(uint32_t first, uint32_t second, size_t length)
{
    assert(length <= PTRDIFF_MAX);
    return (uint32_t)crc32_combine(first, second, (z_off_t)length);
}
