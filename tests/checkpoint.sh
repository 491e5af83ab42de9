#!/bin/sh
# A checkpoint read by a program that shares no code with kdtui (Python with numpy) must give the
# accuracy that kdtui eval gives. Needs /usr/bin/python3 with numpy, else it is skipped.
set -eu
python=/usr/bin/python3
$python -c 'import numpy' 2>/dev/null || {
    echo "$python has no numpy: checkpoints were not read by another program"
    exit 77
}
kdtui=${KDTUI:-./kdtui}
source_dir=${top_srcdir:-.}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work
export XDG_STATE_HOME XDG_CONFIG_HOME

# A small problem in IDX files: noisy copies of five patterns.
mkdir "$work/data"
$python - "$work/data" <<'PYTHON'
import struct, sys
import numpy
draw = numpy.random.default_rng(1)
patterns = draw.integers(0, 256, (5, 12, 9))
for name, count in ("train", 3000), ("t10k", 700):
    labels = draw.integers(0, 5, count).astype(numpy.uint8)
    images = numpy.clip(patterns[labels] + draw.normal(0, 260, (count, 12, 9)), 0, 255)
    with open(f"{sys.argv[1]}/{name}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, 12, 9) + images.astype(numpy.uint8).tobytes())
    with open(f"{sys.argv[1]}/{name}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">II", 0x801, count) + labels.tobytes())
PYTHON

number=0
compare() { # OPTION...: train with them and compare
    number=$((number + 1))
    "$kdtui" run -q -n "$number" -s data.dataset=idx -s data.path="$work/data" \
        -s data.validation_size=300 -s train.epochs=2 "$@" >/dev/null
    checkpoint=$XDG_STATE_HOME/kdtui/runs/$number/checkpoints/best.safetensors
    ours=$("$kdtui" eval "$number" | sed -n 's/^accuracy //p')
    theirs=$($python "$source_dir/tests/read_checkpoint.py" "$checkpoint" "$work/data" |
        sed -n 's/^accuracy //p')
    if [ -z "$ours" ] || [ "$ours" != "$theirs" ]; then
        echo "FAIL: $*: kdtui eval says $ours, numpy says $theirs"
        exit 1
    fi
    echo "ok: $* ($ours)"
}
compare -s network.hidden="20 10"
compare -s network.hidden="30" -s network.batch_norm=after -s network.activation=elu
compare -s network.hidden="12 12 12" -s network.batch_norm=none -s network.activation=leaky_relu
compare -s network.hidden="20 10" -s network.batch_norm_learned=on -s data.mean=pixel -s data.scale=std
compare -s network.hidden= -s train.learning_rate=0.001
