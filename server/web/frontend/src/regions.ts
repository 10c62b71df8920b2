// A part of the page that the server renders anew: `data-live` is where from, `data-on` for which changes,
// `data-of` for which water point (any, where it is left out). Elements with `data-key` and an id are kept
// where nothing in them changed, so that focus, scrolling and opened details survive.

export interface Change {
  kind: string;
  water_point: string;
}

const PAUSE_MS = 500;
const PAUSE_TIMES_COST = 4; // a part that takes long to fetch is fetched more rarely

const busy = new WeakMap<HTMLElement, { again: boolean }>();
const received = new WeakMap<Element, string>();

export function regionsFor(changes: Change[]): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("[data-live]")].filter((region) =>
    changes.some((change) => concerns(region, change)),
  );
}

function concerns(region: HTMLElement, change: Change): boolean {
  const kinds = (region.dataset.on ?? "").split(" ");
  const of = region.dataset.of;
  return kinds.includes(change.kind) && (!of || of === change.water_point);
}

export async function refresh(region: HTMLElement): Promise<void> {
  const running = busy.get(region);
  if (running) {
    running.again = true;
    return;
  }
  const state = { again: false };
  busy.set(region, state);
  const begun = performance.now();
  try {
    const response = await fetch(region.dataset.live ?? "");
    if (response.ok) replace(region, await response.text());
  } catch {
    // The connection is away; the stream notices, and everything is fetched once it is back.
  }
  const cost = performance.now() - begun;
  await new Promise((done) => setTimeout(done, Math.max(PAUSE_MS, cost * PAUSE_TIMES_COST)));
  busy.delete(region);
  if (state.again) void refresh(region);
}

function replace(region: HTMLElement, html: string): void {
  const fresh = document.createElement("template");
  fresh.innerHTML = html;
  const focused = region.contains(document.activeElement) ? pathOf(document.activeElement, region) : null;
  keepWhatIsTheSame(region, fresh.content);
  region.replaceChildren(fresh.content);
  if (focused) region.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
  for (const list of region.querySelectorAll("[data-newest-last]")) list.scrollTop = list.scrollHeight;
  announce(region);
  document.dispatchEvent(new CustomEvent("tskaro:refreshed", { detail: region }));
}

function keepWhatIsTheSame(region: HTMLElement, fresh: DocumentFragment): void {
  for (const piece of fresh.querySelectorAll("[data-key]")) {
    const old = region.querySelector(`#${CSS.escape(piece.id)}`);
    const source = withoutAges(piece);
    if (old && received.get(old) === source) piece.replaceWith(old);
    else {
      received.set(piece, source);
      if (old) {
        if (stateOf(old) !== stateOf(piece)) piece.classList.add("is-new");
        keepOpened(old, piece);
      }
    }
  }
}

function stateOf(piece: Element): string | null {
  return piece.getAttribute("data-state");
}

function keepOpened(old: Element, piece: Element): void {
  const before = old.querySelectorAll("details");
  piece.querySelectorAll("details").forEach((details, at) => {
    const was = before[at];
    if (was) details.open = was.open;
  });
}

function withoutAges(piece: Element): string {
  const copy = piece.cloneNode(true) as Element;
  for (const age of copy.querySelectorAll("time.age")) age.textContent = "";
  return copy.outerHTML;
}

function pathOf(element: Element | null, region: Element): string | null {
  if (!element || element === region) return null;
  if (element.id) return `#${CSS.escape(element.id)}`;
  const href = element.getAttribute("href");
  return href ? `${element.tagName.toLowerCase()}[href="${CSS.escape(href)}"]` : null;
}

function announce(region: HTMLElement): void {
  const said = region.querySelector<HTMLElement>("[data-say]")?.dataset.say;
  const voice = document.querySelector("[data-announce]");
  if (said && voice && voice.textContent !== said) voice.textContent = said;
}
