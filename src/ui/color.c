/* See color.h. */
#include "color.h"

static int channel(uint32_t rgb, int i)
{
    return (int)(rgb >> (16 - 8 * i) & 0xff);
}

static int square(int x)
{
    return x * x;
}

int color_nearest(uint32_t rgb)
{
    static const int levels[] = {0, 95, 135, 175, 215, 255};
    int cube = 0, cube_distance = 0, sum = 0, grey_distance = 0;
    for (int i = 0; i < 3; i++) {
        const int value = channel(rgb, i);
        int nearest = 0;
        while (nearest < 5 && levels[nearest + 1] - value < value - levels[nearest])
            nearest++;
        cube = 6 * cube + nearest;
        cube_distance += square(levels[nearest] - value);
        sum += value;
    }
    /* 24 greys, 8 … 238. */
    int grey = (sum / 3 - 3) / 10;
    grey = grey < 0 ? 0 : grey > 23 ? 23 : grey;
    for (int i = 0; i < 3; i++)
        grey_distance += square(8 + 10 * grey - channel(rgb, i));
    return grey_distance < cube_distance ? 232 + grey : 16 + cube;
}

int color_luminance(uint32_t rgb)
{
    return (299 * channel(rgb, 0) + 587 * channel(rgb, 1) + 114 * channel(rgb, 2)) / 1000;
}
