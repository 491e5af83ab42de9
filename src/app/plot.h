/* The subcommand plot: figures of runs, drawn by gnuplot. */
#ifndef KDT_APP_PLOT_H
#define KDT_APP_PLOT_H

#include "options.h"

/* The exit code, or -1 and *err. */
int plot_command(const struct options *options, struct err *err);

#endif
