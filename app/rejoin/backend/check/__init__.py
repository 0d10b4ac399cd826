"""Proves the contract of a deployed backend from outside, point by point: ours, or a studio's own.

Glossary
    point     a requirement, with the rule of the contract that it belongs to
    finding   the result of a point: kept, broken, advice (no rule is broken), or not checked and
              why
    probe     what the points share: the calls, the tokens, the session that runs, all refusals

Every session that a point starts is ended, also when the check is interrupted.

Read in this order: `findings`, `calls`, `offers`, `probe`, then the points (`open_points`,
`token_points`, `start_points`, `session_points`, `reconnect_points`, `end_points`), `run`, `texts`.
"""
