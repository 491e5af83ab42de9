/*
 * Softmax and cross-entropy, shifted by the largest logit so that nothing
 * overflows.
 */
#include "kdt/net.h"
#include "internal.h"

#include <assert.h>
#include <tgmath.h>

int loss_argmax(int classes, const real *logits)
{
    int largest = 0;

    for (int k = 1; k < classes; k++)
        if (logits[k] > logits[largest])
            largest = k;
    return largest;
}

double loss_softmax(int rows, int classes, real scale, const real *logits, int stride,
                    const uint8_t *labels, real *p, int *correct)
{
    enum { BLOCK = 64 }; /* of sums, each at most 256, whose product a double holds */
    real largest[BLOCK], sum[BLOCK];
    double loss = 0;

    for (int first = 0; first < rows; first += BLOCK) {
        const int block = net_smaller(rows - first, BLOCK);
        double product = 1;

        math_softmax(block, classes, scale, logits, stride, p, largest, sum);
        for (int r = 0; r < block; r++, logits += stride, p += stride) {
            if (labels == NULL)
                continue;
            const int label = labels[first + r];
            assert(label < classes);
            product *= sum[r];
            loss -= logits[label] - largest[r];
            if (correct != NULL)
                *correct += logits[label] == largest[r] && loss_argmax(classes, logits) == label;
        }
        loss += log(product);
    }
    return loss;
}
