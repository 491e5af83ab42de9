noinst_LIBRARIES += src/ctl/libctl.a
src_ctl_libctl_a_SOURCES = src/ctl/address.c src/ctl/client.c src/ctl/internal.h \
	src/ctl/members.c src/ctl/mirror.c src/ctl/mirror.h src/ctl/protocol.c src/ctl/records.c \
	src/ctl/records.h src/ctl/server.c src/ctl/stream.c src/ctl/stream.h src/ctl/watch.c \
	src/ctl/words.c src/ctl/words.h
src_ctl_libctl_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

UNIT_TESTS += tests/test_ctl tests/test_ctl_watch
ctl_stage_sources = tests/ctl_stage.c tests/ctl_stage.h $(fake_feed_sources)
tests_test_ctl_SOURCES = tests/test_ctl.c $(ctl_stage_sources)
tests_test_ctl_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ctl_LDADD = src/ctl/libctl.a src/run/librun.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(JANSSON_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
tests_test_ctl_watch_SOURCES = tests/test_ctl_watch.c $(ctl_stage_sources)
tests_test_ctl_watch_CFLAGS = $(tests_test_ctl_CFLAGS)
tests_test_ctl_watch_LDADD = $(tests_test_ctl_LDADD)
EXTRA_DIST += tests/fuzz_control.c tests/fuzz_watch.c
