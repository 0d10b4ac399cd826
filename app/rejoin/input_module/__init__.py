"""Runs the input module that the service names, in a JavaScript engine in a process of its own.

The module is the script behind `webSdkProtocolUrl` of a SignalResponse: AWS's Web SDK loads the
same script. It turns input events into bytes for `inputChannel` and reads what the host sends on
`clientMessageChannel`. The script is not trusted: what holds it is outside the engine.

Glossary:
    module      The service's script, and the GameCastInput object that it defines.
    sandbox     The process that runs it, without files, network or other processes.
    browser     The part of a browser's interfaces that the module may use, in JavaScript of ours.
    outbox      The module's requests during one call: bytes to send, messages from the host.

Read: `port` (what the runtime uses) and `sandbox`, which implements it; `standing` (what a new
process is told) and `counts`; `worker` (one process from the outside) with `frames`, `pad_mailbox`,
`commands`, `outbox`, `moves` and `limits`; `sandbox_process` (the program inside) with `engine`,
`quickjs_engine`, `browser_source`, `lockdown` and `seccomp`. The browser is JavaScript, in
resources/web/browser.
"""
