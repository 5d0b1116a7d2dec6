"""What every tool input is made of, and how what its groups declare is collected."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, ClassVar, get_args

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from scenario_mcp.inferences.rules import Problem, Remarks, Rules
from scenario_mcp.inferences.values import Travel


class Fields(BaseModel):
    """Base of every tool input: camelCase outside, snake_case inside, unknown names refused.

    `checks` and `notes` are what a group itself adds on top of its fields; a class has those of all its groups.
    `redraws` if what is made is drawn anew from the pictures, so that a tiny one gives little.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
        hide_input_in_errors=True,
    )
    checks: ClassVar[Rules] = ()
    notes: ClassVar[Remarks] = ()
    redraws: ClassVar[bool] = False


def conflicts(model: type[Fields], given: Mapping[str, Any]) -> list[Problem]:
    """Collect the reasons that a model's groups have to refuse a call."""
    return [problem for rule in _of_groups(model, "checks") for problem in rule(given)]


def remarks(model: type[Fields], given: Mapping[str, Any]) -> tuple[str, ...]:
    """Collect what a model's groups remark on a call."""
    return tuple(said for remark in _of_groups(model, "notes") for said in remark(given))


def _of_groups(model: type[Fields], kind: str) -> Iterator[Any]:
    for group in model.__mro__:
        yield from vars(group).get(kind, ())


@cache
def pictures_of(model: type[Fields]) -> Mapping[str, Travel]:
    """List the picture arguments of a model, one inside an object as `object.field`, and how each travels."""
    found: dict[str, Travel] = {}
    for name, field in model.model_fields.items():
        said = field.alias or name
        for part in (*field.metadata, *_parts(field.annotation)):
            if isinstance(part, Travel):
                found[said] = part
            elif isinstance(part, type) and issubclass(part, Fields):
                found |= {f"{said}.{inner}": travel for inner, travel in pictures_of(part).items()}
    return found


def _parts(hint: Any) -> Iterator[Any]:
    yield hint
    if not isinstance(hint, Travel):
        for each in get_args(hint):
            yield from _parts(each)
