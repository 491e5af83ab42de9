# Tests of the whole tree; the rooms' unit tests are in src/ROOM/local.mk.
dist_check_SCRIPTS += tests/rooms.sh
