import { staying } from "./staying.ts";

/**
 * Makes an element what a fresh one is, and touches only what differs: what is focused, selected or unfolded stays so.
 * Children that have an id are found again by it, the others by their place among those of their kind.
 */
export function morph(old: Element, fresh: Element): void {
  if (old.isEqualNode(fresh)) return;
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !isViewers(old, name)) old.setAttribute(name, value);
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !isViewers(old, name)) old.removeAttribute(name);
  }
  const rest = Map.groupBy(old.childNodes, keyOf);
  const wanted = [...fresh.childNodes].map((child) => {
    const known = rest.get(keyOf(child))?.shift();
    if (known === undefined) return document.importNode(child, true);
    if (known instanceof Element) morph(known, child as Element);
    else if (known.nodeValue !== child.nodeValue) known.nodeValue = child.nodeValue;
    return known;
  });
  for (const gone of [...rest.values()].flat()) gone.remove();
  arrange(old, wanted);
}

/** What somebody has unfolded or folded is theirs to decide. */
function isViewers(element: Element, attribute: string): boolean {
  return attribute === "open" && element instanceof HTMLDetailsElement;
}

function keyOf(node: Node): string {
  // Not by the property: in a form that has a field of the name `id` it is the field.
  return `${node.nodeName} ${node instanceof Element ? (node.getAttribute("id") ?? "") : ""}`;
}

/**
 * Brings the children of an element in order by moving as few as possible, and never the one that has the focus, which
 * would lose it.
 * @param wanted in their order: those that are there, all of them, and new ones
 */
export function arrange(parent: Element, wanted: readonly Node[]): void {
  const places = new Map([...parent.childNodes].map((child, i) => [child as Node, i]));
  const stays = staying(
    wanted.map((node) => places.get(node)),
    wanted.findIndex((node) => node.contains(document.activeElement)),
  );
  let next: Node | null = null;
  for (let i = wanted.length - 1; i >= 0; i--) {
    const node = wanted[i] as Node;
    if (!stays.has(i)) parent.insertBefore(node, next);
    next = node;
  }
}
