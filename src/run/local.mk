noinst_LIBRARIES += src/run/librun.a
src_run_librun_a_SOURCES = src/run/apply.c src/run/batches.c src/run/checkpoint.c src/run/checkpoint.h \
	src/run/conditions.c src/run/diverge.c src/run/earlier.c src/run/edits.c src/run/ends.c \
	src/run/evaluate.c src/run/feed.c src/run/history.c src/run/history.h src/run/image.c \
	src/run/internal.h src/run/journal.c src/run/journal.h src/run/journal_read.c \
	src/run/jump.c src/run/keep.c src/run/layers.c src/run/metrics.c src/run/metrics.h \
	src/run/metrics_read.c src/run/practice.c src/run/publication.h src/run/publish.c \
	src/run/queue.c src/run/queue.h src/run/range.c src/run/record.c src/run/replay.c \
	src/run/restore.c src/run/result.c src/run/resume.c src/run/resume.h src/run/run.c \
	src/run/safetensors.c src/run/script.c src/run/series.c src/run/states.c src/run/states.h \
	src/run/tape.c src/run/terms.c src/run/thread.c src/run/time.c src/run/utf8.c \
	src/run/verify.c src/run/writer.c
src_run_librun_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

UNIT_TESTS += tests/test_run tests/test_run_range tests/test_run_commands tests/test_run_ends \
	tests/test_run_evaluate tests/test_run_confusion tests/test_run_read tests/test_run_record \
	tests/test_run_replay tests/test_run_resume tests/test_run_states tests/test_run_series \
	tests/test_run_history tests/test_run_diverge tests/test_run_layers tests/test_checkpoint
tests_test_run_SOURCES = tests/test_run.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_LDADD = src/run/librun.a src/data/libdata.a src/net/libnet.a src/math/libmath.a \
	src/cmd/libcmd.a src/conf/libconf.a src/base/libbase.a \
	$(JANSSON_LIBS) $(BLAS_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) $(CMOCKA_LIBS)
tests_test_run_commands_SOURCES = tests/test_run_commands.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_commands_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_commands_LDADD = $(tests_test_run_LDADD)
tests_test_run_ends_SOURCES = tests/test_run_ends.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_ends_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_ends_LDADD = $(tests_test_run_LDADD)
tests_test_run_evaluate_SOURCES = tests/test_run_evaluate.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_evaluate_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_evaluate_LDADD = $(tests_test_run_LDADD)
tests_test_run_confusion_SOURCES = tests/test_run_confusion.c tests/run_fixture.c \
	tests/run_fixture.h
tests_test_run_confusion_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_confusion_LDADD = $(tests_test_run_LDADD)
tests_test_run_read_SOURCES = tests/test_run_read.c
tests_test_run_read_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_run_read_LDADD = $(tests_test_run_LDADD)
tests_test_run_record_SOURCES = tests/test_run_record.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_record_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_record_LDADD = $(tests_test_run_LDADD)
tests_test_run_replay_SOURCES = tests/test_run_replay.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_replay_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_replay_LDADD = $(tests_test_run_LDADD)
tests_test_run_resume_SOURCES = tests/test_run_resume.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_resume_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_resume_LDADD = $(tests_test_run_LDADD)
tests_test_run_states_SOURCES = tests/test_run_states.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_states_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_states_LDADD = $(tests_test_run_LDADD)
tests_test_run_history_SOURCES = tests/test_run_history.c
tests_test_run_history_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_run_history_LDADD = $(tests_test_run_LDADD)
tests_test_run_series_SOURCES = tests/test_run_series.c
tests_test_run_series_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
tests_test_run_series_LDADD = $(tests_test_run_LDADD)
tests_test_run_diverge_SOURCES = tests/test_run_diverge.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_diverge_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_diverge_LDADD = $(tests_test_run_LDADD)
UNIT_TESTS += tests/test_run_earlier
tests_test_run_earlier_SOURCES = tests/test_run_earlier.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_earlier_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_earlier_LDADD = $(tests_test_run_LDADD)
tests_test_run_layers_SOURCES = tests/test_run_layers.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_layers_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_layers_LDADD = $(tests_test_run_LDADD)
tests_test_run_range_SOURCES = tests/test_run_range.c tests/run_fixture.c tests/run_fixture.h
tests_test_run_range_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_run_range_LDADD = $(tests_test_run_LDADD)
tests_test_checkpoint_SOURCES = tests/test_checkpoint.c tests/run_fixture.c tests/run_fixture.h
tests_test_checkpoint_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS) $(JANSSON_CFLAGS)
tests_test_checkpoint_LDADD = $(tests_test_run_LDADD)
EXTRA_DIST += tests/fuzz_checkpoint.c tests/fuzz_journal.c tests/fuzz_rows.c tests/fuzz_script.c
