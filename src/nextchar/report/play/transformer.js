// nextchar's transformer, one character at a time: models/transformer.py with its cache, computed in
// float64 from the weights that the page holds.
// Shapes: C width, H query heads, G key/value heads, D head width, W context, V vocabulary.

function bytesOf(base64) {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

function matricesOf({ tensors, precision, weights }) {
  // Each tensor as {rows, columns, values}; int8 rows are multiplied by their float32 scales, which
  // lie behind all of them. The numbers are little-endian, as those of every browser's machine.
  const { buffer } = bytesOf(weights);
  const whole = precision === "float32";
  let offset = 0;
  let scale = whole ? 0 : Math.ceil(sum(tensors.map(([, r, c]) => r * c)) / 4) * 4;
  return Object.fromEntries(tensors.map(([name, rows, columns]) => {
    const count = rows * columns;
    let values;
    if (whole) {
      values = new Float32Array(buffer, offset, count);
      offset += 4 * count;
    } else {
      const scales = new Float32Array(buffer, scale, rows);
      values = Float32Array.from(new Int8Array(buffer, offset, count));
      for (let i = 0; i < count; i++) values[i] *= scales[Math.floor(i / columns)];
      offset += count;
      scale += 4 * rows;
    }
    return [name, { rows, columns, values }];
  }));
}

function product({ rows, columns, values }, x) {
  // The matrix [rows, columns] times x [columns].
  const y = new Float64Array(rows);
  for (let row = 0, at = 0; row < rows; row++) {
    let a = 0;
    let b = 0;
    let column = 0;
    for (; column + 1 < columns; column += 2, at += 2) {  // two sums keep the processor busy
      a += values[at] * x[column];
      b += values[at + 1] * x[column + 1];
    }
    if (column < columns) a += values[at++] * x[column];
    y[row] = a + b;
  }
  return y;
}

function normalise(x, start = 0, count = x.length) {
  // RMS norm of x[start, start + count), in place.
  let square = 0;
  for (let i = start; i < start + count; i++) square += x[i] * x[i];
  const scale = Math.sqrt(count) / Math.max(Math.sqrt(square), 2 ** -63);
  for (let i = start; i < start + count; i++) x[i] *= scale;
  return x;
}

function rotate(x, start, width, angles) {
  // Rotary position of one head, in place: the halves are the two coordinates of each pair.
  const half = width / 2;
  for (let i = 0; i < half; i++) {
    const [cos, sin] = angles[i];
    const first = x[start + i];
    const second = x[start + i + half];
    x[start + i] = first * cos - second * sin;
    x[start + i + half] = second * cos + first * sin;
  }
}

class Transformer {
  constructor(model) {
    const matrices = matricesOf(model);
    const block = (i, name) => matrices[`blocks.${i}.${name}.weight`];
    const numbers = (count) => Array.from({ length: count }, (_, i) => i);
    this.shape = model.shape;
    this.head = matrices["head.weight"];
    this.tables = numbers(this.shape.lookback).map((i) => matrices[`embedding.tables.${i}.weight`]);
    this.blocks = numbers(this.shape.layers).map((i) => ({
      into: block(i, "attention.project_in"),
      out: block(i, "attention.project_out"),
      up: block(i, "up"),
      down: block(i, "down"),
    }));
  }

  begin() {
    // A cache that has read nothing; position p lies in slot p % W.
    const { context, key_value_heads, width, heads } = this.shape;
    const size = context * key_value_heads * (width / heads);
    const layers = this.blocks.map(() => ({
      keys: new Float64Array(size),
      values: new Float64Array(size),
    }));
    return { layers, read: [] };
  }

  step(cache, id) {
    // Read one more character; the logits [V] of the next.
    const position = cache.read.push(id) - 1;
    const { width, logit_cap: cap } = this.shape;
    const x = normalise(this.embed(cache.read, width));
    const angles = this.angles(position);
    this.blocks.forEach((block, index) => {
      add(x, this.attend(block, normalise(x.slice()), angles, cache.layers[index], position));
      const hidden = product(block.up, normalise(x.slice()));
      for (let i = 0; i < hidden.length; i++) hidden[i] = Math.max(hidden[i], 0) ** 2;
      add(x, product(block.down, hidden));
    });
    const logits = product(this.head, normalise(x));
    return cap === null ? logits : logits.map((each) => cap * Math.tanh(each / cap));
  }

  embed(read, width) {
    // The sum of a row from the table of each of the last characters; id V is before the beginning.
    const x = new Float64Array(width);
    this.tables.forEach(({ values, rows }, back) => {
      const id = read[read.length - 1 - back] ?? rows - 1;
      for (let i = 0; i < width; i++) x[i] += values[id * width + i];
    });
    return x;
  }

  angles(position) {
    const width = this.shape.width / this.shape.heads;
    return Array.from({ length: width / 2 }, (_, i) => {
      const angle = position * 10000 ** ((-2 * i) / width);
      return [Math.cos(angle), Math.sin(angle)];
    });
  }

  attend(block, x, angles, { keys, values }, position) {
    const { heads: H, key_value_heads: G, context: W, width } = this.shape;
    const D = width / H;
    const all = product(block.into, x);  // [H + G + G, D]: queries, keys, values
    for (let head = 0; head < H + G; head++) {
      normalise(all, head * D, D);
      rotate(all, head * D, D, angles);
    }
    const slot = (position % W) * G * D;
    keys.set(all.subarray(H * D, (H + G) * D), slot);
    values.set(all.subarray((H + G) * D), slot);
    const filled = Math.min(position + 1, W);
    const y = new Float64Array(width);
    const scores = new Float64Array(filled);
    for (let head = 0; head < H; head++) {
      const shared = Math.floor((head * G) / H) * D;
      for (let s = 0; s < filled; s++) {
        let score = 0;
        const at = s * G * D + shared;
        for (let i = 0; i < D; i++) score += all[head * D + i] * keys[at + i];
        scores[s] = score / Math.sqrt(D);
      }
      const weights = softmax(scores);
      for (let s = 0; s < filled; s++) {
        const at = s * G * D + shared;
        for (let i = 0; i < D; i++) y[head * D + i] += weights[s] * values[at + i];
      }
    }
    return product(block.out, y);
  }
}

function add(x, y) {
  for (let i = 0; i < x.length; i++) x[i] += y[i];
}

function readText(model, ids) {
  // The cache after ids, and the logits of the character that follows them.
  if (!ids.length) throw new Error("a prompt needs at least one character");
  const cache = model.begin();
  let logits;
  for (const id of ids) logits = model.step(cache, id);
  return { cache, logits };
}
