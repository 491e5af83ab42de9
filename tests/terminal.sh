#!/bin/sh
# The view in a real terminal (tmux): start, pause, change the rate, noise, checkpoint, resize,
# commands, quit; and the terminal restored on every way out. Needs tmux and procps, else it is skipped.
set -u
for tool in tmux pgrep pkill; do
    command -v $tool >/dev/null || {
        echo "$tool is missing: the view was not tested in a terminal"
        exit 77
    }
done
kdtui=${KDTUI:-./kdtui}
work=$(mktemp -d)
servers=0
socket=$work/tmux0
trap 'tmux -S "$socket" kill-server 2>/dev/null; rm -rf "$work"' EXIT
failures=0
run_directory=

mux() {
    tmux -S "$socket" -f /dev/null "$@"
}

# A server of its own each time: one that is being killed would still answer.
new_terminal() { # WIDTH HEIGHT ENVIRONMENT...
    mux kill-server 2>/dev/null
    servers=$((servers + 1))
    socket=$work/tmux$servers
    width=$1 height=$2
    shift 2
    mux new-session -d -s kdtui -x "$width" -y "$height" "env $* PS1='shell> ' sh" || {
        echo "tmux has no terminal to give: the view was not tested in one"
        exit 77
    }
    see "a shell" 'shell>'
}

screen() {
    mux capture-pane -p -t kdtui 2>/dev/null
}

fail() {
    echo "FAIL: $1"
    screen
    failures=$((failures + 1))
}

# see NAME PATTERN: the screen shows it within ten seconds.
see() {
    for _ in $(seq 200); do
        if screen | grep -Eq -- "$2"; then
            echo "ok: $1"
            return
        fi
        sleep 0.05
    done
    fail "$1: no line matches $2"
}

check() {
    name=$1
    shift
    if "$@"; then
        echo "ok: $name"
    else
        fail "$name"
    fi
}

keys() {
    mux send-keys -t kdtui "$@"
}

# start NAME WIDTH HEIGHT [OPTION...]: a shell in a new terminal that runs kdtui.
start() {
    run=$1 width=$2 height=$3
    shift 3
    run_directory=$work/runs/$run
    new_terminal "$width" "$height" LC_ALL=C.UTF-8 XDG_STATE_HOME="$work/state" \
        XDG_CONFIG_HOME="$work"
    keys "$kdtui run -n $run --runs-dir $work/runs -s data.dataset=synthetic -s data.train_size=4000 -s data.validation_size=500 -s network.hidden='64 32' -s train.epochs=2000 $*; echo code=\$?" Enter
}

journal() {
    grep -Eq -- "$1" "$run_directory/journal.jsonl"
}

# Steering.
start steer 80 24
see "it trains" 'running'
see "a loss chart" 'loss'
see "an accuracy chart" 'accuracy'
see "epochs count" 'epoch +[1-9]'
keys Space
see "space pauses" 'paused'
keys .
see "one step" 'applied at step [0-9]+'
keys +
see "the rate goes up" 'learning rate 0\.[0-9]+ → 0\.[0-9]+'
check "and is in the journal" journal '"command": *"set train.learning_rate \*1.1"'
keys n
see "noise on" 'noise off → on'
keys u
see "undo" 'back at step [0-9]+, before noise off → on'
see "and its mark" 'undo, from step [0-9]+'
keys C-r
see "redo" 'back at step [0-9]+'
keys r
see "a menu of states" 'before the last edit +[0-9]+'
keys Escape
see "and back" 'accuracy'
keys c
see "a checkpoint" 'checkpoint'
sleep 0.3
check "is a file" test -s "$run_directory/checkpoints/last.safetensors"
keys v
see "evaluated" "applied at step [0-9]+: accuracy [0-9.]+%, validation [0-9.]+%"
keys e
see "a prompt for the rate" 'train.learning_rate'
keys C-u 0.005 Enter
see "a typed rate" '→ 0\.005'
keys e
keys C-u 9999 Enter
see "a refused rate" '1000'
keys : 
sleep 0.1
keys 'set train.l2 0.001 train.momentum 0.8' Enter
see "a command" 'applied at step [0-9]+.*(l2|momentum)'
check "in the journal with old and new" journal '"new".*0.8|0.8.*"new"|"new"'
keys : 
sleep 0.1
keys 'set network.hidden 5' Enter
see "a fixed setting is refused" 'network.hidden'
keys :
sleep 0.1
keys 'puase' Enter
see "an unknown command" 'did you mean .pause'
keys '?'
see "help" 'Learning rate times 1.1'
keys '?'
see "and back" 'accuracy'
keys y
keys g
see "block or ASCII" 'loss'
keys g
keys g
keys Space
see "it goes on" 'running'

# Sizes.
for size in 200x60 40x12 20x5 3x2 120x40 80x24; do
    mux resize-window -t kdtui -x "${size%x*}" -y "${size#*x}"
    sleep 0.2
done
see "still there after resizing" 'running'
mux resize-window -t kdtui -x 60 -y 10
see "one status line where it is small" 'epoch|running'
mux resize-window -t kdtui -x 80 -y 24
keys C-l
see "repainted" 'accuracy'

# Stopped and continued by the shell's job control.
keys C-z
see "stopped" 'shell>'
keys fg Enter
see "continued" 'running'

# Ways out.
keys q
see "a menu" 'save and stop'
keys Escape
see "Esc goes back" 'running'
keys C-c
see "Ctrl-C is the same menu" 'save and stop'
keys s
see "saved and left" 'saved up to step'
check "the terminal is as it was" sh -c "! tmux -S '$socket' display -p -t kdtui '#{alternate_on}' | grep -q 1"
check "no result yet" test ! -e "$run_directory/result.json"
keys 'stty -a | tr ";" "\n"' Enter
see "echo is on" '[^-]echo( |$)'

start abandoned 80 24
see "it trains" 'epoch +[1-9]'
keys q
see "a menu" 'abandon'
keys a
see "abandoned" 'code=0'

start finished 100 30 -s train.epochs=2
see "it stays open with its result" 'test accuracy'
keys q
see "the result on the normal screen" '^test accuracy [0-9.]+%'
see "done" 'code=0'

start terminated 80 24
see "it trains" 'epoch +[1-9]'
pkill -TERM -f "kdtui run -n terminated"
see "SIGTERM saves and leaves" 'code=143'
check "saved" test -s "$run_directory/checkpoints/last.safetensors"
check "the screen is back" sh -c "tmux -S '$socket' display -p -t kdtui '#{alternate_on}' | grep -q 0"

start crashed 80 24
see "it trains" 'epoch +[1-9]'
kill -SEGV "$(pgrep -nf "kdtui run -n crashed")"
see "a crash" 'code=139'
check "restores the screen" sh -c "tmux -S '$socket' display -p -t kdtui '#{alternate_on}' | grep -q 0"
keys 'stty -a | tr ";" "\n"' Enter
see "and echo" '[^-]echo( |$)'

# The terminal goes away: training goes on.
start left 80 24
see "it trains" 'epoch +[1-9]'
pid=$(pgrep -nf "kdtui run -n left") # the newest: its launcher ends with the terminal
mux kill-server
sleep 0.5
check_alive() {
    kill -0 "$pid" 2>/dev/null
}
if check_alive; then
    echo "ok: training goes on without its terminal"
else
    echo "FAIL: training ended with its terminal"
    failures=$((failures + 1))
fi
rows=$(wc -l <"$run_directory/metrics.csv")
sleep 1
if [ "$(wc -l <"$run_directory/metrics.csv")" -gt "$rows" ]; then
    echo "ok: and makes progress"
else
    echo "FAIL: no progress without a terminal"
    failures=$((failures + 1))
fi
kill -TERM "$pid"
for _ in $(seq 40); do
    check_alive || break
    sleep 0.05
done
if check_alive; then
    echo "FAIL: SIGTERM did not end it"
    failures=$((failures + 1))
    kill -KILL "$pid"
fi

# Terminals that cannot have a view get plain lines.
for term in dumb ''; do
    new_terminal 80 24 TERM="$term" LC_ALL=C
    keys "$kdtui run -n plain$term --runs-dir $work/runs -s data.dataset=synthetic -s data.train_size=1000 -s data.validation_size=200 -s train.epochs=2; echo code=\$?" Enter
    see "plain lines" 'test accuracy'
    see "and done" 'code=0'
done

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
