"""A program in a terminal of the test's own: a pty, and an emulator of what is on its screen.

The emulator is pyte (Debian: python3-pyte); without it a terminal has no screen, only bytes.
"""

import atexit
import codecs
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

try:
    import pyte
except ImportError:
    pyte = None

SYSTEM_PYTHON = "/usr/bin/python3"  # the one that Debian's packages are for


def want_emulator():
    """Where this Python has no pyte, goes on with the system's, which may have it."""
    if not pyte and not sys.executable.startswith(SYSTEM_PYTHON) and os.access(SYSTEM_PYTHON, os.X_OK):
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])


def need_emulator(what):
    """The same, and skips the test where neither has it."""
    want_emulator()
    if not pyte:
        print(f"python3-pyte is missing: {what}")
        sys.exit(77)


KEPT = ["PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH",
        "OPENBLAS_CORETYPE"]  # the same kernels as what runs without a terminal


if pyte:

    class Emulator(pyte.Screen):
        """With what pyte lacks of an xterm: the alternate screen, repeated characters, scrolling by rows."""

        alternate = None  # the normal screen, while it is not shown

        def set_mode(self, *modes, private=False, **rest):
            if private and 1049 in modes and not self.alternate:
                self.alternate = {y: dict(row) for y, row in self.buffer.items()}, self.cursor.x, self.cursor.y
                self.erase_in_display(2)
            super().set_mode(*modes, private=private, **rest)

        def reset_mode(self, *modes, private=False, **rest):
            super().reset_mode(*modes, private=private, **rest)
            if private and 1049 in modes and self.alternate:
                rows, self.cursor.x, self.cursor.y = self.alternate
                self.alternate = None
                self.erase_in_display(2)
                for y, row in rows.items():
                    self.buffer[y].update(row)

        def draw(self, data):
            self.last = data[-1:]
            super().draw(data)

        def repeat(self, count=1, **_):
            super().draw(self.last * count)

        def scroll(self, change_lines, count):
            x, y = self.cursor.x, self.cursor.y
            self.cursor.y = self.margins.top if self.margins else 0
            change_lines(count)
            self.cursor.x, self.cursor.y = x, y

        def scroll_up(self, count=1, **_):
            self.scroll(self.delete_lines, count)

        def scroll_down(self, count=1, **_):
            self.scroll(self.insert_lines, count)

        def ignore(self, *_, **__):
            pass

    class EmulatorStream(pyte.Stream):
        csi = dict(pyte.Stream.csi, b="repeat", t="ignore", S="scroll_up", T="scroll_down")
        events = pyte.Stream.events | {"repeat", "ignore", "scroll_up", "scroll_down"}


class Terminal:
    """Starts the command on a terminal of this size."""

    def __init__(self, command, width=80, height=24, term="xterm-256color", locale="C.UTF-8", environment=None,
                 speed=None, emulate=True):
        master, slave = pty.openpty()
        self.width, self.height = width, height
        if speed:
            modes = termios.tcgetattr(slave)
            modes[4] = modes[5] = speed
            termios.tcsetattr(slave, termios.TCSANOW, modes)
        self.modes = termios.tcgetattr(slave)
        self.master = master
        self.set_size(width, height)
        variables = {name: os.environ[name] for name in KEPT if name in os.environ}
        variables.update(LC_ALL=locale, **(environment or {}))
        if term is not None:
            variables["TERM"] = term
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(master)
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for fd in range(3):
                    os.dup2(slave, fd)
                os.closerange(3, 256)
                os.execvpe(command[0], command, variables)
            finally:
                os._exit(127)
        # Kept open, so that what the program wrote last can be read after its end.
        self.slave = slave
        self.status = None
        self.bytes = bytearray()  # all that it wrote
        self.arrived = []  # (clock, how much) of each piece
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        atexit.register(self.kill)
        self.screen = None
        if pyte and emulate:
            self.screen = Emulator(width, height)
            self.stream = EmulatorStream(self.screen)

    def set_size(self, width, height):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def resize(self, width, height):
        self.width, self.height = width, height
        self.set_size(width, height)
        if self.screen:
            self.screen.resize(height, width)

    def type(self, keys):
        os.write(self.master, keys.encode() if isinstance(keys, str) else keys)

    def take(self, seconds=0.0, most=65536):
        """Reads what comes first within this time; False where nothing does."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        piece = os.read(self.master, most)
        self.arrived.append((time.monotonic(), len(piece)))
        self.bytes += piece
        if self.screen:
            self.stream.feed(self.decoder.decode(piece))
        return True

    def take_for(self, seconds):
        limit = time.monotonic() + seconds
        while (left := limit - time.monotonic()) > 0:
            self.take(left)

    def settle(self, quiet=0.3, most=5.0):
        """Until nothing has come for a while."""
        limit = time.monotonic() + most
        while time.monotonic() < limit and self.take(quiet):
            pass

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines())

    def see(self, *words, seconds=20.0):
        """Until all of these words are on the screen; the seconds that took, or None."""
        began = time.monotonic()
        while not all(word in self.text() for word in words):
            if time.monotonic() > began + seconds or (not self.take(0.05) and self.ended()):
                return None
        return (self.arrived[-1][0] if self.arrived else began) - began

    def ended(self):
        """Whether the program has; one that stopped itself is told to go on."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                os.kill(self.pid, signal.SIGCONT)
            elif pid:
                self.status = status
        return self.status is not None

    def finish(self, seconds=20.0):
        """Its exit code, 128+n where signal n ended it; None where it does not end."""
        limit = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > limit:
                return None
            self.take(0.02)
        while self.take(0.0):
            pass
        return os.WEXITSTATUS(self.status) if os.WIFEXITED(self.status) else 128 + os.WTERMSIG(self.status)

    def signal(self, number):
        if not self.ended():
            os.kill(self.pid, number)

    def kill(self):
        """With what else is in its job, which would go on without a terminal."""
        if not self.ended():
            os.killpg(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.status = -1

    def hang_up(self):
        """The terminal goes away; the program's process here ends of itself."""
        for fd in (self.master, self.slave):
            os.close(fd)
        _, self.status = os.waitpid(self.pid, 0)
        atexit.unregister(self.kill)

    def close(self):
        self.kill()
        atexit.unregister(self.kill)
        for fd in (self.master, self.slave):
            os.close(fd)

    def wrong_modes(self):
        """What is not as it was found, in words."""
        wrong = []
        if termios.tcgetattr(self.slave)[:4] != self.modes[:4]:
            wrong.append("modes")
        for on, off, name in ((b"\x1b[?1049h", b"\x1b[?1049l", "alternate screen"),
                              (b"\x1b[?25l", b"\x1b[?25h", "cursor"), (b"\x1b[?1h", b"\x1b[?1l", "keypad"),
                              (b"\x1b[?1000h", b"\x1b[?1000l", "mouse"),
                              (b"\x1b[?1006;1000h", b"\x1b[?1006;1000l", "mouse")):
            if self.bytes.rfind(on) > self.bytes.rfind(off):
                wrong.append(name)
        return wrong
