noinst_LIBRARIES += src/cmd/libcmd.a
src_cmd_libcmd_a_SOURCES = \
	src/cmd/command.c \
	src/cmd/key.c

UNIT_TESTS += tests/test_cmd
tests_test_cmd_SOURCES = tests/test_cmd.c
tests_test_cmd_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_cmd_LDADD = src/cmd/libcmd.a src/base/libbase.a \
	$(CMOCKA_LIBS) $(ZLIB_LIBS)

EXTRA_DIST += tests/fuzz_command.c
