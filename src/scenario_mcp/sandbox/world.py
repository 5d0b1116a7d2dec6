"""What the sandbox knows: its models, pictures, jobs, and a ledger of everything it billed."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from scenario_mcp.sandbox import painter, timeline
from scenario_mcp.sandbox.models import Record, all_models
from scenario_mcp.sandbox.timeline import Plan

ENDS = ("success", "failure", "canceled")
URL_LIFETIME = 14 * 24 * 3600.0
QUALITY_FEE = 1  # Creative Units of a custom generation that records name beside its main cost
MOST_SEEN = 10_000  # requests that are written down


@dataclass(frozen=True)
class Draft:
    """A file still to be made: its type, how to make its bytes, and of pictures the size in pixels."""

    mime_type: str
    make: Callable[[], bytes] = field(repr=False)
    width: int | None = None
    height: int | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Asset:
    """A stored file; its bytes are made when they are first asked for."""

    id: str
    draft: Draft
    hidden: bool = False
    parent_id: str | None = None

    @cached_property
    def content(self) -> bytes:
        """The file's bytes."""
        return self.draft.make()


@dataclass
class Job:
    """An accepted generation: times in seconds of the world's clock, cost in Creative Units."""

    id: str
    type: str
    plan: Plan
    created: float
    cost: float
    input: Mapping[str, Any]
    asset_ids: Sequence[str]
    hidden: bool = False
    canceled_at: float | None = None
    at_once: bool = False


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

    `pace` scales how long jobs take, `slots` is how many may run at once, `plan` the account's level, `clock` gives
    seconds since the epoch, `cdn_origin` is where signed URLs point. `accounts` are secrets by key, by default one that
    nobody else on the machine can guess; keys in `blind` may not read models.
    """

    clock: Callable[[], float] = time.time
    pace: float = 1.0
    slots: int = 8
    plan: int = 50
    cdn_origin: str = ""
    accounts: dict[str, str] = field(default_factory=lambda: {"sandbox": secrets.token_urlsafe(24)})
    blind: frozenset[str] = frozenset()
    models: dict[str, Record] = field(default_factory=all_models)
    assets: dict[str, Asset] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    ledger: list[Bill] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    uploads: dict[str, Any] = field(default_factory=dict)
    prompts: dict[str, str] = field(default_factory=dict)

    _signing_key: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    @property
    def credentials(self) -> tuple[str, str]:
        """The first key, and its secret."""
        return next(iter(self.accounts.items()))

    def knows(self, key: str, secret: str) -> bool:
        """Tell whether a key pair is one of the accounts'."""
        return key in self.accounts and hmac.compare_digest(self.accounts[key].encode(), secret.encode())

    def saw(self, request: Seen) -> None:
        """Write down a request; the oldest are forgotten."""
        self.requests.append(request)
        del self.requests[:-MOST_SEEN]

    def add_picture(self, content: bytes) -> Asset | None:
        """Store an encoded picture; None if it is none."""
        if content[4:12] in painter.HEIC:  # a sandbox cannot read HEIC: a plain picture stands for it
            content = painter.blank("HEIC")
        measured = painter.measure(content)
        if measured is None:
            return None
        width, height, mime_type = measured
        return self.store(Draft(mime_type, lambda: content, width, height, {"type": "uploaded"}))

    def accept(
        self,
        route: str,
        body: Mapping[str, Any],
        cost: float,
        drafts: Sequence[Draft],
        said: Mapping[str, Any],
        *,
        kind: str = "flux",
        at_once: bool = False,
        parts: Sequence[Draft] = (),
    ) -> Job:
        """Bill a generation and start its job; `said` is the input that the job's record repeats, `kind` its type.

        What is answered `at_once` has ended as soon as it is accepted; `parts` are filed below the first file.
        """
        job = Job(
            id=f"job_sandbox_{secrets.token_hex(6)}",
            type=kind,
            plan=timeline.plan_for(str(body.get("prompt", ""))),
            created=self.clock(),
            cost=cost,
            input=self._with_kept_prompt(said) if kind == "custom" else said,
            asset_ids=[self.store(draft).id for draft in drafts],
            hidden=bool(body.get("hideResults")),
            at_once=at_once,
        )
        for part in parts:
            self.store(part).parent_id = job.asset_ids[0]
        self.jobs[job.id] = job
        self.ledger.append(Bill(job.id, route, cost, body))
        return job

    def _with_kept_prompt(self, said: Mapping[str, Any]) -> Mapping[str, Any]:
        """Name an asset in place of a prompt, as records of custom jobs of October 2026 do; equal ones share it."""
        if not isinstance(prompt := said.get("prompt"), str) or prompt in self.assets:
            return said
        if prompt not in self.prompts:
            self.prompts[prompt] = self.store(Draft("text/plain", prompt.encode)).id
        return {**said, "prompt": self.prompts[prompt]}

    def running(self) -> int:
        """Count the jobs that hold a slot."""
        return sum(self.runs(job) for job in self.jobs.values())

    def runs(self, job: Job) -> bool:
        """Tell whether a job has not ended yet."""
        return self._history(job)[-1][0] not in ENDS

    @property
    def billed(self) -> float:
        """Add up the ledger, in Creative Units."""
        return sum(bill.cost for bill in self.ledger)

    def job_record(self, job: Job) -> dict[str, Any]:
        """Describe a job as `GET /jobs/{jobId}` does."""
        history = self._history(job)
        status, began = history[-1]
        fee = QUALITY_FEE if job.type == "custom" and job.cost > QUALITY_FEE else 0
        metadata: dict[str, Any] = {"input": dict(job.input), "assetIds": []}
        if status == "success":
            metadata["assetIds"] = list(job.asset_ids)
        if status == "failure":
            metadata |= {"error": "The sandbox was asked to fail", "hint": "Leave sandbox:fail out of the prompt."}
        return {
            "jobId": job.id,
            "jobType": job.type,
            "status": status,
            "statusHistory": [{"status": word, "date": self.iso(job.created + age)} for word, age in history],
            "progress": timeline.progress(job.plan, self.clock() - job.created, self.pace),
            "metadata": metadata,
            "billing": {"cuCost": job.cost - fee, "cuCostDetails": {"quality-gate": fee}, "cuDiscount": 0},
            "authorId": "apiu_sandbox",
            "ownerId": "proj_sandbox",
            "createdAt": self.iso(job.created),
            "updatedAt": self.iso(job.created + began),
        }

    def asset_record(self, asset: Asset, *, original: bool) -> dict[str, Any]:
        """Describe an asset as `GET /assets/{assetId}` does."""
        draft = asset.draft
        sizes = {"width": draft.width, "height": draft.height} if draft.width else {"size": len(asset.content)}
        return {
            "id": asset.id,
            "url": self.signed_url(asset.id, original=original),
            "mimeType": draft.mime_type,
            "kind": {"model": "3d", "text": "document"}.get(kind := draft.mime_type.partition("/")[0], kind),
            "status": "success",
            "properties": sizes,
            "metadata": dict(draft.metadata),
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
        if not hmac.compare_digest(self._signature(policy).encode(), query.get("Signature", "").encode()):
            return False
        said = json.loads(base64.urlsafe_b64decode(policy))
        return bool(said["path"] == path and said["ends"] > self.clock())

    def iso(self, moment: float) -> str:
        """Write a moment as the API does."""
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _history(self, job: Job) -> list[tuple[str, float]]:
        history = timeline.history(job.plan, self.clock() - job.created, 0.0 if job.at_once else self.pace)
        if job.canceled_at is None:
            return history
        age = job.canceled_at - job.created
        return [*((word, began) for word, began in history if began <= age), ("canceled", age)]

    def store(self, draft: Draft) -> Asset:
        """Store a file that is to be made."""
        asset = Asset(f"asset_sandbox_{secrets.token_hex(8)}", draft)
        self.assets[asset.id] = asset
        return asset

    def _signature(self, policy: bytes) -> str:
        return hmac.new(self._signing_key, policy, hashlib.sha256).hexdigest()
