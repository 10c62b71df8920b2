// How the reader's language writes ages, numbers and dates. The server says it, for browsers often lack Georgian.

interface Writing {
  decimal: string;
  months: string[];
  plural: string;
  ages: Record<string, string[]>;
}

const UNITS: [string, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const PLURAL_PERIOD = 100;
const writing = JSON.parse(document.body.dataset.writing ?? "{}") as Writing;
const parts = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "Asia/Tbilisi",
});

export function age(seconds: number): string {
  for (const [unit, size] of UNITS) {
    if (seconds < size) continue;
    const count = Math.floor(seconds / size);
    const form = Number(writing.plural[count % PLURAL_PERIOD]);
    return (writing.ages[unit]?.[form] ?? "").replace("{}", String(count));
  }
  return document.body.dataset.textNow ?? "";
}

export function number(value: number, decimals: number): string {
  return value.toFixed(decimals).replace(".", writing.decimal);
}

// A number on an axis, with no more decimals than it has.
export function tick(value: number): string {
  return String(Number(value.toPrecision(6))).replace(".", writing.decimal);
}

export function clock(atMs: number): string {
  const { hour, minute } = at(atMs);
  return `${hour}:${minute}`;
}

export function day(atMs: number): string {
  const { day, month } = at(atMs);
  return `${day} ${writing.months[Number(month) - 1]}`;
}

function at(atMs: number): Record<string, string> {
  return Object.fromEntries(parts.formatToParts(atMs).map(({ type, value }) => [type, value]));
}
