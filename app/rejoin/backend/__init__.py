"""The studio's backend: starts, polls, reconnects and terminates stream sessions for players.

A player's machine holds no AWS credentials; this program does, and calls the service with boto3.

Glossary
    dialect   how a client talks to a backend: ours, or one of AWS's two sample backends
    broker    the rules between clients and the service: ownership, fencing, calls in flight, polls
    caller    the player who calls, and how long their client waits
    offer     one attempt of a client: number, SignalRequest, token (the service's ClientToken)
    fence     refuses an attempt that is older than the newest one (`service_model/fence`)
    refusal   why a call is refused: one `Reason`, from which each dialect makes its own answer
    doubt     which games beyond their shown deadline are probably over, by the service's answers
    gate      the middleware that checks bearer tokens and the size of bodies
    status call
              one GetStreamSession; with many sessions watched, news comes from lists instead
    tag       the UserId of a stream session at the service; a lost start is found again by it
    owner tag stands for a player in logs and reports
    report    a client's account of one dropped connection

Read in this order: `service` (what a streaming service offers), `requests`, `broker` with
`create_calls`, `status_polls` with `status_calls`, `list_watch` and `stream_lists`,
`client_tokens`, `session_memory`, `session_reports`, `owner_rules` and `owner_queues`, `slots` and
`token_bucket`, `call_rate` and `budgets`, `create_order`, `window_ends` and `create_turns`,
`refused`, `routes` with `json_bodies` and `openapi`, `problems`, `gate` with `bodies` and
`allowed_hosts`; then
`wrapped_service` with `budgeted_service`, `store`, `sweep`, `sign_in` with `openid_tokens`,
`introspection` and `issuer_calls`, `readiness`, `metrics` and `tracing` by `observed_service`, the
log (`call_log`, `audit`, `log_rate`, `log_lines`, `log_writer`, `owner_tags`), reports
(`report_intake`, `report_summary`, `report_reading`, `report_text`, `report_page`),
`connection_rules` with `token_turns`, `configuration` with `setting_values`, `dialects`, `serving`,
`aws` with `answer_fields`, `aws_session`, `aws_requests`, `call_threads`, `call_chances` and
`create_pace` (boto3), the sample dialects `aws_bundle` and `aws_react` on `aws_samples`, and
`check` (whether a backend keeps the contract).
"""
