/*
 * Dropout, inverted: units that give 0, and the others as much more that the
 * mean stays. Which they are is drawn again for the gradient, not kept: a
 * number of 16 bits for each row and unit, a function of both, layer, step and
 * seed, so neither the team nor how a layer is cut can be seen in it.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* What one draw decides. */
enum { DROP_UNITS = 16, DROP_ROWS = 8 };
#define LIMITS 65536.0

struct dropout dropout_plan(const struct net_update *update)
{
    const double limit = round(LIMITS * update->dropout);

    assert(update->dropout >= 0 && limit < LIMITS);
    return (struct dropout){
        .limit = (uint32_t)limit,
        .scale = (real)(LIMITS / (LIMITS - limit)),
        .seed = update->seed,
        .step = (uint32_t)update->step,
    };
}

/* Word 0 holds the numbers of rows 0 and 1, and so on; all of DROP_UNITS units. A
 * product, so that NaN stays NaN. */
static void drop(const struct dropout *dropout, uint32_t words[DROP_ROWS / 2][DROP_UNITS], int rows,
                 const real *x, real *y, int stride)
{
    for (int r = 0; r < rows; r++, x += stride, y += stride) {
        real row[DROP_UNITS];

        memcpy(row, x, sizeof row);
        for (int h = 0; h < DROP_UNITS; h++) {
            const uint32_t drawn = words[r / 2][h] >> 16 * (r % 2) & 0xffff;
            row[h] *= drawn < dropout->limit ? 0 : dropout->scale;
        }
        memcpy(y, row, sizeof row);
    }
}

void layer_drop(const struct net *net, const struct layer *layer, int rows, int begin, int end,
                const real *x, real *y)
{
    const struct dropout *dropout = &net->dropout;
    const uint32_t l = (uint32_t)(layer - net->layers);
    uint32_t words[DROP_ROWS / 2][DROP_UNITS];

    assert(begin % DROP_UNITS == 0 && end % DROP_UNITS == 0);
    for (int h = begin; h < end; h += DROP_UNITS)
        for (int r = 0; r < rows; r += DROP_ROWS) {
            const size_t at = (size_t)r * (size_t)layer->stride + (size_t)h;
            rng_draw_16(dropout->seed, RNG_DROPOUT, dropout->step,
                        l << 24 | (uint32_t)(r / DROP_ROWS), (uint32_t)h, words);
            drop(dropout, words, net_smaller(rows - r, DROP_ROWS), x + at, y + at, layer->stride);
        }
}
