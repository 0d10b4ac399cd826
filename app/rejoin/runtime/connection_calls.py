"""A peer's calls that take time: make the offer, apply the answer, say goodbye."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from rejoin.core import events
from rejoin.core.model import ConnectionNumber
from rejoin.errors import RejoinError, SignalError
from rejoin.rtc.signal_codec import sha256_of
from rejoin.runtime.address_loss import AddressLoss
from rejoin.runtime.connections import Connections
from rejoin.runtime.module_input import ModuleInput
from rejoin.runtime.ports import PeerFactory, Post

_log = logging.getLogger("rejoin.connection_calls")


class ConnectionCalls:
    """Each call ends in one event, whatever happens."""

    def __init__(
        self,
        connections: Connections,
        make_peer: PeerFactory,
        module_input: ModuleInput,
        address_loss: AddressLoss,
        post: Post,
        latest_rtt_s: Callable[[], float | None],
    ) -> None:
        """`latest_rtt_s`: the newest measured round trip in seconds, None before there is one."""
        self._connections = connections
        self._make_peer = make_peer
        self._input = module_input
        self._address_loss = address_loss
        self._post = post
        self._latest_rtt_s = latest_rtt_s

    async def make_offer(self, connection: ConnectionNumber) -> None:
        try:
            peer = self._make_peer(connection, self._post)
            peer.listen(self._input.listener(connection))
            self._connections.add(connection, peer)
            request = await peer.make_offer()
        except RejoinError as error:
            self._post(events.OfferFailed(connection, str(error)))
        except Exception as error:
            _log.exception("the offer could not be made")
            self._post(events.OfferFailed(connection, type(error).__name__))
        else:
            self._post(events.OfferMade(connection, sha256_of(request), request))

    async def apply_answer(self, connection: ConnectionNumber, signal_response: str) -> None:
        """A success is reported by the peer's own events."""
        peer = self._connections.get(connection)
        if peer is None:
            self._post(events.ConnectionFailed(connection, "the connection was closed"))
            return
        if self._address_loss.address_lost(peer):
            self._post(events.ConnectionFailed(connection, "its local address is gone"))
            return
        try:
            await peer.apply_answer(signal_response, rtt_s=self._latest_rtt_s())
        except SignalError as error:
            self._post(events.AnswerRefused(connection, str(error)))
        except RejoinError as error:
            self._post(events.ConnectionFailed(connection, str(error)))
        except Exception as error:
            _log.exception("the answer could not be applied")
            self._post(events.ConnectionFailed(connection, type(error).__name__))
        else:
            self._input.answered(connection, signal_response)  # the first checks are under way

    async def say_goodbye(self, connection: ConnectionNumber, times: int) -> None:
        peer = self._connections.get(connection)
        if peer is not None:
            try:
                releases = self._input.leave(connection)
                if releases is not None:
                    await asyncio.wait({releases})
                await peer.say_goodbye(times)
            except Exception:
                _log.exception("the goodbye could not be sent")
        self._post(events.GoodbyeSaid(connection))
