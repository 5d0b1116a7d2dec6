"""The tables of the state file, version by version."""

# One entry per version of the file, each a list of statements; never changed, only added to.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE uploads (
            scope TEXT NOT NULL, sha256 TEXT NOT NULL, hide INTEGER NOT NULL, parent TEXT NOT NULL,
            asset_id TEXT NOT NULL, PRIMARY KEY (scope, sha256, hide, parent)
        ) WITHOUT ROWID
        """,
    ),
    (
        # Times are seconds since the epoch: on this machine's clock, but `api_` ones on Scenario's. Units are
        # millionths of a Creative Unit, so that sums are exact.
        """
        CREATE TABLE generations (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account TEXT NOT NULL, identity TEXT NOT NULL, process TEXT NOT NULL, state TEXT NOT NULL,
            tool TEXT NOT NULL, route TEXT NOT NULL, model_id TEXT NOT NULL,
            arguments TEXT NOT NULL, left_out TEXT NOT NULL, body TEXT NOT NULL,
            began REAL NOT NULL, api_began REAL, asked REAL NOT NULL, price INTEGER, cost INTEGER,
            job_id TEXT, author TEXT, found INTEGER NOT NULL DEFAULT 0, api_first_look REAL,
            ended REAL, refunded INTEGER NOT NULL DEFAULT 0, assets TEXT, files TEXT,
            told REAL, took REAL
        )
        """,
        "CREATE INDEX generations_by_identity ON generations (account, identity)",
        "CREATE INDEX generations_by_time ON generations (began)",
        "CREATE UNIQUE INDEX one_claim_per_job ON generations (job_id) WHERE job_id IS NOT NULL",
        """
        CREATE UNIQUE INDEX one_open_per_identity ON generations (account, identity)
            WHERE state IN ('sending', 'accepted', 'lost', 'unsure')
        """,
        "CREATE TABLE leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
    ),
    ("ALTER TABLE generations ADD COLUMN answer TEXT",),
)
