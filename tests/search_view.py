#!/usr/bin/env python3
"""A search on an emulated terminal: what a person sees and does, and that nothing of it is lost when
everything is killed at any moment.

usage: search_view.py [KILLS] (8)
"""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from checks import check, end, until
from pty_terminal import Terminal, need_emulator

KDTUI = os.path.abspath(os.environ.get("KDTUI", "./kdtui"))
READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "read_search.py")
SMALL = ["-s", "data.dataset=synthetic", "-s", "data.train_size=400", "-s", "data.validation_size=100", "-s",
         "train.batch_size=20", "-s", "network.hidden=8", "-s", "search.hidden=6-4 8", "-s",
         "search.learning_rate=log 0.01 0.2"]

class Search:
    """One in a folder of its own, on a terminal where there is one."""

    def __init__(self, scratch, name, *options):
        self.name, self.runs = name, os.path.join(scratch, "runs")
        self.directory = os.path.join(self.runs, name)
        self.options = [*SMALL, *options]
        self.environment = {"XDG_STATE_HOME": scratch, "XDG_CONFIG_HOME": scratch}

    def words(self, *more):
        return [KDTUI, "search", "--runs-dir", self.runs, "-n", self.name, *more]

    def view(self):
        return Terminal(self.words(*self.options), environment=self.environment)

    def ask(self, *more):
        done = subprocess.run(self.words(*more), env=dict(os.environ, **self.environment), text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=120)
        return done.stdout, done.returncode

    def rows(self):
        return list(csv.DictReader(io.StringIO(self.ask("--csv")[0])))

    def journal(self):
        try:
            with open(os.path.join(self.directory, "search.journal")) as file:
                return file.read()
        except OSError:
            return ""

    def optuna(self):
        if subprocess.run(["/usr/bin/python3", "-c", "import optuna"], stderr=subprocess.DEVNULL).returncode:
            print("skipped: Optuna's reading of the journal (no python3-optuna)")
            return
        table = os.path.join(self.directory, "all.csv")
        with open(table, "w") as file:
            file.write(self.ask("--csv")[0])
        done = subprocess.run(["/usr/bin/python3", READER, self.directory + "/search.journal", self.name, table],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        check(f"{self.name}: Optuna agrees", done.returncode == 0, done.stdout[-500:])


def sit_in(scratch):
    """Watches the map fill, stops a trial, takes one over, changes its rate, and comes back."""
    search = Search(scratch, "seat", "-s", "search.epochs=3000", "-s", "search.trials=6", "-s", "search.workers=2")
    terminal = search.view()
    see = lambda what, *words: check(what, terminal.see(*words), terminal.text())
    see("the leaderboard comes", "trials 0/6", "training", "2 in training")
    terminal.type("m")
    see("the map", "l2", "learning_rate", "m other axes")
    terminal.type("\x1b")
    see("and back", "Enter look")
    terminal.type("\r")
    see("a trial's charts", "accuracy", "Esc trials")
    terminal.type(">")
    see("nobody steers a trial", "is the search's; t takes it over")
    terminal.type("\x1b")
    see("the leaderboard again", "Enter look")
    began = time.monotonic()
    while terminal.text().count("%") < 2 and time.monotonic() < began + 60:
        terminal.take_for(0.1)
    check("both have trained an epoch", terminal.text().count("%") >= 2, terminal.text())
    terminal.type(":trial stop 1\r")
    see("a trial is stopped", "trial 1 stopped")
    see("another is trained", "stopped at")
    terminal.type(":trial freeze 0\r")
    see("one is frozen", "frozen at")
    terminal.type(":trial freeze 0\r")
    see("and let go on", "trial 0 goes on")
    terminal.type(":trial add train.l2 3e-4 network.hidden 7\r")
    see("one is added", "added; it is next")
    for _ in range(100): # until it has trained an epoch
        terminal.type(":trial take 2\r")
        if terminal.see("take trial 2 over?", seconds=0.2) is not None:
            break
    see("a menu says what taking costs", "take trial 2 over?", "The search waits meanwhile")
    terminal.type("t")
    see("it is a run", "seat-trial-2", "learning rate")
    terminal.type(">")
    see("whose rate can be changed", "applied at step")
    terminal.type("q")
    see("which is left", "save and stop")
    terminal.type("s")
    see("for the search, which goes on", "trials 2/7", "taken at")
    terminal.type("qs")
    check("it is left by a menu", terminal.finish() == 0, terminal.status)
    check("the terminal is as it was", not terminal.wrong_modes(), terminal.wrong_modes())
    check("and says how to go on", "goes on" in terminal.text(), terminal.text())
    terminal.close()
    journal = search.journal()
    for word in ('"stopped": "trial stop 1"', '"source": "prompt"', '"frozen": true', '"frozen": false',
                 '"added": "trial add train.l2 3e-4 network.hidden 7"', '"taken": "seat-trial-2"'):
        check(f"the journal has {word}", word in journal)
    with open(os.path.join(search.runs, "seat-trial-2/journal.jsonl")) as file:
        lines = [json.loads(line) for line in file]
    check("the run says where it comes from",
          any(line["command"] == "note taken over from trial 2 of the search seat" for line in lines))
    check("and has the edit", any(line["command"].startswith("set train.learning_rate") for line in lines))
    rows = search.rows()
    check("none is left running", not [row for row in rows if row["state"] == "running"], rows)
    search.optuna()

    terminal = search.view()
    terminal.see("trials 2/7")
    terminal.type("d")
    check("it can be left searching", terminal.finish() == 0, terminal.status)
    check("and says how to see it", "seat goes on: 2 of 7 trials have ended" in terminal.text(), terminal.text())
    terminal.close()
    pids = lambda: [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and is_of(entry, search)]
    check("a process goes on", until(lambda: len(pids()) == 1), pids())
    before = search.journal().count("intermediate_value")
    check("and trains", until(lambda: search.journal().count("intermediate_value") > before))
    for pid in pids():
        os.kill(pid, signal.SIGTERM)
    check("until it is ended", until(lambda: not pids()), pids())
    with open(os.path.join(search.directory, "output.log")) as file:
        check("its lines are in a file", "goes on" in file.read())


def is_of(entry, search):
    try:
        with open(f"/proc/{entry}/cmdline", "rb") as file:
            words = file.read().split(b"\0")
        with open(f"/proc/{entry}/stat") as file:
            state = file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return words[0] == KDTUI.encode() and search.runs.encode() in words and state not in "ZX"


def values(row):
    return [row[key] for key in ("state", "epochs", "value", "best_epoch", "test_accuracy", "train.learning_rate")]


def killed(scratch, kills):
    """Persons and SIGKILL, again and again; what nobody touched comes to what it would have."""
    options = ("-s", "search.epochs=8", "-s", "search.trials=12", "-s", "search.workers=2")
    plain = Search(scratch, "plain", *options)
    check("a search without a view", plain.ask("--headless", "-q", *plain.options)[1] == 0)
    wanted = [values(row) for row in plain.rows()]
    numbers = random.Random(7)
    search = Search(scratch, "storm", *options)
    for _ in range(kills):
        terminal = search.view()
        terminal.see("trials", seconds=5)
        for _ in range(numbers.randrange(5)):
            number = numbers.randrange(14)
            terminal.type(numbers.choice([f":trial stop {number}\r", f":trial freeze {number}\r", ":trial add\r",
                                          "f", "jf", "xs", "m", "\r", "\x1b", f":trial take {number}\rt"]))
            terminal.take_for(numbers.random() * 0.1)
        for entry in os.listdir("/proc"):
            if entry.isdigit() and is_of(entry, search):
                os.kill(int(entry), signal.SIGKILL)
        terminal.kill()
        terminal.close()
    check("it was killed", until(lambda: not [e for e in os.listdir("/proc") if e.isdigit() and is_of(e, search)]))
    thaw(search)
    told, code = search.ask("--headless", "-q", *search.options)
    check("it comes to its end", code == 0, told[-500:])
    rows, journal = search.rows(), search.journal()
    ends = {}
    added = {}
    identity = 0
    for line in journal.splitlines():
        entry = json.loads(line)
        if entry["op_code"] == 4:
            added[identity] = "added" in entry.get("user_attrs", {})
            identity += 1
        elif entry["op_code"] == 6 and entry["state"] in (1, 2, 3):
            ends[entry["trial_id"]] = ends.get(entry["trial_id"], 0) + 1
    check("each trial ended once", all(ends.get(i) == 1 for i in range(len(rows))), ends)
    planned = [row for row in rows if not added[int(row["trial"])]]
    check("none is missing", len(planned) == 12, len(planned))
    same = [values(row) == want for row, want in zip(planned, wanted) if row["state"] == "complete"]
    check(f"{len(same)} untouched trials are what they would have been", all(same), planned)
    search.optuna()


def thaw(search):
    """Lets every frozen trial go on, as a person would."""
    for _ in range(20):
        frozen = set()
        for line in search.journal().splitlines():
            entry = json.loads(line)
            if entry["op_code"] == 8 and "frozen" in entry["user_attr"]:
                (frozen.add if entry["user_attr"]["frozen"] else frozen.discard)(entry["trial_id"])
            elif entry["op_code"] == 6 and entry["state"] in (1, 2, 3):
                frozen.discard(entry["trial_id"])
        if not frozen:
            return
        terminal = search.view()
        terminal.see("trials")
        for number in frozen:
            terminal.type(f":trial freeze {number}\r")
            terminal.see(f"trial {number} goes on", seconds=10)
        terminal.type("qs")
        terminal.finish()
        terminal.close()


def main():
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    need_emulator("the view of a search")
    with tempfile.TemporaryDirectory() as scratch:
        sit_in(scratch)
        killed(scratch, kills)
    end()


main()
