"""The reconnect engine: a pure function from state and event to the next state and commands.

Rule 1:  One connection is shown. An episode begins when it is LOST and ends live or ended.
Rule 2:  LOST by silence may heal (RTP and a frame arrive again; or an answer to a check, if what
         was lost is the way to the host) until a create request was written to a socket, and again
         once the service has certainly refused every such request; not after a goodbye, nor after
         the service said PENDING_CLIENT_RECONNECTION or ACTIVE. With the first RTP the old
         connection may send again, since its picture may need a key frame.
Rule 3:  We commit to a reconnect when the drop is corroborated: the service says
         PENDING_CLIENT_RECONNECTION or ACTIVE, or the silence lasts 5 s, or the player decides. If
         the service may still consider us connected, goodbye is said first. While no call would
         reach the backend, silence alone gives nothing up: only healing could save the game.
Rule 4:  Each attempt has a fresh peer with a fresh offer, a higher number and a new token. The same
         request is sent at most twice where it may have arrived.
Rule 5:  At most one create call is in flight. The last one may start at latest deadline - T_need;
         until then only the backoffs of `retry` delay the next.
Rule 6:  An answer is applied only to the connection whose offer it answers: by attempt number, or
         by the SHA-256 of the SignalRequest when it was recovered through the status.
Rule 7:  Live again means the first decoded frame of the new connection and its input channel open.
         The old connection is closed then, not before.
Rule 8:  A terminal status ends the game with the service's reason, whenever it arrives.
Rule 9:  Past latest - T_need only the status is polled; past the latest deadline the player reads
         that the end could not be confirmed.
Rule 10: Every state but Idle and Ended has a timer, which also covers commands whose result never
         arrives.
Rule 11: An event of another connection or attempt changes nothing but the count of stale ones.
Rule 12: The ticket is saved before each attempt, with the number that the attempt will have, and
         whenever the game is live; it is deleted when the game ends, not when the client does.
Rule 13: A game is taken over from another client only if the player says so. A rejoin with a ticket
         goes on from the highest attempt number that the backend's first answer reports; a higher
         number after that belongs to another client, and no further offer is made.
Rule 14: When the network changes, an offer that is still being made, or that certainly did not
         reach the service, is replaced by a new one. An attempt whose connection lost its address
         is given up.
Rule 15: A backend that cannot end a game gets no call for that: the player leaves with the ticket.
Rule 16: When the picture stands still while sound arrives, a key frame is requested. After 5 s the
         player is offered a new connection; after 10 s it is made by itself if the picture's
         packets are lost. That happens once, and again only after the picture has moved for 10 s.
Rule 17: Between two create calls of one session lie at least 250 ms, whatever comes between them.
Rule 18: Failed tries count, and make the backoff longer, until a connection was live for 10 s. An
         answer alone is no reason to forget them, and a connection that was live for less than 1 s
         is one more of them. Failed polls make the next poll later, and no offer once the backend
         has answered one.
Rule 19: After three answered attempts in a row without one authenticated packet, something seems to
         block the stream: create calls become rarer. An answer moves the shown deadline only if a
         packet of its connection arrived.
Rule 20: A network that comes back resets the backoff, once in five seconds. A running Retry-After
         is kept, whatever happens.
Rule 21: Where no status can be polled, the server's own authenticated message that the game is over
         ends it.
Rule 22: A start ends when something else answers in place of the backend; an episode goes on, as
         that may be the sign-in page of a network. A start without a network waits for one.
Rule 23: A place in the backend's queue is no failure: the same request goes out again after its
         Retry-After, until the last moment for one. The estimate of our turn is only shown.
Rule 24: The call that ends a game is repeated, with growing pauses, until the backend confirms it
         or the game is surely over: after its window, counted from when the player left, or its
         length. A final refusal stops that earlier.

`step` is the only way from one state to the next; `next_wakeup` is when it needs a `WakeupDue`. No
clock and no random numbers in here: both are passed in.

How to read it: `dispatch` notes the facts and calls the phase's function. There is a module for
each group of phases: `starting` (Idle to Placing), `connecting`, `playing` (Live), `lost` (Lost,
Goodbye), `requesting` (Offering, Requesting), `waiting` (Backoff, AwaitingService), `ending`
(ConfirmingEnd, TerminatingSession). Each has one function for each phase, such as `on_lost` for
Lost, that lists every event and what it leads to. `enter` holds every way into a phase, with its
commands. A `Transition`, called `t` everywhere, collects what one event changes. `healing` and
`polls` are shared by several phases, `turn` is about the backend's queue, `whose_fault` about the
verdict that the player sees. docs/states.md is made from these modules.

From a drop by silence to live again: each event, what it calls, and what follows.
  Sampled            playing.sampled, enter.dropped: Lost, with StartChecks and PollStatus
  StatusArrived      lost.status_arrived, enter.commit, enter.offering: Offering, with MakeOffer.
                     Without a status that corroborates the drop, after 5 s: Goodbye first
  OfferMade          enter.requesting: Requesting, with Reconnect
  RequestWritten     requesting.written: the old connection cannot heal any more
  AnswerArrived      requesting.answered, enter.connecting: Connecting, with ApplyAnswer
  ConnectionOpened   connecting.opened: RequestKeyFrame
  FirstFrameDecoded, InputOpened (or InputUnavailable)
                     connecting.live_if_complete, after both enter.live: Live, with ShowConnection

Glossary
  state        a phase and the facts
  phase        what the client is waiting for, and until when
  facts        what is known in every phase: numbers, the window, the newest status
  episode      from a drop until live again, or until the end
  attempt      one offer with one token and one number; the same request may be sent twice
  try          one request of an attempt
  window       how long the service waits for a dropped client (ConnectionTimeoutSeconds)
  shown        the earliest moment at which the window may end; `deadline` says how it is bounded
  latest       the latest moment at which the service might still accept the client
  T_need       how long a create call and the connection after it take
  place        our number in the backend's queue of reconnects; it lapses if we stop calling
  turn         the place, and when the backend expects to serve it
  stale        of another connection, attempt or phase than the current one
"""

from rejoin.core.engine.dispatch import last_start_at, next_wakeup, step

__all__ = ["last_start_at", "next_wakeup", "step"]
