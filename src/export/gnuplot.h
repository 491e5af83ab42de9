/* What gnuplot's scripts have in common. */
#ifndef KDT_EXPORT_GNUPLOT_H
#define KDT_EXPORT_GNUPLOT_H

#include "kdt/export.h"

/* A text in single quotes, in which a quote is doubled; line ends would end it. */
void gnuplot_quoted(struct text *out, const char *text);
/* With a space before it; NaN where a curve has a gap, as gnuplot takes no infinity. */
void gnuplot_number(struct text *out, double value);
/* Where it is drawn to, as export.h has it, and how all of it looks. */
void gnuplot_begin(struct text *out, const char *terminal, const char *output);

#endif
