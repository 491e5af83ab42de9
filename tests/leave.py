#!/usr/bin/env python3
"""Leaving a run that goes on, and how its two processes live and end together.

With a view the shell waits for a launcher, and the launcher's child trains (src/app/launcher.h).
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from checks import check, end, until
from pty_terminal import Terminal

KDTUI = os.path.abspath(os.environ.get("KDTUI", "./kdtui"))
SMALL = ["-s", "data.dataset=synthetic", "-s", "data.train_size=400", "-s", "data.validation_size=100", "-s",
         "train.batch_size=20", "-s", "network.hidden=16 12", "-s", "train.threads=1"]
ENDLESS = ["-s", "train.epochs=1000000"]

def open_files(pid):
    links = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
        except FileNotFoundError:  # it was closed meanwhile, as a checkpoint's is
            pass
    return links


def process(pid):
    """Its state's letter, parent, group and session; None where it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            state, *numbers = file.read().rsplit(")", 1)[1].split()[:4]
    except OSError:
        return None
    return None if state in "ZX" else (state, *map(int, numbers))


def goes_on(pid):
    return process(pid) is not None


class Run:
    """One on a terminal of its own, or on that of a shell that starts it."""

    def __init__(self, scratch, name, *options, shell=None):
        self.name, self.directory = name, os.path.join(scratch, "kdtui/runs", name)
        self.environment = dict(os.environ, XDG_STATE_HOME=scratch, XDG_CONFIG_HOME=scratch, LC_ALL="C.UTF-8")
        words = [KDTUI, "run", "-n", name, *SMALL, *(options or ENDLESS)]
        self.line = " ".join(f"'{word}'" for word in words)
        self.terminal = Terminal(shell or words, emulate=False, environment={
            "XDG_STATE_HOME": scratch, "XDG_CONFIG_HOME": scratch, "PS1": "shell> "})

    def find(self):
        """The launcher and who trains, once the view is there."""
        if not self.sees(rb"epoch \d"):
            sys.exit(f"{self.name}: no view: {bytes(self.terminal.bytes[-500:])}")
        for entry in os.listdir("/proc"):
            if not entry.isdigit() or not (found := process(entry)):
                continue
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if words[0] != KDTUI.encode() or self.name.encode() not in words:
                continue
            parent = process(found[1])
            with open(f"/proc/{found[1]}/cmdline", "rb") as file:
                if parent and file.read().split(b"\0") == words:
                    self.launcher, self.trainer = found[1], int(entry)
        return self

    def sees(self, pattern, seconds=20.0):
        terminal = self.terminal
        return until(lambda: re.search(pattern, terminal.bytes) or (terminal.take(0.02) and False), seconds)

    def ask(self, *words):
        """What a command prints, and its exit code."""
        done = subprocess.run([KDTUI, *words], env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
        return done.stdout.strip(), done.returncode

    def send(self, *words):
        return self.ask("send", self.name, *words)[0]

    def step(self):
        told = self.ask("status", self.name)[0]
        found = re.search(r'"step": (\d+)', told)
        return int(found[1]) if found else check("status tells the step", False, told)

    def trains(self):
        before = self.step()
        return until(lambda: self.step() > before)

    def read(self, file):
        try:
            with open(os.path.join(self.directory, file)) as opened:
                return opened.read()
        except OSError:
            return ""

    def stop(self):
        """Ends what trains without a terminal."""
        self.send("stop")
        return until(lambda: not goes_on(self.trainer))


def leave_by_keys(scratch):
    for name, keys in (("key", "d"), ("menu", "qd"), ("prompt", ":detach\r")):
        run = Run(scratch, name).find()
        check(f"{name}: one job, the launcher first", process(run.trainer)[1:3] == (run.launcher, run.launcher))
        run.terminal.type(keys)
        check(f"{name}: the shell is back", run.terminal.finish() == 0, run.terminal.status)
        check(f"{name}: the terminal is as it was", not run.terminal.wrong_modes(), run.terminal.wrong_modes())
        told = bytes(run.terminal.bytes).rsplit(b"\x1b", 1)[-1]
        check(f"{name}: and says how to come back",
              f"training goes on; kdtui attach {name} brings the view back\r\n".encode() in told, told)
        found = process(run.trainer)
        check(f"{name}: a session of its own", found and found[3] == run.trainer, found)
        links = open_files(run.trainer)
        check(f"{name}: nothing of the terminal is kept", not any("/pts/" in link or "/tty" in link for link in links),
              links)
        check(f"{name}: training goes on", run.trains())
        check(f"{name}: in the journal", '"source":"key","command":"detach"' in run.read("journal.jsonl"))
        if name == "key":
            leave_again(run)
        run.send("evaluate")
        check(f"{name}: it can be stopped", run.stop())
        check(f"{name}: its lines are in a file", re.search(r"(?s)epoch \d+/.*^test accuracy", run.read("output.log"),
                                                             re.M), run.read("output.log"))
        run.terminal.close()


def leave_again(run):
    before = run.read("journal.jsonl").count('"detach"')
    answer = run.send("detach")
    check("without a view nothing is left", re.match(r"applied at step \d+: no view is open", answer), answer)
    check("but noted", run.read("journal.jsonl").count('"detach"') == before + 1)
    answer, code = run.ask("resume", run.name, "--headless")
    check("nobody else can train it", code == 2 and "another process is training" in answer, answer)
    os.kill(run.trainer, signal.SIGHUP)
    check("a hang-up later does nothing", run.trains())


def leave_from_elsewhere(scratch):
    run = Run(scratch, "elsewhere").find()
    answer = run.send("detach")
    check("detach from another terminal", "every view closes, training goes on" in answer, answer)
    check("closes the view", run.terminal.finish() == 0 and not run.terminal.wrong_modes())
    check("and trains on", run.trains() and run.stop())
    run.terminal.close()


def leave_paused(scratch):
    run = Run(scratch, "paused").find()
    run.terminal.type(" ")
    check("paused", until(lambda: '"state": "paused"' in run.ask("status", run.name)[0]))
    run.terminal.type("d")
    check("a paused run waits", run.terminal.finish() == 0 and b"the run waits, paused; kdtui" in run.terminal.bytes)
    check("as before", '"state": "paused"' in run.ask("status", run.name)[0] and run.stop())
    run.terminal.close()


def leave_ended(scratch):
    run = Run(scratch, "ended", "-s", "train.epochs=1")
    run.sees(rb"test accuracy")
    run.terminal.type("d")
    check("of an ended run d leaves the view alone",
          run.terminal.finish() == 0 and b"test accuracy" in run.terminal.bytes.rsplit(b"\x1b", 1)[-1])
    run.terminal.close()


def hang_up(scratch):
    run = Run(scratch, "hang-up").find()
    run.terminal.hang_up()
    check("the terminal goes away: training goes on", run.trains())
    check("the journal says so", '"source":"signal","command":"detach"' in run.read("journal.jsonl"))
    check("and stops when it is told", run.stop() and "test accuracy" in run.read("output.log"))
    plain = Run(scratch, "hang-up-plain", "--headless", *ENDLESS)
    plain.sees(rb"epoch \d")
    plain.trainer = plain.terminal.pid
    os.close(plain.terminal.slave)
    os.close(plain.terminal.master)
    check("plain lines, too, go into the file then",
          until(lambda: re.search(r"(?m)^epoch \d", plain.read("output.log"))) and plain.trains())
    plain.send("stop")
    check("until the end", os.waitpid(plain.trainer, 0)[1] == 0 and "test accuracy" in plain.read("output.log"))
    plain.terminal.status = 0


def kill_launcher(scratch):
    """Its shell goes on in the same terminal, and has it for itself."""
    run = Run(scratch, "no-launcher", shell=["bash", "--norc", "-i"])
    run.sees(rb"shell> ")
    run.terminal.type(run.line + "\n")
    run.find()
    os.kill(run.launcher, signal.SIGKILL)
    check("the launcher is killed: the shell is back", run.sees(rb"Killed(?s:.*)shell> "))
    run.terminal.type("stty -a; echo mark''ed\n")
    check("and usable", run.sees(rb" icanon (?s:.*) echo (?s:.*)marked\r\n"), bytes(run.terminal.bytes[-500:]))
    wrong = [what for what in run.terminal.wrong_modes() if what != "modes"]  # the shell's editor has its own
    check("on its own screen", not wrong, wrong)
    check("training goes on", run.trains() and run.stop())
    run.terminal.close()


def kill_trainer(scratch):
    run = Run(scratch, "no-trainer").find()
    os.kill(run.trainer, signal.SIGKILL)
    code = run.terminal.finish()
    check("who trains is killed: 137", code == 137, code)
    check("the terminal is as it was", not run.terminal.wrong_modes(), run.terminal.wrong_modes())
    told = bytes(run.terminal.bytes).rsplit(b"\x1b", 1)[-1]
    check("and one line says it", told.count(b"\r\n") == 1 and b"was killed" in told and b"kdtui resume" in told, told)
    run.terminal.close()
    run = Run(scratch, "crash").find()
    os.kill(run.trainer, signal.SIGSEGV)
    code = run.terminal.finish()
    check("a crash is passed on", code == 139, code)
    check("the terminal is as it was", not run.terminal.wrong_modes(), run.terminal.wrong_modes())
    run.terminal.close()


def end_by_signals(scratch):
    """However it is sent, a signal counts once: the run is saved."""
    def both(run, number):
        for pid in (run.trainer, run.launcher):
            os.kill(pid, number)

    ways = {
        "launcher": lambda run, number: os.kill(run.launcher, number),
        "trainer": lambda run, number: os.kill(run.trainer, number),
        "group": lambda run, number: os.killpg(run.launcher, number),
        "both": both,
    }
    run = Run(scratch, "signal-crash").find()
    both(run, signal.SIGSEGV)
    code = run.terminal.finish()
    check("a crash of both: 139", code == 139 and not run.terminal.wrong_modes(), (code, run.terminal.wrong_modes()))
    check("and nobody is left", not goes_on(run.trainer))
    run.terminal.close()
    for way, number in zip(ways, (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)):
        run = Run(scratch, f"signal-{way}").find()
        ways[way](run, number)
        code = run.terminal.finish()
        told = bytes(run.terminal.bytes).rsplit(b"\x1b", 1)[-1]
        check(f"signal {number} to the {way}: {128 + number}, saved",
              code == 128 + number and b"saved up to step" in told, (code, told))
        check("the terminal is as it was", not run.terminal.wrong_modes(), run.terminal.wrong_modes())
        check("and nobody is left", not goes_on(run.trainer))
        run.terminal.close()


def stop_and_continue(scratch):
    run = Run(scratch, "stopped").find()
    job = run.launcher, run.trainer

    def all_are(letters):
        return until(lambda: all((found := process(pid)) and found[0] in letters for pid in job))

    for way, stop in (("the launcher", lambda: os.kill(run.launcher, signal.SIGTSTP)),
                      ("the group", lambda: os.killpg(run.launcher, signal.SIGTSTP)),
                      ("the key", lambda: run.terminal.type("\x1a")),
                      ("who trains, by force", lambda: os.kill(run.trainer, signal.SIGSTOP))):
        stop()
        check(f"stopped by {way}: both are", all_are("T"))
        if "force" not in way:
            run.terminal.take_for(0.05)
            check("the terminal is as it was", not run.terminal.wrong_modes(), run.terminal.wrong_modes())
        time.sleep(0.1)
        mark = len(run.terminal.bytes)
        if way == "the launcher":
            os.kill(run.launcher, signal.SIGCONT)
        else:
            os.killpg(run.launcher, signal.SIGCONT)
        check("both go on", all_are("SRD"))
        check("and the view is back", until(lambda: b"epoch" in run.terminal.bytes[mark:] or
                                            (run.terminal.take(0.05) and False)))
        time.sleep(0.1)
        check("for good", all_are("SRD"))
        time.sleep(0.5)  # the same signal by another way at once would be the same one
    run.terminal.type("d")
    check("then left", run.terminal.finish() == 0 and run.trains() and run.stop())
    run.terminal.close()


def exit_codes(scratch):
    for name, code, *options in (("finished", 0, "-s", "train.epochs=1"),
                                 ("diverged", 3, "-s", "train.learning_rate=900", "-s", "network.batch_norm=none", "-s",
                                  "train.on_divergence=stop"),
                                 ("no-data", 1, "-s", "data.dataset=idx", "-s", "data.path=/nowhere"),
                                 ("no-setting", 2, "-s", "data.nothing=1")):
        run = Run(scratch, name, *options)
        if code in (0, 3):
            run.sees(rb"test accuracy|saved as step")
            run.terminal.type("q")
        got = run.terminal.finish()
        check(f"{name}: exit code {code}", got == code, (got, bytes(run.terminal.bytes[-300:])))
        check("the terminal is as it was", not run.terminal.wrong_modes(), run.terminal.wrong_modes())
        run.terminal.close()


def no_terminal(scratch):
    """As a service manager or a batch system starts it: no terminal, no home, and no launcher."""
    environment = {"PATH": os.environ["PATH"], "XDG_STATE_HOME": scratch, "LD_LIBRARY_PATH":
                   os.environ.get("LD_LIBRARY_PATH", "")}
    run = Run.__new__(Run)
    run.name, run.directory = "service", os.path.join(scratch, "kdtui/runs/service")
    run.environment = dict(os.environ, XDG_STATE_HOME=scratch)
    with open(os.path.join(scratch, "nohup.out"), "w+") as out:
        started = subprocess.Popen(["nohup", KDTUI, "run", "-n", "service", *SMALL, *ENDLESS], env=environment,
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        check("without a terminal it trains", until(lambda: run.ask("status", run.name)[1] == 0) and run.trains())
        os.kill(started.pid, signal.SIGHUP)
        check("a hang-up is nothing to it", run.trains())
        check("it can be stopped", run.send("stop").startswith("applied") and started.wait(20) == 0)
        out.seek(0)
        text = out.read()
        check("its lines stay where they were", "test accuracy" in text and not run.read("output.log"), text)


def end_leftovers(scratch):
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if f"XDG_STATE_HOME={scratch}\0".encode() in file.read() + b"\0":
                    os.kill(int(entry), signal.SIGKILL)
        except OSError:
            pass


def main():
    cases = [leave_by_keys, leave_from_elsewhere, leave_paused, leave_ended, hang_up, kill_launcher, kill_trainer,
             end_by_signals, stop_and_continue, exit_codes, no_terminal]
    wanted = sys.argv[1:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        try:
            for case in cases:
                if not wanted or case.__name__ in wanted:
                    case(scratch)
        finally:
            end_leftovers(scratch)
    end()


if __name__ == "__main__":
    main()
