"""Client of watchTower: pulses that promise the next one, and events."""

from .aio import AsyncClient
from .client import Client
from .error import WatchTowerError
from .event_queue import EventQueue
from .handler import WatchTowerHandler
from .job import job
from .pulser import Pulser
from .types import Alert, Event, EventFields, HeartBeat, NewEvent, Rule, SentEvents, Target

__all__ = [
    "Alert",
    "AsyncClient",
    "Client",
    "Event",
    "EventFields",
    "EventQueue",
    "HeartBeat",
    "NewEvent",
    "Pulser",
    "Rule",
    "SentEvents",
    "Target",
    "WatchTowerError",
    "WatchTowerHandler",
    "job",
]
