"""Models: reading their records leniently, and remembering them for some minutes."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel

from scenario_mcp import wording
from scenario_mcp.scenario import records, wire
from scenario_mcp.scenario.client import Client
from scenario_mcp.scenario.deadline import Deadline
from scenario_mcp.scenario.errors import NoAnswer, ScenarioError

FRESH_SECONDS = 300.0
LARGEST_PAGE = 500  # of GET /models
SMALLEST_STEP = 1e-9
AT_ONCE = 50  # records that are read without a pause
HITS = 100  # a page of a search
MOST_INPUTS, MOST_NAMES, MOST_ALLOWED = 256, 128, 512  # of one record: inputs, names in a list, allowed values
LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_DEFAULT = 120, 1_000, 2_000  # characters
PLANS = {0: "Free", 25: "Starter", 50: "Pro", 75: "Max", 100: "Enterprise"}


@dataclass(frozen=True)
class Requirement:
    """When an input must be given: always, or depending on which others are given, or on their values.

    Whether all of `if_values` must hold, or one of them, is the `operator` ("and", "or"); where None was said, all
    together are certain. `unclear` says that the record has a rule of a kind nobody here knows.
    """

    always: bool = False
    if_defined: tuple[str, ...] = ()
    if_not_defined: tuple[str, ...] = ()
    if_values: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    operator: str | None = None
    unclear: bool = False


@dataclass(frozen=True)
class Input:
    """One input of a custom model, in the words of its record; no `type` means that it could not be read."""

    name: str
    type: str
    kind: str | None = None
    required: Requirement = Requirement()
    min: float | None = None
    max: float | None = None
    step: float | None = None
    min_length: float | None = None
    max_length: float | None = None
    allowed: tuple[Any, ...] = ()
    default: Any = None
    costs: bool = False
    model_types: tuple[str, ...] = ()
    description: str | None = None
    mask_from: str | None = None

    @property
    def is_list(self) -> bool:
        """Tell whether the input takes a list."""
        return self.type.endswith("_array")


@dataclass(frozen=True)
class Model:
    """A model as its record describes it; what the record does not say is None or empty.

    `inputs` are None for records that come without any, as those of lists do; `more_inputs` says that there are some
    whose names could not be read. `plan` is the cheapest plan that may run the model, None if every plan may.
    """

    id: str
    name: str = ""
    type: str | None = None
    custom: bool | None = None
    capabilities: tuple[str, ...] = ()
    inputs: tuple[Input, ...] | None = None
    more_inputs: bool = False
    base_model_ids: tuple[str, ...] = ()
    plan: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    public: bool | None = None

    @property
    def replacement(self) -> str | None:
        """Name the model that this one's owner recommends in its place, if a tag says so."""
        recommended = (tag.partition(":")[2] for tag in self.tags if tag.startswith("deprecated:"))
        return next(filter(None, map(wording.identifier, recommended)), None)


def read_model(value: Any) -> Model | None:
    """Read a model record, taking what is understood; None if it names no model."""
    record = records.mapping(value)
    model_id = wording.identifier(record.get("id"))
    if model_id is None:
        return None
    custom, described = record.get("custom"), record.get("inputs")
    inputs = records.each(described, _read_input, MOST_INPUTS)
    level = records.number(record.get("accessRestrictions"))
    return Model(
        id=model_id,
        name=records.words(record.get("name"), LONGEST_NAME) or "",
        type=wording.word(record.get("type")),
        custom=custom if isinstance(custom, bool) else None,
        capabilities=records.each(record.get("capabilities"), wording.word, MOST_NAMES),
        inputs=inputs or None,
        more_inputs=isinstance(described, list) and len(inputs) < len(described),
        base_model_ids=records.each(record.get("compliantModelIds"), wording.identifier, MOST_NAMES),
        plan=PLANS.get(int(level), f"level {level:g}") if level else None,
        tags=records.each(record.get("tags"), records.words, MOST_NAMES),
        description=_description(record, "shortDescription", "description"),
        public={"public": True, "private": False}.get(str(record.get("privacy"))),
    )


def _read_input(value: Any) -> Input | None:
    record = records.mapping(value)
    name = wording.word(record.get("name"))
    if name is None:
        return None
    return Input(
        name=name,
        type=wording.word(record.get("type")) or "",
        kind=wording.word(record.get("kind")),
        required=_read_requirement(record.get("required")),
        min=records.number(record.get("min")),
        max=records.number(record.get("max")),
        step=step if (step := records.number(record.get("step"))) and step >= SMALLEST_STEP else None,
        min_length=records.number(record.get("minLength")),
        max_length=records.number(record.get("maxLength")),
        allowed=_allowed(record.get("allowedValues")),
        default=_default(record.get("default")),
        costs=record.get("costImpact") is True,
        model_types=records.each(record.get("modelTypes"), wording.word, MOST_NAMES),
        description=_description(record, "description", "hint"),
        mask_from=wording.word(record.get("maskFrom")),
    )


def _description(record: Mapping[str, Any], *names: str) -> str | None:
    return next(filter(None, (records.words(record.get(name), LONGEST_DESCRIPTION) for name in names)), None)


def _allowed(value: Any) -> tuple[Any, ...]:
    """Take the values that an input allows; none if one of them cannot be shown as it is, so that the API checks."""
    listed = records.items(value, MOST_ALLOWED + 1)
    legible = all(not isinstance(each, str) or each == wording.unquotable(wording.clean(each)) for each in listed)
    return tuple(listed) if legible and len(listed) <= MOST_ALLOWED else ()


def _default(value: Any) -> Any:
    """Take a default that can be shown as it is, or None."""
    text = wording.written(value, LONGEST_DEFAULT)
    return value if text == wording.clean(text, LONGEST_DEFAULT) else None


def _read_requirement(value: Any) -> Requirement:
    rules = records.mapping(value)
    conditional, operator = _conditional(rules)
    named = [records.mapping(rules.get("ifDefined")), records.mapping(rules.get("ifNotDefined")), conditional]
    if any(len(each) > MOST_NAMES or None in map(wording.word, each) for each in named):
        return Requirement(always=rules.get("always") is True, unclear=True)
    return Requirement(
        always=rules.get("always") is True,
        if_defined=tuple(named[0]),
        if_not_defined=tuple(named[1]),
        if_values={name: _allowed(each if isinstance(each, list) else [each]) for name, each in conditional.items()},
        operator=operator if operator in ("and", "or") else None,
        unclear=not set(rules) <= _RULES or operator not in ("and", "or", None),
    )


def _conditional(rules: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
    """Read which inputs with which values make another one required, and whether all of these, or one of them.

    The public description calls it conditionalValues, records of 2026 conditional; since October 2026 the values stand
    one level deeper, beside an operator (scenario-sdk 2.3.0).
    """
    plain = {**records.mapping(rules.get("conditionalValues")), **records.mapping(rules.get("conditional"))}
    if isinstance(plain.get("values"), Mapping):
        return plain["values"], plain.get("operator")
    return plain, None


_RULES = {"always", "ifDefined", "ifNotDefined", "conditionalValues", "conditional"}


class Listing(NamedTuple):
    """Models that were listed; `more` if some were left unread, `fault` if a page could not be had."""

    models: list[Model]
    more: bool
    fault: ScenarioError | None = None


class Models:
    """Reads model records and remembers each for five minutes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._read_at: dict[str, tuple[Model, float]] = {}

    def remembered(self, model_id: str) -> Model | None:
        """Give a record that was read in the last five minutes."""
        model, at = self._read_at.get(model_id, (None, 0.0))
        return model if anyio.current_time() - at < FRESH_SECONDS else None

    async def read(self, model_id: str, deadline: Deadline) -> Model:
        """Read a record from the API, whatever is remembered. Raises `ScenarioError`."""
        answer = await self._client.send(wire.Call("GET", wire.path("models", model_id), wire.SAFE), deadline)
        model = read_model(answer.get("model"))
        if model is None or model.id != model_id:
            raise NoAnswer("Scenario answered without the record of the model that was asked for.")
        self._read_at[model_id] = (model, anyio.current_time())
        return model

    async def bulk(self, model_ids: Sequence[str], deadline: Deadline) -> dict[str, Model]:
        """Read several records at once, without their inputs; unknown ids are left out. Raises `ScenarioError`."""
        call = wire.Call("POST", wire.path("models", "get-bulk"), wire.SAFE, body={"modelIds": list(model_ids)})
        answer = await self._client.send(call, deadline)
        found = records.each(answer.get("models"), read_model)
        return {model.id: model for model in found if model.id in model_ids}

    async def listed(self, *, public: bool, pages: int, deadline: Deadline) -> Listing:
        """List models, so many pages at most. Raises `ScenarioError` if not even the first can be had."""
        query = {"privacy": "public" if public else "private", "pageSize": str(LARGEST_PAGE)}

        async def page(token: str | None) -> _Page:
            more = {"paginationToken": token} if token else {}
            answer = await self._client.send(wire.Call("GET", wire.path("models"), wire.SAFE, query | more), deadline)
            models = records.items(answer.get("models"), LARGEST_PAGE)
            return _Page(models, records.token(answer.get("nextPaginationToken")))

        return await _gather(page, pages)

    async def search(self, query: str, *, public: bool, pages: int, deadline: Deadline) -> Listing:
        """Search models by words, best first, so many pages at most.

        Raises `ScenarioError` if not even the first can be had.
        """

        async def page(token: str | None) -> _Page:
            offset = int(token or 0)
            body = {"query": query, "public": public, "limit": HITS, "offset": offset}
            call = wire.Call("POST", wire.path("search", "models"), wire.SAFE, body=body)
            answer = await self._client.send(call, deadline)
            hits = records.items(answer.get("hits"), HITS)
            return _Page(hits, str(offset + HITS) if len(hits) >= HITS else None)

        return await _gather(page, pages)


class _Page(NamedTuple):
    models: list[Any]
    next_token: str | None


async def _gather(read: Callable[[str | None], Awaitable[_Page]], pages: int) -> Listing:
    """Read page by page; a fault on a later one does not take the earlier ones away."""
    found: list[Model] = []
    token: str | None = None
    for number in range(pages):
        try:
            page = await read(token)
        except ScenarioError as fault:
            if number == 0:
                raise
            return Listing(found, more=True, fault=fault)
        for start in range(0, len(page.models), AT_ONCE):  # others get their turn between
            found += filter(None, map(read_model, page.models[start : start + AT_ONCE]))
            await anyio.lowlevel.checkpoint()
        token = page.next_token
        if token is None:
            return Listing(found, more=False)
    return Listing(found, more=True)
