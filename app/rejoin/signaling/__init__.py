"""The client's calls to the studio's backend, over HTTPS, in three dialects.

Glossary
    dialect    how a backend is spoken to: ours, or one of AWS's two sample backends (`dialects`)
    exchange   one HTTP request and its answer, bounded in time and size (`exchange`)
    wire       the contract of our own dialect: bodies, headers, problems (`wire`)
    problem    problem details (RFC 9457): how a backend of ours refuses a call
    failure    what a call that brought no answer means to the engine (`core/retry`)
    written    the moment at which a request's bytes begin to leave: after it, they may arrive
    offer      the SignalRequest of one attempt; the samples' clients send each one once only

Read in this order: `dialects`, `wire`, `exchange`, `client`, `aws_samples`, `aws_bundle`,
`aws_react`, `client_factory`.
"""
