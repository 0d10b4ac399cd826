"""The history of the database's schema, for Alembic. `versions` has one module for each step."""
