import asyncio
from typing import Any, AsyncIterator, Dict, Iterator, List, Optional, TypeVar

from .client import Client
from .types import Alert, Event, HeartBeat, Level

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
        self, service: str, message: str, level: Optional[Level] = None, *, alert: bool = False
    ) -> Optional[str]:
        return await asyncio.to_thread(self._client.event, service, message, level, alert=alert)

    add = event

    def events(self, **filters: Any) -> AsyncIterator[Event]:
        return _each(self._client.events(**filters))

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
