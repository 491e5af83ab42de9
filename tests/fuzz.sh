#!/bin/sh
# A campaign of every fuzz target: tests/fuzz.sh [SECONDS] (60 each). Needs clang with libFuzzer.
# Run from a build tree, whose top_srcdir names the sources.
set -eu
seconds=${1:-60}
source_dir=${top_srcdir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags="-std=gnu11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined
-fno-sanitize-recover=undefined -ffp-contract=off -I$source_dir/include
$(pkg-config --cflags openblas inih zlib jansson)"
libraries="$(pkg-config --libs openblas inih zlib jansson) -lm -lpthread"

for target in "$source_dir"/tests/fuzz_*.c; do
    name=$(basename "$target" .c)
    case $name in
    fuzz_ini) rooms="conf base" ;;
    fuzz_command) rooms="cmd base" ;;
    fuzz_search) rooms="search run data net math cmd conf base" ;;
    fuzz_control | fuzz_watch) rooms="ctl run data net math cmd conf base" ;;
    fuzz_checkpoint | fuzz_journal | fuzz_rows | fuzz_script) rooms="run data net math cmd conf base" ;;
    *) rooms="data math base" ;;
    esac
    sources=$target
    for room in $rooms; do
        sources="$sources $(ls "$source_dir"/src/"$room"/*.c)"
    done
    # shellcheck disable=SC2086
    clang $flags $sources -o "$work/$name" $libraries
    echo "$name: $seconds s"
    mkdir -p "$work/corpus-$name"
    "$work/$name" -max_total_time="$seconds" -print_final_stats=0 -verbosity=0 \
        -artifact_prefix="./$name-" "$work/corpus-$name"
done
echo "no fuzz target failed"
