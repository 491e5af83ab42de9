/* Settings in the other rooms' own terms, and a dataset in those of the settings. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "internal.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

void run_data_options(const struct settings *settings, struct data_options *out)
{
    static const enum data_kind kinds[] = {
        [DATASET_AUTO] = DATA_AUTO,
        [DATASET_CIFAR10] = DATA_CIFAR10,
        [DATASET_MNIST] = DATA_MNIST,
        [DATASET_FASHION_MNIST] = DATA_FASHION_MNIST,
        [DATASET_IDX] = DATA_IDX,
        [DATASET_NPY] = DATA_NPY,
        [DATASET_SYNTHETIC] = DATA_SYNTHETIC,
    };
    static const enum data_mean means[] = {
        [MEAN_GLOBAL] = DATA_MEAN_GLOBAL,
        [MEAN_CHANNEL] = DATA_MEAN_CHANNEL,
        [MEAN_PIXEL] = DATA_MEAN_PIXEL,
        [MEAN_NONE] = DATA_MEAN_NONE,
    };
    static const enum data_scale scales[] = {
        [SCALE_UNIT] = DATA_SCALE_UNIT,
        [SCALE_STD] = DATA_SCALE_STD,
    };
    *out = (struct data_options){
        .kind = kinds[settings->data.dataset],
        .path = settings->data.path,
        .train_size = (uint64_t)settings->data.train_size,
        .validation_size = (uint64_t)settings->data.validation_size,
        .validation_from = (int)settings->data.validation_from,
        .mean = means[settings->data.mean],
        .scale = scales[settings->data.scale],
        .seed = (uint64_t)settings->train.seed,
    };
}

int data_record(const struct data_info *info, struct settings *settings, struct err *err)
{
    static const enum settings_dataset kinds[] = {
        [DATA_CIFAR10] = DATASET_CIFAR10, [DATA_FASHION_MNIST] = DATASET_FASHION_MNIST,
        [DATA_MNIST] = DATASET_MNIST,     [DATA_IDX] = DATASET_IDX,
        [DATA_NPY] = DATASET_NPY,         [DATA_SYNTHETIC] = DATASET_SYNTHETIC,
    };
    settings->data.dataset = kinds[info->kind];
    char path[PATH_MAX] = "";
    if (info->path[0] && !realpath(info->path, path))
        return err_set_errno(err, ERR_FILE, errno, "%s", info->path);
    if (utf8_valid(path))
        return settings_set(settings, settings_find("data.path", NULL), path, err);
    utf8_show(path);
    return err_set(err, ERR_USAGE, "data.path '%s' is not valid UTF-8", path);
}

int run_net_shape(const struct settings *settings, int inputs, int classes, struct net_shape *out,
                  struct err *err)
{
    static const enum net_activation activations[] = {
        [ACTIVATION_RELU] = NET_RELU,
        [ACTIVATION_LEAKY_RELU] = NET_LEAKY_RELU,
        [ACTIVATION_ELU] = NET_ELU,
    };
    static const enum net_norm norms[] = {
        [BATCH_NORM_BEFORE] = NET_NORM_BEFORE,
        [BATCH_NORM_AFTER] = NET_NORM_AFTER,
        [BATCH_NORM_NONE] = NET_NORM_NONE,
    };
    static const enum net_optimizer optimizers[] = {
        [OPTIMIZER_SGD] = NET_SGD,
        [OPTIMIZER_NESTEROV] = NET_NESTEROV,
        [OPTIMIZER_ADAM] = NET_ADAM,
        [OPTIMIZER_ADAMW] = NET_ADAMW,
    };
    _Static_assert((int)SETTINGS_MAX_LAYERS < (int)NET_MAX_LAYERS, "every setting has a net");
    if (classes < 2 || classes > NET_MAX_CLASSES)
        return err_set(err, ERR_FILE, "%d classes where 2 to %d are expected", classes,
                       NET_MAX_CLASSES);
    *out = (struct net_shape){
        .inputs = inputs,
        .layers = settings->network.hidden.count + 1,
        .activation = activations[settings->network.activation],
        .slope = settings->network.slope,
        .norm = norms[settings->network.batch_norm],
        .norm_learned = settings->network.batch_norm_learned,
        .norm_average = settings->network.batch_norm_average,
        .optimizer = optimizers[settings->train.optimizer],
    };
    for (int i = 0; i < settings->network.hidden.count; i++)
        out->units[i] = settings->network.hidden.units[i];
    out->units[out->layers - 1] = classes;
    return 0;
}

struct net_update update_terms(const struct settings *settings, double rate, int64_t step,
                               double momentum_product)
{
    return (struct net_update){
        .rate = rate,
        .l2 = settings->train.l2,
        .momentum = settings->train.momentum,
        .label_smoothing = settings->train.label_smoothing,
        .dropout = settings->network.dropout,
        .seed = (uint64_t)settings->train.seed,
        .step = step,
        .updates = step,
        .momentum_product = momentum_product,
    };
}

void draw_weights(const struct settings *settings, struct net *net)
{
    static const enum net_init rules[] = {
        [INIT_HE] = NET_INIT_HE, [INIT_XAVIER] = NET_INIT_XAVIER, [INIT_NORMAL] = NET_INIT_NORMAL};
    net_init_weights(net, rules[settings->network.init], settings->network.init_std,
                     (uint64_t)settings->train.seed);
}

int training_shape(const struct settings *settings, const struct data_info *info,
                   struct net_shape *out, struct err *err)
{
    uint64_t images = info->count[DATA_TRAIN];
    if ((uint64_t)settings->train.batch_size > images || images > UINT32_MAX)
        return err_set(err, ERR_USAGE,
                       "train.batch_size %" PRId64 ": there are %" PRIu64 " training images",
                       settings->train.batch_size, images);
    const bool mixed = settings->train.precision == PRECISION_BFLOAT16;
    if (mixed && math_bf16() == NULL)
        return err_set(err, ERR_USAGE,
                       "train.precision = bfloat16: this processor does not have AVX512_BF16; "
                       "float32 is expected");
    if (run_net_shape(settings, info->inputs, info->classes, out, err) != 0)
        return -1;
    out->precision = mixed ? NET_BFLOAT16 : NET_FLOAT32;
    return 0;
}
