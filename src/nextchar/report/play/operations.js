// What samplers have in common, on arrays [V] of float64 logits or probabilities.

function checked(logits) {
  const row = Float64Array.from(logits);
  if (!row.length || row.some(Number.isNaN)) throw new Error("logits hold NaN, or are none");
  const best = largest(row);
  if (best === Infinity) throw new Error("logits hold +inf, which has no softmax");
  if (best === -Infinity) throw new Error("logits are -inf throughout: there is nothing to choose");
  return row;
}

function largest(logits) {
  return logits.reduce((best, each) => Math.max(best, each), -Infinity);
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

function softmax(logits) {
  const best = largest(logits);
  const powers = logits.map((each) => Math.exp(each - best));
  const total = sum(powers);
  return powers.map((each) => each / total);
}

function logSoftmax(logits) {
  const best = largest(logits);
  const total = Math.log(sum(logits.map((each) => Math.exp(each - best))));
  return logits.map((each) => each - best - total);
}

function entropyTerms(probabilities) {
  return probabilities.map((p) => (p > 0 ? -p * Math.log(p) : 0));
}

function entropy(logits) {
  // -sum p ln p of the softmax, in nats.
  return sum(entropyTerms(softmax(logits)));
}

function bitsOf(probability) {
  return -Math.log2(probability);
}

function descending(logits) {
  // Ids from the largest logit on; of equal logits the lower id comes first (-inf - -inf is NaN).
  return Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
}

function where(logits, keeps) {
  // -inf for the ids that are not kept.
  return logits.map((each, id) => (keeps(id) ? each : -Infinity));
}

function keepOf(logits, ids) {
  const kept = new Set(ids);
  return where(logits, (id) => kept.has(id));
}

function keepMass(logits, order, probabilities, mass) {
  // Ids, along `order`, before which others hold less than the mass; `probabilities` by id.
  let before = 0;
  const kept = order.filter((id) => {
    const keep = before < mass;
    before += probabilities[id];
    return keep;
  });
  return keepOf(logits, kept);
}

function atLeast(logits, passes) {
  // What passes; the largest logits always stay.
  const best = largest(logits);
  return where(logits, (id) => passes(id) || logits[id] === best);
}

function draw(probabilities, noise) {
  // The first id whose cumulative probability exceeds noise in [0, 1).
  const target = noise * sum(probabilities);
  let cumulative = 0;
  let last = 0;
  for (let id = 0; id < probabilities.length; id++) {
    if (!probabilities[id]) continue;
    cumulative += probabilities[id];
    last = id;
    if (cumulative > target) return id;
  }
  return last;
}
