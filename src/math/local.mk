noinst_LIBRARIES += src/math/libmath.a
src_math_libmath_a_SOURCES = \
	src/math/activation.c \
	src/math/bf16.c \
	src/math/columns.c \
	src/math/gemm.c \
	src/math/gradient.c \
	src/math/internal.h \
	src/math/norm.c \
	src/math/peak.c \
	src/math/rows.c \
	src/math/squares.c \
	src/math/tail.c \
	src/math/team.c \
	src/math/thread.c \
	src/math/update.c \
	src/math/width.c \
	src/math/xsmm.c
# Nobody reads the floating-point exception flags or errno; without them a choice
# between two numbers and a square root are vector code. No result changes.
src_math_libmath_a_CFLAGS = $(AM_CFLAGS) $(BLAS_CFLAGS) $(XSMM_CFLAGS) -fno-trapping-math -fno-math-errno

# The same sources in double, for the gradient tests.
check_LIBRARIES += src/math/libmath_double.a
src_math_libmath_double_a_SOURCES = $(src_math_libmath_a_SOURCES)
src_math_libmath_double_a_CPPFLAGS = $(AM_CPPFLAGS) -DKDT_REAL_DOUBLE
src_math_libmath_double_a_CFLAGS = $(src_math_libmath_a_CFLAGS)

UNIT_TESTS += tests/test_math
tests_test_math_SOURCES = tests/test_math.c
tests_test_math_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_math_LDADD = src/math/libmath.a src/base/libbase.a \
	$(CMOCKA_LIBS) $(BLAS_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/test_math_team
tests_test_math_team_SOURCES = tests/test_math_team.c
tests_test_math_team_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_math_team_LDADD = $(tests_test_math_LDADD)

UNIT_TESTS += tests/test_math_bf16
tests_test_math_bf16_SOURCES = tests/test_math_bf16.c
tests_test_math_bf16_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_math_bf16_LDADD = $(tests_test_math_LDADD)
