/* Pieces that the screens share. */
#include "draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t draw_line_break(const char *text, int width, const char **next)
{
    size_t at = 0, space = 0;
    int columns = 0;
    while (text[at] != '\0') {
        if (((unsigned char)text[at] & 0xc0) != 0x80) {
            if (text[at] == ' ')
                space = at;
            if (columns == width)
                break;
            columns++;
        }
        at++;
    }
    if (text[at] == '\0') {
        *next = text + at;
        return at;
    }
    if (space == 0) { /* a word wider than the line */
        if (at == 0)
            at = 1;
        *next = text + at;
        return at;
    }
    *next = text + space + 1;
    return space;
}

int draw_wrapped(struct grid *grid, struct rect where, enum style style, const char *text)
{
    int lines = 0;
    while (*text != '\0') {
        const char *next;
        size_t length = draw_line_break(text, where.width, &next);
        if (grid != NULL && lines < where.height) {
            /* The last line that fits shows that more was cut. */
            if (lines + 1 == where.height && *next != '\0')
                grid_text(grid, where.x, where.y + lines, where.width, style, text);
            else
                grid_print(grid, where.x, where.y + lines, where.width, style, "%.*s", (int)length,
                           text);
        }
        text = next;
        lines++;
    }
    return lines;
}

int draw_wrapped_lines(const char *text, int width)
{
    return draw_wrapped(NULL, (struct rect){0, 0, width, 0}, STYLE_PLAIN, text);
}

void draw_fitting(struct grid *grid, struct rect row, enum style style, const char *const *texts,
                  size_t count)
{
    size_t i = 0;
    while (i + 1 < count && grid_text_columns(texts[i]) > row.width)
        i++;
    grid_text(grid, row.x, row.y, row.width, style, texts[i]);
}

void draw_centered(struct grid *grid, struct rect where, enum style style, const char *text)
{
    int lines = draw_wrapped_lines(text, where.width);
    int y = where.y + (where.height > lines ? (where.height - lines) / 2 : 0);
    for (; *text != '\0' && y < where.y + where.height; y++) {
        const char *next;
        size_t length = draw_line_break(text, where.width, &next);
        char line[512];
        snprintf(line, sizeof(line), "%.*s", (int)length, text);
        int columns = grid_text_columns(line);
        grid_text(grid, where.x + (where.width - columns) / 2, y, where.width, style, line);
        text = next;
    }
}

void draw_fill(struct grid *grid, struct rect where, enum style style)
{
    for (int y = where.y; y < where.y + where.height; y++)
        for (int x = where.x; x < where.x + where.width; x++)
            grid_put(grid, x, y, style, ' ');
}

void draw_frame(struct grid *grid, struct rect where, enum style style, const char *title)
{
    static const uint32_t line[2][6] = {
        {0x2500, 0x2502, 0x256d, 0x256e, 0x2570, 0x256f},
        {'-', '|', '+', '+', '+', '+'},
    };
    const uint32_t *with = line[grid->ascii];
    int right = where.x + where.width - 1, foot = where.y + where.height - 1;
    if (where.width < 2 || where.height < 2)
        return;
    draw_fill(grid, where, STYLE_PLAIN);
    for (int x = where.x + 1; x < right; x++) {
        grid_put(grid, x, where.y, style, with[0]);
        grid_put(grid, x, foot, style, with[0]);
    }
    for (int y = where.y + 1; y < foot; y++) {
        grid_put(grid, where.x, y, style, with[1]);
        grid_put(grid, right, y, style, with[1]);
    }
    grid_put(grid, where.x, where.y, style, with[2]);
    grid_put(grid, right, where.y, style, with[3]);
    grid_put(grid, where.x, foot, style, with[4]);
    grid_put(grid, right, foot, style, with[5]);
    if (title[0] != '\0' && where.width > 8)
        grid_print(grid, where.x + 2, where.y, where.width - 4, style, " %s ", title);
}

void draw_bar(struct grid *grid, int x, int y, int width, double part)
{
    if (!(part >= 0))
        part = 0;
    int done = (int)floor(fmin(part, 1) * width);
    for (int i = 0; i < width; i++)
        grid_put(grid, x + i, y, i < done ? STYLE_TRAIN : STYLE_AXIS,
                 grid->ascii ? (i < done ? '#' : '.') : (i < done ? 0x2501 : 0x2500));
}

void draw_duration(double seconds, char *out, size_t size)
{
    if (!isfinite(seconds) || seconds < 0 || seconds > 1e9) {
        text_copy(out, size, "?");
        return;
    }
    long s = (long)seconds;
    if (s < 60)
        snprintf(out, size, "%ld s", s);
    else if (s < 3600)
        snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
    else if (s < 86400)
        snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, size, "%ld d %02ld:%02ld", s / 86400, s / 3600 % 24, s / 60 % 60);
}

void draw_seconds(double seconds, char *out, size_t size)
{
    if (seconds >= 0 && seconds < 60)
        snprintf(out, size, "%.*f s", seconds < 10 ? 2 : 1, seconds);
    else
        draw_duration(seconds, out, size);
}

void draw_age(double seconds, char *out, size_t size)
{
    if (seconds < 60)
        snprintf(out, size, "%.0f s", floor(fmax(seconds, 0)));
    else if (seconds < 3600)
        snprintf(out, size, "%.0f min", floor(seconds / 60));
    else
        snprintf(out, size, "%.0f h", floor(seconds / 3600));
}

void draw_count(double count, char *out, size_t size)
{
    if (!isfinite(count) || count < 0)
        text_copy(out, size, "?");
    else if (count < 1000)
        snprintf(out, size, "%.0f", count);
    else if (count < 9950)
        snprintf(out, size, "%.1fk", count / 1e3);
    else if (count < 999500)
        snprintf(out, size, "%.0fk", count / 1e3);
    else if (count < 9950000)
        snprintf(out, size, "%.1fM", count / 1e6);
    else
        snprintf(out, size, "%.0fM", count / 1e6);
}

void draw_bytes(double bytes, char *out, size_t size)
{
    if (bytes < 999.5e3)
        snprintf(out, size, "%.0f kB", ceil(bytes / 1e3));
    else if (bytes < 999.5e6)
        snprintf(out, size, bytes < 99.95e6 ? "%.1f MB" : "%.0f MB", bytes / 1e6);
    else
        snprintf(out, size, "%.1f GB", bytes / 1e9);
}

void draw_scientific(double value, char *out, size_t size)
{
    char text[32];
    snprintf(text, sizeof(text), "%.1e", value);
    const char *e = strchr(text, 'e');
    if (e == NULL) /* no number */
        text_copy(out, size, text);
    else
        snprintf(out, size, "%.*se%d", (int)(e - text), text, atoi(e + 1));
}

void draw_epoch(double epochs, char *out, size_t size)
{
    snprintf(out, size, epochs == floor(epochs) ? "%.0f" : "%.2f", epochs);
}

const char *draw_brief_label(const char *label)
{
    static const char learning[] = "learning ";
    return strncmp(label, learning, sizeof(learning) - 1) == 0 ? label + sizeof(learning) - 1
                                                               : label;
}
