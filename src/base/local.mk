noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/clock.c \
	src/base/digest.c \
	src/base/err.c \
	src/base/file.c \
	src/base/memory.c \
	src/base/normal.c \
	src/base/number.c \
	src/base/rng.c \
	src/base/rng.h \
	src/base/text.c \
	src/base/thread.c

UNIT_TESTS += tests/test_base tests/test_base_rng
tests_test_base_SOURCES = tests/test_base.c
tests_test_base_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_base_LDADD = src/base/libbase.a \
	$(CMOCKA_LIBS) $(ZLIB_LIBS)
tests_test_base_rng_SOURCES = tests/test_base_rng.c
tests_test_base_rng_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_base_rng_LDADD = src/base/libbase.a \
	$(CMOCKA_LIBS) $(ZLIB_LIBS)
