/* Screens against golden files; see ui_golden.h. */
#include "ui_golden.h"
#include "golden.h"

#include <stdio.h>

void ui_golden(struct bench *bench, const char *prefix, const char *name, int width, int height,
               bool styles)
{
    struct text out = {0};
    char file[160];
    snprintf(file, sizeof(file), "%s-%s", prefix, name);
    bench_draw(bench, width, height, styles, &out);
    golden_compare(file, out.bytes);
    text_fini(&out);
}

void ui_golden_sizes(struct bench *bench, const char *prefix)
{
    static const struct {
        int width, height;
    } sizes[] = {{40, 12}, {80, 24}, {120, 40}, {200, 60}};
    static const struct {
        enum settings_glyphs glyphs;
        const char *name;
    } kinds[] = {{GLYPHS_BRAILLE, "braille"}, {GLYPHS_BLOCK, "block"}, {GLYPHS_ASCII, "ascii"}};
    const enum settings_glyphs before = bench->state.glyphs;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
        bench->state.glyphs = kinds[k].glyphs;
        for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
            char name[64];
            snprintf(name, sizeof(name), "%dx%d-%s", sizes[s].width, sizes[s].height,
                     kinds[k].name);
            ui_golden(bench, prefix, name, sizes[s].width, sizes[s].height, k == 0);
        }
    }
    bench->state.glyphs = before;
}
