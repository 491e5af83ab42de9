/*
 * The figure of loss and accuracy as a gnuplot script: data in named blocks
 * first, then the two plots. What was abandoned by going back is left out.
 */
#include "gnuplot.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const char TRAIN[] = "#2477b3", VALIDATION[] = "#e07b1a", BAND[] = "#bcd7ec",
                  EDIT[] = "#a03fa0";

void gnuplot_quoted(struct text *out, const char *text)
{
    text_append(out, "'", 1);
    for (; *text; text++) {
        if (*text == '\'')
            text_append(out, "'", 1);
        text_append(out, (unsigned char)*text < ' ' ? " " : text, 1);
    }
    text_append(out, "'", 1);
}

void gnuplot_number(struct text *out, double value)
{
    char text[64];
    number_format_double(text, sizeof text, value);
    text_print(out, " %s", isfinite(value) ? text : "NaN");
}

void gnuplot_begin(struct text *out, const char *terminal, const char *output)
{
    if (terminal != NULL)
        text_print(out, "set terminal %s\n", terminal);
    if (output != NULL) {
        text_print(out, "set output ");
        gnuplot_quoted(out, output);
        text_print(out, "\n");
    }
    text_print(out,
               "set encoding utf8\nset grid lc rgb '#dddddd' dt 1 lw 0.5\n"
               "set tics nomirror\nset border 3\n");
}

static double epochs(const struct run_record *record, double step)
{
    return record->steps_per_epoch ? step / (double)record->steps_per_epoch : step;
}

/* A row for each that is live: x, mean, minimum, maximum. */
static void put_losses(const struct run_record *record, size_t n, struct text *out)
{
    text_print(out, "$loss%zu << END\n", n);
    for (size_t i = 0; i < record->loss_count; i++) {
        const struct loss_bucket *row = &record->losses[i];
        if (row->abandoned)
            continue;
        gnuplot_number(out, epochs(record, (double)(row->first + row->last + 1) / 2));
        gnuplot_number(out, row->mean);
        gnuplot_number(out, row->minimum);
        gnuplot_number(out, row->maximum);
        text_print(out, "\n");
    }
    text_print(out, "END\n");
}

/* x, losses and accuracies of training and validation. */
static void put_evaluations(const struct run_record *record, size_t n, struct text *out)
{
    text_print(out, "$evaluation%zu << END\n", n);
    for (size_t i = 0; i < record->evaluation_count; i++) {
        const struct evaluation *row = &record->evaluations[i];
        if (row->abandoned)
            continue;
        gnuplot_number(out, epochs(record, (double)row->step));
        gnuplot_number(out, row->train_loss);
        gnuplot_number(out, row->validation_loss);
        gnuplot_number(out, 100 * row->train_accuracy);
        gnuplot_number(out, 100 * row->validation_accuracy);
        text_print(out, "\n");
    }
    text_print(out, "END\n");
}

/* Dashed lines in both plots, their labels in the first. */
static void put_edits(const struct run_record *record, bool labels, struct text *out)
{
    text_print(out, "unset arrow\nunset label\n");
    for (size_t i = 0; i < record->edit_count; i++) {
        const struct edit_mark *edit = &record->edits[i];
        struct text x = {0};
        if (edit->abandoned)
            continue;
        gnuplot_number(&x, epochs(record, (double)edit->step));
        text_print(out, "set arrow from%s, graph 0 to%s, graph 1 nohead dt 2 lc rgb '%s'\n",
                   x.bytes, x.bytes, EDIT);
        if (labels) {
            text_print(out, "set label ");
            gnuplot_quoted(out, edit->label);
            text_print(out,
                       " at%s, graph 0.98 rotate by 90 right offset -0.6,0 noenhanced "
                       "tc rgb '%s' font ',9'\n",
                       x.bytes, EDIT);
        }
        text_fini(&x);
    }
}

/* The curves of one run: columns of its evaluations; of the loss that of its steps, too. */
static void put_one(const struct run_record *record, bool losses, struct text *out)
{
    const int train = losses ? 2 : 4;
    put_edits(record, losses, out);
    text_print(out, "plot ");
    if (losses)
        text_print(out,
                   "$loss0 using 1:3:4 with filledcurves fs solid lc rgb '%s' notitle, \\\n"
                   "  $loss0 using 1:2 with lines lw 1.5 lc rgb '%s' title 'mini-batches', \\\n  ",
                   BAND, TRAIN);
    text_print(out,
               "$evaluation0 using 1:%d with linespoints pt 7 ps 0.4 lw 1.5 dt %d lc rgb '%s' "
               "title 'train', \\\n"
               "  $evaluation0 using 1:%d with linespoints pt 5 ps 0.5 lw 2 lc rgb '%s' "
               "title 'validation'\n",
               train, losses ? 3 : 1, TRAIN, train + 1, VALIDATION);
}

static void put_several(const struct run_record *records, size_t count, bool losses,
                        struct text *out)
{
    text_print(out, "plot ");
    for (size_t i = 0; i < count; i++) {
        text_print(out, "%s$evaluation%zu using 1:%d with lines lw 2 title ", i ? ", \\\n  " : "",
                   i, losses ? 3 : 5);
        gnuplot_quoted(out, records[i].name);
    }
    text_print(out, "\n");
}

static void put_plots(const struct run_record *records, size_t count, struct text *out)
{
    for (int losses = 1; losses >= 0; losses--) {
        text_print(out, "set ylabel '%s%s'\nset key %s\n", count > 1 ? "validation " : "",
                   losses ? "loss" : "accuracy [%]", losses ? "top right" : "bottom right");
        if (count == 1)
            put_one(records, losses, out);
        else
            put_several(records, count, losses, out);
    }
}

void export_gnuplot(const struct run_record *records, size_t count, const char *terminal,
                    const char *output, struct text *out)
{
    text_print(out, "# Loss and accuracy, drawn by gnuplot.\n");
    for (size_t i = 0; i < count; i++) {
        put_losses(&records[i], i, out);
        put_evaluations(&records[i], i, out);
    }
    gnuplot_begin(out, terminal, output);
    text_print(out,
               "set xrange [0:*]\nset key noenhanced samplen 2\nset xlabel '%s'\n"
               "set multiplot layout 1,2",
               records[0].steps_per_epoch ? "epoch" : "step");
    if (count == 1) {
        text_print(out, " title ");
        gnuplot_quoted(out, records[0].name);
        text_print(out, " noenhanced");
    }
    text_print(out, "\n");
    put_plots(records, count, out);
    text_print(out, "unset multiplot\n");
}
