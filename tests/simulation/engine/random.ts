/** Chance that a seed decides, so that it can be had again. */
export interface Random {
  /** From 0 (included) to 1 (excluded). */
  fraction(): number;
  /** A whole number, both ends included. */
  int(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** A time that is short as a rule, and now and then far longer. */
  delayMs(typicalMs: number): number;
  /** A UUID, version 4. */
  uuid(): string;
  /** Chance of its own for one purpose: drawing more of it changes nothing elsewhere. */
  fork(purpose: string): Random;
}

/** Sfc32: small, fast, and passes PractRand. */
export function createRandom(seed: string): Random {
  let [a, b, c, counter] = seedWords(seed);
  const next = (): number => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) next();
  const fraction = (): number => next() / 2 ** 32;
  const hex = (digits: number): string => next().toString(16).padStart(8, '0').slice(0, digits);
  const random: Random = {
    fraction,
    int: (least, most) => least + Math.floor(fraction() * (most - least + 1)),
    chance: (probability) => fraction() < probability,
    pick(items) {
      const item = items[Math.floor(fraction() * items.length)];
      if (item === undefined) throw new RangeError('nothing to pick from');
      return item;
    },
    delayMs(typicalMs) {
      const isLong = fraction() < 0.03;
      return typicalMs * (0.2 + 1.6 * fraction()) * (isLong ? 1 + 40 * fraction() : 1);
    },
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[next() & 3]}${hex(3)}-${hex(8)}${hex(4)}`,
    fork: (purpose) => createRandom(`${seed}/${purpose}`),
  };
  return random;
}

/** FNV-1a with four offsets. */
function seedWords(seed: string): [number, number, number, number] {
  const words = [0x811c9dc5, 0x1b873593, 0xcc9e2d51, 0x85ebca6b] as [number, number, number, number];
  for (let index = 0; index < seed.length; index++) {
    for (let word = 0; word < 4; word++) {
      words[word] = Math.imul((words[word] ?? 0) ^ (seed.charCodeAt(index) + word), 0x01000193);
    }
  }
  return words;
}
