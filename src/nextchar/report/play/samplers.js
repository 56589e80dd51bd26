// The samplers of nextchar.samplers, under the same names, with the same conventions about ties and
// edges. Each maps float64 logits [V] and its parameters to logits, -inf where it cuts.

const HUGE = 1e9;
const within = (least, most) => ({ least, most, whole: false });
const wholeFrom = (least) => ({ least, most: HUGE, whole: true });
const above = Number.MIN_VALUE;
const below = 1 - 2 ** -53;

function greedy(logits) {
  const best = logits.indexOf(largest(logits));
  return where(logits, (id) => id === best);
}

function tempered(logits, temperature) {
  if (temperature === 0) return greedy(logits);
  const best = largest(logits);
  return logits.map((each) => (each - best) / temperature);
}

function dynamicallyTempered(logits, { temperature, range, exponent }) {
  const low = Math.max(0, temperature - range);
  const most = Math.log(logits.filter((each) => each > -Infinity).length);
  const share = Math.min(1, entropy(logits) / Math.max(most, 2 ** -1022));
  const own = low + (temperature + range - low) * share ** exponent;
  if (!(own > 0)) return greedy(logits);
  const best = largest(logits);
  return logits.map((each) => (each - best) / own);
}

function typical(logits, mass) {
  if (mass === 1) return logits;
  const expected = entropy(logits);
  const log = logSoftmax(logits);
  const far = log.map((each) => Math.abs(-each - expected));
  const order = descending(logits).sort((a, b) => far[a] - far[b]);
  return keepMass(logits, order, log.map(Math.exp), mass);
}

function topNSigma(logits, n) {
  const best = largest(logits);
  const distances = logits.filter((each) => each > -Infinity).map((each) => best - each);
  const mean = sum(distances) / distances.length;
  const sigma = Math.sqrt(sum(distances.map((each) => (each - mean) ** 2)) / distances.length);
  const bound = n === Infinity ? Infinity : sigma * n;
  return atLeast(logits, (id) => logits[id] > -Infinity && best - logits[id] <= bound);
}

function topH(logits, { alpha, partial }) {
  if (alpha === 1) return logits;
  const order = descending(logits);
  const probabilities = softmax(logits);
  const terms = entropyTerms(probabilities);
  const bound = alpha * sum(order.map((id) => terms[id]));
  let total = 0;
  let mass = 0;
  const end = order.findIndex((id, rank) => {
    total += terms[id];
    mass += probabilities[id];
    const joint = partial ? total : total / mass + Math.log(mass);
    return rank > 0 && !(joint <= bound);
  });
  return keepOf(logits, end < 0 ? order : order.slice(0, end));
}

function withoutTopChoices(logits, threshold) {
  const order = descending(logits);
  const probabilities = softmax(logits);
  const chosen = (id) => id !== undefined && probabilities[id] >= threshold;
  return keepOf(logits, order.filter((id, rank) => !(chosen(id) && chosen(order[rank + 1]))));
}

function eta(logits, epsilon) {
  const bound = Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-entropy(logits)));
  const probabilities = softmax(logits);
  return atLeast(logits, (id) => probabilities[id] >= bound);
}

function epsilonCut(logits, epsilon) {
  const probabilities = softmax(logits);
  return atLeast(logits, (id) => probabilities[id] >= epsilon);
}

function minP(logits, share) {
  const best = largest(logits);
  return atLeast(logits, (id) => Math.exp(logits[id] - best) >= share);
}

function nucleus(logits, p) {
  return p === 1 ? logits : keepMass(logits, descending(logits), softmax(logits), p);
}

// A parameter is [name, its bounds, its default]; without a default it must be given.
const SAMPLERS = {
  greedy: { parameters: [], warp: greedy },
  temperature: {
    parameters: [["temperature", within(0, Number.MAX_VALUE), 1]],
    warp: (logits, own) => tempered(logits, own.temperature),
  },
  top_k: {
    parameters: [["k", wholeFrom(1)]],
    warp: (logits, own) => keepOf(logits, descending(logits).slice(0, own.k)),
  },
  top_p: { parameters: [["p", within(above, 1)]], warp: (logits, own) => nucleus(logits, own.p) },
  min_p: { parameters: [["min_p", within(0, 1)]], warp: (logits, own) => minP(logits, own.min_p) },
  typical: {
    parameters: [["mass", within(above, 1)]],
    warp: (logits, own) => typical(logits, own.mass),
  },
  epsilon: {
    parameters: [["epsilon", within(0, below)]],
    warp: (logits, own) => epsilonCut(logits, own.epsilon),
  },
  eta: { parameters: [["epsilon", within(0, below)]], warp: (logits, own) => eta(logits, own.epsilon) },
  top_n_sigma: {
    parameters: [["n", within(0, Infinity)]],
    warp: (logits, own) => topNSigma(logits, own.n),
  },
  top_h: { parameters: [["alpha", within(above, 1)], ["partial", null, false]], warp: topH },
  dynamic_temperature: {
    parameters: [
      ["temperature", within(0, HUGE)],
      ["range", within(0, HUGE), 0.5],
      ["exponent", within(above, HUGE), 1],
    ],
    warp: dynamicallyTempered,
  },
  xtc: {
    parameters: [["threshold", within(above, 0.5)], ["probability", within(0, 1), 0.5]],
    warp: (logits, own) => withoutTopChoices(logits, own.threshold),
    // A coin decides whether it cuts: the distribution is the mixture of both.
    mixed: (own) => own.probability,
  },
};
