import asyncio
import threading
from typing import Any, AsyncIterator, Dict, Iterable, Iterator, List, Optional, TypeVar

from .client import Client
from .types import Alert, Event, EventFields, HeartBeat, Level, NewEvent, Rule, SentEvents, When

T = TypeVar("T")
_END = object()


class AsyncClient:
    """The calls of a Client as coroutines. Each runs in a thread of asyncio's pool, so that the loop goes on.

    It takes a Client, or what a Client takes.
    """

    def __init__(self, *args: Any, client: Optional[Client] = None, **options: Any) -> None:
        self._client = client or Client(*args, **options)

    async def pulse(self, *args: Any, **said: Any) -> HeartBeat:
        return await asyncio.to_thread(self._client.pulse, *args, **said)

    async def cancel(self, service: str, *, forget: bool = False) -> Optional[HeartBeat]:
        return await asyncio.to_thread(self._client.cancel, service, forget=forget)

    async def heartbeats(self) -> List[HeartBeat]:
        return await asyncio.to_thread(self._client.heartbeats)

    async def heartbeat(self, service: str) -> Optional[HeartBeat]:
        return await asyncio.to_thread(self._client.heartbeat, service)

    async def event(
        self,
        service: str,
        message: str,
        level: Optional[Level] = None,
        *,
        alert: bool = False,
        fields: Optional[EventFields] = None,
        date: Optional[When] = None,
        id: Optional[str] = None,
    ) -> Optional[str]:
        more: Dict[str, Any] = {"alert": alert, "fields": fields, "date": date, "id": id}
        return await asyncio.to_thread(self._client.event, service, message, level, **more)

    add = event

    async def send_events(self, events: Iterable[NewEvent]) -> SentEvents:
        return await asyncio.to_thread(self._client.send_events, events)

    def events(self, **filters: Any) -> AsyncIterator[Event]:
        return _each(self._client.events(**filters))

    async def event_stats(self, **filters: Any) -> Dict[str, Any]:
        return await asyncio.to_thread(self._client.event_stats, **filters)

    def export_events(self, **filters: Any) -> AsyncIterator[Event]:
        return _each(self._client.export_events(**filters))

    async def tail(self, **filters: Any) -> AsyncIterator[Event]:
        stop = threading.Event()
        try:
            async for event in _each(self._client.tail(stop=stop, **filters)):
                yield event
        finally:
            # The thread that waits for the next event is told; it ends when the server next gives a sign of life.
            stop.set()

    async def rules(self) -> List[Rule]:
        return await asyncio.to_thread(self._client.rules)

    async def rule(self, name: str) -> Optional[Rule]:
        return await asyncio.to_thread(self._client.rule, name)

    async def put_rule(self, name: str, q: str, **said: Any) -> Rule:
        return await asyncio.to_thread(self._client.put_rule, name, q, **said)

    async def delete_rule(self, name: str) -> bool:
        return await asyncio.to_thread(self._client.delete_rule, name)

    def alerts(self, **filters: Any) -> AsyncIterator[Alert]:
        return _each(self._client.alerts(**filters))

    async def hello(self) -> Dict[str, Any]:
        return await asyncio.to_thread(self._client.hello)


async def _each(items: Iterator[T]) -> AsyncIterator[T]:
    while True:
        item = await asyncio.to_thread(next, items, _END)
        if item is _END:
            return
        yield item  # type: ignore[misc]
