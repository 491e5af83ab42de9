/*
 * export: a run or a search as others' programs read it. Pure functions from what it
 * has left on disk to the bytes of a file, which are appended to *out.
 */
#ifndef KDT_EXPORT_H
#define KDT_EXPORT_H

#include "kdt/run.h"
#include "kdt/search.h"

/* One table with a row for each row of steps.csv, evaluation and edit:
 *
 *   kind,step,epoch,seconds,learning_rate,loss,loss_min,loss_max,train_loss,
 *   train_accuracy,validation_loss,validation_accuracy,abandoned,edit
 *
 * kind is steps, evaluation or edit; cells that a kind has not are empty. */
void export_csv(const struct run_record *record, struct text *out);

/* An event file of TensorBoard's: scalars loss/train, loss/validation, accuracy/…
 * and learning_rate, and edits as text. What was abandoned is left out, as
 * TensorBoard has no notion of it. */
void export_tensorboard(const struct run_record *record, struct text *out);

/* What the net computes with its moving averages, as an ONNX model (opset 13).
 * Input `images` [N, inputs]: pixels as they are in the data, 0 … 255, which the
 * transform (of `inputs` numbers) makes what the net is fed. Outputs `logits` and
 * `probabilities` [N, K]. */
void export_onnx(const struct net *net, const struct data_transform *transform, const char *name,
                 struct text *out);

/* A gnuplot script, with its data, that draws loss and accuracy: of one run all
 * curves and the marks of edits, of several those of validation. `terminal` and
 * `output` are gnuplot's words for where to ("svg", "run.svg"); NULL for neither:
 * who runs the script says so. */
void export_gnuplot(const struct run_record *records, size_t count, const char *terminal,
                    const char *output, struct text *out);
/* The same of a search: a map of its trials in the two values that were searched first
 * and are numbers (learning rate and L2, or the first two layers), coloured by
 * search.metric, and all trials in their order. One at least has been evaluated. */
void export_gnuplot_search(struct search *search, const char *terminal, const char *output,
                           struct text *out);

#endif
