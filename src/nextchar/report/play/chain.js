// From a spec, such as {temperature: 0.7, top_p: 0.95}, to samplers applied from left to right, and
// to the exact distribution of the character that they choose. A state has the memory of each.

function parametersOf(name, value) {
  const { parameters } = SAMPLERS[name];
  const given = value !== null && typeof value === "object" ? value : {};
  if (given !== value && parameters.length) given[parameters[0][0]] = value;
  const unknown = Object.keys(given).find((key) => !parameters.some(([own]) => own === key));
  if (unknown !== undefined) throw new Error(`${name} has no parameter ${unknown}`);
  const own = {};
  for (const [key, bounds, fallback] of parameters) {
    const number = given[key] === undefined ? fallback : given[key];
    own[key] = number;
    if (number !== undefined && (number === fallback || bounds === null)) continue;
    const inside = typeof number === "number" && number >= bounds.least && number <= bounds.most;
    if (!inside || (bounds.whole && !Number.isInteger(number))) {
      const kind = bounds.whole ? "a whole number" : "a number";
      throw new Error(`${name}: ${key} is ${number}, and must be ${kind} within its bounds`);
    }
  }
  return own;
}

function build(spec) {
  // Raises an Error for what is no sampler here: a search, one of a user, a bad value.
  const steps = typeof spec === "string" ? { [spec]: null } : spec;
  const entries = Object.entries(steps ?? {});
  if (!entries.length) throw new Error("a sampler is written as greedy or {top_k: 5}");
  const names = entries.map(([name]) => name);
  if (names.includes("xtc") && names.lastIndexOf("mirostat") > names.indexOf("xtc")) {
    throw new Error("xtc: mirostat would have to know its coin; put xtc after it");
  }
  return entries.map(([name, value]) => {
    if (!Object.hasOwn(SAMPLERS, name)) throw new Error(`${name} can't be computed in a page`);
    return { ...SAMPLERS[name], name, own: parametersOf(name, value) };
  });
}

function start(chain, ids) {
  return chain.map((each) => each.remember?.(ids, each.own));
}

function warped(each, logits, memory) {
  return each.warpAfter ? each.warpAfter(logits, each.own, memory) : each.warp(logits, each.own);
}

function distributionOf(chain, logits, state) {
  // Probabilities [V] of the chain's samplers, with the memories that `start` or `advance` returned.
  if (!chain.length) return softmax(logits);
  const [first, ...rest] = chain;
  const cut = distributionOf(rest, checked(warped(first, logits, state[0])), state.slice(1));
  if (!first.mixed) return cut;
  const share = first.mixed(first.own);
  const uncut = distributionOf(rest, logits, state.slice(1));
  return cut.map((each, id) => share * each + (1 - share) * uncut[id]);
}

function advance(chain, state, logits, id) {
  let given = logits;
  return chain.map((each, index) => {
    const next = each.update?.(state[index], given, id, each.own);
    given = warped(each, given, state[index]);
    return next;
  });
}

function distribution(logits, spec, ids = []) {
  const chain = build(spec);
  return distributionOf(chain, checked(logits), start(chain, ids));
}
