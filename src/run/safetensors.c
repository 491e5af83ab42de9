/*
 * The safetensors container, read from memory and written.
 *
 *   8 bytes   length of the header, little-endian
 *   header    {"__metadata__":{"step":"490",…},
 *              "layers.0.weight":{"dtype":"F32","shape":[50,3072],"data_offsets":[0,614400]},…}
 *             padded with spaces so that the data begin at a multiple of 8
 *   data      the tensors, little-endian, without gaps
 *
 * The reader believes nothing: every length is checked against what remains
 * before it is used, and the tensors must cover the data exactly, once each.
 */
#include "internal.h"

#include <endian.h>
#include <jansson.h>
#include <string.h>

#if __BYTE_ORDER != __LITTLE_ENDIAN
#error "tensors are copied as they are: a little-endian machine is needed"
#endif

enum { PREFIX = 8, NUMBER = 4 };
/* The format's own limit for a header. */
#define HEADER_MAX ((uint64_t)100000000)

struct safetensors {
    unsigned char *bytes;
    char *name;
    json_t *header;
    const unsigned char *data;
    size_t data_length;
    struct safetensors_tensor *tensors; /* in the order of their data */
    size_t count;
};

void safetensors_free(struct safetensors *file)
{
    if (!file)
        return;
    for (size_t i = 0; i < file->count; i++)
        mem_free(file->tensors[i].name);
    mem_free(file->tensors);
    json_decref(file->header);
    mem_free(file->name);
    mem_free(file->bytes);
    mem_free(file);
}

static int read_header(struct safetensors *file, size_t length, struct err *err)
{
    if (length < PREFIX)
        return err_set(err, ERR_FILE, "%s: %zu bytes are too short for a safetensors file",
                       file->name, length);
    uint64_t header;
    memcpy(&header, file->bytes, sizeof header);
    if (header > HEADER_MAX)
        return err_set(err, ERR_FILE, "%s: not a safetensors file", file->name);
    if (header > length - PREFIX)
        return err_set(err, ERR_FILE,
                       "%s: not a safetensors file, or cut off: a header of %zu bytes is expected, "
                       "%zu follow",
                       file->name, (size_t)header, length - PREFIX);
    json_error_t error;
    file->header = json_loadb((const char *)file->bytes + PREFIX, (size_t)header,
                              JSON_REJECT_DUPLICATES, &error);
    if (!file->header)
        return err_set(err, ERR_FILE, "%s: the header is not JSON: %s", file->name, error.text);
    if (!json_is_object(file->header))
        return err_set(err, ERR_FILE, "%s: the header is not a JSON object", file->name);
    file->data = file->bytes + PREFIX + header;
    file->data_length = length - PREFIX - (size_t)header;
    return 0;
}

static int check_metadata(const struct safetensors *file, json_t *metadata, struct err *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(metadata))
        return err_set(err, ERR_FILE, "%s: __metadata__ is not an object", file->name);
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return err_set(
        err, ERR_FILE, "%s: '%s' in __metadata__ is not a string", file->name, key);
    return 0;
}

/* A whole number from 0 on at index `i` of an array, or -1. */
static int64_t whole(json_t *array, size_t i)
{
    json_t *value = json_array_get(array, i);
    return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value)
                                                                    : -1;
}

static int read_tensor(const struct safetensors *file, const char *name, json_t *about,
                       struct safetensors_tensor *out, struct err *err)
{
    const char *type = json_string_value(json_object_get(about, "dtype"));
    json_t *shape = json_object_get(about, "shape");
    json_t *offsets = json_object_get(about, "data_offsets");
    if (!type || !json_is_array(shape) || json_array_size(offsets) != 2)
        return err_set(err, ERR_FILE, "%s: tensor %s lacks dtype, shape or data_offsets",
                       file->name, name);
    if (strcmp(type, "F32") != 0)
        return err_set(err, ERR_FILE, "%s: tensor %s is %s where F32 is expected", file->name, name,
                       type);
    size_t dimensions = json_array_size(shape), bytes = NUMBER;
    if (dimensions < 1 || dimensions > 2)
        return err_set(err, ERR_FILE, "%s: tensor %s has %zu dimensions where 1 or 2 are expected",
                       file->name, name, dimensions);
    for (size_t i = 0; i < dimensions; i++) {
        int64_t size = whole(shape, i);
        if (size < 0 || __builtin_mul_overflow(bytes, (size_t)size, &bytes))
            return err_set(err, ERR_FILE, "%s: the shape of tensor %s makes no sense", file->name,
                           name);
        out->size[i] = size;
    }
    int64_t begin = whole(offsets, 0), end = whole(offsets, 1);
    if (begin < 0 || end < begin || (uint64_t)end > file->data_length)
        return err_set(err, ERR_FILE, "%s: tensor %s reaches beyond the file's end", file->name,
                       name);
    if ((uint64_t)(end - begin) != bytes)
        return err_set(err, ERR_FILE, "%s: tensor %s has %lld bytes where its shape needs %zu",
                       file->name, name, (long long)(end - begin), bytes);
    out->dimensions = (int)dimensions;
    out->bytes = file->data + begin;
    out->count = bytes / NUMBER;
    out->name = mem_text(name);
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct safetensors_tensor *x = a, *y = b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return x->count < y->count ? -1 : x->count > y->count;
}

static int check_places(const struct safetensors *file, struct err *err)
{
    const unsigned char *next = file->data;
    for (size_t i = 0; i < file->count; i++) {
        const struct safetensors_tensor *tensor = &file->tensors[i];
        if (tensor->bytes != next)
            return err_set(err, ERR_FILE, "%s: tensor %s %s", file->name, tensor->name,
                           tensor->bytes < next ? "overlaps another" : "follows a gap in the data");
        next += tensor->count * NUMBER;
    }
    if (next != file->data + file->data_length)
        return err_set(err, ERR_FILE, "%s: %td bytes after the last tensor", file->name,
                       file->data + file->data_length - next);
    return 0;
}

static int read_tensors(struct safetensors *file, struct err *err)
{
    const char *name;
    json_t *about;
    file->tensors = mem_alloc(json_object_size(file->header) * sizeof *file->tensors);
    json_object_foreach(file->header, name, about)
    {
        int result;
        if (strcmp(name, "__metadata__") == 0)
            result = check_metadata(file, about, err);
        else if ((result = read_tensor(file, name, about, &file->tensors[file->count], err)) == 0)
            file->count++;
        if (result != 0)
            return -1;
    }
    if (file->count)
        qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
    return check_places(file, err);
}

int safetensors_read(unsigned char *bytes, size_t length, const char *name,
                     struct safetensors **out, struct err *err)
{
    struct safetensors *file = mem_alloc(sizeof *file);
    file->bytes = bytes;
    file->name = mem_text(name);
    if (read_header(file, length, err) != 0 || read_tensors(file, err) != 0) {
        safetensors_free(file);
        return -1;
    }
    *out = file;
    return 0;
}

const char *safetensors_name(const struct safetensors *file)
{
    return file->name;
}

size_t safetensors_count(const struct safetensors *file)
{
    return file->count;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t i)
{
    return &file->tensors[i];
}

const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->tensors[i].name, name) == 0)
            return &file->tensors[i];
    return NULL;
}

uint32_t safetensors_checksum(const struct safetensors *file)
{
    return digest_crc32(0, file->data, file->data_length);
}

void safetensors_header(const struct safetensors_pair *metadata, size_t pairs,
                        const struct safetensors_shape *shapes, size_t tensors, struct text *out)
{
    json_t *header = json_object(), *strings = json_object();
    for (size_t i = 0; i < pairs; i++)
        json_object_set_new(strings, metadata[i].key, json_string(metadata[i].value));
    json_object_set_new(header, "__metadata__", strings);
    json_int_t begin = 0;
    for (size_t i = 0; i < tensors; i++) {
        json_t *shape = json_array();
        json_int_t bytes = NUMBER;
        for (int j = 0; j < shapes[i].dimensions; j++) {
            json_array_append_new(shape, json_integer(shapes[i].size[j]));
            bytes *= shapes[i].size[j];
        }
        json_object_set_new(header, shapes[i].name,
                            json_pack("{s:s,s:o,s:[I,I]}", "dtype", "F32", "shape", shape,
                                      "data_offsets", begin, begin + bytes));
        begin += bytes;
    }
    char *json = json_dumps(header, JSON_COMPACT);
    json_decref(header);
    uint64_t length = strlen(json), padded = (length + PREFIX - 1) / PREFIX * PREFIX;
    text_append(out, (const char *)&padded, sizeof padded);
    text_append(out, json, (size_t)length);
    text_append(out, "       ", (size_t)(padded - length));
    free(json);
}
