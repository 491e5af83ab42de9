kdtui_SOURCES = src/app/main.c src/app/bench.c src/app/bench.h src/app/bench_print.c \
	src/app/attach.c src/app/attach.h src/app/board.c src/app/board.h \
	src/app/compare.c src/app/compare.h src/app/eval.c src/app/eval.h src/app/export.c src/app/export.h \
	src/app/output.c src/app/output.h src/app/plot.c src/app/plot.h src/app/list.c src/app/list.h \
	src/app/launcher.c src/app/launcher.h \
	src/app/remote.c src/app/remote.h src/app/standing.c src/app/standing.h src/app/lines.c src/app/lines.h \
	src/app/load.c src/app/load.h src/app/options.c src/app/options.h \
	src/app/places.c src/app/places.h src/app/print.c src/app/print.h src/app/replay.c src/app/replay.h src/app/resume.c \
	src/app/resume.h src/app/search.c src/app/search.h \
	src/app/signals.c src/app/signals.h src/app/terminal.c src/app/terminal.h src/app/train.c src/app/train.h \
	src/app/usage.c src/app/usage.h src/app/usage.def
kdtui_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
kdtui_LDADD = src/ui/libui.a src/export/libexport.a src/search/libsearch.a src/ctl/libctl.a src/run/librun.a \
	src/data/libdata.a src/net/libnet.a \
	src/math/libmath.a src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a \
	$(CURSES_LIBS) $(BLAS_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) $(JANSSON_LIBS)

# Prints the documents with their generated parts renewed; not installed.
noinst_PROGRAMS += kdtui-docgen
kdtui_docgen_SOURCES = src/app/docgen.c src/app/manual.c src/app/manual.h \
	src/app/completion.c src/app/completion.h \
	src/app/usage.c src/app/usage.h src/app/usage.def
kdtui_docgen_LDADD = src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a $(INIH_LIBS) $(ZLIB_LIBS)

# What is shipped and installed beside the program.
slurmdir = $(pkgdatadir)/slurm
dist_slurm_DATA = etc/slurm/kdtui-search.sbatch
dist_man_MANS = man/kdtui.1 man/kdtui.ini.5 man/kdtui-keys.7 man/kdtui-protocol.7
dist_pkgdata_DATA = etc/kdtui.ini
presetsdir = $(pkgdatadir)/presets
dist_presets_DATA = \
	etc/presets/cifar-best.ini etc/presets/cifar-fast.ini etc/presets/fashion.ini \
	etc/presets/fig01.ini etc/presets/fig02.ini etc/presets/fig03.ini \
	etc/presets/fig04.ini etc/presets/fig05.ini etc/presets/fig06.ini \
	etc/presets/fig07.ini etc/presets/fig08.ini etc/presets/fig09.ini \
	etc/presets/fig10.ini etc/presets/fig11.ini etc/presets/fig12.ini \
	etc/presets/fig13.ini etc/presets/fig14.ini etc/presets/fig15.ini \
	etc/presets/fig16.ini etc/presets/fig17.ini etc/presets/fig18.ini \
	etc/presets/fig19.ini etc/presets/fig20.ini etc/presets/fig21.ini \
	etc/presets/srch1.ini etc/presets/srch2.ini etc/presets/srch3.ini etc/presets/srch4.ini \
	etc/presets/srch5.ini etc/presets/srch6.ini etc/presets/srch7.ini \
	etc/presets/tab1.ini etc/presets/tab2.ini etc/presets/tab3.ini
dist_bashcompletion_DATA = etc/completions/kdtui.bash
dist_zshcompletion_DATA = etc/completions/_kdtui
dist_fishcompletion_DATA = etc/completions/kdtui.fish

# Renews the documents in the source tree after a table has changed.
docs: kdtui-docgen$(EXEEXT)
	$(AM_V_at)for document in $(dist_man_MANS) $(dist_pkgdata_DATA) \
	    $(dist_bashcompletion_DATA) $(dist_zshcompletion_DATA) $(dist_fishcompletion_DATA); do \
		./kdtui-docgen$(EXEEXT) "$(srcdir)/$$document" >document.new || exit 1; \
		cmp -s document.new "$(srcdir)/$$document" || cp document.new "$(srcdir)/$$document" || exit 1; \
	done; rm -f document.new
.PHONY: docs
