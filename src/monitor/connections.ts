/** So many connections at once, and no more: who comes later waits for a while, in order. */
export class Connections {
  #free: number;
  readonly #waiting = new Set<(isTaken: boolean) => void>();

  constructor(most: number) {
    this.#free = most;
  }

  /** How many wait. */
  get awaited(): number {
    return this.#waiting.size;
  }

  /** Takes a connection, which is to be given back; returns whether there was one within the time. */
  async take(withinMs: number): Promise<boolean> {
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#waiting.add(resolve);
    const timer = setTimeout(() => {
      this.#waiting.delete(resolve);
      resolve(false);
    }, withinMs);
    const isTaken = await promise;
    clearTimeout(timer);
    return isTaken;
  }

  /** Gives a connection back, to the one that has waited longest. */
  giveBack(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next(true);
  }
}
