#!/bin/sh
# Holds every #include against the table of rooms: which room may include which
# public header, and which file is the door to a third-party header.
set -eu
cd "${top_srcdir:-.}"
status=0

allowed() { # ROOM: the public headers it may include
    case $1 in
    base) echo "base" ;;
    conf) echo "base conf settings.def" ;;
    cmd) echo "base cmd commands.def keys.def" ;;
    math) echo "base math" ;;
    net) echo "base math net" ;;
    data) echo "base math data" ;;
    run) echo "base conf cmd math net data run feed" ;;
    ctl) echo "base cmd conf feed ctl" ;;
    ui) echo "base cmd conf feed ui" ;;
    export) echo "base conf cmd math net data run feed search export" ;;
    app) echo "base conf cmd math net data run feed search ui export ctl settings.def commands.def keys.def" ;;
    search) echo "base conf cmd data run feed search" ;;
    *) echo "" ;;
    esac
}

door() { # HEADER: the files that may include it
    case $1 in
    cblas.h) echo "src/math/gemm.c" ;;
    libxsmm.h) echo "src/math/xsmm.c" ;;
    ini.h) echo "src/conf/ini.c" ;;
    curses.h | term.h | ncurses.h) echo "src/ui/screen.c src/ui/palette.c src/ui/palette.h src/ui/keyboard.c" ;;
    zlib.h) echo "src/base/digest.c src/data/gzip.c" ;;
    jansson.h) echo "src/run/journal.c src/run/journal_read.c src/run/safetensors.c src/run/checkpoint.c src/run/result.c src/run/record.c src/search/table.c src/search/books.c src/ctl/protocol.c src/app/standing.c src/app/standing.h src/app/list.c src/app/bench_print.c" ;;
    Random123/*) echo "src/base/rng.c" ;;
    esac
}

for room in src/*; do
    room=${room#src/}
    for file in src/"$room"/*.c src/"$room"/*.h; do
        [ -f "$file" ] || continue
        # shellcheck disable=SC2013 # a header's name has no spaces
        for header in $(sed -n 's/^#include [<"]\([^>"]*\)[>"].*/\1/p' "$file"); do
            case $header in
            kdt/*)
                name=${header#kdt/}
                case " $(allowed "$room") " in
                *" ${name%.h} "*) ;;
                *)
                    echo "$file: room $room may not include $header" >&2
                    status=1
                    ;;
                esac
                ;;
            */*)
                case $header in sys/* | Random123/*) ;; *)
                    echo "$file: $header reaches into another folder" >&2
                    status=1
                    ;;
                esac
                ;;
            esac
            doors=$(door "$header")
            if [ -n "$doors" ]; then
                case " $doors " in
                *" $file "*) ;;
                *)
                    echo "$file: only $doors may include $header" >&2
                    status=1
                    ;;
                esac
            fi
        done
    done
done
[ $status = 0 ] && echo "every #include keeps to its room"
exit $status
