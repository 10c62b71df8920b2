// Ages tick without asking the server. The time of the water may run faster than the clock on the wall (demo).

import { age } from "./writing";

const factor = Number(document.body.dataset.timeFactor ?? 1);
let server = { nowMs: Number(document.body.dataset.nowMs), at: performance.now() };

export function setServerTime(nowMs: number): void {
  server = { nowMs, at: performance.now() };
}

export function now(): number {
  return server.nowMs + (performance.now() - server.at) * factor;
}

export function startAges(): void {
  tick();
  setInterval(tick, 1000);
}

function tick(): void {
  for (const shown of document.querySelectorAll<HTMLTimeElement>("time.age")) {
    const text = age(Math.max(0, Math.floor((now() - Number(shown.dataset.ms)) / 1000)));
    if (shown.textContent !== text) shown.textContent = text;
  }
}
