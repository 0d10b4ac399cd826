"""A model of client, backend and service in which anything may happen next, one move at a time.

The transition functions are the real ones: the engine (one client, or two), the backend's fence and
the service's lifecycle. Between them are messages, which arrive in any order, get lost or arrive
twice. The path is cut in either direction or refuses what the client sends, the host sends no media
or no picture, a picture is lost but for single frames, a client crashes and starts again with its
ticket, a second client takes over the game. The backend puts a create call
into its queue. A `Budget` limits how often each kind of
trouble happens. `moves(system)` lists all that may happen next, and the invariants that each move
violates. `rejoin.verify.explore` follows all of them.

Simplifications: a silence is one sample; a call to the backend may take any time; time jumps from
one deadline to the next; every random number is one half.

Glossary:
    system      everything at one moment: clients, backend, service, path, messages under way
    move        one thing that may happen next, and the system after it
    budget      how often each kind of trouble may still happen
    draft       the next system while a move is being carried out
    message     something under way between two parties; it may arrive late, twice or never
    call        the backend's create call to the service that is under way
    evidence    a message that proves to a client that its connection is gone (DTLS close)
    goodbye     the message to the host that its client is leaving; lost where the path is cut
    leaving     a client that said goodbye, until the service knows
    still       a picture that stands still, apart from single frames
    promise     what must have happened by a certain time (LEAVE, UPLINK, PICTURE, TURN)
    place       of the game in the backend's queue; lapses where the client does not ask in time
    to notice   the service finds out that its client is gone

Read in this order: system, engine, promises, deadlines, draft, backend, client, moves.
"""
