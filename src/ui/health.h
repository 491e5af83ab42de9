/*
 * What is out of the ordinary in a layer, and in which words.
 */
#ifndef KDT_UI_HEALTH_H
#define KDT_UI_HEALTH_H

#include "grid.h"

enum health_sign { HEALTH_GRADIENT, HEALTH_UPDATE, HEALTH_DEAD, HEALTH_ZERO, HEALTH_DRIFT };
enum { HEALTH_SIGNS = HEALTH_DRIFT + 1 };
struct finding {
    enum style style; /* STYLE_PLAIN: as it should be, and no words; else WARN or BAD */
    char what[48];    /* "40% dead" */
    const char *kind; /* the same of several layers: "many dead units" */
    const char *why;  /* it matters */
};
void health_judge(const struct layer_measure *layer, const struct settings *settings,
                  struct finding out[HEALTH_SIGNS]);

/* Shares, 0 … 1. */
double layer_dead(const struct layer_measure *layer);
double layer_zero(const struct layer_measure *layer);

#endif
