/*
 * CRC-32, zlib's.
 */
#include "kdt/base.h"

#include <zlib.h>

uint32_t digest_crc32(uint32_t crc, const void *bytes, size_t length)
{
    return (uint32_t)crc32_z(crc, bytes, length);
}
