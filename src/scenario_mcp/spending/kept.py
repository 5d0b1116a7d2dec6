"""Prompts that Scenario keeps as text assets: the record of a job names the asset where the words were sent."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from scenario_mcp.scenario import assets
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import ScenarioError
from scenario_mcp.scenario.jobs import Job

MOST, LONGEST = 12, 64_000  # texts that are read for one search, and bytes of each
PICTURES = ("asset_", "data:", "https://", "http://")  # what is sent where no words are meant

logger = logging.getLogger(__name__)


async def in_words(client: Client, sent: Mapping[str, Any], found: Sequence[Job], deadline: Deadline) -> list[Job]:
    """Give jobs with the words themselves where their records name an asset for words that were `sent`.

    What cannot be read, or is too much, stays as it is.
    """
    texts = [name for name, value in sent.items() if isinstance(value, str) and not value.startswith(PICTURES)]
    named = {f"{job.input.get(name)}" for job in found for name in texts}
    wanted = sorted(each for each in named if each.startswith("asset_"))[:MOST]
    read: dict[str, str] = {}
    try:
        for asset in await assets.describe(client, wanted, deadline) if wanted else ():
            if asset.url is not None:
                content = await client.content(asset.url, deadline, LONGEST)
                read[asset.id] = client.mask(content.decode())
    except (ScenarioError, ValueError) as fault:
        logger.info("The words of jobs could not be read: %s", fault)

    def spelt(job: Job) -> Job:
        kept = {name: read[said] for name in texts if isinstance(said := job.input.get(name), str) and said in read}
        return replace(job, input={**job.input, **kept})

    return [spelt(job) for job in found]
