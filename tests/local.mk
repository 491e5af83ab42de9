# Tests of the whole program; the rooms' unit tests are in src/ROOM/local.mk.
dist_check_SCRIPTS += tests/rooms.sh tests/docs.sh tests/cli.sh tests/terminal.sh \
	tests/checkpoint.sh

# Not run by make check: what other scripts use, and the fuzz campaign.
EXTRA_DIST += tests/read_checkpoint.py tests/fuzz.sh
