noinst_LIBRARIES += src/ui/libui.a
src_ui_libui_a_SOURCES = \
	src/ui/axis.c \
	src/ui/axis.h \
	src/ui/board.c \
	src/ui/board.h \
	src/ui/budget.c \
	src/ui/budget.h \
	src/ui/canvas.c \
	src/ui/canvas.h \
	src/ui/chart.c \
	src/ui/chart.h \
	src/ui/charts.c \
	src/ui/charts.h \
	src/ui/color.c \
	src/ui/color.h \
	src/ui/complete.c \
	src/ui/complete.h \
	src/ui/confusion.c \
	src/ui/control.c \
	src/ui/control.h \
	src/ui/curves.c \
	src/ui/dashboard.c \
	src/ui/draw.c \
	src/ui/draw.h \
	src/ui/earlier.c \
	src/ui/earlier.h \
	src/ui/editor.c \
	src/ui/editor.h \
	src/ui/frame.c \
	src/ui/gallery.c \
	src/ui/gallery.h \
	src/ui/grid.c \
	src/ui/grid.h \
	src/ui/guesses.c \
	src/ui/guesses.h \
	src/ui/health.c \
	src/ui/health.h \
	src/ui/help.c \
	src/ui/history.c \
	src/ui/history.h \
	src/ui/journal.c \
	src/ui/keyboard.c \
	src/ui/keyboard.h \
	src/ui/layer_panel.c \
	src/ui/layer_panel.h \
	src/ui/layers.c \
	src/ui/layout.c \
	src/ui/layout.h \
	src/ui/legend.c \
	src/ui/legend.h \
	src/ui/line.c \
	src/ui/line.h \
	src/ui/lists.c \
	src/ui/look.c \
	src/ui/look.h \
	src/ui/map.c \
	src/ui/matrix.c \
	src/ui/matrix.h \
	src/ui/menu.c \
	src/ui/menu.h \
	src/ui/mouse.c \
	src/ui/mouse.h \
	src/ui/news.c \
	src/ui/palette.c \
	src/ui/palette.h \
	src/ui/picture.c \
	src/ui/picture.h \
	src/ui/post.c \
	src/ui/post.h \
	src/ui/prompt.c \
	src/ui/range.c \
	src/ui/reading.c \
	src/ui/reading.h \
	src/ui/remember.c \
	src/ui/remember.h \
	src/ui/rollback.c \
	src/ui/rollback.h \
	src/ui/scale.c \
	src/ui/scale.h \
	src/ui/screen.c \
	src/ui/screen.h \
	src/ui/screens.c \
	src/ui/screens.h \
	src/ui/scroll.c \
	src/ui/scroll.h \
	src/ui/search_menu.c \
	src/ui/search_view.c \
	src/ui/search_view.h \
	src/ui/settings.c \
	src/ui/smooth.c \
	src/ui/smooth.h \
	src/ui/state.c \
	src/ui/state.h \
	src/ui/tails.c \
	src/ui/tails.h \
	src/ui/title.c \
	src/ui/trace.c \
	src/ui/trace.h \
	src/ui/trials.c \
	src/ui/view.c \
	src/ui/window.c \
	src/ui/window.h
src_ui_libui_a_CFLAGS = $(AM_CFLAGS) $(CURSES_CFLAGS)

golden_sources = tests/golden.c tests/golden.h tests/ui_golden.c tests/ui_golden.h

# A made-up training behind a feed.
fake_feed_sources = tests/fake_feed.c tests/fake_commands.c tests/fake_images.c \
	tests/fake_layers.c tests/fake_feed.h tests/fake_search.c tests/fake_search.h

UNIT_TESTS += tests/test_ui_screens
tests_test_ui_screens_SOURCES = tests/test_ui_screens.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_screens_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_screens_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_search
tests_test_ui_search_SOURCES = tests/test_ui_search.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_search_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_search_LDADD = $(tests_test_ui_screens_LDADD)

UNIT_TESTS += tests/test_ui_earlier
tests_test_ui_earlier_SOURCES = tests/test_ui_earlier.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_earlier_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_earlier_LDADD = $(tests_test_ui_screens_LDADD)
UNIT_TESTS += tests/test_ui_layers
tests_test_ui_layers_SOURCES = tests/test_ui_layers.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_layers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_layers_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_range
tests_test_ui_range_SOURCES = tests/test_ui_range.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_range_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_range_LDADD = $(tests_test_ui_screens_LDADD)
UNIT_TESTS += tests/test_ui_sizes
tests_test_ui_sizes_SOURCES = tests/test_ui_sizes.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources)
tests_test_ui_sizes_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_sizes_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_line
tests_test_ui_line_SOURCES = tests/test_ui_line.c
tests_test_ui_line_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_line_LDADD = src/ui/libui.a src/base/libbase.a $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_budget
tests_test_ui_budget_SOURCES = tests/test_ui_budget.c
tests_test_ui_budget_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_budget_LDADD = src/ui/libui.a $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_keys
tests_test_ui_keys_SOURCES = tests/test_ui_keys.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources)
tests_test_ui_keys_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_keys_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_manners
tests_test_ui_manners_SOURCES = tests/test_ui_manners.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources)
tests_test_ui_manners_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_manners_LDADD = $(tests_test_ui_keys_LDADD)

UNIT_TESTS += tests/test_ui_confusion
tests_test_ui_confusion_SOURCES = tests/test_ui_confusion.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_confusion_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_confusion_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a \
	src/base/libbase.a $(INIH_LIBS) $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_grid
tests_test_ui_grid_SOURCES = tests/test_ui_grid.c
tests_test_ui_grid_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_grid_LDADD = src/ui/libui.a src/base/libbase.a $(CMOCKA_LIBS)

UNIT_TESTS += tests/test_ui_draw
tests_test_ui_draw_SOURCES = tests/test_ui_draw.c tests/golden.c tests/golden.h
tests_test_ui_draw_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_draw_LDADD = src/ui/libui.a src/base/libbase.a $(CMOCKA_LIBS)

# Behind a pty, with a training that is made up.
check_PROGRAMS += tests/view_demo
tests_view_demo_SOURCES = tests/view_demo.c $(fake_feed_sources)
tests_view_demo_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a \
	$(INIH_LIBS) $(CURSES_LIBS)

UNIT_TESTS += tests/test_view
tests_test_view_SOURCES = tests/test_view.c
tests_test_view_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_view_LDADD = src/base/libbase.a $(CMOCKA_LIBS)

EXTRA_DIST += tests/golden

UNIT_TESTS += tests/test_ui_charts
tests_test_ui_charts_SOURCES = tests/test_ui_charts.c tests/ui_bench.c tests/ui_bench.h \
	$(fake_feed_sources) $(golden_sources)
tests_test_ui_charts_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_charts_LDADD = $(tests_test_ui_screens_LDADD)

UNIT_TESTS += tests/test_ui_window
tests_test_ui_window_SOURCES = tests/test_ui_window.c
tests_test_ui_window_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_ui_window_LDADD = src/ui/libui.a src/base/libbase.a $(CMOCKA_LIBS)
