/* What the made-up training takes its validation images for, and the images themselves. */
#include "fake_feed.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* In [0, 1), the same for the same numbers. */
static double chance(uint64_t a, uint64_t b)
{
    uint64_t x = (a + 1) * 0x9e3779b97f4a7c15u ^ (b + 1) * 0xbf58476d1ce4e5b9u;
    x ^= x >> 31;
    x *= 0x94d049bb133111ebu;
    x ^= x >> 29;
    return (double)(x >> 11) / (double)(1ull << 53);
}

void fake_class_name(const struct fake_feed *fake, int class, char out[FEED_CLASS_NAME])
{
    static const char *const grey[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                       "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
    static const char *const colored[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                          "dog",      "frog",       "horse", "ship", "truck"};
    if (fake->now.classes == 10)
        text_copy(out, FEED_CLASS_NAME,
                  (fake->now.image_channels == 1 ? grey : colored)[class % 10]);
    else
        snprintf(out, FEED_CLASS_NAME, "class %d", class);
}

/* A class is taken for some others often, for most hardly ever. */
static double weight(int truth, int guess, int classes)
{
    return pow(chance((uint64_t)truth, (uint64_t)guess), 0.6 * classes);
}

static void count_row(const struct fake_feed *fake, int truth, double accuracy, uint32_t *row)
{
    const int classes = fake->now.classes;
    const uint32_t total = (uint32_t)fake->now.validation_count / (uint32_t)classes;
    const double right = fmin(accuracy + 0.16 * (chance((uint64_t)truth, 999) - 0.5), 1);
    double sum = 0;
    for (int k = 0; k < classes; k++)
        if (k != truth)
            sum += weight(truth, k, classes);
    uint32_t wrong = 0;
    for (int k = 0; k < classes; k++)
        if (k != truth) {
            double part = weight(truth, k, classes) / sum;
            row[k] = (uint32_t)(total * (1 - right) * part);
            wrong += row[k];
        }
    row[truth] = total - wrong;
}

bool fake_confusion(const struct fake_feed *fake, struct confusion *out)
{
    const struct snapshot *now = &fake->now;
    if (now->evaluations == 0 || fake->no_confusion)
        return false;
    out->of = fake->evaluations[now->evaluations - 1];
    out->classes = now->classes;
    for (int k = 0; k < now->classes; k++)
        count_row(fake, k, out->of.validation_accuracy, out->count + k * now->classes);
    out->wrong_count = FEED_WRONG_GUESSES;
    for (int i = 0; i < FEED_WRONG_GUESSES; i++) {
        const int truth = (int)(chance((uint64_t)i, 1) * now->classes);
        const int other = 1 + (int)(chance((uint64_t)i, 2) * (now->classes - 1));
        out->wrong[i] = (struct wrong_guess){
            .image = (uint32_t)(chance((uint64_t)i, 3) * (double)now->validation_count),
            .truth = (uint8_t)truth,
            .guess = (uint8_t)((truth + other) % now->classes),
            .probability = 0.9993f - 0.004f * (float)i,
        };
    }
    return true;
}

/* A disc on a ground that gets lighter downwards, in colours of the image's own. */
void fake_image(const struct fake_feed *fake, uint32_t image, uint8_t *out)
{
    const struct snapshot *now = &fake->now;
    for (int channel = 0; channel < now->image_channels; channel++)
        for (int y = 0; y < now->image_height; y++)
            for (int x = 0; x < now->image_width; x++) {
                double across = (x + 0.5) / now->image_width - 0.3 - 0.4 * chance(image, 10);
                double down = (y + 0.5) / now->image_height - 0.5;
                double ink = 255 * chance(image, (uint64_t)channel);
                double ground = 200 * chance(image, 3 + (uint64_t)channel) * (0.6 + 0.8 * down);
                *out++ = (uint8_t)(hypot(across, down) < 0.3 ? ink : fmax(ground, 0));
            }
}
