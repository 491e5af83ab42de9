/* See picture.h. */
#include "picture.h"
#include "color.h"

/* A pixel of a picture scaled to so many. */
struct target {
    int x, y, columns, rows;
};

static int64_t overlap(int64_t a, int64_t a_end, int64_t b, int64_t b_end)
{
    const int64_t first = a > b ? a : b, end = a_end < b_end ? a_end : b_end;
    return end > first ? end - first : 0;
}

/* The mean of a plane over the target's area, in whole numbers: each pixel of the picture is
 * `columns` wide and `rows` high, each target as wide and high as the picture has pixels. */
static uint32_t plane_mean(const uint8_t *plane, int width, int height, struct target target)
{
    const int left = target.x * width, top = target.y * height;
    int64_t sum = 0;
    for (int y = top / target.rows; y * target.rows < top + height; y++) {
        const int64_t high =
            overlap((int64_t)y * target.rows, (int64_t)(y + 1) * target.rows, top, top + height);
        for (int x = left / target.columns; x * target.columns < left + width; x++)
            sum += plane[y * width + x] * high *
                   overlap((int64_t)x * target.columns, (int64_t)(x + 1) * target.columns, left,
                           left + width);
    }
    const int64_t area = (int64_t)width * height;
    return (uint32_t)((sum + area / 2) / area);
}

static uint32_t color_at(const struct picture *picture, struct target target)
{
    uint32_t rgb = 0;
    for (int i = 0; i < 3; i++) {
        const size_t plane = (size_t)picture->width * (size_t)picture->height;
        const uint8_t *pixels = picture->pixels + (picture->channels == 3 ? (size_t)i * plane : 0);
        rgb = rgb << 8 | plane_mean(pixels, picture->width, picture->height, target);
    }
    return rgb;
}

static void paint_cells(struct grid *grid, struct rect where, const struct picture *picture)
{
    for (int y = 0; y < where.height; y++)
        for (int x = 0; x < where.width; x++) {
            struct target upper = {x, 2 * y, where.width, 2 * where.height}, lower = upper;
            lower.y++;
            grid_put(grid, where.x + x, where.y + y, STYLE_PLAIN, 0x2580);
            grid_paint(grid, where.x + x, where.y + y, color_at(picture, upper),
                       color_at(picture, lower));
        }
}

static void shade_cells(struct grid *grid, struct rect where, const struct picture *picture)
{
    static const char shades[] = " .:-=+*#%@";
    enum { LIGHTEST = sizeof(shades) - 2 };
    struct target target = {.columns = where.width, .rows = where.height};
    int darkest = 255, lightest = 0;
    for (int pass = 0; pass < 2; pass++)
        for (target.y = 0; target.y < where.height; target.y++)
            for (target.x = 0; target.x < where.width; target.x++) {
                const int light = color_luminance(color_at(picture, target));
                if (pass == 0) {
                    darkest = light < darkest ? light : darkest;
                    lightest = light > lightest ? light : lightest;
                    continue;
                }
                const int range = lightest > darkest ? lightest - darkest : 1;
                const int shade = ((light - darkest) * LIGHTEST + range / 2) / range;
                grid_put(grid, where.x + target.x, where.y + target.y, STYLE_PLAIN,
                         (uint32_t)shades[shade]);
            }
}

void picture_draw(struct grid *grid, struct rect where, const struct picture *picture, bool paint)
{
    if (paint)
        paint_cells(grid, where, picture);
    else
        shade_cells(grid, where, picture);
}
