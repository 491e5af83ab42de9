#!/bin/sh
# Runs that are left or killed and go on, and runs that are trained again, from the command line.
set -u
# shellcheck source=tests/command.sh
. "${top_srcdir:-.}/tests/command.sh"
runs=$XDG_STATE_HOME/kdtui/runs

cat >tiny.ini <<'INI'
[data]
dataset = synthetic
train_size = 1000
validation_size = 200
[network]
hidden = 16 12
[train]
epochs = 30
INI
cat >script <<'SCRIPT'
# what a person might have done

@13 set train.learning_rate /2
@25 toggle augment.noise
@33 evaluate
@37 undo
@41 set train.momentum 0.8 train.l2 0
@120 rollback best
SCRIPT

# train NAME [OPTION...]
train() {
    run_name=$1
    shift
    "$kdtui" run --headless -n "$run_name" -c tiny.ini --script script "$@"
}
# Everything but the seconds.
rows() { cut -d, -f1,2,4- "$runs/$1/metrics.csv" | cat - "$runs/$1/steps.csv"; }
same() { rows "$1" >rows1 && rows "$2" >rows2 && cmp rows1 rows2; }

expect "a run with a script" 0 '^test accuracy' train whole
tested=$(tail -n 1 out)

# Left by signals, and killed, again and again.
"$kdtui" run -q -n parts -c tiny.ini --script script >/dev/null 2>&1 &
child=$!
for signal in KILL TERM KILL INT KILL; do
    sleep 0.1
    kill -s $signal $child 2>/dev/null
    wait $child 2>/dev/null
    # Killed before there was a run.
    [ -e "$runs/parts/settings.ini" ] || train parts -q >/dev/null 2>&1
    "$kdtui" resume parts -q --script script -s train.threads=2 >/dev/null 2>&1 &
    child=$!
done
wait $child
expect "a finished run tells its result" 0 '^test accuracy' "$kdtui" resume parts
check "the same as of one that was never left" test "$(cat out)" = "$tested"
check "and the same rows" same whole parts
expect "last is the default" 0 '^test accuracy' "$kdtui" resume
expect "-q of a finished one" 0 '^test accuracy' "$kdtui" resume -q parts

# What is different then.
expect "more epochs" 0 'epochs 30 → 31, learning rate' "$kdtui" resume whole --epochs 31 --headless \
    -s train.l2=0.001
check "both values are told" grep -q 'l2 0 → 0.001 at step' err
check "what was there is not printed again" test "$(grep -c '^epoch' out)" = 1
check "they are in the journal" grep -q '"source":"resume","command":"set train.l2 0.001"' \
    "$runs/whole/journal.jsonl"
expect "fewer epochs" 2 'train.epochs 3: 31 epochs and 0 steps are done already' "$kdtui" resume whole \
    --epochs 3
expect "from the best state" 0 '^epoch' "$kdtui" resume whole --from best --headless
check "as a rollback" grep -q '"source":"resume","command":"rollback best"' \
    "$runs/whole/journal.jsonl"
expect "from a state that is not kept" 2 'no state of step 7 is kept; there are those of' \
    "$kdtui" resume whole --from 7
expect "from no file" 1 'nothing.safetensors' "$kdtui" resume whole --from nothing.safetensors
expect "another run's file" 1 'it is of another run' sh -c "'$kdtui' run -q -n other -c tiny.ini \
    -s train.epochs=1 -s train.seed=2 >/dev/null && '$kdtui' resume whole \
    --from '$runs/other/checkpoints/last.safetensors'"
expect "a setting that is the run's" 2 'network.hidden is the run' "$kdtui" resume whole \
    --epochs 33 -s network.hidden=3
expect "an unknown setting" 2 'did you mean train.momentum' "$kdtui" resume whole -s train.momentun=1
expect "no such run" 1 'no such run' "$kdtui" resume nothing
expect "--epochs is not of run" 2 'not an option of kdtui run' "$kdtui" run --epochs 3
expect "a taken name points to resume" 2 'kdtui resume continues it' train whole

# One at a time.
"$kdtui" run --headless -n busy -c tiny.ini -s train.epochs=1000000 >busy.log 2>&1 &
child=$!
while [ ! -s busy.log ]; do sleep 0.05; done
expect "a run that is being trained" 2 'busy: another process is training this run' \
    "$kdtui" resume busy
kill $child
wait $child

# Damage.
expect "a run to damage" 0 '^test' train hurt -q
printf '{"seq":9,"st' >>"$runs/hurt/journal.jsonl"
rm "$runs/hurt/result.json"
printf x | dd of="$runs/hurt/checkpoints/step-300.safetensors" bs=1 seek=5000 conv=notrunc 2>/dev/null
expect "damage is told" 0 'step-300.safetensors skipped: .*damaged' "$kdtui" resume hurt
check "a torn line, too" grep -q 'journal.jsonl:8: the last line was not written to its end' err
check "and the result is the same" test "$(tail -n 1 out)" = "$tested"
sed -i '3s/toggle/taggle/' "$runs/hurt/journal.jsonl"
expect "a damaged journal" 1 'journal.jsonl:3: its crc does not match' "$kdtui" resume hurt

# Again.
expect "replay --verify" 0 'verified: .*the same bits' "$kdtui" replay parts --verify --headless
check "is a run of its own" test -s "$runs/parts-replay/result.json"
expect "its journal names its source" 0 '"source":"replay","command":"undo"' \
    cat "$runs/parts-replay/journal.jsonl"
expect "a replay with another seed" 0 '^test' "$kdtui" replay parts -q -s train.seed=5
check "is the next one" test -s "$runs/parts-replay-2/result.json"
expect "another seed cannot be verified" 2 'only train.threads may differ' \
    "$kdtui" replay parts --verify -s train.seed=5
expect "a replay with a name" 0 'verified' "$kdtui" replay parts -q --verify -n again -s train.threads=3
sed -i -E '8s/^(([^,]*,){4})./\19/' "$runs/again/metrics.csv"
expect "a changed number" 1 'first difference at step [0-9]+: the training loss is' "$kdtui" replay again -q --verify

# Scripts.
printf '@3 pause\n@4 puse\n' >wrong
expect "a script's mistake" 2 'wrong:2: .*pause' "$kdtui" run --script wrong
expect "no such script" 1 'missing' "$kdtui" run --script missing

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
