"""From an input model to the exact JSON Schema a host sees: flat, without titles, nulls, defaults or references.

Hosts differ in the JSON Schema they accept: some lose every tool over one `anyOf` or `$ref`, some send a `default`
back as if the user had said it. So only keywords that all of them read are used. Nor is the schema closed, which some
converters cannot read: unknown arguments are refused all the same.
"""

from typing import Any

from pydantic import BaseModel

_KEPT = (
    "type",
    "description",
    "enum",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "items",
    "properties",
    "required",
)


def input_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Derive a tool's input schema from its model.

    Properties stand in reading order: required ones first, then the model's field groups from left to right, at last
    its own.
    """
    source = model.model_json_schema()
    schema = _flat(source, source.get("$defs", {}))
    required = schema.get("required", [])
    order = sorted(_reading_order(model), key=lambda name: name not in required)
    properties = schema.get("properties", {})
    flat: dict[str, Any] = {"type": "object", "properties": {name: properties[name] for name in order}}
    if required:
        flat["required"] = [name for name in order if name in required]
    return flat


def _reading_order(model: type[BaseModel]) -> list[str]:
    groups = [group for group in (*model.__mro__[1:], model) if issubclass(group, BaseModel)]
    names = dict.fromkeys(name for group in groups for name in group.__annotations__ if name in model.model_fields)
    return [model.model_fields[name].alias or name for name in names]


def _flat(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    node = _without_null(node)
    if "$ref" in node:
        node = _without_null(definitions[node["$ref"].rpartition("/")[2]]) | node
    flat: dict[str, Any] = {key: node[key] for key in _KEPT if key in node}
    if not isinstance(flat.get("enum", [""])[0], str):  # Gemini takes texts alone as choices
        numbers = flat.pop("enum")
        flat |= {"minimum": min(numbers), "maximum": max(numbers)}
    if "items" in flat:
        flat["items"] = _flat(flat["items"], definitions)
    if "properties" in flat:
        flat["properties"] = {name: _flat(each, definitions) for name, each in flat["properties"].items()}
    return flat


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    choices = [choice for choice in node.get("anyOf", []) if choice != {"type": "null"}]
    return choices[0] | node if len(choices) == 1 else node
