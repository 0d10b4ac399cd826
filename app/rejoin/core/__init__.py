"""The reconnect engine and its values: pure, without clock, thread, socket, log or randomness.

`runtime/engine_loop` runs it: it passes events in, and `runtime/executor` carries out the commands.
`verify` proves it, `gui` shows its snapshots.

Read in this order
  model       numbers, the policy with every constant, what the backend and a connection report
  events      what can happen; commands: what the runtime has to do
  phases      the states, and the facts that outlive them
  engine      the rules, `step`, and one module for each group of states
  retry       what to do when a call to the backend fails: one table
  verdict     whose fault a drop was, as far as that is certain: one table
  health      from samples to HEALTHY, DEGRADED, STALLED, NO_MEDIA or LOST
  deadline    the two deadlines of a drop, and what moves them
  ticket      what a rejoin after a crash needs; snapshot: what the window may show
  reconnect_report    the result of each episode, for the studio
  trace       records of a run and the timeline of an episode; trace_names: its names

Glossary
  connection  one RTCPeerConnection, numbered from 1
  attempt     one fresh offer of one episode, with one idempotency token (ClientToken)
  try         one HTTP request of an attempt
  episode     from a drop until live again, or until the end
  silence     no authenticated packet from the host
  window      the rest of ConnectionTimeoutSeconds after a drop
  shown       shown deadline: the earliest moment at which the service may end the game
  latest      latest deadline: the last moment at which the service might take the client back
  T_need      how long a create call and the connection after it take
  goodbye     RTCP BYE, SCTP abort and DTLS close on the old connection
"""
