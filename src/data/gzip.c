/*
 * gzip to memory. The only door of this room to zlib.
 */
#include "internal.h"

#include <assert.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum { GZIP_ONLY = 16 + MAX_WBITS, SMALLEST_BUFFER = 1 << 16 };

bool gzip_is(const unsigned char *bytes, size_t length)
{
    return length >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/* Unpacks on until `capacity` bytes are out, the stream ends or it is damaged.
 * Returns zlib's last answer; Z_OK: out is full. */
static int inflate_until(z_stream *stream, const unsigned char *bytes, size_t length,
                         unsigned char *out, size_t capacity)
{
    int answer = Z_OK;
    while (answer == Z_OK && stream->total_out < capacity) {
        /* zlib counts in unsigned int, and keeps nothing of the last call. */
        size_t in = length - stream->total_in, room = capacity - stream->total_out;
        stream->next_in = bytes + stream->total_in;
        stream->avail_in = in < UINT32_MAX ? (uInt)in : UINT32_MAX;
        stream->next_out = out + stream->total_out;
        stream->avail_out = room < UINT32_MAX ? (uInt)room : UINT32_MAX;
        answer = inflate(stream, Z_NO_FLUSH);
    }
    return answer;
}

size_t gzip_head(const unsigned char *bytes, size_t length, unsigned char *out, size_t size)
{
    z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_ONLY) != Z_OK)
        return 0;
    inflate_until(&stream, bytes, length, out, size);
    inflateEnd(&stream);
    return stream.total_out;
}

/* Unpacks everything into *out, which grows, so that a small file that claims
 * much gets no more memory than it fills. */
static int inflate_all(z_stream *stream, const unsigned char *bytes, size_t length,
                       const char *name, size_t limit, unsigned char **out, struct err *err)
{
    /* One byte more than allowed tells too long from just right. */
    size_t most = limit + 1, capacity = length < SMALLEST_BUFFER / 4 ? SMALLEST_BUFFER : length * 4;
    for (*out = NULL;; capacity *= 2) {
        capacity = capacity < most ? capacity : most;
        unsigned char *larger = mem_array(capacity, 1, err);
        if (!larger)
            return err_context(err, "%s", name);
        if (*out)
            memcpy(larger, *out, stream->total_out);
        mem_free(*out);
        *out = larger;
        int answer = inflate_until(stream, bytes, length, *out, capacity);
        if (stream->total_out > limit)
            return err_set(err, ERR_FILE, "%s: unpacks to more than the %zu bytes expected", name,
                           limit);
        if (answer == Z_BUF_ERROR)
            return err_set(err, ERR_FILE, "%s: truncated, the gzip stream does not end", name);
        if (answer == Z_MEM_ERROR)
            return err_set(err, ERR_MEMORY, "%s: no memory to unpack it", name);
        if (answer == Z_STREAM_END)
            break;
        if (answer != Z_OK)
            return err_set(err, ERR_FILE, "%s: damaged gzip stream (%s)", name,
                           stream->msg ? stream->msg : "needs a dictionary");
    }
    if (stream->total_in != length)
        return err_set(err, ERR_FILE, "%s: %zu bytes after the end of the gzip stream", name,
                       length - stream->total_in);
    return 0;
}

int data_gunzip(const unsigned char *bytes, size_t length, const char *name, size_t limit,
                unsigned char **out, size_t *out_length, struct err *err)
{
    assert(limit < SIZE_MAX);
    z_stream stream = {0};
    if (inflateInit2(&stream, GZIP_ONLY) != Z_OK)
        return err_set(err, ERR_MEMORY, "%s: no memory to unpack it", name);
    int failed = inflate_all(&stream, bytes, length, name, limit, out, err);
    inflateEnd(&stream);
    if (failed) {
        mem_free(*out);
        *out = NULL;
        return -1;
    }
    *out_length = stream.total_out;
    return 0;
}
