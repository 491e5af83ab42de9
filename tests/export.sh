#!/bin/sh
# What kdtui exports, read by programs that share no code with it: ONNX by Python's onnx and a
# forward pass in numpy, TensorBoard's events by protoc and crcmod, figures drawn by gnuplot. What
# is missing is said, and the rest tested.
set -u
source_dir=$(cd "${top_srcdir:-.}" && pwd)
# shellcheck source=tests/command.sh
. "$source_dir/tests/command.sh"
python=/usr/bin/python3
missing=0

# have WHAT COMMAND...: whether it can be used.
have() {
    what=$1
    shift
    "$@" >/dev/null 2>&1 && return
    echo "$what is missing: a part was not tested"
    missing=1
    return 1
}

cat >steps <<'END'
@5 set train.learning_rate *2
@30 undo
@25 toggle augment.noise
@40 set train.momentum 0.5
END
train() { # NAME OPTION...
    name=$1
    shift
    "$kdtui" run -q -n "$name" -s data.dataset=idx -s data.path="$work/images" \
        -s data.validation_size=200 -s train.batch_size=50 -s train.epochs=2 "$@" >/dev/null
}

have "Python with numpy" $python -c 'import numpy' && {
    mkdir images
    $python - images <<'PYTHON'
import struct, sys
import numpy
draw = numpy.random.default_rng(1)
patterns = draw.integers(0, 256, (5, 12, 9))
for name, count in ("train", 1500), ("t10k", 500):
    labels = draw.integers(0, 5, count).astype(numpy.uint8)
    images = numpy.clip(patterns[labels] + draw.normal(0, 260, (count, 12, 9)), 0, 255)
    with open(f"{sys.argv[1]}/{name}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">IIII", 0x803, count, 12, 9) + images.astype(numpy.uint8).tobytes())
    with open(f"{sys.argv[1]}/{name}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">II", 0x801, count) + labels.tobytes())
PYTHON
    have "Python with onnx" $python -c 'import onnx' && {
        number=0
        while read -r options; do
            number=$((number + 1))
            # shellcheck disable=SC2086 # words, those of the network apart
            train "net$number" -s network.hidden="${options%%;*}" ${options#*;}
            ours=$("$kdtui" eval "net$number" | sed -n 's/^accuracy //p')
            expect "onnx of net $number" 0 wrote "$kdtui" export "net$number" --format onnx \
                -o "$number.onnx"
            expect "and its accuracy $ours" 0 "^accuracy $ours$" \
                $python "$source_dir/tests/read_onnx.py" "$number.onnx" images
        done <<'END'
20 10;
30; -s network.batch_norm=after -s network.activation=elu
12 12; -s network.batch_norm=none -s network.activation=leaky_relu
20; -s network.batch_norm_learned=on -s data.mean=pixel -s data.scale=std
END
    }
    train first --script steps
    train second
    search() { # NAME OPTION...
        name=$1
        shift
        "$kdtui" search -q -n "$name" -s data.dataset=idx -s data.path="$work/images" \
            -s data.validation_size=200 -s train.batch_size=50 -s search.epochs=1 \
            -s search.learning_rate= -s search.l2= "$@" >/dev/null
    }
    search rates -s search.method=grid -s search.trials=4 -s search.learning_rate='0.01 1000' \
        -s search.l2='1e-5 1e-3' -s network.hidden=10 -s network.batch_norm=none \
        -s train.on_divergence=stop
    search nets -s search.method=grid -s search.trials=3 -s search.hidden='8-4 8-6 12-4'
    search noise -s search.method=grid -s search.trials=2 -s search.augment.noise_level='0.1 0.2' \
        -s search.metric=validation_loss
    "$kdtui" export first >first.csv
    check "a row of each kind" $python - first.csv <<'PYTHON'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1], newline="")))
kinds = {row["kind"] for row in rows}
assert kinds == {"steps", "evaluation", "edit"}, kinds
edits = [row for row in rows if row["kind"] == "edit"]
assert [row["step"] for row in edits] == ["5", "5", "25", "40"], edits
assert [row["abandoned"] for row in edits] == ["1", "0", "0", "0"], edits
assert edits[0]["edit"].startswith("learning rate "), edits
for row in rows:
    assert row["kind"] == "edit" or float(row["seconds"]) >= 0
    assert row["kind"] != "evaluation" or 0 <= float(row["validation_accuracy"]) <= 1
PYTHON
    expect "events" 0 wrote "$kdtui" export first --format tensorboard
    have "protoc" command -v protoc && have "Python with crcmod" $python -c 'import crcmod' &&
        expect "read record by record" 0 "records" \
            $python "$source_dir/tests/read_events.py" events.out.tfevents.*.first
    have "gnuplot" command -v gnuplot && {
        for ending in svg png pdf; do
            expect "a figure as $ending" 0 "wrote" "$kdtui" plot first -o "first.$ending"
        done
        check "is SVG" grep -q '</svg>' first.svg
        check "is PNG" grep -aq PNG first.png
        check "is PDF" grep -aq '%PDF' first.pdf
        expect "of two runs" 0 "wrote" "$kdtui" plot first second -o both.svg
        check "that are named" grep -q second both.svg
        expect "under the run's name" 0 "wrote first2.svg" "$kdtui" plot first -o first2.svg
        for ending in svg png pdf; do
            expect "a search as $ending" 0 "wrote" "$kdtui" plot rates -o "rates.$ending"
            expect "architectures as $ending" 0 "wrote" "$kdtui" plot nets -o "nets.$ending"
        done
        check "with its best" grep -Eq 'rates: 4 trials, [12] failed, the best .*trial [0-3], learning rate' \
            rates.svg
        check "and those that failed" grep -q '>failed<' rates.svg
        check "architectures by name" grep -q '>8-4<' nets.svg
        check "and their layers" grep -q 'units of layer 2' nets.svg
        expect "of one value" 0 "wrote" "$kdtui" plot noise -o noise.svg
        check "against the metric" grep -q 'noise level' noise.svg
        check "which is the loss" grep -q 'validation loss' noise.svg
        mkdir -p "o'dd name"
        expect "a name with a quote" 0 "wrote" "$kdtui" plot first -o "o'dd name/it's.svg"
        check "is there" test -s "o'dd name/it's.svg"
        expect "no such folder" 1 "nowhere" "$kdtui" plot first -o nowhere/first.svg
    }
    expect "without gnuplot" 1 "gnuplot is not installed; --output FILE.gp" \
        env PATH=/nowhere "$kdtui" plot first -o none.svg
    check "leaves nothing" test ! -e none.svg
    expect "its script" 0 "wrote" "$kdtui" plot first -o first.gp
    check "has the data" grep -q '^.evaluation0 <<' first.gp
    expect "the script of a search" 0 "wrote" "$kdtui" plot "$XDG_STATE_HOME/kdtui/runs/nets" -o nets.gp
    check "has its trials" grep -q '^.trials <<' nets.gp
    books=$XDG_STATE_HOME/kdtui/runs/nets/search.journal
    cp "$books" kept && sed '/"op_code": *[678],/d' kept >"$books"
    expect "a search that has only begun" 1 "no trial has been evaluated yet" \
        "$kdtui" plot nets -o begun.gp
    sed 's/network\.hidden/hidden/g' kept >"$books"
    expect "values that are no settings" 0 "wrote" "$kdtui" plot nets -o others.gp
    cp kept "$books"
    expect "a search beside a run" 2 "nets: a search is drawn alone" "$kdtui" plot first nets -o a.svg
    expect "a run beside a search" 2 "nets: a search is drawn alone" "$kdtui" plot nets first -o a.svg
    : >second.svg
    expect "nothing is replaced unasked" 1 "second.svg is there already" "$kdtui" plot second
    expect "an ending that is none" 2 "ends with .svg, .png, .pdf or .gp" "$kdtui" plot first -o a.jpg
    expect "a format that is none" 2 "csv, tensorboard or onnx" "$kdtui" export first --format hdf5
    expect "no such run" 1 "no such run" "$kdtui" plot nosuch -o a.svg
    printf 'epoch\n' >"$XDG_STATE_HOME/kdtui/runs/second/metrics.csv"
    expect "a damaged file" 1 "metrics.csv:1" "$kdtui" export second
}
[ "$failures" = 0 ] || exit 1
[ $missing = 0 ] || exit 77
