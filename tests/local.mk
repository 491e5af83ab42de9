# Tests of the whole program; the rooms' unit tests are in src/ROOM/local.mk.
dist_check_SCRIPTS += tests/rooms.sh tests/docs.sh tests/cli.sh tests/resume.sh tests/terminal.sh \
	tests/terminals.py tests/storm.py tests/leave.py tests/attach.py tests/checkpoint.sh \
	tests/export.sh tests/control.sh tests/faults.sh tests/search.sh tests/search_view.py \
	tests/reproduce.sh

# Programs whose file system fails on demand; see fault.h.
check_PROGRAMS += tests/kdtui_fault
tests_kdtui_fault_SOURCES = $(kdtui_SOURCES) $(fault_sources)
tests_kdtui_fault_LDADD = $(kdtui_LDADD)
fault_sources = tests/fault.c tests/fault.h tests/disk.c tests/disk.h

UNIT_TESTS += tests/test_faults tests/test_bitflips tests/test_crash tests/test_sessions
tests_test_faults_SOURCES = tests/test_faults.c tests/run_fixture.c tests/run_fixture.h \
	$(fault_sources)
tests_test_faults_CFLAGS = $(tests_test_run_CFLAGS)
tests_test_faults_LDADD = $(tests_test_run_LDADD)
tests_test_bitflips_SOURCES = tests/test_bitflips.c tests/run_fixture.c tests/run_fixture.h
tests_test_bitflips_CFLAGS = $(tests_test_run_CFLAGS)
tests_test_bitflips_LDADD = $(tests_test_run_LDADD)
# It kills tests/kdtui_fault.
tests_test_crash_SOURCES = tests/test_crash.c tests/run_fixture.c tests/run_fixture.h \
	tests/disk.c tests/disk.h
tests_test_crash_CFLAGS = $(tests_test_run_CFLAGS)
tests_test_crash_LDADD = $(tests_test_run_LDADD)
tests_test_sessions_SOURCES = tests/test_sessions.c tests/run_fixture.c tests/run_fixture.h
tests_test_sessions_CFLAGS = $(tests_test_run_CFLAGS)
tests_test_sessions_LDADD = $(tests_test_run_LDADD)

# Not run by make check: what other scripts use, and the fuzz campaign.
EXTRA_DIST += tests/checks.py tests/pty_terminal.py tests/read_checkpoint.py tests/read_events.py tests/read_onnx.py \
	tests/read_search.py tests/slurm.sh tests/fuzz.sh tests/command.sh
