// The map of water points. It reads what the list shows, so it needs no data of its own and is live with the list.
// Without tiles it draws a plain grid of degrees: places keep their distances, and no other host is asked.

import "leaflet/dist/leaflet.css";
import * as L from "leaflet";

const STEPS = [0.05, 0.1, 0.25, 0.5, 1]; // degrees between the lines of the grid
const SPACE = 90; // pixels, at least
const MARGIN = 60; // pixels that a label takes
const ORDER = ["normal", "suspect", "pending", "recovering", "unknown", "silent", "firing"];

const CROWDED = 60; // signs; of more, only the one that is pointed at is named

interface Place {
  id: string;
  name: string;
  said: string;
  state: string;
  at: L.LatLngTuple;
}

function places(list: ParentNode): Place[] {
  const written = list.querySelector("[data-map]")?.textContent ?? "[]";
  const rows = JSON.parse(written) as [string, string, string, number, number][];
  return rows.map(([id, name, state, lat, lon]) => ({
    id, name, state, said: document.querySelector(`.legend .state-${state}`)?.textContent ?? state, at: [lat, lon],
  }));
}

function sign(place: Place): L.DivIcon {
  const pin = document.createElement("span");
  pin.className = `pin pin-${place.state}`;
  const symbol = document.querySelector(`.legend .state-${place.state} svg`)?.cloneNode(true);
  if (symbol) pin.append(symbol);
  const name = document.createElement("b");
  name.textContent = place.name;
  pin.append(name);
  return L.divIcon({ html: pin, className: "pin-box", iconSize: undefined, iconAnchor: [13, 13] });
}

function draw(map: L.Map, layer: L.LayerGroup, list: ParentNode): void {
  const seen = places(list);
  const key = seen.map((place) => `${place.id}=${place.state}`).join();
  if ((layer as { key?: string }).key === key) return;
  (layer as { key?: string }).key = key;
  layer.clearLayers();
  for (const place of seen) {
    L.marker(place.at, {
      icon: sign(place),
      title: `${place.name}: ${place.said}`,
      alt: `${place.name}: ${place.said}`,
      zIndexOffset: ORDER.indexOf(place.state) * 1000,
    })
      .on("click", () => open(place))
      .on("keypress", (event) => {
        if ((event as L.LeafletKeyboardEvent).originalEvent.key === "Enter") open(place);
      })
      .addTo(layer);
  }
  label(map);
}

function open(place: Place): void {
  location.assign(`/${document.documentElement.lang}/water-points/${encodeURIComponent(place.id)}`);
}

// A name stands to the right of its sign, or to the left, below or above: wherever it hides no other sign or name.
// The most urgent choose first. Where no side is free, the name shows only when it is pointed at: a sign is never hidden.
function label(map: L.Map): void {
  const frame = map.getContainer().getBoundingClientRect();
  const pins = [...(map.getPane("markerPane")?.querySelectorAll<HTMLElement>(".pin") ?? [])];
  map.getContainer().classList.toggle("is-crowded", pins.length > CROWDED);
  if (pins.length > CROWDED) return;
  pins.sort((one, other) => urgency(other) - urgency(one));
  const taken = pins.map((pin) => (pin.firstElementChild ?? pin).getBoundingClientRect());
  pins.forEach((pin, index) => {
    const name = pin.querySelector<HTMLElement>("b");
    const own = taken[index];
    if (!name || !own) return;
    const others = taken.filter((_, at) => at !== index);
    for (const side of ["right", "left", "below", "above", "none"]) {
      pin.dataset.side = side;
      if (side === "none") return;
      const box = name.getBoundingClientRect();
      const isInside = box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;
      if (isInside && !others.some((other) => overlap(box, other))) break;
    }
    taken.push(name.getBoundingClientRect());
  });
}

function urgency(pin: HTMLElement): number {
  return ORDER.findIndex((state) => pin.classList.contains(`pin-${state}`));
}

function overlap(one: DOMRect, other: DOMRect): boolean {
  return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
}

function grid(map: L.Map): void {
  const lines = L.layerGroup().addTo(map);
  const style: L.PolylineOptions = { color: "currentColor", weight: 1, opacity: 0.18, interactive: false };
  const written = (text: string, at: L.LatLngTuple, anchor: [number, number]) =>
    L.marker(at, {
      interactive: false,
      keyboard: false,
      icon: L.divIcon({ html: text, className: "degree", iconSize: undefined, iconAnchor: anchor }),
    }).addTo(lines);
  const draw = () => {
    lines.clearLayers();
    const seen = map.getBounds();
    const [south, north, west, east] = [seen.getSouth(), seen.getNorth(), seen.getWest(), seen.getEast()];
    const perDegree = map.getSize().x / (east - west);
    const step = STEPS.find((one) => one * perDegree >= SPACE) ?? 2;
    for (let lat = Math.ceil(south / step) * step; lat < north; lat += step) {
      L.polyline([[lat, west], [lat, east]], style).addTo(lines);
      written(`${degrees(lat)} N`, [lat, east], [52, -3]);
    }
    for (let lon = Math.ceil(west / step) * step; lon < east; lon += step) {
      L.polyline([[south, lon], [north, lon]], style).addTo(lines);
      if ((east - lon) * perDegree > MARGIN) written(`${degrees(lon)} E`, [south, lon], [-4, 16]);
    }
  };
  map.on("moveend", draw);
  draw();
}

function degrees(value: number): string {
  return `${Number(value.toFixed(2))}°`;
}

function start(place: HTMLElement): void {
  const list = document.querySelector("[data-points]");
  if (!list) return;
  const map = L.map(place, { zoomControl: false, attributionControl: Boolean(place.dataset.tiles), scrollWheelZoom: false, zoomSnap: 0.25 });
  L.control.zoom({ zoomInTitle: place.dataset.zoomIn, zoomOutTitle: place.dataset.zoomOut }).addTo(map);
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", place.dataset.label ?? "");
  const all = places(list);
  const around = L.latLngBounds(all.length ? all.map((one) => one.at) : [[41.2, 43.8], [41.8, 45.2]]);
  map.fitBounds(around, { maxZoom: 12, paddingTopLeft: [55, 40], paddingBottomRight: [95, 45] });
  if (place.dataset.tiles) L.tileLayer(place.dataset.tiles).addTo(map);
  else grid(map);
  const layer = L.layerGroup().addTo(map);
  draw(map, layer, list);
  map.on("zoomend", () => label(map));
  document.addEventListener("tskaro:refreshed", () => draw(map, layer, list));
}

const place = document.getElementById("map");
if (place) start(place);
