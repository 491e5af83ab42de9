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

void loss_softmax(int rows, int classes, const real *logits, int stride, real *p, int p_stride)
{
    for (int r = 0; r < rows; r++, logits += stride, p += p_stride) {
        const real largest = logits[loss_argmax(classes, logits)];
        real sum = 0;

        for (int k = 0; k < classes; k++) {
            p[k] = exp(logits[k] - largest);
            sum += p[k];
        }
        for (int k = 0; k < classes; k++)
            p[k] /= sum;
    }
}

double loss_cross_entropy(int rows, int classes, const real *logits, int stride,
                          const uint8_t *labels)
{
    double loss = 0;

    for (int r = 0; r < rows; r++, logits += stride) {
        const real largest = logits[loss_argmax(classes, logits)];
        double sum = 0;

        assert(labels[r] < classes);
        for (int k = 0; k < classes; k++)
            sum += exp(logits[k] - largest);
        loss += log(sum) - (double)(logits[labels[r]] - largest);
    }
    return loss;
}
