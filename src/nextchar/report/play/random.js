// The uniform numbers of a text, to the bit those of numpy.random.default_rng(key).random(length):
// SeedSequence mixes the key, PCG64 (XSL-RR, O'Neill 2014) draws from it.

function seedWords(key) {
  // Whole numbers of any size as 32-bit words, the lowest first; zero is one word.
  const words = [];
  for (const number of key) {
    if (!(number >= 0)) throw new Error(`${number} is no key of draws: whole numbers from 0 are`);
    let rest = BigInt(number);
    do {
      words.push(Number(rest & 0xffffffffn));
      rest >>= 32n;
    } while (rest);
  }
  return words;
}

function hasher(start, multiplier) {
  let constant = start;
  return (value) => {
    const mixed = value ^ constant;
    constant = Math.imul(constant, multiplier);
    const product = Math.imul(mixed, constant);
    return product ^ (product >>> 16);
  };
}

function seedState(key, count) {
  // SeedSequence(key).generate_state(count): 32-bit words.
  const words = seedWords(key);
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const mix = (x, y) => {
    const mixed = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
    return mixed ^ (mixed >>> 16);
  };
  const pool = [0, 1, 2, 3].map((i) => hash(words[i] ?? 0));
  for (let from = 0; from < 4; from++) {
    for (let to = 0; to < 4; to++) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of words.slice(4)) {
    for (let to = 0; to < 4; to++) pool[to] = mix(pool[to], hash(word));
  }
  const draw = hasher(0x8b51f9dd, 0x58f38ded);
  return Array.from({ length: count }, (_, i) => draw(pool[i % 4]) >>> 0);
}

function uniforms(key, length) {
  // Float64Array [length] in [0, 1).
  const words = seedState(key, 8).map(BigInt);
  const wide = (i) => (words[i + 1] << 96n) | (words[i] << 64n) | (words[i + 3] << 32n) | words[i + 2];
  const multiplier = 0x2360ed051fc65da44385df649fccf645n;
  const increment = BigInt.asUintN(128, (wide(4) << 1n) | 1n);
  const step = (state) => BigInt.asUintN(128, state * multiplier + increment);
  let state = step(increment + wide(0));
  return Float64Array.from({ length }, () => {
    state = step(state);
    const folded = BigInt.asUintN(64, (state >> 64n) ^ state);
    const turn = state >> 122n;
    const rotated = BigInt.asUintN(64, (folded >> turn) | (folded << (64n - turn)));
    return Number(rotated >> 11n) / 2 ** 53;
  });
}

function textNoise(seed, prompt, sample, length) {
  // Those of one text of a run: the same for every sampler (decoding/engine.py).
  return uniforms([seed, prompt, sample, 1], length);
}
