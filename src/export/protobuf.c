/* The wire format; see protobuf.h. Least byte first on every machine. */
#include "kdt/export.h"
#include "protobuf.h"

#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_EIGHT = 1, WIRE_LENGTH = 2, WIRE_FOUR = 5 };

static void put_varint(struct text *out, uint64_t value)
{
    char bytes[10];
    size_t length = 0;
    do {
        const unsigned low = value & 0x7f;
        value >>= 7;
        bytes[length++] = (char)(value != 0 ? low | 0x80 : low);
    } while (value != 0);
    text_append(out, bytes, length);
}

static void put_key(struct text *out, int field, enum wire wire)
{
    put_varint(out, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_fixed(struct text *out, uint64_t bits, int count)
{
    for (int i = 0; i < count; i++)
        text_append(out, &(char){(char)(bits >> 8 * i & 0xff)}, 1);
}

void protobuf_integer(struct text *out, int field, int64_t value)
{
    put_key(out, field, WIRE_VARINT);
    put_varint(out, (uint64_t)value);
}

void protobuf_float(struct text *out, int field, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, WIRE_FOUR);
    put_fixed(out, bits, 4);
}

void protobuf_double(struct text *out, int field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_key(out, field, WIRE_EIGHT);
    put_fixed(out, bits, 8);
}

void protobuf_bytes(struct text *out, int field, const void *bytes, size_t length)
{
    put_key(out, field, WIRE_LENGTH);
    put_varint(out, length);
    text_append(out, bytes, length);
}

void protobuf_string(struct text *out, int field, const char *string)
{
    protobuf_bytes(out, field, string, strlen(string));
}

void protobuf_message(struct text *out, int field, struct text *message)
{
    protobuf_bytes(out, field, message->length > 0 ? message->bytes : "", message->length);
    text_fini(message);
}
