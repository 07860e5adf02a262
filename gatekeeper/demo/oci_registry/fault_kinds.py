"""The ways to go wrong: outages, lies about content, traps. Compose them freely on one ``Match``."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event

from gatekeeper.demo.oci_registry.faults import Moment
from gatekeeper.demo.oci_registry.wire import Answer, Framing, Refusal, Request, json_answer

_ZEROS = bytes(65_536)


# outages


@dataclass(frozen=True, slots=True)
class Stall:
    """Wait for ``release`` before the request is served; ``arrived`` tells that it waits."""

    release: Event
    arrived: Event = field(default_factory=Event)

    def apply(self, moment: Moment) -> Answer:
        self.arrived.set()
        moment.wait(self.release)
        return moment.proceed()


@dataclass(frozen=True, slots=True)
class StallAnswer:
    """Serve the request, then keep the answer back until ``release``."""

    release: Event
    arrived: Event = field(default_factory=Event)

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        self.arrived.set()
        moment.wait(self.release)
        return answer


@dataclass(frozen=True, slots=True)
class StallBody:
    """Send the head at once, the body after ``release``."""

    release: Event

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.hold = self.release
        return answer


@dataclass(frozen=True, slots=True)
class SlowDrip:
    """The true body in small pieces, ``pause`` seconds apart."""

    piece: int = 1
    pause: float = 0.05

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.piece, answer.pause = self.piece, self.pause
        return answer


@dataclass(frozen=True, slots=True)
class Status:
    """An error instead of the service; nothing is done. 404 makes a flicker, 401 for ever, 5xx an outage."""

    status: int = 503
    code: str = "UNKNOWN"
    retry_after: str | None = None
    challenge: str | None = None
    """The WWW-Authenticate header; for 401 without one, Basic."""

    def apply(self, moment: Moment) -> Answer:
        answer = Refusal(self.status, self.code, f"injected {self.status}").answer()
        answer.set("Retry-After", self.retry_after)
        challenge = self.challenge or ('Basic realm="injected"' if self.status == 401 else None)
        return answer.set("WWW-Authenticate", challenge)


@dataclass(frozen=True, slots=True)
class Drop:
    """Close the connection before the request is served."""

    reset: bool = False

    def apply(self, moment: Moment) -> Answer:
        return Answer(drop=True, reset=self.reset)


@dataclass(frozen=True, slots=True)
class LoseAnswer:
    """Serve the request, then close the connection: done, but the client cannot know."""

    reset: bool = False

    def apply(self, moment: Moment) -> Answer:
        moment.proceed()
        return Answer(drop=True, reset=self.reset)


@dataclass(frozen=True, slots=True)
class PretendSuccess:
    """A success status without doing anything: the write that only a read-back finds out."""

    status: int = 201
    headers: tuple[tuple[str, str], ...] = ()

    def apply(self, moment: Moment) -> Answer:
        return Answer(self.status, dict(self.headers))


@dataclass(frozen=True, slots=True)
class RawBytes:
    """These bytes instead of an HTTP answer, then the end of the connection."""

    raw: bytes = b"\x16\x03\x01 this is not HTTP\r\n\r\n"

    def apply(self, moment: Moment) -> Answer:
        return Answer(raw=self.raw)


# lies about content


@dataclass(frozen=True, slots=True)
class Headers:
    """Set headers on the true answer; None removes one. Lies, or leaves out: type, digest, length, Link, Location."""

    headers: tuple[tuple[str, str | None], ...]

    @classmethod
    def one(cls, name: str, value: str | None) -> Headers:
        """A single header."""
        return cls(((name, value),))

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        for name, value in self.headers:
            answer.set(name, value)
        return answer


@dataclass(frozen=True, slots=True)
class ContentLength:
    """Announce this many bytes and send the true body."""

    length: int

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.length = self.length
        return answer


@dataclass(frozen=True, slots=True)
class WrongBody:
    """Another body under the true headers."""

    body: bytes

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = self.body
        return answer


@dataclass(frozen=True, slots=True)
class FlipByte:
    """The true body with one byte changed, length unchanged."""

    at: int = 0

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        body = bytearray(answer.content())
        if body:
            body[self.at % len(body)] ^= 1
        answer.body = bytes(body)
        return answer


@dataclass(frozen=True, slots=True)
class Json:
    """A JSON document of the test's own making (``status`` and headers of the true answer are kept)."""

    document: object

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = json.dumps(self.document).encode()
        return answer


@dataclass(frozen=True, slots=True)
class GarbageJson:
    """JSON that ends in the middle, under the true headers and status 200."""

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.status, answer.body = 200, b'{"schemaVersion": 2, "manifests": [{"digest": "sha'
        return answer


@dataclass(frozen=True, slots=True)
class DuplicateKey:
    """The true JSON object with one key given a second time, at the front or at the end."""

    key: str
    value: object
    first: bool = True

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        body = answer.content().strip()
        member = f"{json.dumps(self.key)}:{json.dumps(self.value)}".encode()
        answer.body = b"{" + member + b"," + body[1:] if self.first else body[:-1] + b"," + member + b"}"
        return answer


@dataclass(frozen=True, slots=True)
class DeepJson:
    """JSON nested this deep."""

    depth: int = 100_000

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.body = b'{"a":' * self.depth + b"1" + b"}" * self.depth
        return answer


@dataclass(frozen=True, slots=True)
class Truncate:
    """Announce the true length, send this many bytes, close."""

    at: int
    reset: bool = False

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.cut_after, answer.reset = self.at, self.reset
        return answer


@dataclass(frozen=True, slots=True)
class Oversized:
    """A body of this many zeros, honestly announced, made while it is sent."""

    size: int

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.length, answer.body = self.size, _zeros(self.size)
        return answer


@dataclass(frozen=True, slots=True)
class EndlessBody:
    """Zeros for ever; chunked, or without any length."""

    chunked: bool = True

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.framing = Framing.CHUNKED if self.chunked else Framing.UNTIL_CLOSE
        answer.body = itertools.takewhile(lambda _: not moment.stopping.is_set(), itertools.repeat(_ZEROS))
        return answer


@dataclass(frozen=True, slots=True)
class GzipBomb:
    """``Content-Encoding: gzip`` over zeros: about a thousandth of ``size`` on the wire."""

    size: int = 1 << 30

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        member = gzip.compress(bytes(1 << 20), mtime=0)
        answer.body = member * max(1, self.size >> 20)
        return answer.set("Content-Encoding", "gzip")


# traps


@dataclass(frozen=True, slots=True)
class Redirect:
    """To this URL; ``{target}`` in it becomes the path and query asked for. Its own URL makes a loop."""

    to: str = "{target}"
    status: int = 307

    def apply(self, moment: Moment) -> Answer:
        location = self.to.replace("{target}", moment.request.target)
        return Answer(self.status, {"Location": location})


@dataclass(frozen=True, slots=True)
class EndlessPages:
    """The true list, always with a ``Link`` to a page never seen before."""

    def apply(self, moment: Moment) -> Answer:
        path = moment.request.target.partition("?")[0]
        answer = moment.proceed()
        return answer.set("Link", f'<{path}?n=1&last=page-{moment.hit}>; rel="next"')


@dataclass(frozen=True, slots=True)
class LoopingLink:
    """A ``Link`` to the very page that was asked for."""

    def apply(self, moment: Moment) -> Answer:
        return moment.proceed().set("Link", f'<{moment.request.target}>; rel="next"')


@dataclass(frozen=True, slots=True)
class LinkTo:
    """A ``Link`` to this URL, of another host for example."""

    url: str

    def apply(self, moment: Moment) -> Answer:
        return moment.proceed().set("Link", f'<{self.url}>; rel="next"')


@dataclass(frozen=True, slots=True)
class LocationTo:
    """The upload's ``Location`` on another host; ``{location}`` becomes the true path."""

    url: str

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        return answer.set("Location", self.url.replace("{location}", answer.get("Location") or ""))


@dataclass(frozen=True, slots=True)
class Before:
    """Call the test before the request is served: the pusher who is faster."""

    call: Callable[[Request], object]

    def apply(self, moment: Moment) -> Answer:
        self.call(moment.request)
        return moment.proceed()


@dataclass(frozen=True, slots=True)
class After:
    """Call the test after the request was served and before the client learns of it."""

    call: Callable[[Request], object]

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        self.call(moment.request)
        return answer


@dataclass(frozen=True, slots=True)
class Replace:
    """Whatever answer the test makes (``proceed`` not called unless the test calls it)."""

    make: Callable[[Moment], Answer]

    def apply(self, moment: Moment) -> Answer:
        return self.make(moment)


@dataclass(frozen=True, slots=True)
class HeaderFlood:
    """This many headers of this many bytes on the true answer."""

    count: int = 10_000
    size: int = 100

    def apply(self, moment: Moment) -> Answer:
        answer = moment.proceed()
        answer.headers.update({f"X-Flood-{number}": "x" * self.size for number in range(self.count)})
        return answer


@dataclass(frozen=True, slots=True)
class TagFlood:
    """A tag list of this many invented tags on one page."""

    count: int = 1_000_000

    def apply(self, moment: Moment) -> Answer:
        name = moment.request.path.removeprefix("/v2/").removesuffix("/tags/list")
        return json_answer({"name": name, "tags": [f"t{number}" for number in range(self.count)]})


def _zeros(size: int) -> Iterator[bytes]:
    for start in range(0, size, len(_ZEROS)):
        yield _ZEROS[: size - start]
