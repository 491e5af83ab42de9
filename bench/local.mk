# Measurements; built only when asked for.
EXTRA_PROGRAMS = bench/runs_together
bench_runs_together_SOURCES = bench/runs_together.c
bench_runs_together_LDADD = src/run/librun.a src/data/libdata.a src/net/libnet.a \
	src/math/libmath.a src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a \
	$(JANSSON_LIBS) $(BLAS_LIBS) $(INIH_LIBS) $(ZLIB_LIBS)
CLEANFILES += bench/runs_together
EXTRA_DIST += bench/side-by-side
