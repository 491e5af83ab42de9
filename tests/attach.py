#!/usr/bin/env python3
"""kdtui attach: views of a run that come and go, while it trains to the same bits.

attach.py [--drops N] [CASE...]
"""

import argparse
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from checks import check, end, until
from leave import ENDLESS, KDTUI, SMALL, Run, end_leftovers, goes_on, process
from pty_terminal import Terminal

SHOWN = rb"epoch \d"


class Headless(Run):
    """A run without a terminal, in a session of its own, as a service manager starts one."""

    def __init__(self, scratch, name, *options):
        self.scratch, self.name = scratch, name
        self.directory = os.path.join(scratch, "kdtui/runs", name)
        self.environment = dict(os.environ, XDG_STATE_HOME=scratch, XDG_CONFIG_HOME=scratch, LC_ALL="C.UTF-8")
        self.process = subprocess.Popen([KDTUI, "run", "--headless", "-q", "-n", name, *SMALL, *(options or ENDLESS)],
                                        env=self.environment, stdin=subprocess.DEVNULL, start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.trainer = self.process.pid
        if not until(lambda: '"train_loss": 0' in self.ask("status", name)[0] or
                     re.search(r'"train_loss": \d', self.ask("status", name)[0])):
            sys.exit(f"{name}: it does not train: {self.ask('status', name)}")

    def stop(self):
        self.send("stop")
        return self.process.wait(20) == 0


class View:
    """One that is attached, on a terminal of its own."""

    def __init__(self, scratch, name, *options):
        self.began = time.monotonic()
        self.terminal = Terminal([KDTUI, "attach", *options, name], emulate=False, environment={
            "XDG_STATE_HOME": scratch, "XDG_CONFIG_HOME": scratch})
        self.name = name

    def sees(self, pattern, seconds=20.0, since=0):
        terminal = self.terminal
        return until(lambda: re.search(pattern, terminal.bytes[since:]) or (terminal.take(0.005) and False), seconds)

    def shown(self):
        """Whether the first screen came; the milliseconds it took."""
        if not self.sees(SHOWN):
            sys.exit(f"{self.name}: no view: {bytes(self.terminal.bytes[-500:])}")
        return 1000 * (self.terminal.arrived[-1][0] - self.began)

    def press(self, keys, pattern):
        mark = len(self.terminal.bytes)
        self.terminal.type(keys)
        return self.sees(pattern, since=mark)

    def leave(self, keys="d"):
        self.terminal.type(keys)
        code = self.terminal.finish()
        told = bytes(self.terminal.bytes).rsplit(b"\x1b", 1)[-1].decode(errors="replace")
        wrong = self.terminal.wrong_modes()
        self.terminal.close()
        return code, told, wrong


def status(run, key):
    found = re.search(rf'"{key}": ([^,\n]+)', run.ask("status", run.name)[0])
    return found and found[1].strip('"')


def control(scratch):
    run = Headless(scratch, "control")
    view = View(scratch, "control")
    view.shown()
    check("a view is attached", view.sees(rb"attached"))
    check("it counts", until(lambda: status(run, "viewers") == "1"), status(run, "viewers"))
    rate = float(status(run, "learning_rate"))  # which the schedule moves a little

    def changes_to(factor):
        view.terminal.take(0.01)
        return abs(float(status(run, "learning_rate")) / rate / factor - 1) < 0.01

    check("it is in control", view.press("+", rb"applied at step") and until(lambda: changes_to(1.1)))
    view.terminal.type("u")
    check("also backwards", until(lambda: changes_to(1)), (rate, status(run, "learning_rate")))
    check("the journal says from where", '"source":"socket","command":"undo"' in run.read("journal.jsonl"))
    other = View(scratch, "control", "--read-only")
    other.shown()
    check("there may be several", view.sees(rb"2 viewers") and status(run, "viewers") == "2")
    check("one only reads", other.press("+", rb"only to read"))
    check("and its screens work", other.press("2", rb"gradient") and other.press("3", rb"of each class") and
          other.press("5", rb"socket"))
    check("a pause is seen by all", view.press(" ", rb"paused") and other.sees(rb"paused"))
    mark = len(other.terminal.bytes)
    check("and its end", view.press(" ", rb"running") and other.sees(rb"running", since=mark))
    code, told, wrong = other.leave()
    check("leaving", code == 0 and "training goes on; kdtui attach control brings the view back" in told and not wrong,
          (code, told, wrong))
    check("is seen", until(lambda: status(run, "viewers") == "1"))
    os.kill(view.terminal.pid, signal.SIGTSTP)
    check("the view can be stopped", until(lambda: process(view.terminal.pid)[0] == "T"))
    mark = len(view.terminal.bytes)
    os.kill(view.terminal.pid, signal.SIGCONT)
    check("and goes on", view.sees(SHOWN, since=mark))
    view.terminal.signal(signal.SIGTERM)
    code, told, wrong = view.leave("")
    check("ended by a signal", code == 143 and "training goes on" in told and not wrong, (code, told, wrong))
    check("training goes on", run.trains())
    views = [View(scratch, "control") for _ in range(2)]
    for view in views:
        view.shown()
    answer = run.send("detach")
    check("all views are closed from elsewhere", "every view closes" in answer, answer)
    check("they are", all(view.leave("")[0] == 0 for view in views))
    check("it ends when it is told", run.trains() and run.stop())


def own_view(scratch):
    """A second view of a run that has one of its own."""
    run = Run(scratch, "own").find()
    view = View(scratch, "own")
    view.shown()
    check("the own view tells of the other", run.sees(rb"2 viewers"))
    code, told, wrong = view.leave("qs")
    check("the other one saves and stops it", code == 0 and "saved up to step" in told and not wrong, (code, told))
    check("the own view closes", run.terminal.finish() == 0 and not run.terminal.wrong_modes())
    check("it is saved", status(run, "state") == "interrupted")
    run.terminal.close()


def ends(scratch):
    run = Headless(scratch, "ends")
    view = View(scratch, "ends")
    view.shown()
    run.send("stop")
    check("the run ends", run.process.wait(20) == 0)
    check("the view stays, with the result", view.sees(rb"test accuracy"))
    check("and with its screens", view.press("3", rb"of each class"))
    code, told, wrong = view.leave("q")
    check("which is printed", code == 0 and re.search(r"(?m)^test accuracy \d", told) and not wrong, (code, told))
    answer, code = run.ask("attach", "ends")
    check("a terminal is expected", code == 2 and "a terminal is expected" in answer, answer)
    late = View(scratch, "ends")
    code, told, _ = late.leave("")
    check("a finished run has no view", code == 1 and "has finished" in told and "--epochs" in told, (code, told))
    run = Headless(scratch, "killed")
    view = View(scratch, "killed")
    view.shown()
    os.kill(run.trainer, signal.SIGKILL)
    run.process.wait()
    check("who trains is killed: the view says so", view.sees(rb"is gone"))
    code, told, wrong = view.leave("q")
    check("and fails", code == 1 and "is gone" in told and not wrong, (code, told))
    late = View(scratch, "killed")
    code, told, _ = late.leave("")
    check("a run that nobody trains", code == 1 and "no process trains killed" in told and "kdtui resume" in told,
          (code, told))


class Watch(threading.Thread):
    """Watches by the protocol alone, fifty frames a second: the longest time without a step."""

    def __init__(self, scratch):
        super().__init__(daemon=True)
        folder = os.open(os.path.join(scratch, "kdtui/sockets"), os.O_RDONLY | os.O_DIRECTORY)
        self.socket = socket.socket(socket.AF_UNIX)
        for name in os.listdir(folder):
            if name.startswith("dropped-"):
                self.socket.connect(f"/proc/self/fd/{folder}/{name}")
        os.close(folder)
        self.longest, self.ended = 0.0, False

    def run(self):
        self.socket.sendall(b"watch 50\n")
        last, rest = None, b""
        while piece := self.socket.recv(65536):
            *lines, rest = (rest + piece).split(b"\n")
            if not any(re.match(rb"step \d", line) for line in lines) or self.ended:
                continue
            now = time.monotonic()
            self.longest = max(self.longest, now - last if last else 0)
            last = now


def weights(directory):
    """The tensors' bytes, without what is said about them."""
    with open(os.path.join(directory, "checkpoints/last.safetensors"), "rb") as file:
        file.seek(8 + int.from_bytes(file.read(8), "little"))
        return file.read()


def drops(scratch, count):
    """Views come and go in every way; the run's weights are those of one that nobody looked at."""
    run = Run(scratch, "dropped").find()
    run.terminal.hang_up()
    check("its terminal goes away: it trains on", run.trains())
    watch = Watch(scratch)
    watch.start()
    took, half_open = [], []
    for i in range(count):
        view = View(scratch, "dropped")
        took.append(view.shown())
        way = i % 4
        if i % 3 == 0:
            view.terminal.type("2")
        if way == 0:
            view.terminal.hang_up()
        elif way == 1:
            os.kill(view.terminal.pid, signal.SIGKILL)
            view.terminal.close()
        elif way == 2:
            if i % 8 == 2:
                os.kill(view.terminal.pid, signal.SIGSTOP)
            half_open.append(view)  # nobody reads it from now on
        else:
            code, _, wrong = view.leave()
            if code != 0 or wrong:
                check(f"drop {i}: left", False, (code, wrong))
        if len(half_open) > 10:
            half_open.pop(0).terminal.close()
        if i % 50 == 0 and not run.trains():
            check(f"drop {i}: training goes on", False)
    check(f"after {count} drops it trains", run.trains())
    watch.ended = True
    answer = run.send("stop")
    step = re.search(r"applied at step (\d+)", answer)
    check("it stops", step and until(lambda: not goes_on(run.trainer)), answer)
    for view in half_open:
        view.terminal.close()
    took.sort()
    print(f"first screen of {count} views: {statistics.median(took):.0f} ms median, "
          f"{took[min(int(0.99 * count), count - 1)]:.0f} ms of 99%, {took[-1]:.0f} ms most; "
          f"longest time without a step seen: {1000 * watch.longest:.0f} ms of {step[1]} steps", flush=True)
    script = os.path.join(scratch, "stop.script")
    with open(script, "w") as file:
        file.write(f"@{step[1]} stop\n")
    subprocess.run([KDTUI, "run", "--headless", "-q", "-n", "undisturbed", "--script", script, *SMALL, *ENDLESS],
                   env=run.environment, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    check("the weights are the same bits", weights(run.directory) == weights(os.path.join(scratch, "kdtui/runs/undisturbed")))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--drops", type=int, default=int(os.environ.get("KDTUI_DROPS", "40")))
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    cases = {"control": control, "own_view": own_view, "ends": ends,
             "drops": lambda scratch: drops(scratch, options.drops)}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        try:
            for name, case in cases.items():
                if not options.cases or name in options.cases:
                    case(scratch)
        finally:
            end_leftovers(scratch)
    end()


if __name__ == "__main__":
    main()
