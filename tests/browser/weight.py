"""What a page costs a phone: bytes, requests, round trips, movement, and time in which it does not react."""

from dataclasses import dataclass

from playwright.sync_api import Request

from tests.browser.visitor import Visitor

WATCH_TASKS = """
window.blocked = 0;
new PerformanceObserver((list) => {
  for (const task of list.getEntries()) window.blocked += Math.max(0, task.duration - 50);
}).observe({ type: "longtask", buffered: true });
"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
LATE = """
performance.getEntriesByType('resource')
  .filter((one) => !['link', 'script', 'img', 'other'].includes(one.initiatorType))
  .filter((one) => !one.name.endsWith('/demo/messages')).length
"""


@dataclass(frozen=True)
class Weight:
    """The figures of one page, loaded with an empty cache."""

    transferred: int
    """Bytes over the wire, head and body of every answer."""
    requests: int
    late_requests: int
    """Those that the HTML does not name, so that they wait for another file to arrive first."""
    shift: float
    blocked: float
    """Milliseconds."""
    painted: float
    """Milliseconds until something can be read; on this machine."""


def weigh(visitor: Visitor, way: str, *, at: str) -> Weight:
    """Load the page `way` of the place `at`, and return what it cost."""
    finished: list[Request] = []
    visitor.page.add_init_script(WATCH_TASKS)
    visitor.page.on("requestfinished", lambda request: finished.append(request))  # noqa: PLW0108 - `append` itself is refused
    visitor.open(way, at=at)
    visitor.page.wait_for_load_state("load")
    shift = visitor.shifted()
    sizes = [request.sizes() for request in list(finished) if not request.url.endswith("/demo/messages")]
    return Weight(
        transferred=sum(size["responseHeadersSize"] + size["responseBodySize"] for size in sizes),
        requests=len(sizes),
        late_requests=visitor.page.evaluate(LATE),
        shift=shift,
        blocked=visitor.page.evaluate("window.blocked"),
        painted=visitor.page.evaluate(PAINT),
    )
