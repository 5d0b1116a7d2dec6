"""Which content is already an asset, so that nothing is uploaded twice."""

import hashlib
from typing import NamedTuple

from scenario_mcp.state.store import Store


class Content(NamedTuple):
    """What an upload is known by: the SHA-256 of its bytes, and how it was filed."""

    sha256: str
    hide: bool = False
    parent: str = ""


class Uploads:
    """Remembers the asset of each content, for one account, project and API root (`scope`)."""

    def __init__(self, store: Store, scope: str) -> None:
        self._store = store
        self._scope = hashlib.sha256(scope.encode()).hexdigest()[:32]  # the key itself is not written to disk

    def get(self, content: Content) -> str | None:
        """Give the id of the asset that has this content, if one is remembered."""
        rows = self._store.execute(
            "SELECT asset_id FROM uploads WHERE (scope, sha256, hide, parent) = (?, ?, ?, ?)", (self._scope, *content)
        )
        return rows[0][0] if rows else None

    def put(self, content: Content, asset_id: str) -> None:
        """Remember that an asset has this content."""
        self._store.execute("INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?)", (self._scope, *content, asset_id))

    def forget(self, asset_id: str) -> None:
        """Forget an asset that is no longer there."""
        self._store.execute("DELETE FROM uploads WHERE scope = ? AND asset_id = ?", (self._scope, asset_id))
