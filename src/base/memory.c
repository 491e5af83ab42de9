/*
 * Memory. Small things abort when memory is out, since nothing sensible can be
 * done then; arrays as large as the data fail with an error.
 *
 * All of it comes from the C library's heap, so that one mem_free serves all.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "kdt/base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { CACHE_LINE = 64, HUGE_PAGE = 2 * 1024 * 1024 };

static void *checked(void *memory, size_t size)
{
    if (!memory) {
        fprintf(stderr, "out of memory (%zu bytes)\n", size);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t size)
{
    return checked(calloc(1, size ? size : 1), size);
}

void *mem_resize(void *old, size_t size)
{
    return checked(realloc(old, size ? size : 1), size);
}

char *mem_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

size_t mem_copy_range(void *out, const void *array, size_t count, size_t size, size_t first,
                      size_t most)
{
    size_t copied = first < count ? count - first : 0;
    if (copied > most)
        copied = most;
    if (copied > 0)
        memcpy(out, (const char *)array + first * size, copied * size);
    return copied;
}

void *mem_array(size_t count, size_t size, struct err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > PTRDIFF_MAX) {
        err_set(err, ERR_MEMORY, "%zu elements of %zu bytes are too many", count, size);
        return NULL;
    }
    bool huge = bytes >= HUGE_PAGE;
    void *memory;
    int failure = posix_memalign(&memory, huge ? HUGE_PAGE : CACHE_LINE, bytes ? bytes : 1);
    if (failure) {
        err_set_errno(err, ERR_MEMORY, failure, "%zu bytes of memory", bytes);
        return NULL;
    }
#ifdef MADV_HUGEPAGE
    /* Only advice, and given before the first touch; a kernel without it is slower, not wrong. */
    if (huge)
        (void)madvise(memory, bytes - bytes % HUGE_PAGE, MADV_HUGEPAGE);
#endif
    return memset(memory, 0, bytes);
}

void mem_free(void *memory)
{
    free(memory);
}
