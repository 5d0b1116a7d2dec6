"""Distil the field contract of Scenario's inferences from its public API description (Swagger 2.0, YAML).

Only facts are kept: names, types, ranges, allowed values, what is required. The description itself is not part of this
repository; run `python scripts/distill_contract.py swagger.yaml` with a copy of it to write the contract anew.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

TARGET = Path(__file__).parent.parent / "src/scenario_mcp/sandbox/contract.json"
BOUNDS = ("minimum", "maximum")
DROPPED = {"PostPatchInferences": ["dryRun"]}  # of the query, since; by the changelog of scenario-sdk 2.2.0
KEPT = ("type", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "required")


def distil(swagger: dict[str, Any]) -> dict[str, Any]:
    """Pick every `POST /generate/...` inference: its operation, query parameters and body fields."""
    contract = {}
    for route, methods in sorted(swagger["paths"].items()):
        operation = methods.get("post", {})
        if not (route.startswith("/generate/") and operation.get("operationId", "").endswith("Inferences")):
            continue
        body = next(each for each in operation["parameters"] if each["in"] == "body")
        queried = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
        definition = swagger["definitions"][body["schema"]["$ref"].rpartition("/")[2]]
        contract[route.removeprefix("/generate/")] = {
            "operation": operation["operationId"],
            "query": sorted(queried - set(DROPPED.get(operation["operationId"], ()))),
            **_facts(definition),
        }
    return contract


def _facts(schema: dict[str, Any]) -> dict[str, Any]:
    facts = {name: _number(schema[name]) if name in BOUNDS else schema[name] for name in KEPT if name in schema}
    if "items" in schema:
        facts["items"] = _facts(schema["items"])
    if "properties" in schema:
        facts["properties"] = {name: _facts(each) for name, each in sorted(schema["properties"].items())}
    return facts


def _number(value: Any) -> float:
    """Read a bound; YAML 1.1 takes 2.147483647E9 for a text."""
    return float(value)


if __name__ == "__main__":
    contract = distil(yaml.safe_load(Path(sys.argv[1]).read_text("utf-8")))
    TARGET.write_text(json.dumps(contract, indent=1) + "\n", "utf-8")
    print(f"{len(contract)} inferences written to {TARGET.name}")
