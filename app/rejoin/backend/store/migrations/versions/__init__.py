"""The steps of the schema, the oldest first: `initial`, `attempts_and_flights`."""
