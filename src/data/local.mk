noinst_LIBRARIES += src/data/libdata.a
src_data_libdata_a_SOURCES = src/data/augment.c src/data/batch.c src/data/cifar10.c \
	src/data/find.c src/data/gzip.c src/data/idx.c src/data/internal.h src/data/npy.c src/data/open.c \
	src/data/synthetic.c src/data/transform.c
src_data_libdata_a_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)

UNIT_TESTS += tests/test_data tests/test_data_augment tests/test_data_batch \
	tests/test_data_npy tests/test_data_parse
data_test_files = tests/data_files.c tests/data_files.h
data_test_cflags = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(ZLIB_CFLAGS)
data_test_ldadd = src/data/libdata.a src/math/libmath.a src/base/libbase.a \
	$(BLAS_LIBS) $(CMOCKA_LIBS) $(ZLIB_LIBS)
tests_test_data_SOURCES = tests/test_data.c $(data_test_files)
tests_test_data_CFLAGS = $(data_test_cflags)
tests_test_data_LDADD = $(data_test_ldadd)
tests_test_data_augment_SOURCES = tests/test_data_augment.c $(data_test_files)
tests_test_data_augment_CFLAGS = $(data_test_cflags)
tests_test_data_augment_LDADD = $(data_test_ldadd)
tests_test_data_batch_SOURCES = tests/test_data_batch.c $(data_test_files)
tests_test_data_batch_CFLAGS = $(data_test_cflags)
tests_test_data_batch_LDADD = $(data_test_ldadd)
tests_test_data_npy_SOURCES = tests/test_data_npy.c $(data_test_files)
tests_test_data_npy_CFLAGS = $(data_test_cflags)
tests_test_data_npy_LDADD = $(data_test_ldadd)
tests_test_data_parse_SOURCES = tests/test_data_parse.c $(data_test_files)
tests_test_data_parse_CFLAGS = $(data_test_cflags)
tests_test_data_parse_LDADD = $(data_test_ldadd)

EXTRA_DIST += tests/fuzz_cifar10.c tests/fuzz_gzip.c tests/fuzz_idx.c tests/fuzz_npy.c
