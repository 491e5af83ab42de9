#!/bin/sh
# A disk that says no, as the user of the program meets it: training goes on, standard error says
# so, the exit code is right. Once with calls that fail on demand (tests/fault.h), once for real.
set -u
faulty=${top_builddir:-.}/tests/kdtui_fault
# shellcheck source=tests/command.sh
. "${top_srcdir:-.}/tests/command.sh"
mounted=
trap '[ -z "$mounted" ] || umount "$work/small"; rm -rf "$work"' EXIT
mkdir runs disk

# 300 images of 4x4 for training and for testing.
mkdir idx
for part in train t10k; do
    { printf '\000\000\010\003\000\000\001\054\000\000\000\004\000\000\000\004' &&
        yes 'a picture' | head -c 4800; } >idx/$part-images-idx3-ubyte
    { printf '\000\000\010\001\000\000\001\054' &&
        yes 01021 | tr -d '\n' | head -c 300 | tr 012 '\000\001\002'; } >idx/$part-labels-idx1-ubyte
done
cat >tiny.ini <<INI
[data]
dataset = idx
path = $work/idx
validation_size = 50
[network]
hidden = 6
[train]
epochs = 20
batch_size = 25
INI

# run NAME EFFECT AT COUNT [OPTION...]
run() {
    run=$1 effect=$2 at=$3 count=$4
    shift 4
    FAULT_BELOW=$work/runs FAULT_EFFECT=$effect FAULT_AT=$at FAULT_COUNT=$count \
        "$faulty" run --headless -n "$run" --runs-dir "$work/runs" -c tiny.ini "$@"
}

expect "nothing fails" 0 '^test accuracy' run fine EIO 0 0
check "and nothing is said" sh -c '! grep -q kdtui: err'
expect "an error that goes by" 0 '^test accuracy' run once EIO 40 1
# Steps that take a little, so that something is saved before.
expect "a disk that fills up" 1 'the final state is not saved: .*No space left' \
    run full full 150 0 -s network.hidden="700 300"
check "is warned of" grep -q '^kdtui: warning: .*No space left' err
check "training goes on all the same" grep -q '^epoch 20/20' out
check "and is tested" grep -q '^test accuracy' out
# A slow machine may have saved nothing until then.
if [ -e "$work/runs/full/checkpoints/last.safetensors" ]; then
    expect "what was saved before is whole" 0 '^accuracy' \
        "$kdtui" eval "$work/runs/full/checkpoints/last.safetensors"
else
    check "nothing was saved, and nothing is left" \
        test -z "$(find "$work/runs/full/checkpoints" -name '*.safetensors*')"
fi
expect "a read-only directory" 1 '^kdtui: .*: Read-only file system' run never EROFS 1 0
expect "the same name again" 0 '^test accuracy' run never EROFS 0 0

# A disk that hangs: the first signal waits for it, the second does not.
rm out
FAULT_BELOW=$work/runs FAULT_EFFECT=hang FAULT_AT=60 FAULT_COUNT=0 \
    "$faulty" run --headless -n hung --runs-dir "$work/runs" -c tiny.ini \
    -s train.epochs=1000000 >out 2>err &
child=$!
while [ ! -s out ] && kill -0 $child 2>/dev/null; do sleep 0.05; done
kill -TERM $child
sleep 0.3
check "a signal waits for the disk" kill -0 $child
kill -INT $child
wait $child
check "a second one does not" test $? = 130

# A limit on the size of files, which ends a process that does not ignore its signal.
expect "files that may not grow" 1 'File too large' \
    sh -c "ulimit -f 4 && exec '$kdtui' run --headless -n limited --runs-dir runs -c tiny.ini"

# A disk that is full: needs a superuser who may mount.
mkdir small
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64k kdtui-test small 2>/dev/null; then
    mounted=yes
    expect "a full disk" 1 'No space left' \
        "$kdtui" run --headless -n big --runs-dir small -c tiny.ini -s network.hidden=600
    check "training goes on, too" grep -q '^epoch 20/20' out
    head -c 1000000 /dev/zero >small/filler 2>/dev/null
    expect "no room to begin" 1 'No space left' \
        "$kdtui" run --headless -n none --runs-dir small -c tiny.ini
    rm small/filler
    rm -r small/big
    expect "the same name once there is" 0 '^test accuracy' \
        "$kdtui" run --headless -n none --runs-dir small -c tiny.ini
else
    echo "skipped: a full disk (no mount)"
fi

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
