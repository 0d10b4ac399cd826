"""What the backend keeps of stream sessions, in SQLite or PostgreSQL, for all of its processes.

`service_model/fence` has the rules: which attempt may claim a session, and which answers are kept.
Tokens and owners are stored as SHA-256, SignalRequests not at all. The newest SignalResponse is
stored until the session ends, because a lost answer must be recoverable.

Glossary
    database      one SQLite file, used by one process, or a PostgreSQL database, used by many
    migration     a step from one version of the schema to the next, by Alembic
    attempt       one offer of a client, with its number, its key and the service's ClientToken
    key           the Idempotency-Key of an attempt
    flight        a create call on its way to the service: a lease that its process renews
    report        what a client says of one reconnect; kept for 30 days
    reading       of the database's clock and the boot clock, made together
    beat          how often a flight was renewed; it stands still when its process is gone

Read in this order: `schema`, `database` with `database_url`, `outcomes` and `postgres_checks`,
`session_rows`, `batched_reads`, `sessions`, `attempts` with `attempt_writes`, `flights`, `proofs`
with `clock_agreement`, `budgets`, `turns`, `list_pages`, `reports`; `migrations` is their history.
"""
