/*
 * math: kernels on arrays and the thread team that runs them. Shapes in,
 * numbers out: nothing here allocates in a step, prints or draws random numbers.
 *
 * Everything is written over `real`: float in the program, double where the
 * gradient tests build the same sources again with -DKDT_REAL_DOUBLE.
 * Matrices are row-major.
 */
#ifndef KDT_MATH_H
#define KDT_MATH_H

#include "kdt/base.h"

#ifdef KDT_REAL_DOUBLE
typedef double real;
#else
typedef float real;
#endif

/* Once per process before any product: one BLAS thread, kernels chosen. */
void math_init(void);
/* What computes the products: "OpenBLAS 0.3.21 SkylakeX, libxsmm 1.17 clx". */
const char *math_library(void);
/* Once per computing thread: denormals are flushed to zero. */
void math_thread_init(void);

/* The thread team: the calling thread and `threads - 1` workers. Pieces depend
 * on shapes only, never on the number of threads, so results are the same bits
 * for any team. threads = 0 takes as many as the process may use. A team as
 * large as that, unless the process has another such team already, pins its
 * threads, one to a processor, the creating one too until team_destroy: create
 * a team in the thread that will run it. A team of one does neither pin nor
 * wait. */
struct team;
int team_create(int threads, struct team **out, struct err *err);
void team_destroy(struct team *team); /* NULL is fine */
int team_threads(const struct team *team);
/* Calls piece(arg, i) for i in 0 … pieces-1, spread over the team, and returns
 * when all are done. Called by one thread at a time, not from within a piece.
 * One piece, or a team of one, runs in the caller. */
void team_run(struct team *team, int pieces, void (*piece)(void *arg, int i), void *arg);

/* C = alpha A B + beta C and its transposes; one single-threaded call.
 * lda, ldb and ldc are row strides in elements. Fastest where B is plain, alpha
 * is 1, beta 0 or 1, and n a width that math_gemm_width gives. */
enum math_transpose { MATH_PLAIN, MATH_TRANSPOSED };
void math_gemm(enum math_transpose transpose_a, enum math_transpose transpose_b, int m, int n,
               int k, real alpha, const real *a, int lda, const real *b, int ldb, real beta,
               real *c, int ldc);
/* The least width, n or more, that wastes no part of a vector. */
int math_gemm_width(int n);

/* Products for the few units that are left over where the others fill whole
 * vectors: of n units, so many. Their weights are [units][inputs]. */
enum { MATH_TAIL_UNITS = 8, MATH_TAIL_LANES = 16 };
int math_tail_units(int n);
/* lanes[r][h][i] = sum_d x[r][d] w[h][d] over d = i, i + 16, …; or += it. A
 * multiple of 16 inputs, or else nothing is added to it any more. */
void math_tail_product(int rows, int units, int inputs, const real *x, int x_stride, const real *w,
                       int w_stride, bool add, real *lanes);
/* y[r][h] = sum_i lanes[r][h][i] */
void math_tail_sum(int rows, int units, const real *lanes, real *y, int y_stride);
/* out[h][d] = sum_r g[r][h] x[r][d] */
void math_tail_gradient(int rows, int units, int inputs, const real *x, int x_stride, const real *g,
                        int g_stride, real *out, int out_stride);

/* The gradient of some inputs' weights: out[d][h] = sum_r x[r][d] g[r][h], row after row. `soon`
 * are two arrays of as many numbers that are wanted next: they may come nearer meanwhile. */
void math_gradient(int rows, int inputs, int units, const real *x, int x_stride, const real *g,
                   int g_stride, const real *const soon[2], real *out);
/* So many inputs at a time are fastest, of at most `most`. */
int math_gradient_inputs(int units, int most);

/* Mixed precision: numbers rounded to bfloat16 (to nearest even; denormals are
 * zero), products of them summed in float32, two numbers at a time. "Pairs" of a
 * matrix have the numbers of each two rows side by side, 0 in place of a row that
 * is missing: y[r/2][c][r%2]. Strides count numbers; of pairs, pairs. */
struct math_bf16 {
    /* Rows as they are, 0 up to the next multiple of 32; y_stride is such. */
    void (*rows)(int rows, int columns, const real *x, int stride, uint16_t *y, int y_stride);
    /* Pairs, 0 up to the next multiple of 16; y_stride is such. */
    void (*pairs)(int rows, int columns, const real *x, int stride, uint16_t *y, int y_stride);
    /* C = A B, or C += A B. A is [m][k] in rows, or where transposed [k][m] in
     * pairs; B [k][n] in pairs, n a multiple of 16; C float32. */
    void (*gemm)(enum math_transpose transpose_a, int m, int n, int k, const uint16_t *a, int lda,
                 const uint16_t *b, int ldb, bool add, real *c, int ldc);
    /* C = A B^T, or C += A B^T, for few columns: A [m][k] and B [n][k] in rows. */
    void (*dots)(int m, int n, int k, const uint16_t *a, int lda, const uint16_t *b, int ldb,
                 bool add, real *c, int ldc);
};
/* NULL where the processor has no instructions for it (AVX512_BF16), and in double. */
const struct math_bf16 *math_bf16(void);

/* x[r][i] = bytes[r][i] factor[i] - offset[i] */
void math_bytes_affine(int rows, int n, const uint8_t *const *bytes, const real *factor,
                       const real *offset, real *x, int stride);
/* bytes[i] = (bytes[i] gain + lift) / 65536, rounded down, within 0 … 255. |gain| is at
 * most 2 * 65536, |lift| 512 * 65536. */
void math_bytes_adjust(size_t n, int32_t gain, int32_t lift, uint8_t *bytes);
/* y[c][r] = x[r][c] */
void math_transpose(int rows, int columns, const real *x, int stride, real *y, int y_stride);

/* Kernels on columns: matrices [rows][columns] that lie `stride` elements apart
 * from row to row, vectors [columns]. Sums run down the rows in order, so a
 * column's result does not depend on which columns are done with it. Columns
 * whose sums are asked for come in multiples of 16. Arrays must not overlap. */
/* x[r][c] += v[c] */
void math_columns_add(int rows, int columns, const real *v, real *x, int stride);
/* y[r][c] = scale[c] x[r][c] + shift[c] */
void math_columns_affine(int rows, int columns, const real *x, const real *scale, const real *shift,
                         real *y, int stride);
/* sum[c] = sum_r x[r][c] */
void math_columns_sum(int rows, int columns, const real *x, int stride, real *sum);
/* y[r][c] = bias[c] + parts[0][r][c] + … + parts[count - 1][r][c], in this
 * order; the parts lie part_stride elements apart, their rows as y's. */
void math_columns_gather(int rows, int columns, int count, const real *parts, size_t part_stride,
                         const real *bias, real *y, int stride);

/* Batch normalization of columns, a multiple of 16 of them:
 *   s = bias + parts[0] + parts[1] + …, y^ = (s - mean) inverse,
 *   output = scale y^ + shift, times `slope` where it is not above 0
 * with mean and variance of s over the rows, inverse = 1 / sqrt(variance + epsilon).
 * The parts lie part_stride elements apart; all rows `stride`. bias may be NULL. */
struct math_norm {
    const real *bias, *scale, *shift; /* [columns] */
    real epsilon, slope;              /* slope 1: no activation */
    real *mean, *variance, *inverse;  /* [columns] */
    real *standard, *output;          /* y^ and output [rows][columns] */
};
void math_norm_forward(int rows, int columns, int parts, const real *x, size_t part_stride,
                       int stride, const struct math_norm *norm);
/* And back: g is the gradient of the output, then that of s.
 *   g^ = g times `slope` where the output is not above 0
 *   sum = sum_r g^, dot = sum_r g^ y^
 *   g = scale inverse (g^ - sum / rows - y^ dot / rows), bias_sum = sum_r g */
void math_norm_backward(int rows, int columns, real *g, int stride, const struct math_norm *norm,
                        real *sum, real *dot, real *bias_sum);

/* Activations, in place, and their derivatives from the output y:
 * g[r][c] *= act'(x[r][c]). NaN stays NaN. */
/* x if x > 0, else slope x; ReLU is slope 0 */
void math_leaky_relu(int rows, int columns, real slope, real *x, int stride);
void math_leaky_relu_backward(int rows, int columns, real slope, const real *y, real *g,
                              int stride);
/* x if x > 0, else slope (e^x - 1) */
void math_elu(int rows, int columns, real slope, real *x, int stride);
void math_elu_backward(int rows, int columns, real slope, const real *y, real *g, int stride);

/* y[r][c] = scale e^(x[r][c] - largest[r]) / sum[r], sum[r] = sum_c e^(…). Rows of x
 * and y have room for a multiple of 16 columns; what y has beyond them becomes 0. A
 * NaN in a row makes its sum NaN, or all of it. x and y do not overlap. */
enum { MATH_SOFTMAX_COLUMNS = 256 }; /* at most */
void math_softmax(int rows, int columns, real scale, const real *x, int stride, real *y,
                  real *largest, real *sum);

/* Updates of n numbers w with gradient g: d = rate (g + decay w), then
 * momentum: v = momentum v + d; w -= v
 * Nesterov: v = momentum v + d; w -= momentum v + d */
void math_update_momentum(size_t n, real rate, real momentum, real decay, const real *g, real *v,
                          real *w);
void math_update_nesterov(size_t n, real rate, real momentum, real decay, const real *g, real *v,
                          real *w);
/* Adam and AdamW, with moments m and u, g' = g + decay w:
 *   m = momentum m + (1 - momentum) g', u = square u + (1 - square) g'^2,
 *   w -= rate m / (sqrt(u) + epsilon) + shrink w
 * where rate and epsilon have the bias correction in them. */
struct math_adam {
    real rate, momentum, square, epsilon;
    real decay, shrink;
};
void math_update_adam(size_t n, const struct math_adam *adam, const real *g, real *m, real *u,
                      real *w);

/* sum_i x[i]^2 and sum_i (x[i] - y[i])^2, in double. */
double math_squares(size_t n, const real *x);
double math_squares_apart(size_t n, const real *x, const real *y);

/* Whether none of n numbers is a NaN or infinite. */
bool math_finite(size_t n, const real *x);

/* What the machine could do, on all threads of the team at once. Each takes some milliseconds. */
enum math_peak {
    MATH_PEAK_FLOAT32,  /* multiply-adds in registers */
    MATH_PEAK_BFLOAT16, /* dot products in registers */
};
/* Operations in a second, a multiply-add being two; 0 where the processor has none such. */
double math_peak_flops(struct team *team, enum math_peak peak);
/* Bytes in a second. */
double math_peak_read(struct team *team, const void *memory, size_t bytes);
/* Seconds for a cache line to go from one thread to another; NaN in a team of one, or where the
 * other did not come. */
double math_peak_exchange(struct team *team);

#endif
