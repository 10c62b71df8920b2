// What every page does: ages that tick, and parts that are fetched anew when something changed.
// The stream only says what changed; the server renders. Whatever was missed (before the first connection, or
// while it was broken) is made good by fetching every part once.

import { setServerTime, startAges } from "./ages";
import { refresh, regionsFor, type Change } from "./regions";

const RETRY_MS = 3000;
const sign = document.querySelector<HTMLElement>("[data-connection]");
let published = Number(document.body.dataset.published);
let source: EventSource;

function listen(url: string): void {
  source = new EventSource(url);
  source.addEventListener("hello", (event) => {
    const hello = JSON.parse(event.data) as { now_ms: number; published: number };
    setServerTime(hello.now_ms);
    show(true);
    if (hello.published !== published) refreshAll();
    published = NaN; // from the second connection on, everything is fetched
  });
  source.addEventListener("changed", (event) => {
    const { now_ms, changes } = JSON.parse(event.data) as { now_ms: number; changes: Change[] };
    setServerTime(now_ms);
    for (const region of regionsFor(changes)) void refresh(region);
    tell(changes);
  });
  source.addEventListener("error", () => {
    show(false);
    // The browser tries again by itself, unless the server's answer made it give up.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => listen(url), RETRY_MS);
  });
}

function refreshAll(): void {
  for (const region of document.querySelectorAll<HTMLElement>("[data-live]")) void refresh(region);
  tell([{ kind: "readings", water_point: "*" }]);
}

function tell(changes: Change[]): void {
  document.dispatchEvent(new CustomEvent<Change[]>("tskaro:changed", { detail: changes }));
}

function show(isLive: boolean): void {
  if (!sign) return;
  sign.hidden = false;
  sign.classList.toggle("is-lost", !isLive);
  sign.textContent = (isLive ? sign.dataset.textLive : sign.dataset.textLost) ?? "";
}

startAges();
for (const messages of document.querySelectorAll("[data-newest-last]")) messages.scrollTop = messages.scrollHeight;
const url = document.body.dataset.liveUrl;
if (url) {
  listen(url);
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}
