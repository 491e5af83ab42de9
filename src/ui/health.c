/*
 * The limits that a layer's numbers are held against; kdtui(1) states them.
 */
#include "health.h"
#include "draw.h"

#include <math.h>
#include <stdio.h>

static const double GRADIENT_VANISHES = 1e-6, GRADIENT_EXPLODES = 100;
static const double DEAD_MANY = 0.3, DEAD_MOST = 0.6;
static const double ZERO_MOST = 0.9;
/* A mini-batch's own mean is 1 / sqrt(its size) standard deviations off by chance. */
static const double DRIFT_FAR = 0.5, DRIFT_CHANCES = 3;

double layer_dead(const struct layer_measure *layer)
{
    return (double)layer->inactive / layer->units;
}

double layer_zero(const struct layer_measure *layer)
{
    double values = layer->zeros;
    for (int i = 0; i < FEED_BINS; i++)
        values += layer->bins[i];
    return values > 0 ? layer->zeros / values : 0;
}

static void judge_gradient(double norm, struct finding *out)
{
    char number[16];
    draw_scientific(norm, number, sizeof(number));
    if (norm < GRADIENT_VANISHES) {
        *out = (struct finding){.style = STYLE_WARN,
                                .kind = "vanishing gradients",
                                .why = "hardly anything is learned here"};
        snprintf(out->what, sizeof(out->what), "gradient %s: vanishing", number);
    } else if (!(norm <= GRADIENT_EXPLODES)) {
        *out = (struct finding){
            .style = STYLE_BAD, .kind = "exploding gradients", .why = "the next steps may diverge"};
        snprintf(out->what, sizeof(out->what), "gradient %s: exploding", number);
    }
}

static void judge_update(double ratio, struct finding *out)
{
    static const struct {
        double below; /* this ratio */
        const char *word, *kind, *why;
        enum style style;
    } steps[] = {
        {1e-6, "stands still", "updates that stand still", "the weights do not change any more",
         STYLE_BAD},
        {1e-4, "slow", "slow updates", "1e-4 to 1e-2 is usual; a higher rate?", STYLE_WARN},
        {1e-2, NULL, NULL, NULL, STYLE_PLAIN},
        {1e-1, "fast", "fast updates", "1e-4 to 1e-2 is usual; a lower rate?", STYLE_WARN},
        {INFINITY, "wild", "wild updates", "a few steps replace the weights; a lower rate?",
         STYLE_BAD},
    };
    char number[16];
    size_t i = 0;
    while (i + 1 < sizeof(steps) / sizeof(*steps) && !(ratio < steps[i].below))
        i++;
    if (steps[i].style == STYLE_PLAIN)
        return;
    *out = (struct finding){.style = steps[i].style, .kind = steps[i].kind, .why = steps[i].why};
    draw_scientific(ratio, number, sizeof(number));
    snprintf(out->what, sizeof(out->what), "update/weight %s: %s", number, steps[i].word);
}

/* Of ReLU alone: with the others a unit below 0 learns on. */
static void judge_units(const struct layer_measure *layer, struct finding *dead,
                        struct finding *zero)
{
    const double share = layer_dead(layer), zeros = layer_zero(layer);
    if (share >= DEAD_MANY) {
        *dead = (struct finding){.style = share >= DEAD_MOST ? STYLE_BAD : STYLE_WARN,
                                 .kind = "many dead units",
                                 .why = "no image of the mini-batch gets through them"};
        snprintf(dead->what, sizeof(dead->what), "%.0f%% dead", 100 * share);
    } else if (zeros >= ZERO_MOST) {
        *zero = (struct finding){.style = STYLE_WARN,
                                 .kind = "mostly zero",
                                 .why = "few units are active for any one image"};
        snprintf(zero->what, sizeof(zero->what), "%.0f%% zero", 100 * zeros);
    }
}

static void judge_drift(const struct layer_measure *layer, double images, struct finding *out)
{
    const double drift = fmax(layer->mean_drift, layer->deviation_drift);
    if (!(drift > fmax(DRIFT_FAR, DRIFT_CHANCES / sqrt(images))))
        return;
    *out = (struct finding){.style = STYLE_WARN,
                            .kind = "moving averages behind",
                            .why = "evaluation differs from training"};
    if (layer->mean_drift >= layer->deviation_drift)
        snprintf(out->what, sizeof(out->what), "moving averages %.2f sd off", drift);
    else
        snprintf(out->what, sizeof(out->what), "moving deviations off by x%.2f", exp(drift));
}

void health_judge(const struct layer_measure *layer, const struct settings *settings,
                  struct finding out[HEALTH_SIGNS])
{
    for (int i = 0; i < HEALTH_SIGNS; i++)
        out[i] = (struct finding){.style = STYLE_PLAIN};
    judge_gradient(layer->gradient_norm, &out[HEALTH_GRADIENT]);
    judge_update(layer->update_ratio, &out[HEALTH_UPDATE]);
    if (layer->hidden && settings->network.activation == ACTIVATION_RELU)
        judge_units(layer, &out[HEALTH_DEAD], &out[HEALTH_ZERO]);
    if (!isnan(layer->mean_drift))
        judge_drift(layer, (double)settings->train.batch_size, &out[HEALTH_DRIFT]);
}
