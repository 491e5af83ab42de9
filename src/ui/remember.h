/* view.ini: what was chosen in the view, for the next one. */
#ifndef KDT_UI_REMEMBER_H
#define KDT_UI_REMEMBER_H

#include "kdt/ui.h"

/* Writes the value that `settings` have of `row`, a setting of the view; what else the file holds
 * stays. A file that cannot be read is left as it is. */
int remember_setting(const char *path, const struct settings *settings, const struct setting *row,
                     struct err *err);

#endif
