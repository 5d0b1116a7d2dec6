"""The log: on stderr, since stdout belongs to the protocol."""

import logging
import sys

from scenario_mcp.settings import Settings


def to_stderr(settings: Settings) -> None:
    """Set the log up, and say there what was left out of the settings, and what is wrong with them."""
    logging.basicConfig(
        stream=sys.stderr, level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
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
