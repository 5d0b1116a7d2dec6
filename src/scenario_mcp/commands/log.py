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
    """Set the log up, and say there what was left out of the settings, and what is wrong with them."""
    handler = logging.StreamHandler(sys.stderr)
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
