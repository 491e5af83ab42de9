/* The screens' rectangles. */
#include "layout.h"

/* Takes rows off the top or the foot of what is left. */
static struct rect take_top(struct rect *rest, int rows)
{
    struct rect taken = {rest->x, rest->y, rest->width, rows};
    rest->y += rows;
    rest->height -= rows;
    return taken;
}

static struct rect take_foot(struct rect *rest, int rows)
{
    rest->height -= rows;
    return (struct rect){rest->x, rest->y + rest->height, rest->width, rows};
}

static void split_sides(struct rect whole, int left, struct rect *a, struct rect *b)
{
    *a = (struct rect){whole.x, whole.y, left, whole.height};
    *b = (struct rect){whole.x + left, whole.y, whole.width - left, whole.height};
}

/* What is around every screen; false where there is no room for one. */
static bool take_frame(struct rect *rest, int warning, int banner, struct layout *out)
{
    const int width = rest->width, height = rest->height;
    *out = (struct layout){0};
    if (width < LAYOUT_LEAST_WIDTH || height < LAYOUT_LEAST_HEIGHT) {
        out->line_only = true;
        if (width > 0 && height > 0)
            out->head = take_top(rest, 1);
        return false;
    }
    out->head = take_top(rest, 1);
    if (warning > 0)
        out->warning = take_top(rest, warning > 1 && height >= 24 ? 2 : 1);
    if (banner > 0)
        out->banner = take_top(rest, height >= 20 ? banner + 2 : banner > 1 ? 2 : 1);
    out->keys = take_foot(rest, 1);
    out->news = take_foot(rest, 1);
    return true;
}

static void place_charts(struct rect rest, struct layout *out)
{
    if (rest.width >= 140 || (rest.height < 12 && rest.width >= 76)) {
        split_sides(rest, rest.width / 2, &out->loss, &out->accuracy);
    } else {
        int accuracy = rest.height >= 9 ? rest.height / 2 : 1;
        out->accuracy = take_foot(&rest, accuracy);
        out->loss = rest;
    }
}

void layout_compute(int width, int height, int warning, int banner, struct layout *out)
{
    struct rect rest = {0, 0, width, height};
    if (!take_frame(&rest, warning, banner, out))
        return;
    out->strip = take_foot(&rest, width >= 110 && height < 20 ? 1 : 2);
    out->progress = take_foot(&rest, 1);

    if (rest.height >= 32 && width >= 110) {
        struct rect lists = take_foot(&rest, rest.height >= 44 ? 12 : 9);
        split_sides(lists, 67, &out->rows, &out->changes);
    }
    place_charts(rest, out);
}

void layout_show_changes(struct layout *layout)
{
    if (layout->line_only || layout->changes.height > 0)
        return;
    const struct rect loss = layout->loss, accuracy = layout->accuracy;
    struct rect rest = {loss.x, loss.y, accuracy.x + accuracy.width - loss.x,
                        accuracy.y + accuracy.height - loss.y};
    if (rest.height < 6)
        return;
    int rows = rest.height / 3;
    layout->changes = take_foot(&rest, rows < 3 ? 3 : rows > 12 ? 12 : rows);
    place_charts(rest, layout);
}

void layout_compute_body(int width, int height, int warning, int banner, struct layout *out)
{
    struct rect rest = {0, 0, width, height};
    if (!take_frame(&rest, warning, banner, out))
        return;
    out->screens = take_top(&rest, 1);
    out->body = rest;
}
