"""What a single field cannot say: rules between fields, each a pure function made from names and values.

A `Rule` lists reasons to refuse a call, a `Remark` lists what its sender should know: a field that will not count, a
field or a route that Scenario is giving up. Both work on arguments as a host sends them, best read after `lenient`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scenario_mcp.inferences.folding import REFERENCE_FIELDS, as_list, references

Given = Mapping[str, Any]


class Problem(NamedTuple):
    """One reason to refuse a call: the field's name and a sentence that says what to change."""

    field: str
    message: str


Rule = Callable[[Given], Iterator[Problem]]
Remark = Callable[[Given], Iterator[str]]
Rules = tuple[Rule, ...]
Remarks = tuple[Remark, ...]


# Some of what follows serves one inference so far: needs_when and allowed_when (prompt), at_most, allowed_by, only_when
# and none_beside (prompt-editing), some_on (segment), positive_with (skybox-base-360), always (upscale). A named rule
# keeps their classes lists of data, and the next inference whose prose says the same has it.

# --- reasons to refuse


def needs(*names: str, what: str) -> Rule:
    """Refuse a call without any of these fields."""

    def rule(given: Given) -> Iterator[Problem]:
        if not any(name in given for name in names):
            yield Problem(names[0], f"is needed: {what}.")

    return rule


def needs_when(*names: str, other: str, value: Any, what: str) -> Rule:
    """Refuse a call without any of the fields that another field's value asks for."""

    def rule(given: Given) -> Iterator[Problem]:
        if given.get(other) == value and not any(name in given for name in names):
            yield Problem(names[0], f"is needed when {other} is {value}: {what}.")

    return rule


def allowed_when(name: str, values: Collection[Any], other: str, value: Any) -> Rule:
    """Refuse values of a field that do not go with another field's value."""

    def rule(given: Given) -> Iterator[Problem]:
        if given.get(other) == value and name in given and given[name] not in values:
            yield Problem(name, f"must be one of {', '.join(values)} when {other} is {value}, not {given[name]}.")

    return rule


def allowed_by(name: str, tables: Mapping[str, Collection[Any]], other: str, usual: str) -> Rule:
    """Refuse values of a field that another field's value does not know; `usual` is that one if it is not given."""

    def rule(given: Given) -> Iterator[Problem]:
        value = given.get(other, usual)
        table = tables.get(value) if isinstance(value, str) else None
        if table is not None and name in given and given[name] not in table:
            yield Problem(name, f"must be one of {', '.join(table)} when {other} is {value}, not {given[name]}.")

    return rule


def only_when(name: str, other: str, values: Collection[Any], usual: Any) -> Rule:
    """Refuse a field that matters so much that its call is in vain where another field's value makes it idle."""

    def rule(given: Given) -> Iterator[Problem]:
        if name in given and given.get(other, usual) not in values:
            yield Problem(name, f"counts only when {other} is {' or '.join(values)}. Set {other}, or leave {name} out.")

    return rule


def some_on(*names: str, usual: str) -> Rule:
    """Refuse a call that turns all its results off; `usual` is on if it is not given."""

    def rule(given: Given) -> Iterator[Problem]:
        if not any(given.get(name, name == usual) for name in names):
            yield Problem(usual, f"is false, and so nothing would be given. Set one of {', '.join(names)} to true.")

    return rule


def apart(name: str, value: str, other: str, its_value: Any) -> Rule:
    """Refuse a field's value, in capitals or not, together with another one's."""

    def rule(given: Given) -> Iterator[Problem]:
        said = given.get(name)
        if isinstance(said, str) and said.strip().lower() == value and given.get(other) == its_value:
            yield Problem(name, f"cannot be {value} when {other} is {its_value}. Change one of them.")

    return rule


def none_beside(name: str, beside: str, other: str, value: Any) -> Rule:
    """Refuse a field together with another one, when a third has some value."""

    def rule(given: Given) -> Iterator[Problem]:
        if name in given and beside in given and given.get(other) == value:
            yield Problem(name, f"cannot be given together with {beside} when {other} is {value}.")

    return rule


def positive_with(name: str, other: str) -> Rule:
    """Refuse a field without the strength that makes it count."""

    def rule(given: Given) -> Iterator[Problem]:
        if given.get(other) not in (None, "") and not _above(given.get(name), 0):
            yield Problem(name, f"must be above 0 when {other} is given, else {other} does nothing.")

    return rule


def at_most(name: str, limits: Mapping[str, int], other: str, usual: str) -> Rule:
    """Refuse more items than another field's value allows; `usual` is the value that it has if it is not given."""

    def rule(given: Given) -> Iterator[Problem]:
        value = given.get(other, usual)
        limit = limits.get(value) if isinstance(value, str) else None
        if limit is not None and len(as_list(given.get(name, []))) > limit:
            yield Problem(name, f"may have at most {limit} items when {other} is {value}.")

    return rule


def one_value(modern: str, other: str) -> Rule:
    """Refuse two different values for one thing; equal ones fold."""

    def rule(given: Given) -> Iterator[Problem]:
        if modern in given and other in given and given[modern] != given[other]:
            yield Problem(other, f"says something else than {modern}. Keep only {modern}.")

    return rule


def one_list_of_references(given: Given) -> Iterator[Problem]:
    """Refuse names for references that disagree: Scenario would silently drop all but one."""
    named = [name for name in REFERENCE_FIELDS if name in given]
    for name in named[1:]:
        if as_list(given[name]) != as_list(given[named[0]]):
            yield Problem(name, f"says something else than {named[0]}. Put every reference in ipAdapterImages.")


def scales_fit_references(given: Given) -> Iterator[Problem]:
    """Refuse influences that belong to no reference: they go by position."""
    scales, scale, count = given.get("ipAdapterScales"), given.get("ipAdapterScale"), len(references(given))
    if scales is None:
        return
    if scale is not None and any(each != scale for each in as_list(scales)):
        yield Problem("ipAdapterScale", "says something else than ipAdapterScales. Keep only ipAdapterScales.")
    if count and len(as_list(scales)) > count:
        yield Problem(
            "ipAdapterScales", f"has {len(scales)} values for {count} reference(s). Give at most one per reference."
        )


# --- what the sender should know


def idle_unless(names: Sequence[str], other: str, values: Collection[Any], usual: Any = None) -> Remark:
    """Tell of fields that do nothing unless another one has one of some values; `usual` is its value if not given."""

    def remark(given: Given) -> Iterator[str]:
        if given.get(other, usual) not in values and (idle := [name for name in names if name in given]):
            yield f"{_and(idle)} {_does(idle)} nothing unless {other} is {' or '.join(map(_word, values))}."

    return remark


def idle_with(names: Sequence[str], other: str, *, surely: bool = True) -> Remark:
    """Tell of fields that another one makes idle, or may."""

    def remark(given: Given) -> Iterator[str]:
        if given.get(other) not in (None, False) and (idle := [name for name in names if name in given]):
            yield f"{_and(idle)} {_does(idle) if surely else 'may do'} nothing beside {other}."

    return remark


def idle_when(names: Sequence[str], other: str, values: Collection[Any], *, beside: str | None = None) -> Remark:
    """Tell of fields that do nothing when another one has one of some values, or only then `beside` a third one."""

    def remark(given: Given) -> Iterator[str]:
        value = given.get(other)
        if value in values and (beside is None or beside in given) and (idle := [n for n in names if n in given]):
            also = f" beside {beside}" if beside else ""
            yield f"{_and(idle)} {_does(idle)} nothing{also} when {other} is {value}."

    return remark


def idle_without(names: Sequence[str], *others: str) -> Remark:
    """Tell of fields that do nothing without one of others."""

    def remark(given: Given) -> Iterator[str]:
        if not any(name in given for name in others) and (idle := [name for name in names if name in given]):
            yield f"{_and(idle)} {_does(idle)} nothing without {' or '.join(others)}."

    return remark


def idle_below(name: str, other: str, least: float) -> Remark:
    """Tell of a field that a small value of another one makes idle."""

    def remark(given: Given) -> Iterator[str]:
        if name in given and other in given and not _above(given[other], least) and given[other] != least:
            yield f"{name} does nothing when {other} is below {least:g}."

    return remark


def better_alone(name: str, other: str) -> Remark:
    """Tell of two fields of which Scenario recommends to change only one."""

    def remark(given: Given) -> Iterator[str]:
        if name in given and other in given:
            yield f"Scenario recommends to change {name} or {other}, not both."

    return remark


def deprecated(*names: str) -> Remark:
    """Tell of fields that Scenario has deprecated."""

    def remark(given: Given) -> Iterator[str]:
        if old := [name for name in names if name in given]:
            yield f"Scenario has deprecated {_and(old)}, which may soon do nothing."

    return remark


def missing(*names: str, says: str) -> Remark:
    """Tell what it means that none of some fields is given."""

    def remark(given: Given) -> Iterator[str]:
        if not any(name in given for name in names):
            yield says

    return remark


def always(says: str) -> Remark:
    """Tell something of every call."""

    def remark(_: Given) -> Iterator[str]:
        yield says

    return remark


def _above(value: Any, low: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > low


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _does(names: Sequence[str]) -> str:
    return "does" if len(names) == 1 else "do"
