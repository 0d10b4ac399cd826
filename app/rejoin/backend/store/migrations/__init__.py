"""The history of the database's schema, for Alembic. `versions` has one module for each step.

Glossary
    revision    the version that a step leads to; the table alembic_version holds it

Read `env`, by which Alembic reaches the database, then `versions`.
"""
