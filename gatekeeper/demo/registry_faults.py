"""Every way the embedded registry can be made to go wrong; see each class. Compose them on one ``Match``.

::

    registry.faults.add(Match("GET", r"/blobs/", times=1), Truncate(10))
    registry.faults.add(Match("PUT", r"/manifests/v1$"), LoseAnswer(reset=True))
"""

from __future__ import annotations

from gatekeeper.demo.oci_registry.faults import Fault, Faults, Injection, Match, Moment
from gatekeeper.demo.oci_registry.lies import (
    ContentLength,
    DeepJson,
    DuplicateKey,
    EndlessBody,
    FlipByte,
    GarbageJson,
    GzipBomb,
    Headers,
    Json,
    Oversized,
    Truncate,
    WrongBody,
)
from gatekeeper.demo.oci_registry.outages import (
    Drop,
    LoseAnswer,
    PretendSuccess,
    RawBytes,
    SlowDrip,
    Stall,
    StallAnswer,
    StallBody,
    Status,
)
from gatekeeper.demo.oci_registry.traps import (
    After,
    Before,
    EndlessPages,
    HeaderFlood,
    LinkTo,
    LocationTo,
    LoopingLink,
    Redirect,
    Replace,
    TagFlood,
)
from gatekeeper.demo.oci_registry.wire import Answer, Framing, Request, json_answer

__all__ = [
    "After",
    "Answer",
    "Before",
    "ContentLength",
    "DeepJson",
    "Drop",
    "DuplicateKey",
    "EndlessBody",
    "EndlessPages",
    "Fault",
    "Faults",
    "FlipByte",
    "Framing",
    "GarbageJson",
    "GzipBomb",
    "HeaderFlood",
    "Headers",
    "Injection",
    "Json",
    "LinkTo",
    "LocationTo",
    "LoopingLink",
    "LoseAnswer",
    "Match",
    "Moment",
    "Oversized",
    "PretendSuccess",
    "RawBytes",
    "Redirect",
    "Replace",
    "Request",
    "SlowDrip",
    "Stall",
    "StallAnswer",
    "StallBody",
    "Status",
    "TagFlood",
    "Truncate",
    "WrongBody",
    "json_answer",
]
