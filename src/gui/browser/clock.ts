import { agoText, dueText, type Promised, SIGNS, type State, stateOf, usedUp } from "../deadline.ts";
import { find, findAll } from "./page.ts";

/** How far the server's clock is ahead of this one, in milliseconds: deadlines are the server's. */
let aheadMs = Number(document.body.dataset.now) - Date.now();

/** Now by the server's clock, in seconds since the epoch. */
export function now(): number {
  return (Date.now() + aheadMs) / 1_000;
}

/** Sets the clock by what an answer says. */
export function setClock(serverMs: number): void {
  aheadMs = serverMs - Date.now();
}

const format = new Intl.DateTimeFormat("en-CA", {
  dateStyle: "short",
  timeStyle: "medium",
  hourCycle: "h23",
});

/** Shows times as the viewer's clocks do, and goes on counting. */
export function showTimes(): void {
  const { timeZone } = format.resolvedOptions();
  for (const element of findAll("[data-zone]")) element.textContent = timeZone;
  for (const field of findAll<HTMLInputElement>("[data-zone-field]")) adoptZone(field, timeZone);
  localize(document);
  tick();
  setInterval(tick, 1_000);
}

/** The dates of a form are the viewer's, and so is what is filled in. */
function adoptZone(field: HTMLInputElement, timeZone: string): void {
  for (const input of findAll<HTMLInputElement>("input[data-date]", field.form ?? document)) {
    input.value = textOf(input.dataset.date).replace(" ", "T");
  }
  field.value = timeZone;
}

/** A date as the viewer's clocks show it, as the server writes dates, too. */
function textOf(date = ""): string {
  return format.format(Date.parse(date)).replace(",", "");
}

const WRITTEN_DATE = /\d{4,}-\d\d-\d\d \d\d:\d\d(:\d\d)?/;

/** Turns dates into the viewer's zone. */
export function localize(within: ParentNode): void {
  for (const time of findAll<HTMLTimeElement>("time", within)) {
    const text = textOf(time.dateTime);
    if (time.dataset.ago === undefined) time.textContent = text;
    else time.title = text;
  }
  for (const element of within.querySelectorAll<HTMLElement | SVGElement>("[data-date]:not(input)")) {
    const date = textOf(element.dataset.date);
    const inZone = (text: string) => text.replace(WRITTEN_DATE, (written) => date.slice(0, written.length));
    for (const name of ["title", "aria-label"]) {
      const text = element.getAttribute(name);
      if (text !== null) element.setAttribute(name, inZone(text));
    }
    if (element.childElementCount === 0) element.textContent = inZone(element.textContent ?? "");
  }
}

/** What is on screen; only that is counted. */
const seen = new Set<Element>();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) seen.delete(target);
    else {
      seen.add(target);
      tickService(target as HTMLElement, now());
    }
  }
});

/** The services on screen. */
export function onScreen(): HTMLElement[] {
  return [...seen].filter((element) => element.isConnected) as HTMLElement[];
}

/** Counts down a service from now on, while it is on screen. */
export function watch(service: HTMLElement): void {
  observer.observe(service);
}

/** What the attributes of a service's element say. */
export function promiseOf({ dataset }: HTMLElement): Promised & { service: string } {
  const { service = "", status, last, nextIn, grace, asOf } = dataset;
  return {
    service,
    status: status as Promised["status"],
    last: Number(last),
    nextIn: Number(nextIn),
    grace: Number(grace),
    asOf: Number(asOf),
  };
}

/** Makes what the server has rendered what it would be here and now, so that only news differ from what is shown. */
export function refresh(within: ParentNode): void {
  localize(within);
  const at = now();
  for (const service of findAll(".service", within)) tickService(service, at);
  tickTimes(within, at);
}

function tick(): void {
  if (document.hidden) return;
  const at = now();
  for (const service of onScreen()) tickService(service, at);
  tickTimes(document, at);
}

function tickTimes(within: ParentNode, at: number): void {
  // Those of services are counted with them.
  for (const time of findAll<HTMLTimeElement>("time[data-ago]:not(.last *)", within)) {
    setText(time, agoText(Date.parse(time.dateTime) / 1_000, at));
  }
}

function tickService(element: HTMLElement, at: number): void {
  const service = promiseOf(element);
  const time = find<HTMLTimeElement>(".last time", element);
  if (time) setText(time, agoText(service.last, at));
  const due = find(".due-text", element);
  if (due) setText(due, dueText(service, at));
  const bar = find<HTMLProgressElement>("progress", element);
  if (bar) bar.value = usedUp(service, at);
  showState(element, stateOf(service, at));
}

function showState(element: HTMLElement, state: State): void {
  if (element.classList.contains(state)) return;
  element.classList.remove("dead", "late", "alive", "cancelled");
  element.classList.add(state);
  const label = find(".state", element);
  if (!label) return;
  label.className = `state ${state}`;
  setText(find(".sign", label), SIGNS[state]);
  setText(find(".word", label), state);
}

/** Leaves alone what is right already, so that a selection stays. */
function setText(element: HTMLElement | null, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}
