"""One side of a proof as a drawing: the run in its lanes, the lines of the program, and the final state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from flake8_tasks.runtime.kernel.timeline.arrivals import arrivals
from flake8_tasks.runtime.kernel.timeline.canvas import Canvas, wrapped
from flake8_tasks.runtime.kernel.timeline.executions import node
from flake8_tasks.runtime.kernel.timeline.layout import BAR_HEIGHT, LANE_SIZE, Arrow, Layout, Mark, layout
from flake8_tasks.runtime.kernel.timeline.measure import fitted, text_width
from flake8_tasks.runtime.kernel.timeline.places import SIZE
from flake8_tasks.runtime.kernel.timeline.shapes import bar, finding_mark, mark, shape
from flake8_tasks.runtime.kernel.timeline.strip import Fact, Finding, SourceFile, SourceLine, final_state, strip
from flake8_tasks.runtime.kernel.timeline.words import clean, counted, moment, words
from flake8_tasks.runtime.proof import Further, Shown, Side

MARGIN = 24.0
_SMALL = 10.5
_LINE = 16.0
_CHART_HEIGHT = 56.0
_LEAST_VALUE_WIDTH = 160.0
_TABLE_WIDTH = 380.0


class Panel:
    """Draws one side from top to bottom.

    Arguments:
        width: in pixels, that it has at least; `right` says how much it took.
        classes: which shapes occur, for the legend.
    """

    def __init__(self, width: float) -> None:
        self.canvas = Canvas()
        self.width = width
        self.height = 0.0
        self.classes: set[str] = set()

    @property
    def right(self) -> float:
        return max(self.width, self.canvas.right + MARGIN)

    def headline(self, name: str, side: Side) -> None:
        """Which program it is, and how often it breaks."""
        self.height += 22
        end = self.canvas.text(name, MARGIN, self.height, 15, name="soft")
        verb = "broken" if side.hazards else "holds"
        count = side.hazards or side.explored
        found = f"{verb} in {count:,} of {counted(side.explored, 'schedule')}"
        if side.explored < side.known:
            found += f" (explored {side.explored:,} of {side.known:,} known)"
        self.canvas.text(found, end + 10, self.height, 15, bold=True)
        self.height += 6
        self.remark(side.drawn.violation if side.drawn else "")

    def remark(self, said: str) -> None:
        """A sentence of its own."""
        for line in wrapped(said, self.width - 2 * MARGIN, 12.5) if said else ():
            self.height += 17
            self.canvas.text(line, MARGIN, self.height, 12.5, name="soft")

    def run(self, shown: Shown) -> None:
        """The lanes with everything that happened."""
        self.height += 8
        places = layout(shown, self.width)
        drawn = Canvas()
        _draw_lanes(drawn, places, max(places.width, self.width) - MARGIN)
        _draw_bars(drawn, places)
        for arrow in places.arrows:
            drawn.add(_arrow(arrow))
        self.classes |= {bar.execution.ending.value for bar in places.bars}
        for one in places.marks:
            self.classes |= {shape(one.row.event), "more" if one.row.more else ""}
            drawn.add(_mark(one))
        for label in places.labels:
            if label.leader:
                drawn.line("leader", label.x - 4, label.leader[0], label.x - 4, label.leader[1])
        for label in places.labels:
            name = "fault halo" if label.fault else "halo"
            drawn.text(label.text, label.x, label.y, SIZE, name=name, bold=label.fault)
        drawn.right = max(drawn.right, places.width - MARGIN)
        self.canvas.group(drawn, self.height)
        self.height += places.height

    def chart(self, shown: Shown) -> None:
        """How many effects arrive in each second, where there are many; its time is not compressed."""
        found = arrivals(shown.events)
        if found is None:
            return
        left, right, top = MARGIN + 100, self.right - MARGIN, self.height + 34
        bottom = top + _CHART_HEIGHT
        title = f"arrivals in the lane {clean(found.lane)}, by the second: {found.most:,} at most"
        self.canvas.text(title, MARGIN, top - 14, 12, bold=True)
        columns = found.columns(int(right - left))
        width = (right - left) / len(columns)
        self.canvas.line("lane", left, bottom, right, bottom)
        for index, count in enumerate(columns):
            if count:
                height = max(1.5, count / found.most * _CHART_HEIGHT)
                x = left + index * width
                self.canvas.rectangle("column", x, bottom - height, max(1.5, min(width - 0.5, 12)), height)
        self.canvas.text("time", MARGIN, bottom + 14, _SMALL, name="soft")
        self.canvas.text("0 s", left, bottom + 14, _SMALL, name="soft")
        end = moment(found.end)
        self.canvas.text(end, right - text_width(end, _SMALL), bottom + 14, _SMALL, name="soft")
        self.height = bottom + 18

    def code(self, files: Sequence[SourceFile], facts: Sequence[Fact]) -> None:
        """The lines of the program, and beside them the state in which the run ended."""
        if not files and not facts:
            return
        top = self.height + 14
        x = MARGIN
        bottom = top
        for file in files:
            bottom = self._file(file, bottom)
        if files and self._code_right + 40 + _TABLE_WIDTH <= self.width:
            x = self._code_right + 40
        elif files:
            top = bottom
        self.height = max(bottom, self._table(facts, x, top))

    _code_right = MARGIN

    def _file(self, file: SourceFile, top: float) -> float:
        y = top + 12
        numbers, texts = MARGIN + 66, MARGIN + 100
        end = self.canvas.text(fitted(file.path, 400, 12, bold=True), MARGIN, y, 12, bold=True)
        y += 6
        right, room = max(end, texts), self.width - MARGIN - 8 - texts
        codes = [fitted(_code(line), room, SIZE, monospace=True) for line in file.lines]
        for code in codes:
            right = max(right, texts + text_width(code, SIZE, monospace=True))
        for line, code in zip(file.lines, codes, strict=True):
            if line.finding is Finding.BREAKS:
                self.canvas.rectangle("breaks-line", MARGIN, y + 1, right - MARGIN + 8, _LINE)
            y += _LINE
            self._line(line, code, y - 3, numbers, texts)
        self._code_right = max(self._code_right, right)
        return y + 10

    def _line(self, line: SourceLine, code: str, y: float, numbers: float, texts: float) -> None:
        if line.number and (line.finding is not Finding.UNREACHED or code.strip()):
            self.canvas.add(finding_mark(line.finding, MARGIN + 10, y - 4))
            self.classes.add(line.finding.value)
        if line.finding is not Finding.UNREACHED:
            self.canvas.text(f"{line.hazards:,} of {line.explored:,}", MARGIN + 24, y, _SMALL, name="soft")
        if line.number:
            width = text_width(str(line.number), _SMALL, monospace=True)
            self.canvas.text(str(line.number), numbers + 22 - width, y, _SMALL, name="soft", monospace=True)
        if code.strip():
            self.canvas.text(code, texts, y, SIZE, monospace=True)

    def _table(self, facts: Sequence[Fact], x: float, top: float) -> float:
        if not facts:
            return top
        y = top + 12
        self.canvas.text("in the end", x, y, 12, bold=True)
        y += 6
        names = [fitted(fact.name, 200, SIZE) for fact in facts]
        column = x + 16 + max(text_width(name, SIZE) for name in names) + 16
        room = max(_LEAST_VALUE_WIDTH, self.width - MARGIN - column)
        for fact, name in zip(facts, names, strict=True):
            y += _LINE
            if fact.value:
                self.canvas.text(name, x + 14, y, SIZE, name="soft")
                self.canvas.text(fitted(fact.value, room, SIZE), column, y, SIZE)
            else:
                self.canvas.text(name, x, y, SIZE)
        return y + 10


def panel(
    name: str, side: Side, sources: Mapping[str, str] | None, width: float, further: Sequence[Further] = ()
) -> Panel:
    """A side, drawn; without the lines of the program when there are no sources."""
    drawn = Panel(width)
    drawn.headline(name, side)
    for one in further:
        how = f"breaks in {one.hazards:,} of" if one.hazards else "holds in all of"
        said = f": {one.violation}" if one.violation else ""
        drawn.remark(f"with {one.fault} too, it {how} {counted(one.explored, 'schedule')}{said}")
    if side.drawn is not None:
        drawn.run(side.drawn)
        drawn.chart(side.drawn)
    drawn.code(strip(side, sources or {}), final_state(side.drawn.final) if side.drawn else [])
    drawn.height += 8
    return drawn


def _code(line: SourceLine) -> str:
    return "".join(character if character.isprintable() else " " for character in line.text.expandtabs(4)).rstrip()


def _draw_lanes(canvas: Canvas, places: Layout, right: float) -> None:
    for lane in places.lanes:
        canvas.line("lane", places.left - 12, lane.y, right, lane.y)
        canvas.text(lane.text, MARGIN, lane.y + 4, LANE_SIZE, name="soft")
    canvas.line("lane", places.left - 12, places.axis, right, places.axis)
    canvas.text("time", MARGIN, places.axis + 18, _SMALL, name="soft")
    for tick in places.ticks:
        canvas.line("leader", tick.x, places.axis - 3, tick.x, places.axis + 4)
        canvas.text(tick.text, tick.x - 3, places.axis + 18, _SMALL, name="soft")


def _draw_bars(canvas: Canvas, places: Layout) -> None:
    for one in places.marks:
        if one.origin != one.y:
            canvas.line("drop", one.x, one.origin, one.x, one.y)
        if one.row.event.kind == "node-down":
            for hit in places.bars:
                if hit.end == one.x + 4 and node(hit.execution.lane) == node(one.row.event.lane):
                    canvas.line("severed", one.x, one.y, one.x, hit.y)
    for execution in places.bars:
        canvas.add(bar(execution.execution.ending, execution.x, execution.end, execution.y, BAR_HEIGHT))
        for begin, end in execution.waits:
            canvas.rectangle("hatched", begin, execution.y - 7, max(0.0, end - begin - 4), 14)


def _mark(one: Mark) -> str:
    event = one.row.event
    name = shape(event)
    if not name:
        return ""
    title = f"{moment(event.time)}, {clean(event.lane)}: {clean(event.task)} {words(event)}"
    place = f" ({clean(event.place)})" if event.place else ""
    drawn = mark(name, one.x, one.y)
    if one.row.more and name != "ack":
        drawn = mark(name, one.x + 8, one.y) + mark(name, one.x + 4, one.y) + drawn
    return f"<g><title>{escape(title + place, quote=False)}</title>{drawn}</g>"


def _arrow(arrow: Arrow) -> str:
    name, head = ("waiting", "wait-head") if arrow.waiting else ("arrow", "arrow-head")
    half = BAR_HEIGHT / 2
    if arrow.y == arrow.end_y:
        path = f"M{arrow.x + 4:.1f} {arrow.y:.1f}L{arrow.end_x - 2:.1f} {arrow.end_y:.1f}"
    elif arrow.waiting:
        sign = -1 if arrow.end_y < arrow.y else 1
        path = (
            f"M{arrow.x:.1f} {arrow.y + sign * half:.1f}Q{arrow.x:.1f} {arrow.end_y:.1f} "
            f"{arrow.end_x + 8:.1f} {arrow.end_y:.1f}"
        )
    else:
        middle = (arrow.x + arrow.end_x) / 2
        path = (
            f"M{arrow.x + 4:.1f} {arrow.y:.1f}C{middle:.1f} {arrow.y:.1f} {middle:.1f} {arrow.end_y:.1f} "
            f"{arrow.end_x - 2:.1f} {arrow.end_y:.1f}"
        )
    return f'<path class="{name}" d="{path}" marker-end="url(#{head})"/>'
