"""The log: on stderr, since stdout belongs to the protocol."""

import logging
import sys

from scenario_mcp.settings import Settings


def to_stderr(settings: Settings) -> None:
    """Set the log up, and say there which settings were left out."""
    logging.basicConfig(
        stream=sys.stderr, level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    for chatty in ("httpx", "httpcore"):  # they would write signed addresses
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for ignored in settings.ignored:
        logging.getLogger(__name__).warning("Ignored %s", ignored)
