noinst_LIBRARIES += src/search/libsearch.a
src_search_libsearch_a_SOURCES = src/search/internal.h src/search/books.c src/search/plan.c \
	src/search/search.c src/search/show.c src/search/space.c src/search/table.c src/search/trial.c
src_search_libsearch_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
