"""What tests of whole programs say, and how they wait."""

import sys
import time

failures = 0


def check(what, holds, shown=""):
    global failures
    print(f"ok: {what}" if holds else f"FAIL: {what}: {shown}", flush=True)
    failures += not holds
    return holds


def until(condition, seconds=20.0):
    """Whether it comes to hold; what it was last."""
    limit = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < limit:
        time.sleep(0.01)
    return value


def end():
    print(f"{failures} failed" if failures else "all of it")
    sys.exit(failures > 0)
