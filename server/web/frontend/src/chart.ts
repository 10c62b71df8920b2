// Charts of a water point: the mean as a line, lowest to highest as a band, the limit dashed, readings in doubt
// marked at the foot. The picture and the table that the server drew stay for those who have no script.

import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import { now } from "./ages";
import type { Change } from "./regions";
import { clock, day, number, tick } from "./writing";

interface Answer {
  limit: { low: number | null; high: number | null } | null;
  at_ms: number[];
  low: (number | null)[];
  mean: (number | null)[];
  high: (number | null)[];
  flag: number[];
}

const HEIGHT = 220;
const FEWEST_MS = 4000; // between two fetches of one chart
const LONGEST_STEP = 3; // usual distances between points; a longer one is a gap
const GOOD = 1;
const DAY_MS = 86_400_000;

class Chart {
  private plot: uPlot | null = null;
  private answer: Answer | null = null;
  private fetched = -Infinity;
  private isWaiting = false;

  constructor(private readonly figure: HTMLElement, private readonly place: HTMLElement) {
    new ResizeObserver(() => this.plot?.setSize({ width: this.width(), height: HEIGHT })).observe(place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(true));
  }

  concerns(change: Change): boolean {
    return change.kind === "readings" && ["*", this.figure.dataset.of].includes(change.water_point);
  }

  soon(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    setTimeout(() => void this.load(), Math.max(0, this.fetched + FEWEST_MS - performance.now()));
  }

  async load(): Promise<void> {
    this.isWaiting = false;
    this.fetched = performance.now();
    const until = now();
    const since = until - Number(this.figure.dataset.spanMs);
    const asked = new URL(this.figure.dataset.url ?? "", location.href);
    asked.search = new URLSearchParams({
      parameter: this.figure.dataset.chart ?? "",
      since: new Date(since).toISOString(),
      until: new Date(until).toISOString(),
      pixels: String(Math.max(50, Math.round(this.width() / 2))),
    }).toString();
    try {
      const response = await fetch(asked);
      if (!response.ok) return;
      this.answer = (await response.json()) as Answer;
      this.draw(false);
    } catch {
      // The connection is away; the next change fetches again.
    }
  }

  private draw(isAnew: boolean): void {
    if (!this.answer || !this.answer.at_ms.length) return;
    const data = inStep(this.answer);
    if (this.plot && !isAnew) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.place.replaceChildren();
    this.plot = new uPlot(this.options(this.answer), data, this.place);
  }

  private width(): number {
    return Math.max(200, this.place.clientWidth);
  }

  private options(answer: Answer): uPlot.Options {
    const said = this.figure.dataset;
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const decimals = Number(said.decimals ?? 1);
    const value = (_: uPlot, shown: number | null) => (shown === null ? "–" : number(shown, decimals));
    const axis: uPlot.Axis = { stroke: colour("--soft"), grid: { stroke: colour("--plot-grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const longSpan = Number(said.spanMs) > 2 * DAY_MS;
    const bounds = [answer.limit?.low, answer.limit?.high].filter((bound): bound is number => typeof bound === "number");
    const quiet: Partial<uPlot.Series> = { width: 0, points: { show: false }, spanGaps: false };
    return {
      width: this.width(),
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), "Asia/Tbilisi"),
      cursor: { drag: { x: false, y: false } },
      legend: { live: true, markers: { show: false } },
      scales: { x: { time: true }, y: { range: (_, low, high) => span(low, high, bounds) } },
      axes: [
        { ...axis, space: 60, size: 28, values: (_, ticks) => ticks.map((at) => (longSpan || isMidnight(at) ? day : clock)(at * 1000)) },
        { ...axis, size: 52, values: (_, ticks) => ticks.map(tick) },
      ],
      series: [
        { label: said.textTime, value: (_, at) => (at === null ? "–" : `${day(at * 1000)}, ${clock(at * 1000)}`) },
        { ...quiet, label: said.textLow, stroke: colour("--plot"), value },
        { label: said.textMean, stroke: colour("--plot"), width: 1.75, points: { show: false }, spanGaps: false, value },
        { ...quiet, label: said.textHigh, stroke: colour("--plot"), value },
      ],
      bands: [{ series: [3, 1], fill: colour("--band") }],
      hooks: { setData: [newest], setCursor: [newest], draw: [(plot) => limits(plot, bounds, colour("--plot-limit")), (plot) => doubts(plot, this.answer, colour("--suspect"))] },
    };
  }
}

// While nobody points at the chart, its legend tells of the newest point.
function newest(plot: uPlot): void {
  if (plot.cursor.idx === null || plot.cursor.idx === undefined) plot.setLegend({ idx: plot.data[0].length - 1 });
}

function inStep(answer: Answer): uPlot.AlignedData {
  const steps = answer.at_ms.slice(1).map((at, before) => at - (answer.at_ms[before] ?? at)).sort((a, b) => a - b);
  const longest = LONGEST_STEP * (steps[Math.floor(steps.length / 2)] ?? Infinity);
  const columns: [number[], (number | null)[], (number | null)[], (number | null)[]] = [[], [], [], []];
  answer.at_ms.forEach((at, index) => {
    const before = answer.at_ms[index - 1];
    if (before !== undefined && at - before > longest) {
      columns[0].push((before + 1) / 1000);
      for (const column of columns.slice(1)) column.push(null as never);
    }
    columns[0].push(at / 1000);
    columns[1].push(answer.low[index] ?? null);
    columns[2].push(answer.mean[index] ?? null);
    columns[3].push(answer.high[index] ?? null);
  });
  return columns;
}

function span(low: number | null, high: number | null, bounds: number[]): [number, number] {
  const numbers = [low, high, ...bounds].filter((one): one is number => one !== null && Number.isFinite(one));
  const [bottom, top] = numbers.length ? [Math.min(...numbers), Math.max(...numbers)] : [0, 1];
  const room = (top - bottom || 1) * 0.08;
  return [bottom >= 0 && bottom - room < 0 ? 0 : bottom - room, top + room];
}

function isMidnight(at: number): boolean {
  return clock(at * 1000) === "00:00";
}

function limits(plot: uPlot, bounds: number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
  for (const bound of bounds) {
    const y = plot.valToPos(bound, "y", true);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.restore();
}

function doubts(plot: uPlot, answer: Answer | null, colour: string): void {
  if (!answer) return;
  const { ctx, bbox } = plot;
  const size = 3 * devicePixelRatio;
  ctx.save();
  ctx.fillStyle = colour;
  answer.flag.forEach((flag, index) => {
    const at = answer.at_ms[index];
    if (flag === GOOD || at === undefined) return;
    const x = plot.valToPos(at / 1000, "x", true);
    ctx.fillRect(x - size / 2, bbox.top + bbox.height - 2 * size, size, 2 * size);
  });
  ctx.restore();
}

const charts: Chart[] = [];
for (const figure of document.querySelectorAll<HTMLElement>("[data-chart]")) {
  const place = figure.querySelector<HTMLElement>(".plot");
  if (!place) continue;
  const chart = new Chart(figure, place);
  charts.push(chart);
  void chart.load();
}
document.addEventListener("tskaro:changed", (event) => {
  const changes = (event as CustomEvent<Change[]>).detail;
  for (const chart of charts) if (changes.some((change) => chart.concerns(change))) chart.soon();
});
