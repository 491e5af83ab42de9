#!/bin/sh
# The command line as its user meets it: options, exit codes, errors, plain lines, files.
set -u
top=$(cd "${top_srcdir:-.}" && pwd)
# shellcheck source=tests/command.sh
. "$top/tests/command.sh"

cat >tiny.ini <<'INI'
[data]
dataset = synthetic
train_size = 1000
validation_size = 200
[network]
hidden = 16 12
[train]
epochs = 3
INI

# train NAME [OPTION...]: a run of a second or less.
train() {
    run_name=$1
    shift
    "$kdtui" run --headless -n "$run_name" -c "$work/tiny.ini" "$@"
}

# Manners.
expect "--version" 0 '^kdtui [0-9]' "$kdtui" --version
expect "--help" 0 'eval' "$kdtui" --help
expect "run --help" 0 '--headless' "$kdtui" run --help
expect "unknown command" 2 '^kdtui: evla: no such command; did you mean eval\?' "$kdtui" evla
expect "unknown option" 2 'did you mean --headless' "$kdtui" run --headles2
expect "missing value" 2 '--preset needs a value' "$kdtui" run --preset
expect "option of another command" 2 'not an option of kdtui settings' "$kdtui" settings --headless
expect "an operand too many" 2 'operand too many' "$kdtui" run here
expect "settings" 0 'train.learning_rate' "$kdtui" settings
expect "settings NAME" 0 'number' "$kdtui" settings train.learning_rate
expect "settings of nothing" 2 'did you mean train.momentum' "$kdtui" settings train.momentun
expect "settings --ini" 0 '^\[train\]' "$kdtui" settings --ini
expect "keys" 0 'pause' "$kdtui" keys

# Settings: every mistake names its place and what is accepted.
expect "unknown setting" 2 'did you mean train.epochs' train x -s train.epoch=3
expect "out of range" 2 'train.momentum.*0\.9999' train x -s train.momentum=2
expect "not a number" 2 'train.epochs' train x -s train.epochs=many
expect "not a choice" 2 'relu, leaky_relu or elu' train x -s network.activation=tanh
expect "missing file" 1 'none.ini' train x -c none.ini
printf '[train]\nepochs = 3\nlerning_rate = 1\n' >bad.ini
expect "unknown key in a file" 2 'bad.ini:3:.*learning_rate' train x -c bad.ini
printf '[train]\nbatch_size = 1\n' >bad.ini
expect "bad value in a file" 2 'bad.ini:2:.*65536' train x -c bad.ini
expect "unknown preset" 2 'did you mean fig06' train x -p fog06
expect "unknown preset, nothing like it" 2 'there are cifar-best cifar-fast fashion fig01 ' train x -p nothing
expect "a figure without its data" 1 'cifar-10-batches-bin' "$kdtui" run --headless -p fig06
expect "validation too large" 2 'validation_size' train x -s data.validation_size=100000000
check "nothing was left behind" test ! -e "$XDG_STATE_HOME/kdtui/runs/x"

# Order: the file, then --config, then --set.
mkdir -p "$XDG_CONFIG_HOME/kdtui"
printf '[train]\nbatch_size = 50\nlearning_rate = 0.5\nmomentum = 0.25\n' >"$XDG_CONFIG_HOME/kdtui/kdtui.ini"
printf '[train]\nlearning_rate = 0.03\nmomentum = 0.75\n' >mine.ini
expect "a run" 0 '^test accuracy [0-9]+\.[0-9][0-9]% \(best validation [0-9]+\.[0-9][0-9]% at epoch [123]\)$' \
    train first -c mine.ini -s train.momentum=0.5
rm "$XDG_CONFIG_HOME/kdtui/kdtui.ini"
run=$XDG_STATE_HOME/kdtui/runs/first
check "the user's file counts" grep -qx 'batch_size = 50' "$run/settings.ini"
check "--config wins over it" grep -qx 'learning_rate = 0.03' "$run/settings.ini"
check "--set wins over both" grep -qx 'momentum = 0.5' "$run/settings.ini"

# Plain lines and files.
line='^epoch [123]/3  step [0-9]+  loss [0-9.]+ val [0-9.]+  acc [0-9.]+% val [0-9.]+%  lr [0-9.e-]+  [0-9.]+[kM]? samples/s$'
check "one line per evaluation" test "$(grep -Ec "$line" out)" = 3
check "the result is last" sh -c 'tail -n 1 out | grep -q "^test accuracy"'
check "metrics.csv" sh -c "head -n 1 '$run/metrics.csv' | grep -qx epoch,step,seconds,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy"
check "a row per epoch" test "$(wc -l <"$run/metrics.csv")" = 4
check "steps.csv" sh -c "head -n 1 '$run/steps.csv' | grep -qx step,loss,loss_min,loss_max,learning_rate"
check "the journal's head" sh -c "head -n 1 '$run/journal.jsonl' | grep -q '\"command\": *\"start\"'"
check "result.json" grep -q '"test_accuracy"' "$run/result.json"
for file in best last step-60; do
    check "$file.safetensors" test -s "$run/checkpoints/$file.safetensors"
done
tested=$(sed -n 's/^test accuracy \([0-9.]*%\).*/\1/p' out)
expect "eval of a run" 0 "^accuracy $tested" "$kdtui" eval first
expect "eval of last" 0 "^accuracy $tested" "$kdtui" eval
expect "eval of a file" 0 "^accuracy $tested" "$kdtui" eval "$run/checkpoints/best.safetensors"
expect "eval of a split" 0 '^loss ' "$kdtui" eval first --split validation
expect "eval of an unknown split" 2 'train, validation or test' "$kdtui" eval first --split tset
expect "eval says what it measures" 0 '^data +synthetic, test' "$kdtui" eval first
expect "eval of other data on purpose" 0 '^accuracy' "$kdtui" eval first -s data.train_size=900
expect "eval with what is the checkpoint's" 2 'network.hidden=3' "$kdtui" eval first -s network.hidden=3
expect "eval of no run" 1 'no such run' "$kdtui" eval nothing
head -c 1000 "$run/checkpoints/best.safetensors" >cut.safetensors
expect "eval of a cut file" 1 'cut.safetensors' "$kdtui" eval cut.safetensors

# What the view remembers is no reason not to train.
mkdir -p "$XDG_STATE_HOME/kdtui"
printf '[view]\nglyhps = ascii\n' >"$XDG_STATE_HOME/kdtui/view.ini"
expect "a damaged view.ini" 0 "^kdtui: .*view.ini:2: .*choices are not used" train damaged -s train.epochs=1
rm "$XDG_STATE_HOME/kdtui/view.ini"

# Data that change behind a run's back: 300 images of 4x4 for training and for testing.
mkdir idx
for part in train t10k; do
    { printf '\000\000\010\003\000\000\001\054\000\000\000\004\000\000\000\004' &&
        yes 'a picture' | head -c 4800; } >idx/$part-images-idx3-ubyte
    { printf '\000\000\010\001\000\000\001\054' &&
        yes 01021 | tr -d '\n' | head -c 300 | tr 012 '\000\001\002'; } >idx/$part-labels-idx1-ubyte
done
expect "a run on a relative path" 0 '^test accuracy' "$kdtui" run --headless -n moved \
    -s data.dataset=idx -s data.path=idx -s data.validation_size=50 -s train.epochs=1
mkdir aside && cd aside || exit 1
expect "eval finds its data from elsewhere" 0 '^accuracy' "$kdtui" eval moved
cd "$work" || exit 1
sed -i 's/picture/drawing/g' idx/t10k-images-idx3-ubyte
expect "eval of other data by mistake" 1 'trained on other data' "$kdtui" eval moved
expect "eval of other data on purpose" 0 '^accuracy' "$kdtui" eval moved -s data.dataset=idx

expect "the same name again" 2 'first' train first
check "it is untouched" test "$(wc -l <"$run/metrics.csv")" = 4
expect "--quiet" 0 '^test accuracy' train quiet -q
check "the result only" test "$(cat out err | wc -l)" = 1
expect "--runs-dir" 0 '^test accuracy' train here --runs-dir elsewhere
check "is where the run is" test -s elsewhere/here/result.json
expect "eval of it" 0 '^accuracy' "$kdtui" eval --runs-dir elsewhere here

# Speed: only that it is measured.
before=$(find "$work")
expect "bench" 0 '^epoch  [0-9.]+ s, [0-9]+ samples/s' "$kdtui" bench -c tiny.ini --seconds 0.2
for phase in gather forward inner update waiting step evaluation; do
    check "a row of $phase" grep -Eq "^$phase +[0-9.-]+" out
done
expect "bench --json" 0 '"share_of_peak"' "$kdtui" bench -c tiny.ini --seconds 1 --json
cp out bench.json
if command -v python3 >/dev/null; then
    check "is an object of sane numbers" python3 - bench.json <<'PYTHON'
import json, sys
bench = json.load(open(sys.argv[1]))
assert bench["train_images"] == 1000 and bench["batch_size"] == 100
assert bench["network"].startswith("3072-16-12-10 relu")
assert bench["flop_per_sample"] == 4 * 3072 * 16 + 6 * (16 * 12 + 12 * 10)
assert bench["machine"]["mode"] in ("fast", "mixed", "slow", "unknown")
assert bench["machine"]["threads"] >= 1 and bench["machine"]["disturbed"] in (True, False)
peak = bench["peak"]["float32"]
assert 0 < peak["least"] <= peak["lower"] <= peak["median"] <= peak["upper"] <= peak["most"]
assert bench["peak"]["read_bytes_per_second"]["median"] > 0
phases = bench["phases"]
assert set(phases) == {"gather", "forward", "inner", "update", "waiting"}
assert abs(sum(phase["share_of_time"] for phase in phases.values()) - 1) < 0.01
for name in "forward", "inner", "update":
    assert phases[name]["flops"] > 0 and phases[name]["share_of_peak"] > 0
step = bench["step"]
assert 0 < step["seconds"]["least"] <= step["seconds"]["median"] and step["seconds"]["count"] > 1
assert abs(bench["epoch_seconds"] * step["samples_per_second"] / 1000 - 1) < 1e-6
assert bench["evaluation"]["samples_per_second"] > 0
PYTHON
fi
expect "bench with noise on one thread" 0 '^mode of the machine +unknown' "$kdtui" bench -c tiny.ini \
    --seconds 0.1 -s augment.noise=on -s train.threads=1
expect "bench without hidden layers" 0 '^inner +' "$kdtui" bench -c tiny.ini --seconds 0.1 -s network.hidden=
expect "bench of nothing" 2 'above 0' "$kdtui" bench -c tiny.ini --seconds 0
expect "bench of a mini-batch too large" 2 'train.batch_size = 5000' "$kdtui" bench -c tiny.ini -s train.batch_size=5000
expect "bench of a divergence" 2 'diverged' "$kdtui" bench -c tiny.ini --seconds 0.5 \
    -s train.learning_rate=1000 -s network.batch_norm=none
rm bench.json
check "bench leaves no file" test "$(find "$work")" = "$before"

if command -v python3 >/dev/null; then
    peers=$top/bench/peers
    expect "peers --help" 0 '--rounds' python3 "$peers" --help
    expect "peers of no net" 2 'something like 50-30' python3 "$peers" --nets wide
    expect "peers of no program" 2 'no such program' python3 "$peers" --kdtui none
fi

# The same bits, whatever the number of threads.
for threads in 1 2 3; do
    train "threads$threads" -s train.threads=$threads -s augment.noise=on >/dev/null 2>&1
    cut -d, -f1,2,4- "$XDG_STATE_HOME/kdtui/runs/threads$threads/metrics.csv" >"metrics$threads"
done
check "two threads compute what one does" cmp metrics1 metrics2
check "so do three" cmp metrics1 metrics3

# Ways to end.
expect "divergence" 3 'diverged' train wild -s train.learning_rate=1000 -s network.batch_norm=none
for signal in TERM INT USR1; do
    case $signal in TERM) code=143 ;; INT) code=130 ;; USR1) code=138 ;; esac
    # A shell starts background commands with SIGINT ignored; the program sets its own handler.
    "$kdtui" run --headless -n "sig$signal" -c tiny.ini -s train.epochs=100000 >out 2>err &
    child=$!
    while [ ! -s "$XDG_STATE_HOME/kdtui/runs/sig$signal/metrics.csv" ] || [ ! -s out ]; do
        kill -0 $child 2>/dev/null || break
        sleep 0.05
    done
    kill -s $signal $child
    wait $child
    check "SIG$signal ends with $code" test $? = "$code"
    check "and is saved" test -s "$XDG_STATE_HOME/kdtui/runs/sig$signal/checkpoints/last.safetensors"
    check "without a result" test ! -e "$XDG_STATE_HOME/kdtui/runs/sig$signal/result.json"
done

# What cannot be written is said.
if [ "$(id -u)" != 0 ]; then
    mkdir closed && chmod 555 closed
    expect "a closed directory" 1 'closed' train x --runs-dir closed
fi
echo not a directory >file
expect "no directory at all" 1 'file' train x --runs-dir file
expect "a full standard output at the end of a run" 1 'standard output' \
    sh -c "'$kdtui' run --headless -n full -c tiny.ini >/dev/full"
"$kdtui" run --headless -n closed -c tiny.ini <&- >&- 2>&-
check "closed standard files are not the program's" test -s "$XDG_STATE_HOME/kdtui/runs/closed/result.json"
mkfifo pipe
"$kdtui" run --headless -n never -s data.dataset=idx -s data.path="$work" -c pipe 2>/dev/null &
child=$!
sleep 0.2
kill -TERM $child
wait $child
check "a signal before the run ends the program" test $? = 143
expect "an empty value" 2 'needs a value' "$kdtui" run --runs-dir ''
expect "a full standard output" 1 'standard output' sh -c "'$kdtui' settings >/dev/full"

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
