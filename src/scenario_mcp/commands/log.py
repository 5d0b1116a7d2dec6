"""The log: on stderr, since stdout belongs to the protocol."""

import logging
import os
import re
import sys
from queue import Full, Queue
from threading import Condition, Thread

from scenario_mcp.masking import mask_of
from scenario_mcp.settings import Settings

STDERR = 2
MOST_WAITING = 1_000  # lines
LAST_SECONDS = 0.5  # that whoever reads stderr gets at the end

_CONTROLS = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class _Formatter(logging.Formatter):
    """Hides the secret, and what would steer the terminal that shows the log."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._mask = mask_of(settings.credentials)

    def format(self, record: logging.LogRecord) -> str:
        return _CONTROLS.sub("?", "\n".join(map(self._mask, super().format(record).split("\n"))))


class _Patient(logging.Handler):
    """Writes to stderr from a thread of its own, so that nobody waits for a host that does not read it.

    Of what it does not read in time the newest lines are dropped, and counted.
    """

    def __init__(self) -> None:
        super().__init__()
        self._waiting: Queue[str] = Queue(MOST_WAITING)
        self._dropped = 0
        self._written = Condition()
        self._unwritten = 0
        Thread(target=self._write, daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a line to the thread, after a word about those that were dropped."""
        try:
            line = self.format(record)
            if self._dropped:
                line = f"WARNING {__name__}: {self._dropped} lines were dropped: nobody read them\n{line}"
            self._waiting.put_nowait(line)
            self._dropped = 0
            with self._written:
                self._unwritten += 1
        except Full:
            self._dropped += 1
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait until all is written, but not for long."""
        with self._written:
            self._written.wait_for(lambda: self._unwritten <= 0, LAST_SECONDS)

    def _write(self) -> None:
        while True:
            rest = (self._waiting.get() + "\n").encode(errors="backslashreplace")
            try:
                while rest:
                    rest = rest[os.write(STDERR, rest) :]
            except OSError:  # nobody can be told
                pass
            with self._written:
                self._unwritten -= 1
                self._written.notify_all()


def to_stderr(settings: Settings) -> None:
    """Set the log up, and say there what was left out of the settings, and what is wrong with them."""
    handler = logging.NullHandler() if sys.stderr is None else _Patient()  # what is closed may be another's file by now
    handler.setFormatter(_Formatter(settings))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper())
    for chatty in ("httpx", "httpcore"):  # they would write signed addresses
        logging.getLogger(chatty).setLevel(logging.WARNING)
    logger = logging.getLogger(__name__)
    logger.setLevel(logging.WARNING)  # whatever level a .env sets: it must not hide what it sets in vain
    for ignored in settings.ignored:
        logger.warning("Ignored %s", ignored)
    for problem in settings.problems:
        logger.error("Nothing is paid for: %s", problem)
    if settings.unreachable:
        logger.error("Nothing is sent: %s", settings.unreachable)
