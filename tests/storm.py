#!/usr/bin/env python3
"""Random keys, pastes, mouse reports and sizes, with a run going: storm.py [EVENTS [SEED]].

Whatever is typed, the program must neither crash nor hang, nor leave the terminal other than it
found it; in a build with sanitizers, they must have nothing to say. When it was made to leave it is
started anew. The seed is printed; with it the events are the same, their moments are not.
"""

import glob
import os
import random
import re
import signal
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from pty_terminal import Terminal

KDTUI = os.environ.get("KDTUI", "./kdtui")
SOURCE = os.environ.get("top_srcdir", ".")
SEQUENCES = {"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "esc": "\x1b", "enter": "\r",
             "tab": "\t", "space": " ", "backspace": "\x7f", "home": "\x1b[H", "end": "\x1b[F",
             "page-up": "\x1b[5~", "page-down": "\x1b[6~", "delete": "\x1b[3~"}
FOREIGN = ["\x1bOA", "\x1bOP", "\x1b[15~", "\x1b[1;5C", "\x1b[Z", "\x1b[200~", "\x1b[201~", "\x1b[I", "\x1b[O",
           "\x1b[?1;2c", "\x1b]11;rgb:0/0/0\x07", "\x1b[99999;99999R", "\x1b\x1b", "\x1b[", "\xff", "\x00"]
COMMANDS = ["set train.learning_rate 0.02", "set train.l2 1e-3 train.momentum 0.5", "toggle augment.noise", "undo",
            "redo", "rollback best", "rollback last", "checkpoint here", "evaluate", "run 3 steps", "step 2",
            "note ü → ∞", "set train.learning_rate 900", "pause when epoch end", "set view.glyphs ascii",
            "set view.fps 30", "glyphs braille", "screen 3", "x" * 300]


def declared_keys():
    """Every key of keys.def, as a terminal sends it."""
    with open(os.path.join(SOURCE, "include/kdt/keys.def")) as file:
        rows = re.findall(r'^KEY\("((?:[^"\\]|\\.)+)"', file.read(), re.M)
    keys = []
    for name in " ".join(rows).replace("\\\\", "\\").replace('\\"', '"').split():
        if name.startswith("ctrl-"):
            keys.append(chr(ord(name[5]) & 31))
        else:
            keys.append(SEQUENCES.get(name, name))
    return keys


def mouse(rng):
    button, x, y = rng.choice([0, 1, 2, 64, 65]), rng.randint(1, 400), rng.randint(1, 120)
    if rng.random() < 0.5:
        return f"\x1b[<{button};{x};{y}{rng.choice('Mm')}"
    return b"\x1b[M" + bytes([32 + button, min(32 + x, 255), min(32 + y, 255)])


class Storm:
    def __init__(self, seed, scratch):
        self.rng, self.scratch = random.Random(seed), scratch
        self.keys, self.terminal, self.starts = declared_keys(), None, 0

    def start(self):
        self.starts += 1
        command = [KDTUI, "run", "--runs-dir", self.scratch, "-n", f"run-{self.starts}"]
        for setting in ("data.dataset=synthetic", "data.train_size=400", "data.validation_size=100",
                        "train.batch_size=20", "network.hidden=16 12", "train.threads=1", "train.epochs=100000",
                        f"view.glyphs={self.rng.choice(['auto', 'braille', 'block', 'ascii'])}",
                        f"view.mouse={self.rng.choice(['on', 'off'])}",
                        f"view.colors={self.rng.choice(['auto', '256', '16', 'mono'])}"):
            command += ["-s", setting]
        log = os.path.join(self.scratch, "sanitizer")
        environment = {"XDG_STATE_HOME": self.scratch, "XDG_CONFIG_HOME": self.scratch,
                       "ASAN_OPTIONS": f"abort_on_error=1:log_path={log}:handle_segv=0",
                       "UBSAN_OPTIONS": f"print_stacktrace=1:halt_on_error=1:log_path={log}"}
        self.terminal = Terminal(command, environment=environment, emulate=False,
                                 term=self.rng.choice(["xterm-256color", "screen-256color", "linux", "vt100"]),
                                 locale=self.rng.choice(["C.UTF-8", "C.UTF-8", "C"]))
        limit = time.monotonic() + 30
        while b"epoch" not in self.terminal.bytes and time.monotonic() < limit:
            self.terminal.take(0.1)

    def event(self):
        """One of them, as it is sent; None: another size."""
        rng, kind = self.rng, self.rng.random()
        if kind < 0.35:
            return None
        if kind < 0.75:
            key = rng.choice(self.keys)
            # Leaving takes a new start each time: mostly only to the menu and back.
            return key + "\x1b" if key in ("q", "\x03", "d") and rng.random() < 0.95 else key
        if kind < 0.80:
            return rng.choice(list(SEQUENCES.values()))
        if kind < 0.85:
            return rng.choice(FOREIGN)
        if kind < 0.90:
            return mouse(rng)
        if kind < 0.97:
            return ":" + rng.choice(COMMANDS) + rng.choice(["\r", "\x1b", "\t\r"])
        return "\x1b[200~" + "".join(chr(rng.randint(32, 0x2FFF)) for _ in range(rng.randint(1, 80))) + "\x1b[201~"

    def size(self):
        rng = self.rng
        if rng.random() < 0.5:
            return rng.randint(1, 300), rng.randint(1, 100)
        return rng.choice([(80, 24), (120, 40), (40, 12), (1, 1), (200, 60), (39, 11), (500, 2), (2, 200)])

    def send(self, what):
        if what is None:
            self.terminal.resize(*self.size())
        else:
            self.terminal.type(what)
        self.terminal.take(0.004 if self.rng.random() < 0.9 else 0.05)
        while self.terminal.take(0):
            pass
        del self.terminal.bytes[:-100000]

    def left(self):
        """Why the end that it came to is wrong; None: it is not."""
        code = self.terminal.finish()
        wrong = self.terminal.wrong_modes()
        for path in glob.glob(os.path.join(self.scratch, "sanitizer*")):
            with open(path, errors="replace") as file:
                return file.read()
        # Ctrl-C while there is no view, yet or any more, is a signal.
        if code not in (0, 3, 128 + signal.SIGTERM, 128 + signal.SIGINT):
            return f"exit code {code}"
        if wrong:
            return f"the terminal is not as it was: {' '.join(wrong)}"
        self.terminal.close()
        self.terminal = None
        end_leftovers(self.scratch)
        return None

    def answers(self):
        """Whether it still does, whatever is open."""
        self.terminal.resize(80, 24)
        limit = time.monotonic() + 20
        while time.monotonic() < limit and not self.terminal.ended():
            del self.terminal.bytes[:]
            self.terminal.type("\x1b")
            self.terminal.take_for(0.1)
            self.terminal.type("\x0c")
            self.terminal.take_for(0.3)
            if self.terminal.bytes:
                return True
        return self.terminal.ended()

    def blow(self, events):
        for number in range(events):
            if self.terminal is None:
                self.start()
            try:
                self.send(self.event())
            except OSError as gone:
                return f"event {number}: {gone}"
            if self.terminal.ended():
                wrong = self.left()
                if wrong:
                    return f"event {number}: {wrong}"
            elif number % 500 == 499 and not self.answers():
                return f"event {number}: it hangs"
        if self.terminal is None:
            return None
        if not self.answers():
            return "it hangs"
        self.terminal.signal(signal.SIGTERM)
        return self.left()


def end_leftovers(scratch):
    """Runs that were left training."""
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                if scratch.encode() in file.read():
                    os.kill(int(path.split("/")[2]), signal.SIGKILL)
        except OSError:
            pass


def main():
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    print(f"{events} events, seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        storm = Storm(seed, scratch)
        try:
            wrong = storm.blow(events)
        finally:
            if storm.terminal:
                tail = bytes(storm.terminal.bytes[-1500:])
                storm.terminal.close()
            end_leftovers(scratch)
    if wrong:
        print(f"FAIL: {wrong}\nthe last of what it wrote: {tail if storm.terminal else b''!r}")
        sys.exit(1)
    print(f"ok: started {storm.starts} times")


if __name__ == "__main__":
    main()
