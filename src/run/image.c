/*
 * Images: complete states in memory. The numbers of an image, a copy of the
 * net's, are never changed once they are there, so that everybody who wants the
 * same state shares them: what is written, kept for undo, best and good at an
 * epoch's end is one copy.
 *
 *   net ── copies_take ──> copy <── holders: the run, kept states, jobs of the writer
 *    ^                      │
 *    └──── image_restore ───┘
 *
 * Memory of this size is slow to get, so copies that nobody holds any more are
 * kept for the next, and the writer gets some in advance.
 */
#include "internal.h"

enum { SPARE_COPIES = 3 };

static void layout_init(struct layout *layout, const struct net *net)
{
    layout->count = net_tensor_count(net);
    layout->tensors = mem_alloc((size_t)layout->count * sizeof *layout->tensors);
    layout->numbers = 0;
    for (int i = 0; i < layout->count; i++) {
        struct net_tensor *tensor = &layout->tensors[i];
        net_tensor_get(net, i, tensor);
        layout->numbers += net_tensor_numbers(tensor);
    }
}

static void copy_destroy(struct copy *copy)
{
    mem_free(copy->values);
    mem_free(copy);
}

static struct copy *copy_create(const struct layout *layout, struct err *err)
{
    struct copy *copy = mem_alloc(sizeof *copy);
    copy->values = mem_array(layout->numbers, sizeof *copy->values, err);
    if (copy->values)
        return copy;
    mem_free(copy);
    return NULL;
}

int copies_init(struct copies *copies, const struct net *net, struct err *err)
{
    pthread_mutex_init(&copies->lock, NULL);
    layout_init(&copies->layout, net);
    for (; copies->spare_count < SPARE_COPIES; copies->spare_count++) {
        struct copy *copy = copy_create(&copies->layout, err);
        if (!copy)
            return -1;
        copy->next = copies->spare;
        copies->spare = copy;
    }
    return 0;
}

void copies_fini(struct copies *copies)
{
    if (!copies->layout.tensors)
        return;
    while (copies->spare) {
        struct copy *copy = copies->spare;
        copies->spare = copy->next;
        copy_destroy(copy);
    }
    mem_free(copies->layout.tensors);
    pthread_mutex_destroy(&copies->lock);
}

void copies_prepare(struct copies *copies)
{
    pthread_mutex_lock(&copies->lock);
    bool enough = copies->spare_count >= SPARE_COPIES;
    pthread_mutex_unlock(&copies->lock);
    struct err err;
    struct copy *copy = enough ? NULL : copy_create(&copies->layout, &err);
    if (!copy)
        return;
    copy->holders = 1;
    copies_release(copies, copy);
}

/* One with any numbers in it, held once. */
static struct copy *copies_get(struct copies *copies, struct err *err)
{
    pthread_mutex_lock(&copies->lock);
    struct copy *copy = copies->spare;
    if (copy) {
        copies->spare = copy->next;
        copies->spare_count--;
    }
    pthread_mutex_unlock(&copies->lock);
    if (!copy)
        copy = copy_create(&copies->layout, err);
    if (copy)
        copy->holders = 1;
    return copy;
}

struct copy *copies_take(struct copies *copies, const struct net *net, struct err *err)
{
    struct copy *copy = copies_get(copies, err);
    if (!copy)
        return NULL;
    float *next = copy->values;
    for (int i = 0; i < copies->layout.count; i++) {
        net_tensor_read(net, i, next);
        next += net_tensor_numbers(&copies->layout.tensors[i]);
    }
    return copy;
}

struct copy *copies_hold(struct copies *copies, struct copy *copy)
{
    if (!copy)
        return NULL;
    pthread_mutex_lock(&copies->lock);
    copy->holders++;
    pthread_mutex_unlock(&copies->lock);
    return copy;
}

void copies_release(struct copies *copies, struct copy *copy)
{
    if (!copy)
        return;
    pthread_mutex_lock(&copies->lock);
    bool last = --copy->holders == 0, spare = last && copies->spare_count < SPARE_COPIES;
    if (spare) {
        copy->next = copies->spare;
        copies->spare = copy;
        copies->spare_count++;
    }
    pthread_mutex_unlock(&copies->lock);
    if (last && !spare)
        copy_destroy(copy);
}

void image_restore(const struct image *image, const struct copies *copies, struct net *net)
{
    const float *next = image->copy->values;
    for (int i = 0; i < copies->layout.count; i++) {
        net_tensor_write(net, i, next);
        next += net_tensor_numbers(&copies->layout.tensors[i]);
    }
    net_averages_mark(net, image->about.averages_set);
}

int image_load(struct image *out, struct copies *copies, const char *path, struct err *err)
{
    struct checkpoint checkpoint;
    if (checkpoint_load(path, &checkpoint, err) != 0)
        return -1;
    struct copy *copy = copies_get(copies, err);
    int result = copy ? 0 : -1;
    float *next = copy ? copy->values : NULL;
    for (int i = 0; i < copies->layout.count && result == 0; i++) {
        const struct net_tensor *tensor = &copies->layout.tensors[i];
        result = checkpoint_tensor(&checkpoint, tensor, next, err);
        next += net_tensor_numbers(tensor);
    }
    if (result == 0)
        result = checkpoint_check_count(&checkpoint, copies->layout.count, err);
    if (result == 0) {
        *out = (struct image){checkpoint, copy};
        out->about.tensors = NULL;
        out->about.factor = out->about.offset = NULL;
    } else {
        copies_release(copies, copy);
    }
    checkpoint_fini(&checkpoint);
    return result;
}
