#!/bin/sh
# Holds the shipped documents against the tables and the program: a generated
# part is stale, a manual page is not clean, a completion does not parse, or an
# example of kdtui(1) does not run.
set -eu
source=$(cd "${top_srcdir:-.}" && pwd)
build=$(cd "${top_builddir:-.}" && pwd)
docgen=$build/kdtui-docgen
kdtui=${KDTUI:-$build/kdtui}
for program in "$docgen" "$kdtui"; do
    [ -x "$program" ] || { echo "$program is missing: \`make\` builds it" >&2; exit 1; }
done
checks=0
failures=0
LC_ALL=C
export LC_ALL

scratch=$(mktemp -d "${TMPDIR:-/tmp}/kdtui-docs-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

check() { # DESCRIPTION COMMAND…: one check; what the command says is shown where it fails
    description=$1
    shift
    checks=$((checks + 1))
    if "$@" >"$scratch/said" 2>&1 </dev/null; then return; fi
    failures=$((failures + 1))
    echo "$description" >&2
    sed 's/^/    /' "$scratch/said" >&2
}

fresh() { # DOCUMENT
    "$docgen" "$source/$1" >"$scratch/fresh" && diff -u "$source/$1" "$scratch/fresh"
}
for document in man/kdtui.1 man/kdtui.ini.5 man/kdtui-keys.7 man/kdtui-protocol.7 etc/kdtui.ini \
    etc/completions/kdtui.bash etc/completions/_kdtui etc/completions/kdtui.fish; do
    check "$document: stale; \`make docs\` renews it" fresh "$document"
done

# The pages are laid out as installed, so that references between them are found.
if command -v mandoc >/dev/null; then
    for page in kdtui.1 kdtui.ini.5 kdtui-keys.7 kdtui-protocol.7; do
        folder=$scratch/man/man${page##*.}
        mkdir -p "$folder"
        cp "$source/man/$page" "$folder/$page"
    done
    for page in "$scratch"/man/man*/*; do
        check "${page##*/}: mandoc -T lint complains" env MANPATH="$scratch/man" \
            mandoc -T lint -W style "$page"
    done
else
    echo "mandoc is not installed: the manual pages are not checked" >&2
fi

for pair in bash:kdtui.bash zsh:_kdtui fish:kdtui.fish; do
    shell=${pair%%:*}
    script=${pair#*:}
    if command -v "$shell" >/dev/null; then
        check "$script: $shell does not parse it" "$shell" -n "$source/etc/completions/$script"
    else
        echo "$shell is not installed: $script is not checked" >&2
    fi
done

completes() { # LINE EXPECTED: what bash offers at the line's end, joined by spaces
    bash -c '
        . "$1"
        compopt() { :; }
        COMP_LINE=$2 COMP_POINT=${#2}
        _kdtui
        [ "${COMPREPLY[*]}" = "$3" ] || { echo "${COMPREPLY[*]}"; exit 1; }
    ' bash "$source/etc/completions/kdtui.bash" "$1" "$2"
}
if command -v bash >/dev/null; then
    while IFS='|' read -r line expected; do
        check "bash completes \"$line\" otherwise than \"$expected\"" completes "$line" "$expected"
    done <<'END'
kdtui |run attach list status send resume replay eval search plot export bench settings keys
kdtui e|eval export
kdtui --he|--headless --help
kdtui -p fig2|fig20 fig21
kdtui run --preset=fig2|fig20 fig21
kdtui -s train.sch|train.schedule=
kdtui -s train.schedule=c|constant cosine cyclical
kdtui run --set=augment.noise=o|on off
kdtui settings train.sch|train.schedule
kdtui eval --split v|validation
END
fi

# Examples follow each other in one folder, as a reader would type them.
mkdir "$scratch/bin" "$scratch/home"
ln -s "$kdtui" "$scratch/bin/kdtui"
example() { # LINE
    (
        cd "$scratch/home"
        unset KDTUI_DATA
        HOME=$scratch/home XDG_STATE_HOME=$scratch/state XDG_DATA_HOME=$scratch/data \
            XDG_CONFIG_HOME=$scratch/config PATH=$scratch/bin:$PATH \
            timeout 120 sh -c "$1"
    )
}
sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$source/man/kdtui.1" |
    sed 's/\\-/-/g; s/\\e/\\/g; s/\\&//g' >"$scratch/examples"
check "kdtui.1: no example is found" test -s "$scratch/examples"
while IFS= read -r line; do
    check "kdtui.1: this example fails: $line" example "$line"
done <"$scratch/examples"

[ $failures = 0 ] && echo "$checks checks of the documents passed"
[ $failures = 0 ]
