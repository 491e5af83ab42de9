/*
 * base: libc made safe. Errors, memory, text, random numbers, files, clock.
 *
 * Knows nothing of kdtui. Every function here may be called from any thread;
 * an object is used by one thread at a time unless its comment says otherwise.
 */
#ifndef KDT_BASE_H
#define KDT_BASE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KDT_PRINTF(text, args) __attribute__((format(printf, text, args)))

/* Errors. A function that can fail because of the world returns -1 (or NULL)
 * and fills the caller's struct err. `code` tells the program what to do,
 * `text` tells the person: one line, no final full stop, no "error:". */
enum err_code {
    ERR_OK = 0,
    ERR_USAGE,  /* wrong usage or settings: exit code 2 */
    ERR_FILE,   /* a file is missing, damaged or cannot be written: exit code 1 */
    ERR_MEMORY, /* a large allocation failed: exit code 1 */
    ERR_SYSTEM, /* anything else the system refused: exit code 1 */
};

struct err {
    enum err_code code;
    char text[1024];
};

/* Fills *err (which may be NULL) and returns -1, so `return err_set(...)`. */
int err_set(struct err *err, enum err_code code, const char *format, ...) KDT_PRINTF(3, 4);
/* The same with ": " and strerror(errno_value) appended. */
int err_set_errno(struct err *err, enum err_code code, int errno_value, const char *format, ...)
    KDT_PRINTF(4, 5);
/* Puts "CONTEXT: " before the text; keeps the code. Returns -1. */
int err_context(struct err *err, const char *format, ...) KDT_PRINTF(2, 3);

/* Memory. Small allocations abort with a message when memory is out; arrays
 * that grow with the data are asked for with mem_array, which may fail. */
void *mem_alloc(size_t size); /* zeroed; size 0 gives a valid pointer */
void *mem_resize(void *old, size_t size);
char *mem_text(const char *text); /* a copy */
/* Zeroed, aligned to 64 bytes (2 MiB and huge pages from 2 MiB on). NULL and
 * *err (ERR_MEMORY) where count * size overflows or memory is out. */
void *mem_array(size_t count, size_t size, struct err *err);
/* Elements first, first + 1, … of an array of `count` of `size` bytes each, at most `most`; how
 * many were copied. */
size_t mem_copy_range(void *out, const void *array, size_t count, size_t size, size_t first,
                      size_t most);
void mem_free(void *memory); /* frees any of the above; NULL is fine */

/* A text that grows. Zero-initialised is empty; text is never NULL after the
 * first append. */
struct text {
    char *bytes;
    size_t length, capacity;
};
void text_append(struct text *text, const char *bytes, size_t length);
void text_print(struct text *text, const char *format, ...) KDT_PRINTF(2, 3);
void text_fini(struct text *text);

/* Copies with truncation; the result is always terminated. */
void text_copy(char *out, size_t size, const char *from);
/* The candidate nearest to `word` in edit distance, or NULL where none is
 * near enough to be what was meant. `next` returns candidate i, NULL at the end. */
const char *text_nearest(const char *word, const char *(*next)(size_t i, const void *of),
                         const void *of);

/* Numbers as text, always with a decimal point whatever the locale says.
 * Parsers take the whole text or fail; they accept no leading white space, no
 * hexadecimal, no inf or nan. */
int number_parse_double(const char *text, double *out);
int number_parse_integer(const char *text, int64_t *out);
/* The shortest decimal that reads back as the same double ("0.1", "1e-05"). */
void number_format_double(char *out, size_t size, double value);

/* Random numbers: Philox4x32-10 (Salmon et al. 2011, Random123), a pure
 * function of its key and counter, so there is no state to save. Streams keep
 * the purposes apart: one more draw here never moves another. */
enum rng_stream {
    RNG_INIT = 1,
    RNG_SHUFFLE = 2,
    RNG_NOISE = 3,
    RNG_DROPOUT = 4,
    RNG_AUGMENT = 5,
    RNG_SYNTHETIC = 6,
    RNG_SEARCH = 7,
};
struct rng_words {
    uint32_t word[4];
};
/* key = seed; counter = (block, sample, epoch, stream). */
struct rng_words rng_draw(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                          uint32_t block);
/* 16 blocks at once, `block` to `block + 15`, as 64 words out[word][lane]: the
 * loop that a compiler turns into vector code. Equal to rng_draw bit for bit. */
void rng_draw_16(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                 uint32_t block, uint32_t out[4][16]);
/* Normal numbers of this deviation, for each sample a sequence that depends on
 * seed, stream, epoch and sample alone: Philox, Box-Muller, single precision. */
struct rng_normal {
    uint64_t seed;
    enum rng_stream stream;
    uint32_t epoch;
    float deviation;
};
/* Their means: of number i of row r, bytes[r][i] factor[i] - offset[i]. */
struct rng_means {
    const uint8_t *const *bytes;
    const float *factor, *offset;
};
/* Numbers first … first+n-1 of sample[r] to row r of x, whose rows lie `stride`
 * apart; the means are counted from the first on. Fastest for some rows at
 * once, and where first and n are multiples of 64. */
void rng_normal_rows(const struct rng_normal *normal, const struct rng_means *means,
                     const uint32_t *sample, int rows, size_t first, size_t n, float *x,
                     size_t stride);
/* The first n numbers of N(0, 1). */
void rng_normal_fill(uint64_t seed, enum rng_stream stream, uint32_t epoch, uint32_t sample,
                     float *out, size_t n);

/* CRC-32 (IEEE 802.3, zlib's), continued from `crc` (0 to start). */
uint32_t digest_crc32(uint32_t crc, const void *bytes, size_t length);
/* Of some bytes with digest `first` and the `length` ones behind them with
 * digest `second`. */
uint32_t digest_crc32_join(uint32_t first, uint32_t second, size_t length);

/* Files. */
/* Whole file into memory (one extra zero byte after the end). Fails over
 * `limit` bytes. The caller frees *bytes with mem_free. */
int file_read(const char *path, size_t limit, unsigned char **bytes, size_t *length,
              struct err *err);
/* Durable: temporary name in the same directory, write, fsync, close, rename,
 * fsync the directory. Either the old file stays or the new one is complete. */
struct file_part {
    const void *bytes;
    size_t length;
};
int file_write(const char *path, const struct file_part *parts, size_t count, struct err *err);
/* Appends to a file that only grows. A failed or short append is cut off
 * again, so the file holds whole records. The file must not exist where
 * create_new is given, and must exist otherwise. */
struct file_log;
int file_log_open(const char *path, bool create_new, struct file_log **out, struct err *err);
int file_log_append(struct file_log *log, const void *bytes, size_t length, bool sync,
                    struct err *err);
int file_log_sync(struct file_log *log, struct err *err); /* appends that were not synced */
uint64_t file_log_length(const struct file_log *log);
/* Cuts the file to its first `length` bytes, durably. */
int file_log_cut(struct file_log *log, uint64_t length, struct err *err);
void file_log_close(struct file_log *log);                    /* NULL is fine */
int file_make_directories(const char *path, struct err *err); /* like mkdir -p, 0777 & ~umask */
int file_sync_directory(const char *path, struct err *err);
bool file_exists(const char *path);
/* Joins with one '/'; the result is allocated. */
char *file_path(const char *directory, const char *name);

/* Starts a thread that takes no signals but those of a crash; the name has at most 15 bytes. */
int thread_start(pthread_t *out, const char *name, void *(*body)(void *of), void *of,
                 struct err *err);

/* Clock. */
double clock_seconds(void);                 /* monotonic */
void clock_iso8601(char *out, size_t size); /* now, "2026-03-01T12:00:00.000Z" */

#endif
