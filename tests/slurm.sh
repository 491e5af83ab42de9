#!/bin/sh
# etc/slurm/kdtui-search.sbatch under a Slurm of its own: a job array whose tasks share a search, one
# of them put back into the queue, comes to the trials of a search by one process. Needs root and
# Debian's slurm-wlm and munge; skipped where they are not.
set -u
top=$(cd "${top_srcdir:-.}" && pwd)
# shellcheck source=tests/command.sh
. "$top/tests/command.sh"
for program in slurmctld slurmd sbatch munged; do
    if [ "$(id -u)" != 0 ] || ! command -v $program >/dev/null; then
        echo "skipped: a search under Slurm (needs root, slurm-wlm and munge)"
        exit 0
    fi
done
host=$(hostname -s)
chmod 755 "$work"
mkdir -p spool state munge runs
pids=
stop() {
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    sleep 1
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap stop EXIT

dd if=/dev/urandom of=munge/key bs=1 count=1024 2>/dev/null
chmod 700 munge
chmod 400 munge/key
munged --foreground --force --key-file="$work/munge/key" --socket="$work/munge/socket" \
    --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" \
    >/dev/null 2>&1 &
pids=$!
port=$((20000 + $$ % 20000))
cat >slurm.conf <<CONF
ClusterName=kdtui
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthInfo=socket=$work/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmctldPort=$port
SlurmdPort=$((port + 1))
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
SchedulerParameters=sched_interval=1
ReturnToService=2
MpiDefault=none
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
CONF
SLURM_CONF=$work/slurm.conf
export SLURM_CONF
slurmctld -D >/dev/null 2>&1 &
pids="$pids $!"
slurmd -D >/dev/null 2>&1 &
pids="$pids $!"

# within SECONDS COMMAND...: waits until the command succeeds.
within() {
    tries=$(($1 * 5))
    shift
    while [ $tries -gt 0 ]; do
        "$@" >/dev/null 2>&1 && return 0
        tries=$((tries - 1))
        sleep 0.2
    done
    return 1
}
if ! within 20 sh -c 'sinfo -h -o %T | grep -q idle'; then
    echo "skipped: a search under Slurm (it does not start here)"
    tail -n 3 slurmctld.log slurmd.log 2>/dev/null
    exit 0
fi

cat >tiny.ini <<'INI'
[data]
dataset = synthetic
train_size = 2000
validation_size = 200
[network]
hidden = 16
[search]
trials = 10
epochs = 40
INI
export KDTUI="$kdtui"
expect "a search by one process" 0 '^ *1 ' "$kdtui" search -q -n alone --runs-dir runs -c tiny.ini
expect "a job array" 0 '^Submitted batch job' sbatch --array=1-3 --cpus-per-task=1 -o "$work/task-%a" \
    "$top/etc/slurm/kdtui-search.sbatch" -n shared --runs-dir "$work/runs" -c "$work/tiny.ini"
job=$(sed -n 's/^Submitted batch job //p' out)
check "begins" within 20 grep -q intermediate_value runs/shared/search.journal
check "a task is put back" scontrol requeue "${job}_1"
finished() { [ "$(grep -c '"state": 1,' runs/shared/search.journal)" = 10 ]; }
check "all trials are trained" within 60 finished
csv() { "$kdtui" search --csv -n "$1" --runs-dir runs | cut -d, -f1-6,8-; }
csv alone >alone.csv
csv shared >shared.csv
check "as one process would have" cmp alone.csv shared.csv
check "by several" test "$(sed -n 's/.*"worker_id": "\([^"]*\)".*/\1/p' runs/shared/search.journal |
    sort -u | wc -l)" -gt 1
# Nothing of it may outlive its daemons.
scancel "$job" >/dev/null 2>&1
ended() { [ -z "$(squeue -h 2>&1)" ] && ! pgrep -P 1 -f "^slurmstepd: \[($job|$((job + 1))|$((job + 2)))\." ; }
check "leaves nothing behind" within 30 ended

[ $failures = 0 ] || echo "$failures failed"
[ $failures = 0 ]
