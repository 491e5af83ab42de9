noinst_LIBRARIES += src/conf/libconf.a
src_conf_libconf_a_SOURCES = src/conf/settings.c src/conf/value.c src/conf/ini.c \
	src/conf/space.c
src_conf_libconf_a_CFLAGS = $(AM_CFLAGS) $(INIH_CFLAGS)

UNIT_TESTS += tests/test_conf
tests_test_conf_SOURCES = tests/test_conf.c
tests_test_conf_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_conf_LDADD = src/conf/libconf.a src/base/libbase.a \
	$(INIH_LIBS) $(CMOCKA_LIBS) $(ZLIB_LIBS)

UNIT_TESTS += tests/test_conf_ini
tests_test_conf_ini_SOURCES = tests/test_conf_ini.c
tests_test_conf_ini_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_conf_ini_LDADD = $(tests_test_conf_LDADD)

EXTRA_DIST += tests/fuzz_ini.c
