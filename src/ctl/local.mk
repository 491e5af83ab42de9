noinst_LIBRARIES += src/ctl/libctl.a
src_ctl_libctl_a_SOURCES = src/ctl/address.c src/ctl/client.c src/ctl/internal.h \
	src/ctl/protocol.c src/ctl/server.c
src_ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

UNIT_TESTS += tests/test_ctl
tests_test_ctl_SOURCES = tests/test_ctl.c $(fake_feed_sources)
tests_test_ctl_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ctl_LDADD = src/ctl/libctl.a src/run/librun.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(JANSSON_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
EXTRA_DIST += tests/fuzz_control.c
