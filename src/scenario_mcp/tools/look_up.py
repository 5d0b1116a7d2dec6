"""Reading a model's record before money is spent on it."""

from typing import NamedTuple

from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NotConfigured, NotFound, ScenarioError
from scenario_mcp.scenario.models import Model
from scenario_mcp.tools.services import Services

SECONDS = 8.0  # that reading a record may take away from the call


class Found(NamedTuple):
    """A model's record, or a note why there is none; `fresh` if it was read just now."""

    model: Model | None
    note: str | None
    fresh: bool


async def look_up(services: Services, model_id: str, deadline: Deadline, *, again: bool = False) -> Found:
    """Find a model's record, remembered or read; `again` reads it anew. A record that cannot be had is a note.

    Raises `NotConfigured`, since without credentials nothing else can be sent either.
    """
    if not again and (model := services.models.remembered(model_id)) is not None:
        return Found(model, None, fresh=False)
    try:
        return Found(await services.models.read(model_id, deadline.or_within(SECONDS)), None, fresh=True)
    except NotConfigured:
        raise
    except NotFound:
        why = f"This key finds no record of {model_id}, so the call was not checked against it."
    except ScenarioError as fault:
        why = f"The record of {model_id} could not be read, so the call was not checked: {fault}"
    return Found(None, why, fresh=True)
