/* Settings from everywhere they come from, in the order that SPEC gives. */
#ifndef KDT_APP_LOAD_H
#define KDT_APP_LOAD_H

#include "kdt/conf.h"
#include "options.h"

/* Defaults, the system's file, the user's file, what was chosen in the view,
 * --preset, --config, --set; later ones win. */
int load_settings(const struct options *options, struct settings *out, struct err *err);
/* What --set names of the view's settings, over the user's own; what else it names is not
 * looked at. */
int load_view_settings(const struct options *options, struct settings *out, struct err *err);
/* What the command line gives, --preset, --config and --set, over settings that are already there.
 */
int load_given(const struct options *options, struct settings *settings, struct err *err);
/* Only --config and --set, over settings that are already there. */
int load_overrides(const struct options *options, struct settings *settings, struct err *err);

#endif
