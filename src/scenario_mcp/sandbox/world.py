"""What the sandbox knows: its models, pictures, jobs, and a ledger of everything it billed."""

import base64
import hashlib
import hmac
import json
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any
from urllib.parse import urlencode

from scenario_mcp.sandbox import painter, timeline
from scenario_mcp.sandbox.models import MODELS
from scenario_mcp.sandbox.painter import Order
from scenario_mcp.sandbox.timeline import Plan

URL_LIFETIME = 14 * 24 * 3600.0


@dataclass
class Asset:
    """A stored picture; its bytes are made when they are first asked for. Sizes are pixels."""

    id: str
    width: int
    height: int
    mime_type: str
    make: Callable[[], bytes] = field(repr=False)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> bytes:
        """The encoded picture."""
        return self.make()


@dataclass
class Job:
    """An accepted generation: times in seconds of the world's clock, cost in Creative Units."""

    id: str
    plan: Plan
    created: float
    cost: float
    input: Mapping[str, Any]
    asset_ids: Sequence[str]


@dataclass(frozen=True)
class Bill:
    """One line of the ledger: a job that was billed, and the body it was billed for."""

    job_id: str
    route: str
    cost: float
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """One request that reached the API."""

    method: str
    path: str
    query: Mapping[str, str]


@dataclass
class World:
    """The state of one sandbox.

    `pace` scales how long jobs take, `slots` is how many may run at once, `clock` gives seconds since the epoch,
    `cdn_origin` is where signed URLs point.
    """

    clock: Callable[[], float] = time.time
    pace: float = 1.0
    slots: int = 8
    cdn_origin: str = ""
    accounts: dict[str, str] = field(default_factory=lambda: {"sandbox": "needs-no-secret"})
    models: dict[str, dict[str, Any]] = field(default_factory=lambda: {model["id"]: model for model in MODELS})
    assets: dict[str, Asset] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    ledger: list[Bill] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    _signing_key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def add_picture(self, content: bytes) -> Asset | None:
        """Store an encoded picture; None if it is none."""
        measured = painter.measure(content)
        if measured is None:
            return None
        width, height, mime_type = measured
        return self._store(width, height, mime_type, lambda: content, {"type": "uploaded"})

    def accept(self, route: str, body: Mapping[str, Any], order: Order, samples: int) -> Job:
        """Bill a generation and start its job."""
        metadata = {"type": f"inference-{route}", "modelId": body["modelId"], "prompt": body["prompt"]}
        results = [
            self._store(
                order.width,
                order.height,
                "image/png",
                partial(painter.paint, _with_seed(order, order.seed + index)),
                {**metadata, "seed": str(order.seed + index)},
            )
            for index in range(samples)
        ]
        job = Job(
            id=f"job_sandbox_{secrets.token_hex(6)}",
            plan=timeline.plan_for(body["prompt"]),
            created=self.clock(),
            cost=price(body),
            input={**body, "type": route.replace("-", "_"), "seed": str(order.seed)},
            asset_ids=[asset.id for asset in results],
        )
        self.jobs[job.id] = job
        self.ledger.append(Bill(job.id, route, job.cost, body))
        return job

    def running(self) -> int:
        """Count the jobs that hold a slot."""
        ends = {"success", "failure", "canceled"}
        return sum(self._history(job)[-1][0] not in ends for job in self.jobs.values())

    def job_record(self, job: Job) -> dict[str, Any]:
        """Describe a job as `GET /jobs/{jobId}` does."""
        history = self._history(job)
        status, began = history[-1]
        metadata: dict[str, Any] = {"input": dict(job.input), "assetIds": []}
        if status == "success":
            metadata["assetIds"] = list(job.asset_ids)
        if status == "failure":
            metadata |= {"error": "The sandbox was asked to fail", "hint": "Leave sandbox:fail out of the prompt."}
        return {
            "jobId": job.id,
            "jobType": "flux",
            "status": status,
            "statusHistory": [{"status": word, "date": self.iso(job.created + age)} for word, age in history],
            "progress": timeline.progress(job.plan, self.clock() - job.created, self.pace),
            "metadata": metadata,
            "billing": {"cuCost": job.cost, "cuDiscount": 0},
            "authorId": "apiu_sandbox",
            "ownerId": "proj_sandbox",
            "createdAt": self.iso(job.created),
            "updatedAt": self.iso(job.created + began),
        }

    def asset_record(self, asset: Asset, *, original: bool) -> dict[str, Any]:
        """Describe an asset as `GET /assets/{assetId}` does."""
        return {
            "id": asset.id,
            "url": self.signed_url(asset.id, original=original),
            "mimeType": asset.mime_type,
            "kind": "image",
            "status": "success",
            "properties": {"width": asset.width, "height": asset.height},
            "metadata": dict(asset.metadata),
            "outputIndex": 0,
            "ownerId": "proj_sandbox",
        }

    def signed_url(self, asset_id: str, *, original: bool) -> str:
        """Make a URL on the second origin that looks and ends like a signed one."""
        path = f"/{'assets' if original else 'assets-transform'}/{asset_id}"
        policy = base64.urlsafe_b64encode(json.dumps({"path": path, "ends": self.clock() + URL_LIFETIME}).encode())
        signed = {"Policy": policy.decode(), "Signature": self._signature(policy), "Key-Pair-Id": "SANDBOX"}
        return f"{self.cdn_origin}{path}?{urlencode(signed)}"

    def signature_fits(self, path: str, query: Mapping[str, str]) -> bool:
        """Check a signed URL as the CDN does: unchanged, for this path, not ended."""
        policy = query.get("Policy", "").encode()
        if not hmac.compare_digest(self._signature(policy), query.get("Signature", "")):
            return False
        said = json.loads(base64.urlsafe_b64decode(policy))
        return bool(said["path"] == path and said["ends"] > self.clock())

    def iso(self, moment: float) -> str:
        """Write a moment as the API does."""
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _history(self, job: Job) -> list[tuple[str, float]]:
        return timeline.history(job.plan, self.clock() - job.created, self.pace)

    def _store(
        self, width: int, height: int, mime_type: str, make: Callable[[], bytes], metadata: Mapping[str, Any]
    ) -> Asset:
        asset = Asset(f"asset_sandbox_{secrets.token_hex(8)}", width, height, mime_type, make, metadata)
        self.assets[asset.id] = asset
        return asset

    def _signature(self, policy: bytes) -> str:
        return hmac.new(self._signing_key, policy, hashlib.sha256).hexdigest()


def price(body: Mapping[str, Any]) -> float:
    """Price a body in made-up Creative Units: by images, size and steps, as the real ones do."""
    pixels = body.get("width", 512) * body.get("height", 512)
    each = 1.5 + pixels / 2**18 * body.get("numInferenceSteps", 30) / 30
    return round(float(body.get("numSamples", 4) * each), 2)


def seed_of(said: str | None) -> int:
    """Take the seed that a body names, or a random one."""
    return int(said) if said is not None else random.randrange(2**31)  # noqa: S311  # a seed, not a secret


def _with_seed(order: Order, seed: int) -> Order:
    return Order(**{**vars(order), "seed": seed})
