#!/bin/sh
# kdtui search as its user meets it: lines and tables, settings that are wrong, going on, several
# processes, kills at any moment, and Optuna's reading of the journal.
#   search.sh [KILLS] (15)
set -u
kills=${1:-15}
top=$(cd "${top_srcdir:-.}" && pwd)
# shellcheck source=tests/command.sh
. "$top/tests/command.sh"

cat >tiny.ini <<'INI'
[data]
dataset = synthetic
train_size = 600
validation_size = 100
[network]
hidden = 8
[search]
method = halving
trials = 12
epochs = 6
learning_rate = log 0.01 0.2
l2 =
hidden = 6:10:2 4
train.momentum = 0.8 0.9
refine = 1
INI

# search NAME [OPTION...]
search() {
    search_name=$1
    shift
    "$kdtui" search --headless --runs-dir "$work/runs" -n "$search_name" -c "$work/tiny.ini" "$@"
}

# What does not depend on time, of each trial.
outcome() {
    "$kdtui" search --csv --runs-dir "$work/runs" -n "$1" | cut -d, -f1-6,8-
}

expect "a search" 0 '^12/12  trial [0-9]+  ' search plain
check "a line for each trial" test "$(grep -Ec '^[0-9]+/12  trial [0-9]+  val [0-9.]+% at epoch [0-9]' out)" = 12
check "the leaderboard" grep -Eq '^ *trial  validation  epoch +test +state +learning_rate  hidden  momentum$' out
check "its best is complete" grep -Eq '^ *1 +[0-9]+ +[0-9.]+% +[0-9] +[0-9.]+% +complete ' out
cp out whole
expect "--table" 0 '^ *1 +[0-9]+ ' "$kdtui" search --table --runs-dir runs -n plain
check "prints the same" sh -c 'grep -v "^[0-9]*/12 " whole | cmp -s - out'
expect "--csv" 0 '^trial,state,epochs,value,best_epoch,test_accuracy,seconds,train.learning_rate,' \
    "$kdtui" search --csv --runs-dir runs
check "has a row for each" test "$(wc -l <out)" = 13
expect "the same again" 0 'goes on: 12 have ended' search plain
expect "a trial is a run" 0 '^accuracy' "$kdtui" eval runs/plain/trial-0000
expect "quietly" 0 '^ *1 ' search quiet -q -s search.workers=1
check "without lines" sh -c '! grep -q "/12" out'
outcome plain >plain.csv
outcome quiet >quiet.csv
check "one worker chooses what many do" cmp plain.csv quiet.csv

expect "a space that is none" 2 'search.learning_rate: log 2 1: A below B' search x -s 'search.learning_rate=log 2 1'
expect "a grid without points" 2 'needs a number of points' search x -s search.method=grid
expect "a list of nothing" 2 'did you mean train.momentum' search x -s search.train.momentun=0.5
expect "nothing was left behind" 1 'no such search' "$kdtui" search --join x --runs-dir runs
expect "another space" 2 'was begun with log 0.01 0.2' search plain -s search.learning_rate=0.1
expect "more trials of halving" 2 'search.trials = 13: the search plain was begun with 12' search plain -s search.trials=13
expect "a run of the same name" 2 'a search named plain exists' "$kdtui" run --headless --runs-dir runs -n plain
expect "no table of nothing" 1 'no search in' "$kdtui" search --table --runs-dir nothing

# A signal saves and leaves; nothing is running then.
"$kdtui" search --runs-dir runs -n long -c tiny.ini -q -s search.epochs=2000 \
    -s search.method=random -s search.refine=0 >out 2>err &
child=$!
while ! grep -q intermediate_value runs/long/search.journal 2>/dev/null; do sleep 0.05; done
kill -TERM $child
wait $child
check "a signal ends it" test $? = 143
check "and says how to go on" grep -q 'kdtui search -n long goes on' err
"$kdtui" search --csv --runs-dir runs -n long >out
check "none is left running" sh -c 'grep -q ,waiting, out && ! grep -q ,running, out'

# A joined process does its share, and both see the end.
"$kdtui" search --runs-dir runs -n shared -c tiny.ini -q -s search.workers=1 >out 2>err &
child=$!
while [ ! -s runs/shared/search.journal ]; do sleep 0.02; done
expect "--join" 0 '^ *1 ' "$kdtui" search --join runs/shared -q -s search.workers=1
wait $child
check "both end well" test $? = 0
outcome shared >shared.csv
check "two processes choose what one does" cmp plain.csv shared.csv

# Killed again and again, one or both, until it is done.
i=0
while [ $i -lt "$kills" ]; do
    victim=killed-$((i / 8))
    "$kdtui" search --runs-dir runs -n $victim -c tiny.ini -q >/dev/null 2>&1 &
    first=$!
    second=
    if [ $((i % 2)) = 1 ] && [ -e "runs/$victim/search.ini" ]; then
        "$kdtui" search --join "runs/$victim" -q -s search.workers=1 >/dev/null 2>&1 &
        second=$!
    fi
    sleep "0.$(printf %03d $((i * 7919 % 230 + 20)))"
    kill -KILL $first 2>/dev/null
    wait $first 2>/dev/null
    if [ -n "$second" ]; then
        [ $((i % 4)) = 1 ] && sleep 0.05
        kill -KILL $second 2>/dev/null
        wait $second 2>/dev/null
    fi
    i=$((i + 1))
done
for directory in runs/killed-*; do
    victim=${directory#runs/}
    expect "$victim goes on" 0 '^ *1 ' search "$victim" -q
    outcome "$victim" >killed.csv
    check "$victim: no trial is lost, and none is another" cmp plain.csv killed.csv
    check "$victim: none ended twice" test \
        "$(grep -Ec '"op_code": 6, .*"state": [123],' "$directory/search.journal")" = 12
    for trial in "$directory"/trial-*; do
        check "$victim: ${trial##*/} was begun once" test \
            "$(grep -c '"command": *"start"' "$trial/journal.jsonl")" = 1
    done >quietly
    grep -v '^ok' quietly
done

# Optuna, where Debian's is installed.
python=/usr/bin/python3
if [ -x $python ] && $python -c 'import optuna' 2>/dev/null; then
    for study in plain killed-0 long; do
        "$kdtui" search --csv --runs-dir runs -n $study >all.csv
        expect "Optuna agrees on $study" 0 '^[0-9]+ trials agree' \
            $python "$top/tests/read_search.py" runs/$study/search.journal $study all.csv
    done
else
    echo "skipped: Optuna's reading of the journal (no python3-optuna)"
fi

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
