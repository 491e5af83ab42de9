noinst_LIBRARIES += src/search/libsearch.a
src_search_libsearch_a_SOURCES = src/search/internal.h src/search/books.c src/search/claim.c src/search/clerk.c \
	src/search/feed.c src/search/look.c src/search/plan.c src/search/search.c \
	src/search/show.c src/search/space.c src/search/table.c src/search/take.c \
	src/search/trial.c
src_search_libsearch_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

UNIT_TESTS += tests/test_search
tests_test_search_SOURCES = tests/test_search.c tests/run_fixture.c tests/run_fixture.h
tests_test_search_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_search_LDADD = src/search/libsearch.a $(tests_test_run_LDADD)

EXTRA_DIST += tests/fuzz_search.c
