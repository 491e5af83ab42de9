#!/bin/sh
# bench/reproduce with presets of its own, small and on made-up data: killed and stopped in the
# middle, it goes on and ends with the same numbers as one that was not.
set -u
source_dir=$(cd "${top_srcdir:-.}" && pwd)
# shellcheck source=tests/command.sh
. "$source_dir/tests/command.sh"
case $kdtui in /*) ;; *) kdtui=$source_dir/$kdtui ;; esac
KDTUI=$kdtui
export KDTUI
python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' || exit 77
reproduce=$source_dir/bench/reproduce

preset() { # FILE HIDDEN SYNTHETIC-OR-CIFAR10
    printf '[data]\ndataset = %s\ntrain_size = 3000\nvalidation_size = 500\n' "$3"
    printf '[network]\nhidden = %s\n[train]\nepochs = 4\nbatch_size = 50\n' "$2"
} >"$1"
mkdir presets elsewhere
{
    echo '# Figure 1: 12-8, a network; test accuracy in the report: 99.99%.'
    preset rest '12 8' synthetic && cat rest
} >presets/fig01.ini
{
    echo '# Figure 2: 10, another; test accuracy in the report: 1.00%.'
    preset rest 10 synthetic && cat rest
} >presets/fig02.ini
preset presets/tab1.ini '8 6' synthetic
cat >>presets/tab1.ini <<'END'
[search]
method = grid
trials = 2
epochs = 2
learning_rate =
l2 =
hidden = 8-6 6-4
top = 0
reference = 8-6 1.5, 6-4 2.5
END
preset presets/srch1.ini 10 synthetic
cat >>presets/srch1.ini <<'END'
[search]
method = random
trials = 4
epochs = 2
learning_rate = log 0.001 0.1
top = 1
train_size = 1000
validation_size = 500
reference = the best 2.5 to 1.5% on the search split; 3.5 and 4.5% on the full protocol
END
preset elsewhere/fig01.ini 10 cifar10

expect "data that are not there" 2 "no CIFAR-10 in .*put data_batch_1.bin .*KDTUI_DATA" \
    "$reproduce" --presets elsewhere --dir none
check "leave nothing" test ! -e none
mkdir elsewhere/none
expect "no presets" 2 "no presets fig" "$reproduce" --presets elsewhere/none --dir none
expect "no such preset" 2 "fig03: no such preset" "$reproduce" --presets presets --dir none fig03

expect "all of it" 0 "wrote .*/whole/report.md" "$reproduce" --presets presets --dir whole --seeds 1 2
check "has a plan" grep -q '^7 jobs, 0 of them done' out
check "and time left" grep -q '^1/7 .* left$' out

# Killed, and then stopped.
"$reproduce" --presets presets --dir parts --seeds 1 2 >log 2>&1 &
pid=$!
until test -e parts/runs/fig01-2/metrics.csv || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -KILL $pid
wait $pid 2>/dev/null
"$reproduce" --presets presets --dir parts --seeds 1 2 >log 2>&1 &
pid=$!
until test -e parts/runs/srch1-1/search.journal || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
kill -TERM $pid
wait $pid
check "a signal ends it" test $? = 143
check "which says that it can go on" grep -q 'the same command goes on' log
nothing_runs() {
    ! pgrep -f "$work/parts/runs" >/dev/null
}
check "nothing is left running" nothing_runs
expect "it goes on" 0 "^7 jobs, [3-6] of them done" "$reproduce" --presets presets --dir parts --seeds 1 2
expect "and then there is nothing to do" 0 "^7 jobs, 7 of them done" \
    "$reproduce" --presets presets --dir parts --seeds 1 2

numbers() {
    sed -n '/^## /,$p' "$1"
}
numbers whole/report.md >whole.txt
numbers parts/report.md >parts.txt
check "with the same document" diff whole.txt parts.txt
check "that tells what is below the report" \
    grep -q '^1 of 2 figures are more than 0.7 points below the report: fig01.$' parts.txt
check "for no reason that is known" grep -q '^- \*\*fig01\*\*: the cause was not looked for' parts.txt
check "has means and spreads" \
    grep -Eq '^\| fig02 \| 10, another \| 1.00 \| [0-9.]+ ± [0-9.]+ \| \+[0-9.]+ \|$' parts.txt
check "the tables' best" grep -q '^| tab1 | best test accuracy, full protocol | 2.50 |' parts.txt
check "the searches'" grep -q '^| srch | best validation accuracy, search split | 2.50 |' parts.txt
check "and those trained again" \
    grep -q '^| srch | best test accuracy of those trained again | 4.50 |' parts.txt
check "settings" grep -q '^12 8, relu, .*, 4 epochs, ' parts.txt
check "each architecture" grep -Eq '^\| 6-4 \| 2.50 \| [0-9.]+ \| [0-9.]+ \| ' parts.txt
if command -v gnuplot >/dev/null; then
    check "and pictures" test -s parts/figures/fig01-1.svg
    check "that it shows" grep -q '!\[fig02-1\](figures/fig02-1.svg)' parts.txt
fi

mkdir tools
ln -s "$(python3 -c 'import sys; print(sys.executable)')" tools/python3
rm whole/report.md
expect "without gnuplot" 0 "wrote" \
    env PATH="$work/tools" tools/python3 "$reproduce" --presets presets --dir whole --seeds 1 2 --document
check "there are none, which is said" grep -q 'no figures: gnuplot is not installed' whole/report.md
[ "$failures" = 0 ]
