/* Exponential smoothing, without the bias to a first value that is not there. */
#include "smooth.h"

#include <math.h>

void smooth_add(struct smooth *smooth, double mean, double steps, double over)
{
    if (!isfinite(mean) || !(steps > 0) || !(over > 0))
        return;
    double fresh = -expm1(-steps / over), kept = 1 - fresh;
    smooth->sum = smooth->sum * kept + mean * fresh;
    smooth->weight = smooth->weight * kept + fresh;
}

double smooth_value(const struct smooth *smooth)
{
    return smooth->weight > 0 ? smooth->sum / smooth->weight : NAN;
}
