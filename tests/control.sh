#!/bin/sh
# A run that another process trains: kdtui list, status and send.
set -u
top=$(cd "${top_srcdir:-.}" && pwd)
# shellcheck source=tests/command.sh
. "$top/tests/command.sh"

expect "no run yet" 0 "no run in" "$kdtui" list
"$kdtui" run --headless -n live -s data.dataset=synthetic -s data.train_size=2000 \
    -s data.validation_size=200 -s network.hidden=16 -s train.epochs=1000000 >live.out 2>&1 &
process=$!
trap 'kill -9 $process 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    "$kdtui" status live 2>/dev/null | grep -q '"train_loss": [0-9]' && break
    sleep 0.1
done
expect "its state" 0 '"state": "running"' "$kdtui" status live
expect "the newest is meant" 0 '"name": "live"' "$kdtui" status
expect "in the list" 0 '^live +running +[0-9]+/1000000 +[0-9.]+% ' "$kdtui" list
expect "as JSON" 0 '"state": "running"' "$kdtui" list --json
expect "a command is applied" 0 '^applied at step [0-9]+: learning rate .* → ' \
    "$kdtui" send live set train.learning_rate '*0.5'
expect "and refused" 1 'refused: train.learning_rate = -1: ' "$kdtui" send live set train.learning_rate -1
expect "an unknown one" 2 'did you mean .pause' "$kdtui" send live puase
expect "one of the view" 2 'a command of the view' "$kdtui" send live log-y
expect "no command" 2 'a run and a command are expected' "$kdtui" send live
expect "options may precede" 0 '^applied' "$kdtui" send --runs-dir "$XDG_STATE_HOME/kdtui/runs" live pause
expect "it is paused" 0 '"state": "paused"' "$kdtui" status live
expect "what follows a command is none" 0 '^applied' "$kdtui" send live note --help -q
expect "undo" 0 '^applied at step [0-9]+: back at step' "$kdtui" send live undo
expect "it goes on" 0 '^applied' "$kdtui" send live continue
check "the journal says who" grep -q '"source":"socket","command":"undo"' \
    "$XDG_STATE_HOME/kdtui/runs/live/journal.jsonl"
expect "nobody else may train it" 2 'another process is training' "$kdtui" resume live --headless
kill -9 $process
wait $process 2>/dev/null
expect "a killed run is interrupted" 0 '"state": "interrupted"' "$kdtui" status live
expect "and not to be reached" 1 'no process that can be reached' "$kdtui" send live pause
"$kdtui" resume live --headless >live.out 2>&1 &
process=$!
for _ in $(seq 100); do
    "$kdtui" status live 2>/dev/null | grep -q '"state": "running"' && break
    sleep 0.1
done
expect "it is stopped" 0 '^applied' "$kdtui" send live stop
wait $process
check "and has finished" test $? -eq 0
expect "as its files tell" 0 '"state": "finished"' "$kdtui" status live
expect "no socket is left" 0 '^0$' sh -c "ls '$XDG_STATE_HOME/kdtui/sockets' | wc -l"
chmod 755 "$XDG_STATE_HOME/kdtui/sockets"
expect "an unsafe folder: training goes on" 0 'no control socket: .*sockets: mode 0700' \
    "$kdtui" run -q --headless -n unsafe -s data.dataset=synthetic -s data.train_size=500 \
    -s data.validation_size=100 -s network.hidden=8 -s train.epochs=1
chmod 700 "$XDG_STATE_HOME/kdtui/sockets"
printf '!' >"$XDG_STATE_HOME/kdtui/runs/unsafe/journal.jsonl"
expect "a damaged run is listed" 0 '^unsafe +damaged' "$kdtui" list
expect "and why" 0 'journal.jsonl: the journal has no head' "$kdtui" list
[ "$failures" = 0 ]
