noinst_LIBRARIES += src/net/libnet.a
src_net_libnet_a_SOURCES = \
	src/net/backward.c \
	src/net/dropout.c \
	src/net/first.c \
	src/net/forward.c \
	src/net/init.c \
	src/net/internal.h \
	src/net/loss.c \
	src/net/measure.c \
	src/net/mixed.c \
	src/net/net.c \
	src/net/norm.c \
	src/net/product.c \
	src/net/schedule.c \
	src/net/update.c

# The same sources in double, for the gradient tests.
check_LIBRARIES += src/net/libnet_double.a
src_net_libnet_double_a_SOURCES = $(src_net_libnet_a_SOURCES)
src_net_libnet_double_a_CPPFLAGS = $(AM_CPPFLAGS) -DKDT_REAL_DOUBLE

# The test counts allocations through the wrapped functions; libxsmm wraps malloc
# and realloc itself, which nothing but mem_resize calls.
UNIT_TESTS += tests/test_net
tests_test_net_SOURCES = tests/test_net.c
tests_test_net_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_net_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=mem_resize,--wrap=calloc,--wrap=aligned_alloc,--wrap=posix_memalign,--wrap=mmap
tests_test_net_LDADD = src/net/libnet.a src/math/libmath.a src/base/libbase.a \
	$(CMOCKA_LIBS) $(BLAS_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/test_net_measure
tests_test_net_measure_SOURCES = tests/test_net_measure.c
tests_test_net_measure_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_net_measure_LDADD = src/net/libnet.a src/math/libmath.a src/base/libbase.a \
	$(CMOCKA_LIBS) $(BLAS_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/test_net_mixed
tests_test_net_mixed_SOURCES = tests/test_net_mixed.c
tests_test_net_mixed_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_net_mixed_LDADD = src/net/libnet.a src/math/libmath.a src/base/libbase.a \
	$(CMOCKA_LIBS) $(BLAS_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/test_net_gradient
tests_test_net_gradient_SOURCES = tests/test_net_gradient.c
tests_test_net_gradient_CPPFLAGS = $(AM_CPPFLAGS) -DKDT_REAL_DOUBLE
tests_test_net_gradient_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_net_gradient_LDADD = src/net/libnet_double.a src/math/libmath_double.a \
	src/base/libbase.a $(CMOCKA_LIBS) $(BLAS_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/test_net_schedule
tests_test_net_schedule_SOURCES = tests/test_net_schedule.c
tests_test_net_schedule_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_net_schedule_LDADD = src/net/libnet.a $(CMOCKA_LIBS)
