"""The reconnect engine: a pure function from state and event to the next state and commands.

Rule 1:  One connection is shown. An episode begins when it is LOST and ends live or ended.
Rule 2:  LOST by silence may heal (RTP and a frame again) until a create request was written to a
         socket, and again once the service certainly refused it because we are connected; never
         after a goodbye, nor once the service said PENDING_CLIENT_RECONNECTION or ACTIVE.
Rule 3:  We commit to a reconnect when the drop is corroborated: the service says
         PENDING_CLIENT_RECONNECTION or ACTIVE, or the silence lasts 5 s, or the player decides. If
         the service may still think us connected, goodbye is said first.
Rule 4:  Each attempt is a fresh peer with a fresh offer, a higher number and a new token. Identical
         bytes are sent at most twice where they may have arrived.
Rule 5:  At most one create call is in flight. None starts after latest deadline - T_need, and
         before that only the waits of `retry` delay one.
Rule 6:  An answer is applied only to the connection whose offer it answers: by attempt number, or
         by the SHA-256 of the SignalRequest when it was recovered through the status.
Rule 7:  Live again means the first decoded frame of the new connection and its input channel open.
         The old connection is closed then, not before.
Rule 8:  A terminal status ends the game with the service's reason, whenever it arrives.
Rule 9:  Past latest - T_need only the status is polled; past the latest deadline the player reads
         that the end could not be confirmed.
Rule 10: Every state but Idle and Ended has a timer, which also covers commands whose answer is
         lost.
Rule 11: An event of another connection or attempt changes nothing but the count of stale ones.
Rule 12: The ticket is saved before each attempt, with the number that the attempt will have, and
         whenever the game is live; it is deleted when the game ends, not when the client does.
Rule 13: Only a person takes a game over. A rejoin with a ticket goes on from the highest attempt
         number that the backend's first answer reports; a higher number after that belongs to
         another client, and no further offer is made.
Rule 14: An offer that is being made, or that certainly reached no service, is made again when the
         network changes; an attempt whose connection lost its address is given up.
Rule 15: A backend that cannot end a game gets no call for it: the player leaves with the ticket.

`step` is the only way from one state to the next; `next_wakeup` is when it needs a `WakeupDue`. No
clock and no random numbers in here: both are passed in.

How to read it: `dispatch` finds the function of the phase. One module for each group of phases:
`starting` (Idle to Placing), `connecting`, `playing` (Live), `lost` (Lost, Goodbye), `requesting`
(Offering, Requesting), `waiting` (Backoff, AwaitingService), `ending` (ConfirmingEnd,
TerminatingSession). Each has one function for each phase, `on_lost` for Lost, that lists every
event and what it leads to. `enter` holds every way into a phase, with its commands; `transition`
collects what one event changes, and is called `t` everywhere; `healing` and `polls` are shared by
several phases. docs/states.md is made from these modules.

Glossary
  state        a phase and the facts
  phase        what the client is waiting for, and until when
  facts        what is known whatever the phase: numbers, the window, the newest status
  episode      from a drop until live again, or until the end
  attempt      one offer with one token and one number; its identical bytes may be sent twice
  window       how long the service waits for a dropped client (ConnectionTimeoutSeconds)
  shown        the earliest moment at which the window may end; `deadline` says how it is bounded
  latest       the latest moment at which the service might still take the client back
  T_need       how long a create call and the connection after it take
  stale        of another connection, attempt or phase than the current one
"""

from rejoin.core.engine.dispatch import last_start_at, next_wakeup, step

__all__ = ["last_start_at", "next_wakeup", "step"]
