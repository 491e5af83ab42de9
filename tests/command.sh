# shellcheck shell=sh disable=SC2034 # for those who source it
# What the tests of the command line share: a home of their own, and the checks. To be sourced.
kdtui=${KDTUI:-./kdtui}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
HOME=$work/home XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config XDG_DATA_HOME=$work/data
export HOME XDG_STATE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
unset KDTUI_DATA
failures=0
cd "$work" || exit 1

# expect NAME CODE PATTERN COMMAND...: exit code and a pattern in what it prints.
expect() {
    name=$1 code=$2 pattern=$3
    shift 3
    "$@" >out 2>err </dev/null
    got=$?
    if [ $got -ne "$code" ]; then
        echo "FAIL: $name: exit code $got, expected $code"
        cat out err
        failures=$((failures + 1))
    elif ! cat out err | grep -Eq -- "$pattern"; then
        echo "FAIL: $name: no line matches $pattern in:"
        cat out err
        failures=$((failures + 1))
    else
        echo "ok: $name"
    fi
}

# check NAME COMMAND...: the command succeeds.
check() {
    name=$1
    shift
    if "$@"; then
        echo "ok: $name"
    else
        echo "FAIL: $name"
        failures=$((failures + 1))
    fi
}
