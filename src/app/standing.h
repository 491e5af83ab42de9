/* How a run stands: from the process that trains it, or else from its files. */
#ifndef KDT_APP_STANDING_H
#define KDT_APP_STANDING_H

#include <jansson.h>

#include "kdt/base.h"

/* The object of `kdtui status`; the caller's to release. NULL and *err where neither a process
 * nor the files tell. */
json_t *standing_find(const char *directory, struct err *err);

#endif
