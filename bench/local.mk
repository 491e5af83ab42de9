# Measurements; built only when asked for.
EXTRA_PROGRAMS = bench/runs_together bench/redraw
bench_runs_together_SOURCES = bench/runs_together.c
bench_runs_together_LDADD = src/run/librun.a src/data/libdata.a src/net/libnet.a \
	src/math/libmath.a src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a \
	$(JANSSON_LIBS) $(BLAS_LIBS) $(INIH_LIBS) $(ZLIB_LIBS)
bench_redraw_SOURCES = bench/redraw.c tests/ui_bench.c tests/ui_bench.h $(fake_feed_sources)
bench_redraw_LDADD = src/ui/libui.a src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a \
	$(INIH_LIBS)
CLEANFILES += bench/runs_together bench/redraw
EXTRA_DIST += bench/search bench/halving bench/side-by-side bench/view bench/attach \
	bench/reproduce bench/reproduce_document.py bench/reproduce.notes

# Every figure, table and search of the report, on CIFAR-10: bench/README.md. REPRODUCE has its options.
reproduce: kdtui$(EXEEXT)
	KDTUI='$(abs_top_builddir)/kdtui$(EXEEXT)' $(top_srcdir)/bench/reproduce \
		--dir '$(abs_top_builddir)/reproduce' $(REPRODUCE)
.PHONY: reproduce
