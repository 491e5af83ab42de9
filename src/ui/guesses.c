/* See guesses.h. */
#include "guesses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void guesses_fini(struct guesses *guesses)
{
    mem_free(guesses->confusion.count);
    mem_free(guesses->total);
    mem_free(guesses->name);
    mem_free(guesses->pair);
    mem_free(guesses->pixels);
    *guesses = (struct guesses){0};
}

/* The run's classes and images are the same to its end. */
static void make_room(struct guesses *guesses, struct feed *feed, const struct snapshot *snapshot)
{
    const size_t classes = (size_t)snapshot->classes;
    guesses->confusion.count = mem_alloc(classes * classes * sizeof(*guesses->confusion.count));
    guesses->total = mem_alloc(classes * sizeof(*guesses->total));
    guesses->name = mem_alloc(classes * sizeof(*guesses->name));
    guesses->pair = mem_alloc(classes * classes * sizeof(*guesses->pair));
    for (int k = 0; k < snapshot->classes; k++)
        feed->class_name(feed, k, guesses->name[k]);
    guesses->width = snapshot->image_width;
    guesses->height = snapshot->image_height;
    guesses->channels = snapshot->image_channels;
    guesses->pixels = mem_alloc(FEED_WRONG_GUESSES * (size_t)guesses->width *
                                (size_t)guesses->height * (size_t)guesses->channels);
}

static size_t image_size(const struct guesses *guesses)
{
    return (size_t)guesses->width * (size_t)guesses->height * (size_t)guesses->channels;
}

const uint8_t *guesses_image(const struct guesses *guesses, int wrong)
{
    return guesses->pixels + (size_t)wrong * image_size(guesses);
}

double guesses_share(const struct guesses *guesses, int truth, int guess)
{
    const uint32_t count = guesses->confusion.count[truth * guesses->confusion.classes + guess];
    return guesses->total[truth] > 0 ? (double)count / guesses->total[truth] : NAN;
}

/* Bytes of so many columns, or of the whole text. */
static size_t first_columns(const char *text, int width)
{
    size_t at = 0;
    for (int columns = 0; text[at] != '\0'; at++)
        if (((unsigned char)text[at] & 0xc0) != 0x80 && columns++ == width)
            break;
    return at;
}

void guesses_name(const struct guesses *guesses, int class, int width, char out[FEED_CLASS_NAME])
{
    const char *name = guesses->name[class];
    const size_t length = first_columns(name, width);
    bool other = false;
    for (int k = 0; k < guesses->confusion.classes; k++)
        other = other || (k != class && strncmp(guesses->name[k], name, length) == 0);
    text_copy(out, FEED_CLASS_NAME, name);
    if (name[length] == '\0')
        return;
    if (other)
        snprintf(out, FEED_CLASS_NAME, "%d", class);
    else
        out[length] = '\0';
}

static int compare_pairs(const void *a, const void *b)
{
    const struct confused_pair *one = a, *other = b;
    if (one->share != other->share)
        return one->share > other->share ? -1 : 1;
    if (one->truth != other->truth)
        return one->truth < other->truth ? -1 : 1;
    return one->guess < other->guess ? -1 : 1;
}

static void find_pairs(struct guesses *guesses)
{
    const int classes = guesses->confusion.classes;
    const uint32_t *count = guesses->confusion.count;
    guesses->pair_count = 0;
    for (int truth = 0; truth < classes; truth++)
        for (int guess = 0; guess < classes; guess++) {
            const uint32_t some = count[truth * classes + guess];
            if (truth == guess || some == 0)
                continue;
            guesses->pair[guesses->pair_count++] = (struct confused_pair){
                (uint8_t)truth, (uint8_t)guess, some, guesses_share(guesses, truth, guess)};
        }
    qsort(guesses->pair, (size_t)guesses->pair_count, sizeof(*guesses->pair), compare_pairs);
}

void guesses_update(struct guesses *guesses, struct feed *feed, const struct snapshot *snapshot)
{
    const bool same =
        guesses->evaluations == snapshot->evaluations && guesses->returns == snapshot->returns;
    guesses->offered = feed->confusion != NULL;
    if (same || !guesses->offered || snapshot->classes == 0)
        return;
    if (guesses->name == NULL)
        make_room(guesses, feed, snapshot);
    guesses->evaluations = snapshot->evaluations;
    guesses->returns = snapshot->returns;
    guesses->known = feed->confusion(feed, &guesses->confusion);
    if (!guesses->known)
        return;
    const int classes = guesses->confusion.classes;
    memset(guesses->total, 0, (size_t)classes * sizeof(*guesses->total));
    for (int i = 0; i < classes * classes; i++)
        guesses->total[i / classes] += guesses->confusion.count[i];
    find_pairs(guesses);
    for (int i = 0; i < guesses->confusion.wrong_count; i++)
        feed->image(feed, guesses->confusion.wrong[i].image,
                    guesses->pixels + (size_t)i * image_size(guesses));
}
