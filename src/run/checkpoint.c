/*
 * Checkpoints: a complete state as a safetensors file.
 *
 *   tensors       data.factor, data.offset [inputs]: fed = pixel * factor - offset;
 *                 then those of the net, optimizer.… among them
 *   __metadata__  {"format":"kdtui 1","settings":"[data]\ndataset = …","step":"490",…,
 *                  "data_digest":"1c291ca3","checksum":"0c5e7a20",
 *                  "metadata_checksum":"9d0b3f51"}, all values texts
 *
 * checksum is the CRC-32 of all bytes of data; metadata_checksum that of the
 * values of settings, of each row of `fields` and of data_digest, in this
 * order, and of name and shape ("[50,3072]") of each tensor in the order of the
 * data, each with a zero byte after it.
 *
 *   image ── image_write ──> file ── checkpoint_load ──> struct checkpoint
 *                                                              │
 *                                 net <── checkpoint_restore ──┘
 *
 * Invariants:
 * 1. A file is the whole state or is refused: sizes, places, both checksums and
 *    every field are checked before anything is used.
 * 2. What is written reads back as the same bits; numbers in texts too.
 */
#include "internal.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format[] = "kdtui 1";
#define FILE_MAX ((size_t)1 << 40)

/* Every number of struct checkpoint, under its name in the file. */
enum field_type { LENGTH, POSITION, SMALL, REAL, FLAG };
struct field {
    const char *key;
    enum field_type type; /* uint64_t, int64_t, int, double, bool */
    int64_t least;        /* of the whole numbers */
    size_t offset;
};
#define FIELD(key, type, least, member)                                                            \
    {                                                                                              \
        key, type, least, offsetof(struct checkpoint, member)                                      \
    }
static const struct field fields[] = {
    FIELD("step", POSITION, 0, step),
    FIELD("epoch", POSITION, 0, epoch),
    FIELD("evaluation_due", FLAG, 0, evaluation_due),
    FIELD("rate_scale", REAL, 0, rate_scale),
    FIELD("rate_anchor", REAL, 0, rate_anchor),
    FIELD("schedule_rate", REAL, 0, schedule_rate),
    FIELD("momentum_product", REAL, 0, momentum_product),
    FIELD("seconds", REAL, 0, seconds),
    FIELD("averages_set", FLAG, 0, averages_set),
    FIELD("best_step", POSITION, -1, best.step),
    FIELD("best_epoch", POSITION, 0, best.epoch),
    FIELD("best_seconds", REAL, 0, best.seconds),
    FIELD("best_learning_rate", REAL, 0, best.learning_rate),
    FIELD("best_train_loss", REAL, 0, best.train_loss),
    FIELD("best_train_accuracy", REAL, 0, best.train_accuracy),
    FIELD("best_validation_loss", REAL, 0, best.validation_loss),
    FIELD("best_validation_accuracy", REAL, 0, best.validation_accuracy),
    FIELD("journal_seq", LENGTH, 0, journal_seq),
    FIELD("metrics_length", LENGTH, 0, metrics_length),
    FIELD("steps_length", LENGTH, 0, steps_length),
    FIELD("row_count", POSITION, 0, row.count),
    FIELD("row_sum", REAL, 0, row.sum),
    FIELD("row_minimum", REAL, 0, row.minimum),
    FIELD("row_maximum", REAL, 0, row.maximum),
    FIELD("epoch_steps", POSITION, 0, sums.steps),
    FIELD("epoch_correct", POSITION, 0, sums.correct),
    FIELD("epoch_loss", REAL, 0, sums.loss),
    FIELD("patience_evaluations", POSITION, -1, patience.evaluations),
    FIELD("patience_lowest", REAL, 0, patience.lowest),
    FIELD("classes", SMALL, 2, classes),
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

static uint32_t add_value(uint32_t crc, const char *value)
{
    return digest_crc32(crc, value, strlen(value) + 1);
}

static void print_size(char out[64], int dimensions, int64_t first, int64_t second)
{
    if (dimensions == 2)
        snprintf(out, 64, "[%" PRId64 ",%" PRId64 "]", first, second);
    else
        snprintf(out, 64, "[%" PRId64 "]", first);
}

static uint32_t add_tensor(uint32_t crc, const char *name, int dimensions, int64_t first,
                           int64_t second)
{
    char size[64];
    print_size(size, dimensions, first, second);
    return add_value(add_value(crc, name), size);
}

static void format_crc(char out[16], uint32_t crc)
{
    snprintf(out, 16, "%08" PRIx32, crc);
}

/* ---- writing ---- */

static char *format_field(const struct checkpoint *about, const struct field *field)
{
    const char *at = (const char *)about + field->offset;
    char text[40];
    switch (field->type) {
    case LENGTH:
        snprintf(text, sizeof text, "%" PRIu64, *(const uint64_t *)at);
        break;
    case POSITION:
        snprintf(text, sizeof text, "%" PRId64, *(const int64_t *)at);
        break;
    case SMALL:
        snprintf(text, sizeof text, "%d", *(const int *)at);
        break;
    case REAL:
        number_format_double(text, sizeof text, *(const double *)at);
        break;
    case FLAG:
        text_copy(text, sizeof text, *(const bool *)at ? "1" : "0");
        break;
    }
    return mem_text(text);
}

/* The pairs of __metadata__; values are allocated. */
enum { PAIRS = FIELDS + 5 };
static void fill_metadata(const struct checkpoint *about, uint32_t checksum,
                          const struct safetensors_shape *shapes, size_t count,
                          struct safetensors_pair pairs[PAIRS])
{
    struct text settings = {0};
    char digest[16], data_checksum[16], metadata_checksum[16];
    settings_print(&about->settings, false, &settings);
    format_crc(digest, about->data_digest);
    format_crc(data_checksum, checksum);

    size_t n = 0;
    pairs[n++] = (struct safetensors_pair){"format", mem_text(format)};
    pairs[n++] = (struct safetensors_pair){"settings", mem_text(settings.bytes)};
    for (size_t i = 0; i < FIELDS; i++)
        pairs[n++] = (struct safetensors_pair){fields[i].key, format_field(about, &fields[i])};
    pairs[n++] = (struct safetensors_pair){"data_digest", mem_text(digest)};
    uint32_t crc = 0;
    for (size_t i = 1; i < n; i++)
        crc = add_value(crc, pairs[i].value);
    for (size_t i = 0; i < count; i++)
        crc = add_tensor(crc, shapes[i].name, shapes[i].dimensions, shapes[i].size[0],
                         shapes[i].size[1]);
    format_crc(metadata_checksum, crc);
    pairs[n++] = (struct safetensors_pair){"checksum", mem_text(data_checksum)};
    pairs[n++] = (struct safetensors_pair){"metadata_checksum", mem_text(metadata_checksum)};
    text_fini(&settings);
}

size_t net_tensor_numbers(const struct net_tensor *tensor)
{
    return (size_t)tensor->size[0] * (tensor->dimensions == 2 ? (size_t)tensor->size[1] : 1);
}

int image_write(const struct image *image, const struct layout *layout, const char *path,
                struct err *err)
{
    const struct checkpoint *about = &image->about;
    size_t transform = (size_t)about->inputs * sizeof(float);
    struct file_part parts[] = {
        {NULL, 0},
        {about->factor, transform},
        {about->offset, transform},
        {image->copy->values, layout->numbers * sizeof *image->copy->values},
    };
    uint32_t checksum = 0;
    for (size_t i = 1; i < 4; i++)
        checksum = digest_crc32(checksum, parts[i].bytes, parts[i].length);

    size_t count = (size_t)layout->count + 2;
    struct safetensors_shape *shapes = mem_alloc(count * sizeof *shapes);
    shapes[0] = (struct safetensors_shape){"data.factor", 1, {about->inputs, 0}};
    shapes[1] = (struct safetensors_shape){"data.offset", 1, {about->inputs, 0}};
    for (int i = 0; i < layout->count; i++) {
        const struct net_tensor *tensor = &layout->tensors[i];
        shapes[i + 2] = (struct safetensors_shape){
            tensor->name, tensor->dimensions, {tensor->size[0], tensor->size[1]}};
    }
    struct safetensors_pair pairs[PAIRS];
    struct text header = {0};
    fill_metadata(about, checksum, shapes, count, pairs);
    safetensors_header(pairs, PAIRS, shapes, count, &header);
    parts[0] = (struct file_part){header.bytes, header.length};
    int result = file_write(path, parts, 4, err);
    for (size_t i = 0; i < PAIRS; i++)
        mem_free(pairs[i].value);
    mem_free(shapes);
    text_fini(&header);
    return result;
}

/* ---- reading ---- */

static const char *find_value(const struct safetensors *file, const char *key, struct err *err)
{
    const char *value = safetensors_metadata(file, key);
    if (!value)
        err_set(err, ERR_FILE, "%s: not a checkpoint of kdtui: no '%s' in its __metadata__",
                safetensors_name(file), key);
    return value;
}

static int check_crc(const struct safetensors *file, const char *key, uint32_t crc, struct err *err)
{
    char expected[16];
    const char *value = find_value(file, key, err);
    if (!value)
        return -1;
    format_crc(expected, crc);
    if (strcmp(value, expected) != 0)
        return err_set(err, ERR_FILE, "%s: %s does not match: the file is damaged",
                       safetensors_name(file), key);
    return 0;
}

/* That it is a checkpoint of ours and nothing in it was changed. */
static int check_file(const struct safetensors *file, struct err *err)
{
    const char *value = find_value(file, "format", err);
    if (!value)
        return -1;
    if (strcmp(value, format) != 0)
        return err_set(err, ERR_FILE, "%s: its format is '%s' where '%s' is expected",
                       safetensors_name(file), value, format);
    if (check_crc(file, "checksum", safetensors_checksum(file), err) != 0)
        return -1;
    uint32_t crc = 0;
    if (!(value = find_value(file, "settings", err)))
        return -1;
    crc = add_value(crc, value);
    for (size_t i = 0; i < FIELDS; i++) {
        if (!(value = find_value(file, fields[i].key, err)))
            return -1;
        crc = add_value(crc, value);
    }
    if (!(value = find_value(file, "data_digest", err)))
        return -1;
    crc = add_value(crc, value);
    for (size_t i = 0; i < safetensors_count(file); i++) {
        const struct safetensors_tensor *tensor = safetensors_at(file, i);
        crc = add_tensor(crc, tensor->name, tensor->dimensions, tensor->size[0], tensor->size[1]);
    }
    return check_crc(file, "metadata_checksum", crc, err);
}

static int parse_field(const struct safetensors *file, const struct field *field,
                       struct checkpoint *out, struct err *err)
{
    const char *value = safetensors_metadata(file, field->key);
    char *at = (char *)out + field->offset;
    int64_t whole = 0;
    bool fits;
    if (field->type == REAL)
        fits = number_parse_double(value, (double *)at) == 0;
    else
        fits = number_parse_integer(value, &whole) == 0 && whole >= field->least;
    switch (field->type) {
    case REAL:
        break;
    case LENGTH:
        *(uint64_t *)at = (uint64_t)whole;
        break;
    case POSITION:
        *(int64_t *)at = whole;
        break;
    case SMALL:
        fits = fits && whole <= NET_MAX_CLASSES;
        *(int *)at = fits ? (int)whole : 0;
        break;
    case FLAG:
        fits = fits && whole <= 1;
        *(bool *)at = whole == 1;
        break;
    }
    if (!fits)
        return err_set(err, ERR_FILE, "%s: '%s' makes no sense as %s", safetensors_name(file),
                       value, field->key);
    return 0;
}

/* A copy of a tensor of the data transform. */
static float *copy_transform(const struct safetensors *file, const char *name, int *inputs,
                             struct err *err)
{
    const struct safetensors_tensor *tensor = safetensors_find(file, name);
    if (!tensor || tensor->dimensions != 1 || tensor->count < 1 || tensor->count > INT32_MAX ||
        (*inputs && (size_t)*inputs != tensor->count)) {
        err_set(err, ERR_FILE, "%s: no tensor %s that fits", safetensors_name(file), name);
        return NULL;
    }
    float *copy = mem_array(tensor->count, sizeof *copy, err);
    if (copy)
        memcpy(copy, tensor->bytes, tensor->count * sizeof *copy);
    *inputs = (int)tensor->count;
    return copy;
}

static int parse_state(struct checkpoint *out, struct err *err)
{
    const struct safetensors *file = out->tensors;
    struct text where = {0};
    const char *settings = safetensors_metadata(file, "settings");
    settings_init(&out->settings);
    text_print(&where, "%s: settings", safetensors_name(file));
    int result = settings_parse(&out->settings, settings, strlen(settings), where.bytes, err);
    text_fini(&where);
    if (result != 0 && err)
        err->code = ERR_FILE; /* nobody typed these */
    for (size_t i = 0; i < FIELDS && result == 0; i++)
        result = parse_field(file, &fields[i], out, err);
    if (result != 0)
        return -1;
    out->data_digest = (uint32_t)strtoul(safetensors_metadata(file, "data_digest"), NULL, 16);
    out->factor = copy_transform(file, "data.factor", &out->inputs, err);
    out->offset = out->factor ? copy_transform(file, "data.offset", &out->inputs, err) : NULL;
    return out->offset ? 0 : -1;
}

/* Takes the bytes over. */
static int parse_owned(unsigned char *bytes, size_t length, const char *name,
                       struct checkpoint *out, struct err *err)
{
    *out = (struct checkpoint){0};
    if (safetensors_read(bytes, length, name, &out->tensors, err) != 0)
        return -1;
    if (check_file(out->tensors, err) != 0 || parse_state(out, err) != 0) {
        checkpoint_fini(out);
        return -1;
    }
    return 0;
}

int checkpoint_parse(const unsigned char *bytes, size_t length, const char *name,
                     struct checkpoint *out, struct err *err)
{
    unsigned char *copy = mem_array(length + 1, 1, err);
    if (!copy)
        return -1;
    if (length)
        memcpy(copy, bytes, length);
    return parse_owned(copy, length, name, out, err);
}

int checkpoint_load(const char *path, struct checkpoint *out, struct err *err)
{
    unsigned char *bytes;
    size_t length;
    if (file_read(path, FILE_MAX, &bytes, &length, err) != 0)
        return -1;
    return parse_owned(bytes, length, path, out, err);
}

int checkpoint_tensor(const struct checkpoint *checkpoint, const struct net_tensor *wanted,
                      float *out, struct err *err)
{
    const char *name = safetensors_name(checkpoint->tensors);
    const struct safetensors_tensor *from = safetensors_find(checkpoint->tensors, wanted->name);
    if (!from)
        return err_set(err, ERR_FILE, "%s: no tensor %s", name, wanted->name);
    if (from->dimensions != wanted->dimensions || from->size[0] != wanted->size[0] ||
        (wanted->dimensions == 2 && from->size[1] != wanted->size[1])) {
        char has[64], wants[64];
        print_size(has, from->dimensions, from->size[0], from->size[1]);
        print_size(wants, wanted->dimensions, wanted->size[0], wanted->size[1]);
        return err_set(err, ERR_FILE, "%s: tensor %s is %s where %s is expected", name,
                       wanted->name, has, wants);
    }
    memcpy(out, from->bytes, from->count * sizeof *out);
    if (!wanted->optimizer && !math_finite(from->count, out))
        return err_set(err, ERR_FILE, "%s: a weight is not a finite number", name);
    return 0;
}

int checkpoint_check_count(const struct checkpoint *checkpoint, int tensors, struct err *err)
{
    /* Those of the net and the transform's two. */
    if (safetensors_count(checkpoint->tensors) == (size_t)tensors + 2)
        return 0;
    return err_set(err, ERR_FILE, "%s: %zu tensors where %d are expected",
                   safetensors_name(checkpoint->tensors), safetensors_count(checkpoint->tensors),
                   tensors + 2);
}

int checkpoint_restore(const struct checkpoint *checkpoint, struct net *net, struct err *err)
{
    int count = net_tensor_count(net);
    for (int i = 0; i < count; i++) {
        struct net_tensor tensor;
        net_tensor_get(net, i, &tensor);
        float *values = mem_array(net_tensor_numbers(&tensor), sizeof *values, err);
        if (!values)
            return -1;
        int result = checkpoint_tensor(checkpoint, &tensor, values, err);
        if (result == 0)
            net_tensor_write(net, i, values);
        mem_free(values);
        if (result != 0)
            return -1;
    }
    net_averages_mark(net, checkpoint->averages_set);
    return checkpoint_check_count(checkpoint, count, err);
}

void checkpoint_fini(struct checkpoint *checkpoint)
{
    safetensors_free(checkpoint->tensors);
    mem_free(checkpoint->factor);
    mem_free(checkpoint->offset);
    *checkpoint = (struct checkpoint){0};
}
