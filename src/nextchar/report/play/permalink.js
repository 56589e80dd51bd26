// The state of the playground in the address: #play= and JSON. It is read with distrust.

const START = "#play=";

function linkOf(play) {
  const panes = play.panes.map((pane) => ({
    ...(SOURCES.has(pane.label) || pane.label === HUMAN ? { label: pane.label } : { spec: pane.spec }),
    ...(pane.stored ? {} : { length: pane.ids.length }),
    ...(pane.branch >= 0 ? { forced: pane.characters.slice(0, pane.branch + 1).join("") } : {}),
  }));
  const state = {
    prompt: play.index === null ? play.prompt : play.index, seed: play.seed, length: play.length,
    panes, at: [play.active, play.place],
  };
  return START + encodeURIComponent(JSON.stringify(state));
}

function linked(hash) {
  // The state of a link, or null where it has none; raises an Error for one that says nothing.
  if (!hash.startsWith(START)) return null;
  const state = JSON.parse(decodeURIComponent(hash.slice(START.length)));
  const count = (value, most) => Number.isInteger(value) && value >= 0 && value <= most;
  const known = typeof state.prompt === "string"
    ? state.prompt.length > 0 && !unknownIn(state.prompt).length
    : data.prompts.some((each) => each.index === state.prompt);
  const paneFits = (pane) => pane && (pane.spec
    ? computable(pane.spec)
    : pane.label === HUMAN || SOURCES.has(pane.label))
    && (pane.length === undefined || count(pane.length, LONGEST))
    && (pane.forced === undefined || (typeof pane.forced === "string" && !unknownIn(pane.forced).length));
  const fits = known && count(state.seed, Number.MAX_SAFE_INTEGER) && count(state.length, LONGEST)
    && Array.isArray(state.panes) && state.panes.length === 2 && state.panes.every(paneFits)
    && Array.isArray(state.at) && [0, 1].includes(state.at[0]) && count(state.at[1], LONGEST);
  if (!fits) throw new Error("it does not fit this page");
  return state;
}
