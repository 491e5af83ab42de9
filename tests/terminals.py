#!/usr/bin/env python3
"""The view on an emulated terminal: kinds of terminal and locale, ways out, slow lines.

What is on the screen, keys that do what they should, the terminal as it was at the end. Needs pyte
(Debian: python3-pyte), else it is skipped. With --long also the slowest line.
"""

import os
import re
import signal
import sys
import tempfile
import termios
import time

sys.dont_write_bytecode = True
from pty_terminal import Terminal, need_emulator

KDTUI = os.environ.get("KDTUI", "./kdtui")
TERMS = ["xterm-256color", "screen-256color", "tmux-256color", "linux", "vt100", "no-such-terminal"]
PLAIN_TERMS = ["dumb", None]  # plain lines; None: no TERM at all
LOCALES = ["C.UTF-8", "C"]
RUN = ["data.dataset=synthetic", "data.train_size=500", "data.validation_size=100", "train.batch_size=50",
       "network.hidden=16", "train.threads=1", "checkpoint.every_epochs=0", "checkpoint.best=off"]

failures = 0
count = 0


def check(name, good, terminal=None):
    global failures
    print(f"{'ok' if good else 'FAIL'}: {name}", flush=True)
    if not good:
        failures += 1
        if terminal:
            print(terminal.text() if terminal.screen else terminal.bytes[-2000:])


def start(scratch, script=None, epochs=100000, settings=(), more=(), more_environment=None, **rest):
    """A run in a terminal; `script` pauses it, so that its screen stands still."""
    global count
    count += 1
    # A folder for each: an earlier run of the same data would be drawn, too.
    command = [KDTUI, "run", "--runs-dir", f"{scratch}/runs-{count}", "-n", f"run-{count}"]
    if script:
        command += ["--script", script]
    command += more
    for setting in RUN + [f"train.epochs={epochs}", *settings]:
        command += ["-s", setting]
    environment = {"XDG_STATE_HOME": scratch, "XDG_CONFIG_HOME": scratch, **(more_environment or {})}
    terminal = Terminal(command, environment=environment, **rest)
    terminal.run = f"{scratch}/runs-{count}/run-{count}"
    return terminal


def masked(lines):
    """Without what depends on the machine's speed, and without the run's number."""
    text = "\n".join(lines)
    text = re.sub(r"run-\d+ ?", "run ", text)
    text = re.sub(r"\d[\d.]*[kM]? samples/s", "N samples/s", text)
    text = re.sub(r"\d+ (s|min) ago", "N ago", text)
    text = re.sub(r"[\d:.d ]+s? elapsed  [\d:.d ]+s? left", " T elapsed", text)
    text = re.sub(r"(step \d+)  [\d:.d ]+s?, [\d:.d ]+s? left", r"\1  T", text)
    text = re.sub(r"[-─━=#█.]{6,}", "BAR", text)
    return re.sub(r" +", " ", text)


def has(text, first, last):
    return any(first <= ord(character) <= last for character in text)


def check_screen(name, terminal, locale, references):
    """The screen of the run that stands still: what it shows, and that all kinds show the same."""
    check(f"{name}: it is drawn", terminal.see("paused", "accuracy", "loss") is not None, terminal)
    terminal.settle(0.15)
    before = masked(terminal.lines())
    terminal.type("\x0c")
    terminal.settle(0.15)
    after = masked(terminal.lines())
    check(f"{name}: a repaint changes nothing", before == after, terminal)
    raw = terminal.text()
    if locale == "C":
        check(f"{name}: ASCII alone", max(terminal.bytes) < 0x80, terminal)
    else:
        check(f"{name}: no mojibake", "\ufffd" not in raw and "â" not in raw, terminal)
        console = name.startswith("linux")
        check(f"{name}: glyphs that its font has",
              has(raw, 0x2800, 0x28FF) != console and has(raw, 0x2580, 0x259F) >= console, terminal)
    kind = locale, name.startswith("linux") and locale != "C"
    if kind in references:
        check(f"{name}: the same as on an xterm", references[kind] == after, terminal)
        if references[kind] != after:
            print("expected:", references[kind], sep="\n")
    else:
        references[kind] = after


def check_keys(name, terminal):
    terminal.type("y")
    check(f"{name}: a key of the view", terminal.see("logarithmic") is not None, terminal)
    terminal.type("+")
    check(f"{name}: a key of the run", terminal.see("applied at step") is not None, terminal)
    terminal.type("?")
    check(f"{name}: help", terminal.see("Learning rate times 1.1.") is not None, terminal)
    terminal.type("\x1b")
    check(f"{name}: and back", terminal.see("paused", "accuracy") is not None, terminal)


def leave_by(way, terminal):
    """Leaves; the exit codes that are right."""
    if way in ("save", "abandon"):
        terminal.type("q")
        check("the menu", terminal.see("abandon") is not None, terminal)
        terminal.type("s" if way == "save" else "a")
        return [0]
    number = getattr(signal, way)
    terminal.signal(number)
    return [128 + number, 128 + signal.SIGABRT] if way == "SIGSEGV" else [128 + number]


def check_end(name, terminal, codes):
    code = terminal.finish()
    check(f"{name}: exit code {code}", code in codes, terminal)
    wrong = terminal.wrong_modes()
    check(f"{name}: the terminal is as it was {' '.join(wrong)}", not wrong and not terminal.screen.alternate,
          terminal)
    terminal.close()


def test_kinds(scratch):
    script = os.path.join(scratch, "pause")
    ways = ["save", "SIGTERM", "abandon", "SIGINT", "SIGSEGV", "SIGUSR1"]
    cases = [(term, locale) for locale in LOCALES for term in TERMS]
    terminals = [start(scratch, script, term=term, locale=locale) for term, locale in cases]
    plain = [start(scratch, epochs=2, term=term, locale=locale) for term in PLAIN_TERMS for locale in LOCALES]
    references = {}
    for number, ((term, locale), terminal) in enumerate(zip(cases, terminals)):
        name = f"{term} {locale}"
        check_screen(name, terminal, locale, references)
        check_keys(name, terminal)
        way = ways[number % len(ways)]
        check_end(f"{name}, {way}", terminal, leave_by(way, terminal))
    for terminal in plain:
        check("plain lines, exit code", terminal.finish() == 0, terminal)
        check("the result", b"test accuracy" in terminal.bytes and b"epoch 2/2" in terminal.bytes, terminal)
        check("no control sequence", b"\x1b" not in terminal.bytes, terminal)
        terminal.close()


def test_same_size(scratch):
    """SIGWINCH without another size, as re-attaching sends it: the whole screen is written again."""
    script = os.path.join(scratch, "pause")
    terminal = start(scratch, script)
    terminal.see("paused", "accuracy")
    terminal.settle(0.15)
    shown = terminal.text()
    terminal.screen.reset()
    terminal.signal(signal.SIGWINCH)
    wanted = masked(shown.split("\n"))
    for _ in range(100):
        terminal.take_for(0.1)
        if masked(terminal.lines()) == wanted:
            break
    check("SIGWINCH of the same size repaints", masked(terminal.lines()) == wanted, terminal)
    check("by erasing, not by a reset", b"\x1bc" not in terminal.bytes, terminal)
    check("no question to the terminal", not re.search(rb"\x1b\[[?>=]?[\d;]*[cn]|\x1b\[\d*x|\x1bZ|\x1bP[+$]q"
                                                       rb"|\x1b\][\d;]+;\?", bytes(terminal.bytes)), terminal)
    check_end("same size", terminal, leave_by("save", terminal))


def test_colors(scratch):
    """Colours as the settings and NO_COLOR have them; the head is one bar in all of them."""
    cases = [("256", "xterm-256color", [], {}), ("16", "xterm-256color", ["view.colors=16"], {}),
             ("8", "linux", [], {}), ("mono", "xterm-256color", ["view.colors=mono"], {}),
             ("NO_COLOR", "xterm-256color", [], {"NO_COLOR": "1"}), ("vt100", "vt100", [], {})]
    script = os.path.join(scratch, "pause")
    names = {"black", "red", "green", "brown", "blue", "magenta", "cyan", "white", "default"}
    for name, term, settings, environment in cases:
        terminal = start(scratch, script, settings=settings, more_environment=environment, term=term)
        check(f"colours {name}: it is drawn", terminal.see("paused", "accuracy", "loss") is not None, terminal)
        terminal.settle(0.15)
        cells = [terminal.screen.buffer[y][x] for y in range(24) for x in range(80)]
        inks = {cell.fg for cell in cells}
        head = {(cell.bg, cell.reverse) for cell in cells[:80]}
        if name == "256":
            check(f"colours {name}: of the 256", len(inks - names) >= 4, terminal)
            check(f"colours {name}: one ground in the head {head}", len(head) == 1 and ("default", False) not in head)
        elif name in ("16", "8"):
            check(f"colours {name}: the basic ones alone {inks}", inks <= names and len(inks) >= 4, terminal)
            check(f"colours {name}: a head in reverse {head}", head == {("default", True)})
        else:
            check(f"colours {name}: none {inks}", inks == {"default"}, terminal)
            check(f"colours {name}: a head in reverse {head}", head == {("default", True)})
            check(f"colours {name}: bold instead", any(cell.bold for cell in cells))
        check_end(f"colours {name}", terminal, leave_by("save", terminal))


def test_fresh_after_a_switch(scratch):
    """Back on the charts of a large screen the table of evaluations goes on at once, though all was drawn anew."""
    terminal = start(scratch, settings=["network.hidden=64", "data.train_size=4000"], width=200, height=60)
    last_row = lambda: ([line.split()[1] for line in terminal.lines()  # noqa: E731
                         if re.match(r"│ +\d+\.00 ", line)] or [""])[-1]
    terminal.see("evaluations", "accuracy")
    terminal.take_for(2)
    for key, word in (("4", "settings"), ("1", "evaluations"), ("5", "journal"), ("1", "evaluations")):
        terminal.type(key)
        terminal.see(word)
    check("the charts are back", terminal.see("evaluations", "accuracy") is not None, terminal)
    terminal.take_for(0.2)
    first = last_row()
    terminal.take_for(2)
    check(f"the table goes on: {first}, {last_row()}", first and last_row() not in ("", first), terminal)
    check_end("a switch", terminal, leave_by("abandon", terminal))


def test_title(scratch):
    """Epoch and loss where there is a title; the one that was there before comes back."""
    script = os.path.join(scratch, "pause")
    for term, ends in (("xterm-256color", b"\x1b[23;0;0t"), ("tmux-256color", b"\x1b]0;\x07\x1b[23;2t"),
                       ("linux", None), ("screen-256color", None), ("no-such-terminal", None)):
        terminal = start(scratch, script, term=term, locale="C")
        check(f"{term}: it is drawn", terminal.see("paused", "accuracy") is not None, terminal)
        terminal.take_for(0.1)
        title = re.search(rb"\x1b\][02];([^\x07]+)\x07", bytes(terminal.bytes))
        if ends:
            check(f"{term}: a title", title and re.match(rb"(\w+, )?epoch \d+\.\d/100000.* - run-", title[1]), terminal)
            save = terminal.bytes.find(b"\x1b[22;")
            check(f"{term}: after the old one was kept",
                  title and 0 <= save < terminal.bytes.find(title[0]), terminal)
        else:
            check(f"{term}: no title", title is None, terminal)
        check_end(term, terminal, leave_by("SIGTERM", terminal))
        if ends:
            check(f"{term}: the old one is back",
                  title and terminal.bytes.rfind(ends) > terminal.bytes.rfind(title[0]), terminal)


def test_mouse(scratch):
    """It is asked for with --mouse alone; then the wheel scrolls the help."""
    script = os.path.join(scratch, "pause")
    terminal = start(scratch, script)
    terminal.see("paused", "accuracy")
    terminal.settle(0.15)
    check("without --mouse the terminal keeps it", b"1000h" not in terminal.bytes, terminal)
    check_end("no mouse", terminal, leave_by("SIGTERM", terminal))
    terminal = start(scratch, script, more=["--mouse"])
    terminal.see("paused", "accuracy")
    terminal.settle(0.15)
    check("--mouse asks for it", b"1000h" in terminal.bytes, terminal)
    terminal.type("?")
    check("the help's top", terminal.see("Learning rate times 1.1.") is not None, terminal)
    for _ in range(20):
        terminal.type("\x1b[<65;10;10M")
    for _ in range(100):
        terminal.take_for(0.1)
        if "Learning rate times 1.1." not in terminal.text():
            break
    check("the wheel scrolls it", "Learning rate times 1.1." not in terminal.text(), terminal)
    terminal.type("\x1b[<0;10;10M\x1b[<0;10;10m")
    terminal.type("\x1b")
    check("a click does no harm", terminal.see("paused", "accuracy") is not None, terminal)
    check_end("mouse", terminal, leave_by("SIGTERM", terminal))


def test_summary(scratch):
    """What is left on the normal screen, and that it stays open with the result before."""
    terminal = start(scratch, epochs=2)
    check("it stays open with the result", terminal.see("finished", "test accuracy") is not None, terminal)
    terminal.settle(0.15)
    check("and waits", not terminal.ended(), terminal)
    terminal.type("q")
    check("exit code", terminal.finish() == 0, terminal)
    for pattern in (r"^run +run-\d+ in /", r"^last +epoch 2, step \d+: loss [\d.]+ val [\d.]+, accuracy ",
                    r"^best +epoch [12]: validation [\d.]+%", r"^more +kdtui resume \S+/run-\d+ --epochs=4",
                    r"^test accuracy [\d.]+% \(best validation "):
        check(f"the summary has {pattern}", re.search(pattern, terminal.text(), re.M), terminal)
    terminal.close()
    terminal = start(scratch)
    terminal.see("accuracy", "best validation")
    check_end("save", terminal, leave_by("save", terminal))
    check("the summary says how to go on", re.search(r"^go on +kdtui resume ", terminal.text(), re.M), terminal)
    check("and what is saved", re.search(r"saved up to step \d+", terminal.text()), terminal)


def journal_has(terminal, text):
    try:
        with open(os.path.join(terminal.run, "journal.jsonl")) as file:
            return text in file.read()
    except FileNotFoundError:
        return False


def take_slowly(terminal, speed, seconds, until=lambda: False):
    """Reads as a line of so many bytes a second carries it; the seconds until it was so."""
    began, had = time.monotonic(), len(terminal.bytes)
    while (took := time.monotonic() - began) < seconds and not until():
        room = int(speed * took) - (len(terminal.bytes) - had)
        if room > 0:
            terminal.take(0.02, most=room)
        time.sleep(0.02)
    return took


def test_slow_line(scratch, baud, code):
    """One that says how slow it is, as a serial line does, and one that does not."""
    name, speed = f"{baud} baud{'' if code else ', not declared'}", baud / 10
    terminal = start(scratch, speed=code, settings=["data.train_size=10000", "network.hidden=64"])
    whole = 4000 / speed  # seconds that a whole screen may take
    drawn = lambda: "space pause" in terminal.text()  # noqa: E731
    take_slowly(terminal, speed, 3 * whole, drawn)
    check(f"{name}: it is drawn", drawn(), terminal)
    take_slowly(terminal, speed, 4)
    terminal.type("n")
    obeyed = lambda: journal_has(terminal, "toggle augment.noise")  # noqa: E731
    took = take_slowly(terminal, speed, 20, obeyed)
    check(f"{name}: a key is obeyed after {took:.2f} s", obeyed(), terminal)
    if code:  # else more may be under way than can be known
        terminal.type(" ")
        seen = lambda: "paused" in terminal.text()  # noqa: E731
        took = take_slowly(terminal, speed, 3 * whole, seen)
        check(f"{name}: and seen after {took:.2f} s", seen() and took < 2 * whole, terminal)
    check_end(name, terminal, leave_by("SIGTERM", terminal))


def main():
    need_emulator("the view was not tested on kinds of terminals")
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "pause"), "w") as file:
            file.write("@60 pause\n")
        test_kinds(scratch)
        test_colors(scratch)
        test_fresh_after_a_switch(scratch)
        test_same_size(scratch)
        test_title(scratch)
        test_mouse(scratch)
        test_summary(scratch)
        slow = [(2400, termios.B2400), (2400, None)] if "--long" in sys.argv else []
        for baud, code in [(9600, termios.B9600), (9600, None), *slow]:
            test_slow_line(scratch, baud, code)
    if failures:
        print(f"{failures} failed")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
