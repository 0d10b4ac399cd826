"""The emulated service: stream sessions, AWS's REST API to them, and our control API.

Read in this order: `settings` and `faults` (what can be chosen), `stream_host` (the seam to the
host), `session` (one session; its rules are `service_model/lifecycle`), `sessions` (all of them,
and the calls), then `api` (AWS's REST API) and `control_server` (ours).

Glossary
- status: where a session is in its lifecycle, by AWS's names (ACTIVE, CONNECTED, ...).
- window: how long a session waits for a client in a status (ConnectionTimeoutSeconds).
- ClientToken: makes a call happen once (`idempotency`).
- used offer: an offer is good for one connection (`used_offers`).
- refusal: an error of the service's model (`refusals`).
- armed: a fault of the API or the backend that will apply to the next requests.
- host place: a stream group has hosts for so many sessions at a time (`host_places`).
- settings file: settings in TOML, also those that `rejoin qa learn` has measured (`settings_file`).
- timers: the clock and its alarms (`timers`); tests have their own.
- console: the terminal view of `rejoin studio` (`console`, `console_view`, `console_charts`,
  `console_commands`).
- protocol script: the input module for browsers and clients (`protocol_script`), and what can be
  wrong with it (`script_faults`).
"""
