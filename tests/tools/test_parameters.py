"""What a record means for parameters: refused only where it is certain."""

import math
from typing import Any

import pytest

from scenario_mcp.scenario.models import Input, Requirement, read_model
from scenario_mcp.tools.parameters import check

MAPS = Input("maps", "string_array", allowed=("normal", "metalness"), default=("normal", "metalness"), max_length=5)
SIZE = Input("size", "string", allowed=("512", "1K"))
COUNT = Input("count", "number", allowed=("5", "10"))
SPEED = Input("speed", "number", min=0, max=10, step=3)


@pytest.mark.parametrize(
    ("each", "value", "sent"),
    [
        (MAPS, [], []),
        (MAPS, ["Normal"], None),
        (SIZE, 512, "512"),
        (SIZE, "1K", "1K"),
        (SIZE, "2K", None),
        (COUNT, 5, "5"),
        (COUNT, 5.0, "5"),
        (COUNT, 7, None),
        (Input("flag", "string", allowed=(True, "auto")), "true", True),
        (Input("size", "string", allowed=({"w": 1},)), "anything", "anything"),
        (SPEED, 10, 10),
        (SPEED, 9, 9),
        (SPEED, 8, None),
        (Input("speed", "number", min=0, default=-1), -1, -1),
        (Input("speed", "number", min=0, step=1, default=3.5), 3.5, 3.5),
        (Input("speed", "number", step=0.5), 1.7e308, None),
        (Input("speed", "number", step=1), 10**400, None),
        (Input("speed", "number", min=0), 10**12, 10**12),
        (Input("words", "string_array", max_length=2), ["abc"] * 2, ["abc"] * 2),
        (Input("words", "string_array", max_length=2), ["a"] * 3, None),
        (Input("scales", "number_array", max_length=1), [1, 1], None),
    ],
)
def test_a_value_is_sent_as_the_record_spells_it_or_refused(each: Input, value: Any, sent: Any) -> None:
    checked = check({each.name: value}, [each])

    if sent is None:
        assert [name.partition("[")[0] for name, _ in checked.problems] == [each.name]
    else:
        assert checked.problems == ()
        assert checked.parameters == {each.name: sent}


@pytest.mark.parametrize("value", [math.nan, math.inf, [1, -math.inf], {"deep": [{"er": math.nan}]}])
@pytest.mark.parametrize("inputs", [None, [Input("x", "number")], [Input("x", "inputs_array")]])
def test_numbers_that_json_cannot_carry_are_refused_whatever_is_known(value: Any, inputs: Any) -> None:
    assert check({"x": value}, inputs).problems


@pytest.mark.parametrize(
    ("rule", "besides", "refused"),
    [
        (Requirement(if_not_defined=("modelId",)), (), True),
        (Requirement(if_not_defined=("modelId",)), ("modelId",), False),
        (Requirement(if_defined=("modelId",)), (), False),
        (Requirement(if_defined=("modelId",)), ("modelId",), True),
    ],
)
def test_what_is_given_besides_counts_in_every_rule(rule: Requirement, besides: Any, refused: bool) -> None:
    inputs = [Input("loras", "model_array", required=rule), Input("modelId", "model")]

    assert bool(check({}, inputs, besides=besides).problems) == refused


LORA_ON_FLUX = {"modelId": ["model_a", "model_b"], "mode": ["fast"]}
CONDITIONS: list[tuple[dict[str, Any], dict[str, Any], bool, bool]] = [  # rule, given, refused, may be required
    ({"conditional": {"values": LORA_ON_FLUX, "operator": "or"}}, {"mode": "fast"}, True, False),
    ({"conditional": {"values": LORA_ON_FLUX, "operator": "or"}}, {"mode": "slow"}, False, False),
    ({"conditional": {"values": LORA_ON_FLUX, "operator": "and"}}, {"mode": "fast"}, False, False),
    ({"conditional": {"values": LORA_ON_FLUX, "operator": "and"}}, {"mode": "fast", "modelId": "model_b"}, True, False),
    ({"conditional": {"values": LORA_ON_FLUX}}, {"mode": "fast", "modelId": "model_a"}, True, False),
    ({"conditional": {"values": LORA_ON_FLUX}}, {"mode": "fast"}, False, True),
    ({"conditional": {"values": LORA_ON_FLUX, "operator": "xor"}}, {"mode": "slow"}, False, True),
    ({"conditional": {"values": LORA_ON_FLUX, "operator": ["or"]}}, {"mode": "slow"}, False, True),
    ({"conditional": LORA_ON_FLUX}, {"mode": "fast", "modelId": "model_a"}, True, False),
    ({"conditionalValues": LORA_ON_FLUX}, {"mode": "fast", "modelId": "model_a"}, True, False),
    ({"conditional": {"values": ["a"], "operator": ["or"]}}, {"values": "a", "operator": "or"}, True, False),
]


@pytest.mark.parametrize(("rule", "given", "refused", "may_be"), CONDITIONS)
def test_conditions_on_values_are_read_in_every_form_of_records(
    rule: dict[str, Any], given: dict[str, Any], refused: bool, may_be: bool
) -> None:
    names = ("prompt", "mode", "modelId", "values", "operator")
    inputs = [{"name": name, "type": "string"} | ({"required": rule} if name == "prompt" else {}) for name in names]
    record = read_model({"id": "model_x", "inputs": inputs})
    assert record is not None

    checked = check(given, record.inputs)

    assert [name for name, _ in checked.problems] == (["prompt"] if refused else [])
    assert refused or any("prompt may be required" in note for note in checked.notes) == may_be


def test_many_unknown_names_give_a_bounded_answer() -> None:
    inputs = [Input(f"input{number}", "string") for number in range(400)]

    checked = check({f"zz{number}": 1 for number in range(30)}, inputs)

    assert all(len(sentence) < 500 for _, sentence in checked.problems)
