// Samplers that remember what was read. `remember(ids, own)` makes their memory of a text,
// `update(memory, logits, id, own)` that after one more character; neither changes the old one.

const windowOf = (ids, window) => (window === null ? ids : ids.slice(-window));

function counts(ids, size) {
  const found = new Float64Array(size);
  for (const id of ids) found[id] += 1;
  return found;
}

function longestMatches(ids, size) {
  // For each id the longest end of the text that it followed before; -1 if it was not read.
  const longest = new Int32Array(size).fill(-1);
  for (let place = 0; place < ids.length; place++) {
    let length = 0;
    while (length < place && ids[place - 1 - length] === ids[ids.length - 1 - length]) length++;
    longest[ids[place]] = Math.max(longest[ids[place]], length);
  }
  return longest;
}

const wholeText = { remember: (ids) => ids, update: (memory, logits, id) => [...memory, id] };

const penalty = (least, lower) => ({
  parameters: [["penalty", within(least, HUGE)], ["window", wholeFrom(1), null]],
  remember: (ids, own) => windowOf(ids, own.window),
  update: (memory, logits, id, own) => windowOf([...memory, id], own.window),
  warpAfter(logits, own, memory) {
    const read = counts(memory, logits.length);
    return logits.map((each, id) => lower(each, read[id], own.penalty));
  },
});

const surpriseOf = (logits) => logSoftmax(logits).map((each) => -each / Math.LN2);

Object.assign(SAMPLERS, {
  repetition_penalty: penalty(1 / HUGE, (logit, read, by) => {
    if (!read) return logit;
    return logit < 0 ? logit * by : logit / by;
  }),
  frequency_penalty: penalty(-HUGE, (logit, read, by) => logit - by * read),
  presence_penalty: penalty(-HUGE, (logit, read, by) => (read ? logit - by : logit)),
  no_repeat_ngram: {
    parameters: [["n", wholeFrom(1)]],
    ...wholeText,
    warpAfter(logits, { n }, memory) {
      const longest = longestMatches(memory, logits.length);
      const masked = where(logits, (id) => longest[id] < n - 1);
      return largest(masked) === -Infinity ? logits : masked;
    },
  },
  dry: {
    parameters: [
      ["multiplier", within(0, HUGE)],
      ["base", within(1, HUGE), 1.75],
      ["allowed", wholeFrom(1), 8],
    ],
    ...wholeText,
    warpAfter(logits, { multiplier, base, allowed }, memory) {
      if (multiplier === 0) return logits;
      const longest = longestMatches(memory, logits.length);
      return logits.map((each, id) => {
        const beyond = longest[id] - allowed;
        return beyond < 0 ? each : each - Math.min(multiplier * base ** beyond, HUGE);
      });
    },
  },
  mirostat: {
    parameters: [["target", within(above, HUGE)], ["rate", within(above, HUGE), 0.1]],
    remember: (ids, { target }) => 2 * target,
    update: (mu, logits, id, { target, rate }) => mu - rate * (surpriseOf(logits)[id] - target),
    warpAfter(logits, own, mu) {
      const surprise = surpriseOf(logits);
      return atLeast(logits, (id) => surprise[id] <= mu);
    },
  },
});
