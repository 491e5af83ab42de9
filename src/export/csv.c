/* The CSV table; see export.h. Fields with a comma or a quote are quoted (RFC 4180). */
#include "kdt/export.h"

#include <inttypes.h>

static void put_number(struct text *out, double value)
{
    char text[64];
    number_format_double(text, sizeof text, value);
    text_print(out, ",%s", text);
}

static void put_text(struct text *out, const char *text)
{
    text_print(out, ",\"");
    for (; *text; text++) {
        if (*text == '"')
            text_append(out, "\"", 1);
        text_append(out, text, 1);
    }
    text_print(out, "\"");
}

/* What every row begins with. */
static void begin(const struct run_record *record, const char *kind, int64_t step, struct text *out)
{
    text_print(out, "%s,%" PRId64, kind, step);
    if (record->steps_per_epoch)
        put_number(out, (double)step / (double)record->steps_per_epoch);
    else
        text_print(out, ",");
}

void export_csv(const struct run_record *record, struct text *out)
{
    text_print(out,
               "kind,step,epoch,seconds,learning_rate,loss,loss_min,loss_max,train_loss,"
               "train_accuracy,validation_loss,validation_accuracy,abandoned,edit\n");
    for (size_t i = 0; i < record->loss_count; i++) {
        const struct loss_bucket *row = &record->losses[i];
        begin(record, "steps", row->last, out);
        put_number(out, row->seconds);
        put_number(out, row->learning_rate);
        put_number(out, row->mean);
        put_number(out, row->minimum);
        put_number(out, row->maximum);
        text_print(out, ",,,,,%d,\n", row->abandoned);
    }
    for (size_t i = 0; i < record->evaluation_count; i++) {
        const struct evaluation *row = &record->evaluations[i];
        begin(record, "evaluation", row->step, out);
        put_number(out, row->seconds);
        put_number(out, row->learning_rate);
        text_print(out, ",,,");
        put_number(out, row->train_loss);
        put_number(out, row->train_accuracy);
        put_number(out, row->validation_loss);
        put_number(out, row->validation_accuracy);
        text_print(out, ",%d,\n", row->abandoned);
    }
    for (size_t i = 0; i < record->edit_count; i++) {
        const struct edit_mark *edit = &record->edits[i];
        begin(record, "edit", edit->step, out);
        text_print(out, ",,,,,,,,,,%d", edit->abandoned);
        put_text(out, edit->label);
        text_print(out, "\n");
    }
}
