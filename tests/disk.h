/*
 * disk: what a power cut would leave. It follows the names and bytes below one
 * directory and keeps, in a folder of its own, what was synced: the bytes of a
 * file as of the last fsync of it, the names in a directory as of the last fsync
 * of that. All that was there at the start counts as synced.
 *
 *   FOLDER/N       the synced bytes of file N; none: nothing of it was synced
 *   FOLDER/names   "durable N PATH" and "present N PATH" lines, N = 0: a directory
 *
 * The first half is called by fault.c, in the process that is to die; the other
 * half by the one that looks at what is left.
 */
#ifndef DISK_H
#define DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void disk_start(const char *directory, const char *folder);
void disk_stop(void);
void disk_opened(int fd, const char *path, bool created);
void disk_closed(int fd);
void disk_synced(int fd);
void disk_made(const char *path); /* a directory */
void disk_renamed(const char *from, const char *to);
void disk_linked(const char *from, const char *to);
void disk_unlinked(const char *path);

enum disk_cut {
    DISK_SYNCED, /* what was synced and nothing else */
    DISK_NAMES,  /* all names, but of the bytes only those that were synced */
    DISK_MIXED,  /* each name as synced or as it is; of the bytes written since, some */
};
/* Puts what a power cut would have left of the directory into `target`, a new one. */
void disk_cut(const char *directory, const char *folder, const char *target, enum disk_cut how,
              uint64_t seed);

#endif
