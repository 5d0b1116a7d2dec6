"""The model records that a call rests on, read before money is spent on it."""

from collections.abc import Awaitable, Callable, Collection
from typing import NamedTuple, TypeVar

from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import InvalidArguments, NotConfigured, NotFound, ScenarioError, WrongModel
from scenario_mcp.scenario.models import Model, Models
from scenario_mcp.tools.services import Services

SECONDS = 8.0  # that reading records may take away from a call
MOST_AT_ONCE = 50  # records that are looked at together

Decided = TypeVar("Decided")


class Found(NamedTuple):
    """A model's record, or a note why there is none."""

    model: Model | None
    note: str | None = None


class Knowledge:
    """What one call knows of models: records remembered for some minutes, or all read `anew`.

    `rests_on_memory` tells whether a record was taken from memory, so that what follows from it may be out of date.
    """

    def __init__(self, models: Models, deadline: Deadline, *, anew: bool = False) -> None:
        self.rests_on_memory = False
        self._models = models
        self._until = deadline.or_within(SECONDS)
        self._anew = anew
        self._found: dict[str, Found] = {}

    async def of(self, model_id: str) -> Found:
        """Find a model's record. One that cannot be had is a note.

        Raises `NotConfigured`, since without credentials nothing else can be sent either.
        """
        if model_id not in self._found:
            self._found[model_id] = self._from_memory(model_id) or await self._read(model_id)
        return self._found[model_id]

    async def of_many(self, model_ids: Collection[str]) -> dict[str, Model]:
        """Find several records at once, as far as they can be had."""
        wanted = list(dict.fromkeys(model_ids))[:MOST_AT_ONCE]
        found = {each: known.model for each in wanted if (known := self._from_memory(each)) and known.model}
        if missing := [each for each in wanted if each not in found]:
            try:
                found |= await self._models.bulk(missing, self._until)
            except NotConfigured:
                raise
            except ScenarioError:
                pass  # a check that needs them is left to the API
        return found

    def _from_memory(self, model_id: str) -> Found | None:
        model = None if self._anew else self._models.remembered(model_id)
        if model is None:
            return None
        self.rests_on_memory = True
        return Found(model)

    async def _read(self, model_id: str) -> Found:
        try:
            return Found(await self._models.read(model_id, self._until))
        except NotConfigured:
            raise
        except NotFound:
            why = f"This key finds no record of {model_id}, so the call was not checked against it."
        except ScenarioError as fault:
            why = f"The record of {model_id} could not be read, so the call was not checked: {fault}"
        return Found(None, why)


async def on_knowledge(
    services: Services, deadline: Deadline, decide: Callable[[Knowledge], Awaitable[Decided]]
) -> Decided:
    """Decide on what is known of models; a refusal that rests on memory is decided again on records read anew."""
    knowledge = Knowledge(services.models, deadline)
    try:
        return await decide(knowledge)
    except (InvalidArguments, WrongModel):
        if not knowledge.rests_on_memory:
            raise
    return await decide(Knowledge(services.models, deadline, anew=True))
