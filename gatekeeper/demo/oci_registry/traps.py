"""Faults that lead the client astray: redirects, endless pages, other hosts, a faster pusher."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gatekeeper.demo.oci_registry.faults import Moment
from gatekeeper.demo.oci_registry.wire import Answer, Request, json_answer


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
    """So many headers of so many bytes on the true answer."""

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
