/**
 * Which of a list can stay where they are: as many as possible whose places rise.
 * @param places where each is now; undefined of what is new
 * @param fixed the one that has to stay; -1 for none
 */
export function staying(places: readonly (number | undefined)[], fixed: number): Set<number> {
  const pinned = places[fixed];
  const before: (number | undefined)[] = [];
  /** Of each length the chain that ends lowest, by its last member. */
  const ends: number[] = [];
  for (const [i, place] of places.entries()) {
    if (place === undefined) continue;
    if (pinned !== undefined && i !== fixed && i < fixed !== place < pinned) continue;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[ends[middle] as number] as number) < place) low = middle + 1;
      else high = middle;
    }
    before[i] = ends[low - 1];
    ends[low] = i;
  }
  const stays = new Set<number>();
  for (let at = ends.at(-1); at !== undefined; at = before[at]) stays.add(at);
  return stays;
}
