/*
 * TensorBoard's event file: records of
 *
 *   length (8 bytes), masked CRC-32C of these 8, the Event message, its masked CRC-32C
 *
 * least byte first. The messages and the numbers of their fields are those of
 * event.proto, summary.proto and tensor.proto.
 */
#include "kdt/export.h"
#include "protobuf.h"

enum {
    EVENT_TIME = 1,
    EVENT_STEP = 2,
    EVENT_VERSION = 3,
    EVENT_SUMMARY = 5,
    SUMMARY_VALUE = 1,
    VALUE_TAG = 1,
    VALUE_SIMPLE = 2,
    VALUE_TENSOR = 8,
    VALUE_METADATA = 9,
    METADATA_PLUGIN = 1,
    PLUGIN_NAME = 1,
    TENSOR_TYPE = 1,
    TENSOR_SHAPE = 2,
    TENSOR_STRINGS = 8,
    TYPE_STRING = 7,
    SHAPE_DIMENSION = 2,
    DIMENSION_SIZE = 1,
};

/* CRC-32C: Castagnoli's polynomial, reflected. */
static uint32_t crc32c(const char *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~crc;
}

static void put_bytes(struct text *out, uint64_t value, int count)
{
    for (int i = 0; i < count; i++)
        text_append(out, &(char){(char)(value >> 8 * i & 0xff)}, 1);
}

static void put_checksum(struct text *out, const char *bytes, size_t length)
{
    const uint32_t crc = crc32c(bytes, length);
    put_bytes(out, (crc >> 15 | crc << 17) + UINT32_C(0xa282ead8), 4);
}

/* Appends the event and frees it. */
static void put_record(struct text *out, struct text *event)
{
    const size_t at = out->length;
    put_bytes(out, event->length, 8);
    put_checksum(out, out->bytes + at, 8);
    text_append(out, event->bytes, event->length);
    put_checksum(out, event->bytes, event->length);
    text_fini(event);
}

/* One value at a step; frees it. */
static void put_value(const struct run_record *record, struct text *out, double seconds,
                      int64_t step, struct text *value)
{
    struct text event = {0}, summary = {0};
    protobuf_double(&event, EVENT_TIME, record->started + seconds);
    protobuf_integer(&event, EVENT_STEP, step);
    protobuf_message(&summary, SUMMARY_VALUE, value);
    protobuf_message(&event, EVENT_SUMMARY, &summary);
    put_record(out, &event);
}

static void put_scalar(const struct run_record *record, struct text *out, double seconds,
                       int64_t step, const char *tag, double number)
{
    struct text value = {0};
    protobuf_string(&value, VALUE_TAG, tag);
    protobuf_float(&value, VALUE_SIMPLE, (float)number);
    put_value(record, out, seconds, step, &value);
}

static void put_edit(const struct run_record *record, struct text *out,
                     const struct edit_mark *edit)
{
    struct text value = {0}, metadata = {0}, plugin = {0}, tensor = {0}, shape = {0}, one = {0};
    protobuf_string(&plugin, PLUGIN_NAME, "text");
    protobuf_message(&metadata, METADATA_PLUGIN, &plugin);
    protobuf_integer(&one, DIMENSION_SIZE, 1);
    protobuf_message(&shape, SHAPE_DIMENSION, &one);
    protobuf_integer(&tensor, TENSOR_TYPE, TYPE_STRING);
    protobuf_message(&tensor, TENSOR_SHAPE, &shape);
    protobuf_string(&tensor, TENSOR_STRINGS, edit->label);
    protobuf_string(&value, VALUE_TAG, "edits");
    protobuf_message(&value, VALUE_TENSOR, &tensor);
    protobuf_message(&value, VALUE_METADATA, &metadata);
    put_value(record, out, 0, edit->step, &value);
}

void export_tensorboard(const struct run_record *record, struct text *out)
{
    struct text version = {0};
    protobuf_double(&version, EVENT_TIME, record->started);
    protobuf_string(&version, EVENT_VERSION, "brain.Event:2");
    put_record(out, &version);
    for (size_t i = 0; i < record->loss_count; i++) {
        const struct loss_bucket *row = &record->losses[i];
        if (row->abandoned)
            continue;
        put_scalar(record, out, row->seconds, row->last, "loss/train", row->mean);
        put_scalar(record, out, row->seconds, row->last, "learning_rate", row->learning_rate);
    }
    for (size_t i = 0; i < record->evaluation_count; i++) {
        const struct evaluation *row = &record->evaluations[i];
        const double seconds = row->seconds;
        if (row->abandoned)
            continue;
        put_scalar(record, out, seconds, row->step, "loss/train_evaluated", row->train_loss);
        put_scalar(record, out, seconds, row->step, "loss/validation", row->validation_loss);
        put_scalar(record, out, seconds, row->step, "accuracy/train", row->train_accuracy);
        put_scalar(record, out, seconds, row->step, "accuracy/validation",
                   row->validation_accuracy);
    }
    for (size_t i = 0; i < record->edit_count; i++)
        if (!record->edits[i].abandoned)
            put_edit(record, out, &record->edits[i]);
}
