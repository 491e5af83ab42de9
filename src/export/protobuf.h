/*
 * Messages in Google's wire format: a field is its number and a wire type as a
 * varint, then a varint, four or eight bytes, or a length and bytes. A message
 * within a message is written on its own first.
 */
#ifndef KDT_EXPORT_PROTOBUF_H
#define KDT_EXPORT_PROTOBUF_H

#include "kdt/export.h"

/* A field that is a whole number or an enumeration. */
void protobuf_integer(struct text *out, int field, int64_t value);
void protobuf_float(struct text *out, int field, float value);
void protobuf_double(struct text *out, int field, double value);
void protobuf_bytes(struct text *out, int field, const void *bytes, size_t length);
void protobuf_string(struct text *out, int field, const char *string);
/* Appends the message and frees it. */
void protobuf_message(struct text *out, int field, struct text *message);

#endif
