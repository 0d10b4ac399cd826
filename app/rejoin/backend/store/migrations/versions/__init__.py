"""The steps of the schema: each has a revision, and the one before it.

Glossary
    upgrade    what leads from the revision before to this one; there is no way back

Read in this order: `initial`, `attempts_and_flights`, `reconnect_reports`, `connected_proof`,
`budgets_and_turns`.
"""
