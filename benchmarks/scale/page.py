"""Writes docs/scale.md and docs/scale.svg from the results of a run.

Rule: no figure stands here; each is read from benchmarks/scale/results.json. Stands beside the fleet, which it never runs.
"""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from textwrap import fill

from benchmarks.peers.page import lines

RESULTS = Path(__file__).with_name("results.json")
DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "scale.md", DOCS / "scale.svg"

DRAWN = (1_000_000, 1)  # workers, and seconds over which they start, of the fleets in the picture
WIDE = 300  # seconds of a day whose worst one is drawn
ZOOM = (42_600, 48_000)  # seconds of the day with the outage that are drawn
ROUGH = 15  # seconds of these whose worst one is drawn

_JITTER = {False: "none", True: "drawn"}
_FLOOR = 0.5  # below one request, where a logarithmic scale has no zero
_COLOURS = {False: "#b3b3b3", True: "#3b7dbd"}
_LABELS = {False: "without jitter", True: "with jitter"}


def write_page() -> None:
    """Writes both."""
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(page(found), encoding="utf-8")
    draw(found)


def page(found: dict) -> str:
    """The whole page."""
    facts = found["facts"]
    parts = [
        "# A fleet on paper",
        wrapped(opening(found)),
        "![Token requests per second](scale.svg)",
        wrapped(legend(facts)),
    ]
    parts += ["## What was simulated", wrapped(simulated(facts)), "## What it shows", wrapped(shown(found))]
    for title, intro, table in (
        ("A day without an outage", quiet_intro(facts), quiet_table),
        ("A day with an outage of ten minutes", outage_intro(facts), outage_table),
    ):
        parts += [f"## {title}", wrapped(intro)]
        for workers in facts["sizes"]:
            parts += [f"### {workers:,} workers", table(found, workers)]
    parts += ["## Other outages", wrapped(shorter_intro(facts)), shorter_table(found)]
    parts += ["## What it does not model", wrapped(missing(facts)), "## Run it again", again(facts)]
    return "\n\n".join(parts) + "\n"


def wrapped(text: str) -> str:
    """Lines of 120 characters, whatever the figures in them; a line that begins with a dash is a point of a list."""
    points = [fill(one, 120, subsequent_indent="  " * one.startswith("- "), break_long_words=False, break_on_hyphens=False)
              for one in text.replace("\n  ", " ").split("\n")]  # fmt: skip
    return "\n".join(points)


def opening(found: dict) -> str:
    """What all of it comes to."""
    most = max(found["facts"]["sizes"])
    own, bare, fleet = (
        row(found, most, group, jitter=jitter) for group, jitter in ((1, True), (1, False), (most, True))
    )
    return f"""\
A million processes start in one second, each with a token of an hour of its own. Without jitter they come for the next one
  within one second too, each time: {bare["quiet"]["worst"]:,} requests in the worst. With the share that every process draws, the
  worst second after the start has {own["quiet"]["worst"]:,} requests, and that of the last six hours of the day {own["quiet"]["late"]:,}. Where they share one cache,
  there are {fleet["quiet"]["exchanges"]} exchanges in a day. An outage that outlasts the tokens is another matter: whoever has none asks again and
  again, {own["outage"]["sent"]:,} times in ten minutes if all do, {fleet["outage"]["sent"]:,} times where they share one cache."""


def legend(facts: dict) -> str:
    """What is to be seen in the picture."""
    workers, window = DRAWN
    begin, end = facts["outage"]
    return f"""\
{workers:,} workers, all started within {_seconds(window)}; the scale is logarithmic. Above, a day without an outage: the worst second of each
  {_seconds(WIDE)}. Below, the hours around an outage from {_clock(begin)} to {_clock(end)} (red): the worst second of each {_seconds(ROUGH)}."""


def simulated(facts: dict) -> str:
    """How."""
    begin, end = facts["outage"]
    fresh, late = facts["stale"]
    return f"""\
- Days of {" and ".join(f"{size:,}" for size in reversed(facts["sizes"]))} workers, on the clock of [simpy](https://simpy.readthedocs.io). A worker is
  a process that signs in as one identity. Each one is there, with a token, a share, failures and chances of its own; none
  stands for others, and no figure was multiplied.
- What a worker does is said by the library's own code: `RefreshPolicy.life` and `judge` say when its token turns,
  `Retry.pause` and `Retry.back_off` how long it waits after a failure, and the reader of answers what a 503 is. Each
  question is put once and the answer kept; workers that are due in the same tenth of a second are dealt with together.
- A token lives {facts["life"]:,.0f} s. It is due for renewal after {fresh:,.0f} s, or up to {late - fresh:.0f} s later by the share, and is no longer handed
  out after {facts["expired"]:,.0f} s. The endpoint answers after {facts["latency"]} s, however many ask.
- Every worker is busy: it makes so many calls that a renewal begins within {2 / facts["ticks"]:g} s of its moment. That is the worst for the
  endpoint: calls that come now and then spread the renewals by themselves.
- *Jitter*: each worker draws its share once, as the library does; *none*: the share is 0 for all.
- *Start*: all come for their first token within {_seconds(facts["windows"][0])}, as after a deploy without care, or within {_seconds(facts["windows"][1])}.
- *Own*: nobody shares. *Machine*: {facts["machine"]} workers share one cache, for example a folder. *Fleet*: all share one. As
  the library does it, whoever's moment comes first looks in the cache, takes the lock and renews. Others who come meanwhile
  go on with the living token, look again within {facts["look_again"]} s, and adopt what they find. A 503 is left in the cache as well,
  and tells the others for up to {facts["longest_pause"]:g} s not to ask: those of a machine at once, those of a fleet, each of whose workers is on a
  machine of its own, where a second one has met it too. Who has no living token, or has found the lock taken for more than
  {facts["patience"]:g} s, waits {facts["patience"]:g} s at most; then it takes a 503 for its own that it has met meanwhile and whose time was over no
  more than {facts["recent"]:g} s ago, or else asks by itself.
- *Outage*: from {_clock(begin)} to {_clock(end)} every request is answered 503. That is the worst time for a fleet without jitter that
  started in one second: its thirteenth renewal is due as the outage begins."""


def shown(found: dict) -> str:
    """What is to be learned of it, in figures."""
    facts = found["facts"]
    most, machine = max(facts["sizes"]), facts["machine"]
    bare, own = (row(found, most, 1, jitter=jitter) for jitter in (False, True))
    spread = row(found, most, 1, jitter=False, window=facts["windows"][1])["quiet"]
    few_bare, few = (row(found, most, machine, jitter=jitter) for jitter in (False, True))
    one_bare, one = (row(found, most, most, jitter=jitter) for jitter in (False, True))
    safe, mean = facts["expired"] - facts["stale"][1], own["quiet"]["exchanges"] / 86_400
    return f"""\
- **Jitter parts a fleet, and keeps on parting it.** The share is drawn once, so a worker that is half a minute later than
  another is half a minute later still after the next renewal. The first renewals of {most:,} workers come within a minute,
  {own["quiet"]["worst"]:,} of them in the worst second; in the last six hours of the day the worst second has {own["quiet"]["late"]:,}, at a mean of {mean:,.0f}.
- **A careful deploy is no jitter.** Started over {_seconds(facts["windows"][1])} but with one share for all, the fleet comes back within the same minute
  for ever: {spread["worst"]:,} in the worst second of the day, {spread["late"]:,} in that of its last six hours.
- **Sharing divides the exchanges** by {bare["quiet"]["exchanges"] / few_bare["quiet"]["exchanges"]:.0f}, or leaves {one["quiet"]["exchanges"]} of them in a day. But a machine renews by the least of its {machine} shares,
  which is small on every machine, so machines part more slowly than processes: {few["quiet"]["worst"]:,} in the worst second and {few["quiet"]["late"]:,} in
  that of the last six hours, where workers on their own have {own["quiet"]["worst"]:,} and {own["quiet"]["late"]:,}.
- **Where all share one cache, the herd meets there.** Without jitter it is looked at {one_bare["quiet"]["looks"]:,} times in one second, with
  it {one["quiet"]["looks"]:,} times. The share serves the cache as much as the endpoint, and does not wear off: all hold one token, so
  they are in step again at each renewal.
- **A short outage is not felt.** From the latest moment at which a renewal begins, a token is handed out for {safe:.0f} s more. No outage that is
  shorter leaves anybody without a token who had one ([below](#other-outages)).
- **Ten minutes are felt.** Without jitter all of the {bare["outage"]["without"]:,} workers lose their token, for {bare["outage"]["longest"]:.0f} s at most. With it
  {own["outage"]["without"]:,} do: the moments of the others were not in these minutes, or so late that they lived through them. The
  moments of machines lie closer together, and {few["outage"]["without"]:,} of their workers lose it; a shared fleet has one moment, and
  {one["outage"]["without"]:,} do.
- **Who has no token asks for one**, with pauses of {facts["longest_pause"]:g} s at most. So the last of them is back {bare["outage"]["back"]:.1f} s after the endpoint, and that
  has its price. Without jitter each worker sends {bare["outage"]["sent"] / most:.0f} requests in the ten minutes; {bare["outage"]["worst"]:,} come in the worst second,
  and {bare["outage"]["after"]:,} in the worst after the end. With jitter it is {own["outage"]["sent"] / most:.0f}, with {own["outage"]["worst"]:,} and {own["outage"]["after"]:,}.
- **Through an outage sharing holds.** What one is told, the others need not ask: they wait for the end of its pause, and take its
  error for their own where that is too long. With jitter a shared fleet sends {one["outage"]["sent"]:,} requests in the ten minutes, {one["outage"]["worst"]:,} in the
  worst second, machines {few["outage"]["sent"]:,} and {few["outage"]["worst"]:,}, workers on their own {own["outage"]["sent"]:,} and {own["outage"]["worst"]:,}. The last worker
  of a fleet is back {one["outage"]["back"]:.1f} s after the endpoint, of a machine {few["outage"]["back"]:.1f} s, of those on their own {own["outage"]["back"]:.1f} s.
- **An outage puts a fleet in step again.** Those who lost their token get the next one in the same few seconds, and part anew from
  there: after the outage's first minute the worst second has {own["outage"]["later"]:,} requests with jitter, and {own["outage"]["late"]:,} in the last six
  hours; without it {bare["outage"]["later"]:,}, to the end."""


def quiet_intro(facts: dict) -> str:
    """How to read the first tables."""
    return f"""\
Exchanges of the whole day, their mean, and the seconds with most requests: in the first {_seconds(facts["settled"])}, which are the start, after them, and
  in the last six hours. The last column counts the looks at the one cache of a fleet, in the worst second after the start."""


def quiet_table(found: dict, workers: int) -> str:
    """Without an outage."""
    heads = ["tokens", "jitter", "start", "exchanges a day", "mean per second", "worst second of the start",
             "worst second after it", "of the last six hours", "looks at the cache"]  # fmt: skip
    rows = []
    for one in of(found, workers):
        day = one["quiet"]
        looks = f"{day['looks']:,}" if one["group"] == workers else ""
        mean = f"{day['exchanges'] / 86_400:.3g}"
        rows.append(
            [
                *_who(one),
                f"{day['exchanges']:,}",
                mean,
                *(f"{day[name]:,}" for name in ("start", "worst", "late")),
                looks,
            ]
        )
    return lines(heads, rows, right=range(3, len(heads)))


def outage_intro(facts: dict) -> str:
    """How to read the second tables."""
    return f"""\
Requests sent during the outage, and the seconds with most of them: during it, in the {facts["after"]} s after it, and in the rest of the
  day. Then how many workers were ever without a living token after they had one, for how long at most, and how long after the
  outage's end the last of them got the next. A fleet with one cache moves as one, so its figures at the end hang on how its
  last pause fell; chance makes others of them."""


def outage_table(found: dict, workers: int) -> str:
    """With one."""
    heads = ["tokens", "jitter", "start", "requests during it", "worst second", "after its end", "of the rest",
             "workers without a token", "at most", "last one back after"]  # fmt: skip
    rows = []
    for one in of(found, workers):
        day = one["outage"]
        counts = [f"{day[name]:,}" for name in ("sent", "worst", "after", "later")]
        rows.append(
            [*_who(one), *counts, _without(day["without"], workers), f"{day['longest']:.0f} s", f"{day['back']:.1f} s"]
        )
    return lines(heads, rows, right=range(3, len(heads)))


def shorter_intro(facts: dict) -> str:
    """How to read the last table."""
    return f"""\
Of {min(facts["sizes"]):,} workers with jitter that started over {_seconds(facts["windows"][1])}: how many were ever without a living token after they had
  one, where an outage begins at {_clock(facts["outage"][0])} and lasts so long."""


def shorter_table(found: dict) -> str:
    """Outages of other lengths."""
    facts = found["facts"]
    heads = ["outage", "own", f"machine of {facts['machine']}", "fleet"]
    rows = [
        [f"{one['seconds']} s", *(_without(count, min(facts["sizes"])) for count in one["without"])]
        for one in found["shorter"]
    ]
    return lines(heads, rows, right=range(1, len(heads)))


def missing(facts: dict) -> str:
    """What this says nothing of."""
    return f"""\
- An endpoint that slows down as more ask, turns the most eager away with 429, or says `Retry-After`, which the library heeds.
  Here it serves any number; the worst second is what it would have to serve.
- An outage that swallows packets instead of answering 503. Each exchange would then take up to its deadline of {2 * facts["patience"]:g} s, so there
  would be fewer requests, and workers would be back by so much later.
- Workers that call now and then, are started through the day, are restarted, or die with a lock in hand.
- The time that a look at a cache takes, and caches that fail or cannot serve so many. A lock that is let go is had at once
  by one of those who wait for it.
- What happens within a tenth of a second: everything happens at its end. Pauses are rounded to it, up or down by chance, and the chance
  by which one is drawn comes in {facts["chances"]} steps; the share comes in none, and the moment of a renewal is kept exactly.
- What a 401 of an API brings about, and the machines' own clocks, which agree here."""


def again(facts: dict) -> str:
    """How to get all of it anew."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    said = f"""\
`python -m benchmarks.scale --page` runs nothing, and writes page and picture from that file. All chances come from one seed, {facts["seed"]}.
  {versions}."""
    command = (
        "make scale  # into benchmarks/scale/results.json, and page and picture from that; some minutes on two cores"
    )
    return f"```sh\n{command}\n```\n\n{wrapped(said)}"


def row(found: dict, workers: int, group: int, *, jitter: bool, window: int = DRAWN[1]) -> dict:
    """One fleet."""
    wanted = {"workers": workers, "group": group, "jitter": jitter, "window": window}
    return next(one for one in found["rows"] if wanted.items() <= one.items())


def of(found: dict, workers: int) -> list[dict]:
    """The fleets of that size."""
    return [one for one in found["rows"] if one["workers"] == workers]


def _who(one: dict) -> list[str]:
    sharing = {1: "own", one["workers"]: "fleet"}.get(one["group"], f"machine of {one['group']}")
    return [sharing, _JITTER[one["jitter"]], _seconds(one["window"])]


def _without(count: int, workers: int) -> str:
    if not count:
        return "none"
    return f"{count:,} ({'over 99%' if workers > count > 0.995 * workers else f'{count / workers:.0%}'})"


def _seconds(count: int) -> str:
    if count >= 60 and not count % 60:
        return f"{count // 60} min"
    return f"{count} s"


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second % 3600 // 60:02}"


def steps(series: list[int], first: int, step: int) -> tuple[list[int], list[float]]:
    """Values, and the hours at which each begins and the last ends; equal neighbours are one, which keeps the picture small."""
    values, edges, second = [], [], first
    for value, some in groupby(series):
        values.append(value)
        edges.append(second / 3600)
        second += step * sum(1 for _ in some)
    return values, [*edges, second / 3600]


def draw(found: dict) -> None:
    """The picture; matplotlib is needed for nothing else."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "scale", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9})
    from matplotlib.figure import Figure

    facts, (workers, _) = found["facts"], DRAWN
    titles = {
        1: "a token for each worker",
        facts["machine"]: f"one for {facts['machine']} workers of a machine",
        workers: "one for the whole fleet",
    }
    hours = {"quiet": range(0, 24, 4), "outage": (12, 12.25, 12.5, 12.75, 13, 13.25)}
    figure = Figure(figsize=(11, 6), layout="constrained")
    panels = figure.subplots(2, 3, sharey=True)
    for column, (group, title) in enumerate(titles.items()):
        for axes, (name, first, step) in zip(
            panels[:, column], (("quiet", 0, WIDE), ("outage", ZOOM[0], ROUGH)), strict=True
        ):
            for jitter in (False, True):
                series = row(found, workers, group, jitter=jitter)[name]["series"]
                values, edges = steps(series, first, step)
                axes.stairs(values, edges, baseline=_FLOOR, fill=True, color=_COLOURS[jitter], label=_LABELS[jitter])
            axes.set(yscale="log", ylim=(_FLOOR, 4e6), xlim=(edges[0], edges[-1]))
            axes.set_xticks(hours[name], [_clock(int(hour * 3600)) for hour in hours[name]])
            axes.grid(axis="y", color="#dddddd", linewidth=0.5)
            axes.set_axisbelow(True)
        panels[0, column].set_title(title)
        panels[1, column].axvspan(
            *(second / 3600 for second in facts["outage"]), color="#f7d4d4", zorder=0, linewidth=0
        )
    panels[0, 2].legend(loc="upper right", frameon=False)
    panels[0, 0].set_ylabel("a day: requests per second")
    panels[1, 0].set_ylabel("an outage: requests per second")
    figure.savefig(PICTURE, metadata={"Date": None, "Creator": None})
