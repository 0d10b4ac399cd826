"""The client's calls to the studio's backend, over HTTPS, in three dialects.

Glossary
    dialect    the protocol of a backend: ours, or that of one of AWS's two samples (`dialects`)
    exchange   one HTTP request and its answer, bounded in time and size (`exchange`)
    wire       the contract of our own dialect: bodies, headers, problems (`wire`)
    problem    problem details (RFC 9457): how a backend of ours refuses a call
    failure    how a call failed, as the engine needs to know it (`core/retry`)
    written    the first byte of a request is being sent: from now on it may have an effect
    offer      the SignalRequest of one attempt; the samples' clients send each one once only
    script     the JavaScript of the service's input module (`module_script`)
    judged     an address of the backend that a connection may be made to (`connections`)

Read in this order: `dialects`, `wire`, `exchange`, `client`, `aws_samples`, `aws_bundle`,
`aws_react`, `client_factory`. How a backend is reached: `backend_url`, `transport`,
`connections`, `name_lookup`, `http_environment`, `socks`. Beside the calls: `forms`,
`module_script`, `probes` (who answers while the connection is lost), `game_icon`, and `openid` with
`openid_client` for the studio's identity provider.
"""

import sys

# httpx imports its own command line, and with it rich where that is installed: 80 modules that
# nothing here needs, before the first window. It goes without what cannot be imported.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
