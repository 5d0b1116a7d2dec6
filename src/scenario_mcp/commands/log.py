"""The log: on stderr, since stdout belongs to the protocol."""

import logging
import re
import sys

from scenario_mcp.masking import mask_of
from scenario_mcp.settings import Settings

_CONTROLS = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]|[\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class _Formatter(logging.Formatter):
    """Hides the secret, and what would steer the terminal that shows the log."""

    def __init__(self, settings: Settings) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._mask = mask_of(settings.credentials)

    def format(self, record: logging.LogRecord) -> str:
        return _CONTROLS.sub("?", "\n".join(map(self._mask, super().format(record).split("\n"))))


def to_stderr(settings: Settings) -> None:
    """Set the log up, and say there which settings were left out."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(settings))
    logging.basicConfig(handlers=[handler], level=settings.log_level.upper())
    for chatty in ("httpx", "httpcore"):  # they would write signed addresses
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for ignored in settings.ignored:
        logging.getLogger(__name__).warning("Ignored %s", ignored)
