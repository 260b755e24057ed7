// The page itself: what is chosen, what is shown.

const $ = (id) => document.getElementById(id);
const number = (n) => n.toLocaleString("en");
const counted = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;
const percent = (n, all) => (all ? `${(Math.floor((n / all) * 1000) / 10).toFixed(1)} %` : "–");

const model = readModel(JSON.parse($("data").textContent));
const START = { account: "", status: "unhealthy", region: "", pack: "", code: "" };
const VIEWS = ["list", "matrix", "packs"];
// Characters of a header that stands on its side, and how high each is.
const HEADER = 36,
  HIGH = 6.6;
const DAY = 86400;
let chosen = { ...START };
let column = "since";
let view = "list";
let found;

const isBare = model.regions.length === 1;
const inRegion = (pack, name) => (isBare ? name : `${name} · ${pack.region}`);
const packTitle = (pack) => inRegion(pack, pack.name);

// As many characters as a header holds: of them the name has what the region leaves.
function shortened(pack) {
  const sign = model.prefix ? "…" : "";
  const room = HEADER - inRegion(pack, sign).length;
  return inRegion(pack, sign + middle(pack.name.slice(model.prefix.length), room));
}
const ago = (seconds) => (seconds === null || seconds === undefined ? "" : clock(model.now - seconds));
const split = (cell) => [cell % model.accounts.length, Math.floor(cell / model.accounts.length)];

// How a class looks: a sign and a word, so that nothing hangs on the colour.
function appearance(cellClass) {
  if (!cellClass) return ["none", "", "not there"];
  const c = model.classes[cellClass],
    words = [c.status];
  if (c.flags & STUCK) words.push("stuck");
  if (c.flags & SILENCED) words.push("silenced");
  if (c.flags & FLAPPING) words.push("flapping");
  if (c.code) words.push(c.code);
  const [kind, sign] =
    c.phase === FAILED
      ? ["failed", "✕"]
      : c.flags & STUCK
        ? ["stuck", "!"]
        : c.phase === UNRECOGNISED
          ? ["unknown", "?"]
          : c.phase === IN_PROGRESS
            ? ["progress", "…"]
            : ["healthy", "·"];
  return [kind, sign, words.join(", "), c];
}

// --- The headline ---

function headline() {
  const there = model.isThere.reduce((sum, is) => sum + is, 0);
  const perClass = model.classes.map((_, i) => model.perPack.reduce((all, counts) => all + counts[i], 0));
  const sum = (group) =>
    model.classes.reduce((all, c, i) => all + (c && GROUPS[group][1](c) ? perClass[i] : 0), 0);
  const all = sum("all"),
    unhealthyAccounts = model.unhealthyPacks.reduce((n, packs) => n + (packs ? 1 : 0), 0);
  const tiles = [
    ["unhealthy", number(unhealthyAccounts), `of ${counted(there, "account")} unhealthy`, "failed"],
    ["failed", number(sum("failed")), `of ${counted(all, "deployment")} failed`, "failed"],
    ["stuck", number(sum("stuck")), "stuck", "stuck"],
    ["progress", number(sum("progress")), "in progress", "progress"],
    ["unrecognised", number(sum("unrecognised")), "in an unknown status", "unknown"],
    ["successful", percent(sum("successful"), all), "successful", "healthy"],
  ];
  $("headline").append(
    ...tiles
      .filter(([group, n]) => n !== "0" || group !== "unrecognised")
      .map(([group, n, what, kind]) => {
        const tile = make(
          "button",
          { type: "button", className: `tile ${n === "0" ? "none" : kind}` },
          make("b", { textContent: n }),
          " ",
          make("span", { textContent: what }),
        );
        tile.addEventListener("click", () => choose({ status: group }));
        return tile;
      }),
  );
  // The only one is named here: the region nowhere else.
  const names = model.packs.map((pack) => pack.name);
  const named = (all, noun) => (all.length === 1 ? all[0] : counted(all.length, noun));
  const places = [counted(there, "account"), named(names, "pack"), named(model.regions, "region")];
  const newest = Math.min(...model.packs.map((pack) => pack.compared));
  const recorded = model.packs.length ? `Last recorded at ${ago(newest)} UTC` : "Nothing is recorded";
  $("about").textContent = `${recorded}, read at ${clock(model.now)} UTC: ${places.join(", ")}`;
  // A page that is kept says so, too.
  const age = Date.now() / 1000 - model.now;
  const late = model.late ?? (age > DAY ? `OUT OF DATE: this page was made ${span(age)} ago` : "");
  $("late").textContent = late;
  $("late").hidden = !late;
  document.title = `${number(unhealthyAccounts)} of ${counted(there, "account")} unhealthy – packwatch board`;
}

// --- The list ---

const LIST = [
  { title: "Account", least: "8.4em", most: "8.4em", sort: "account", className: "account" },
  { title: "Name", least: "8em", most: "1.5fr", sort: "name", className: "name" },
  { title: "Pack", least: "9em", most: "1.6fr", sort: "pack", className: "pack" },
  { title: "Region", least: "7em", most: "7em", sort: "region", className: "region" },
  { title: "Status", least: "11em", most: "14em", sort: "status", className: "status" },
  { title: "Error code", least: "8em", most: "1.6fr", sort: "code", className: "code" },
  { title: "Since (UTC)", least: "13.4em", most: "13.4em", sort: "since", className: "since" },
].filter(
  ({ title }) => (title !== "Region" || !isBare) && (title !== "Name" || model.names.some((name) => name)),
);

function fillList(element, cell, c) {
  const [a, p] = split(cell),
    [kind, sign, , cellClass] = appearance(model.cells[cell]),
    entry = model.unhealthyAt.get(cell);
  const since = entry?.since ?? entry?.updated;
  const title = LIST[c].title;
  element.className = LIST[c].className ?? "";
  if (title === "Status") {
    element.className = `status ${kind}`;
    const notes = [
      [STUCK, "stuck"],
      [SILENCED, "silenced"],
      [FLAPPING, "flapping"],
    ].filter(([flag]) => cellClass.flags & flag);
    element.replaceChildren(
      make("i", { textContent: sign, "aria-hidden": "true" }),
      [cellClass.status, ...notes.map(([, word]) => word)].join(", "),
    );
  } else if (title === "Since (UTC)") {
    element.replaceChildren(
      ago(since),
      make("small", { textContent: since == null ? "" : ` ${span(since).split(" ", 2).join(" ")}` }),
    );
  } else {
    const pack = model.packs[p];
    const text = {
      Account: model.accounts[a],
      Name: model.names[a],
      Pack: pack.name,
      Region: pack.region,
      "Error code": cellClass.code,
    }[title];
    element.replaceChildren(make("bdi", { textContent: text }));
  }
}

function listTitle(cell, c) {
  const [a, p] = split(cell);
  const message = LIST[c].title === "Error code" && model.unhealthyAt.get(cell)?.message;
  const status = message || appearance(model.cells[cell])[2];
  return `${model.accounts[a]} ${model.names[a]}\n${packTitle(model.packs[p])}\n${status}`;
}

const list = new Grid($("list"), {
  label: "Deployments",
  rowHeight: 28,
  fill: fillList,
  title: listTitle,
  open: (cell) => detail(split(cell)[0]),
  sort: (name) => {
    column = name;
    update();
  },
});

// On a phone a row is a card. src/cli/board/page.css says the same widths and heights.
const isPhone = matchMedia("(max-width: 600px)");

function fitList() {
  list.rowHeight = isPhone.matches ? 96 : 28;
  list.headHeight = isPhone.matches ? 0 : 30;
}

isPhone.addEventListener("change", () => {
  fitList();
  draw();
});
fitList();

// --- The matrix ---

let shownPacks = [],
  isWide = false;

function matrixColumns() {
  isWide = found.packs.length <= 6;
  shownPacks = found.packs;
  const packs = shownPacks.map((p) => ({
    title: shortened(model.packs[p]),
    whole: packTitle(model.packs[p]),
    least: isWide ? "10em" : "22px",
    most: isWide ? "16em" : "22px",
    className: isWide ? "" : "turned",
  }));
  const longest = Math.max(0, ...packs.map(({ title }) => title.length));
  matrix.headHeight = isWide ? 30 : 20 + HIGH * longest;
  $("matrix").style.setProperty("--head", `${matrix.headHeight}px`);
  const least = isPhone.matches ? "15em" : "20em";
  return [{ title: "Account", least, most: "26em", className: "who" }, ...packs];
}

function fillMatrix(element, a, c) {
  if (c === 0) {
    element.className = "who";
    const n = model.unhealthyPacks[a];
    element.replaceChildren(
      make("span", { className: "id", textContent: model.accounts[a] }),
      " ",
      make("bdi", { textContent: model.names[a] }),
      make("small", { textContent: n ? ` ${number(n)} unhealthy` : "" }),
    );
    return;
  }
  const p = shownPacks[c - 1],
    cellClass = model.cells[p * model.accounts.length + a];
  const [kind, sign, words] = appearance(cellClass);
  const dim = cellClass && !found.ofClass[cellClass] ? " dim" : "";
  element.className = `cell ${kind}${dim}${isWide ? " wide" : ""}`;
  element.textContent = isWide && cellClass ? `${sign} ${model.classes[cellClass].status}` : sign;
  element.setAttribute("aria-label", `${packTitle(model.packs[p])}: ${words}`);
}

const matrix = new Grid($("matrix"), {
  label: "Accounts by packs",
  rowHeight: 24,
  fill: fillMatrix,
  open: (a) => detail(a),
  title: (a, c) =>
    [
      `${model.accounts[a]} ${model.names[a]}`,
      ...(c
        ? [
            packTitle(model.packs[shownPacks[c - 1]]),
            appearance(model.cells[shownPacks[c - 1] * model.accounts.length + a])[2],
          ]
        : []),
    ].join("\n"),
});

$("legend").append(
  ...[
    ["failed", "✕", "failed"],
    ["stuck", "!", "stuck"],
    ["progress", "…", "in progress"],
    ["unknown", "?", "unknown status"],
    ["healthy", "·", "successful"],
  ].flatMap(([kind, sign, word]) => [
    make("span", { className: `cell ${kind}`, textContent: sign, "aria-hidden": "true" }),
    ` ${word} `,
  ]),
  "Blank: not deployed to. Faint: does not match the filters.",
  model.prefix ? ` … in a pack's name: ${model.prefix}` : "",
);

// --- The packs ---

function packTable(packs) {
  const rank = { [FAILED]: 0, [UNRECOGNISED]: 1, [IN_PROGRESS]: 2, [SUCCESSFUL]: 3 };
  const colour = {
    [FAILED]: "failed",
    [UNRECOGNISED]: "unknown",
    [IN_PROGRESS]: "progress",
    [SUCCESSFUL]: "",
  };
  const statuses = [...model.statuses].sort(([, a], [, b]) => rank[a] - rank[b]);
  const perPack = packs.map((p) => {
    const counts = new Map();
    model.perPack[p].forEach((n, i) => {
      if (i && n) counts.set(model.classes[i].status, (counts.get(model.classes[i].status) ?? 0) + n);
    });
    return [p, counts];
  });
  const used = statuses.filter(([name]) => perPack.some(([, counts]) => counts.has(name)));
  const head = make(
    "tr",
    {},
    ...["Pack", "Region", "Accounts"].map((t) =>
      make("th", { textContent: t, scope: "col", className: t === "Accounts" ? "n" : "" }),
    ),
    ...used.map(([name]) =>
      make("th", { className: "n", textContent: name.replaceAll("_", " ").toLowerCase(), scope: "col" }),
    ),
    ...["Read in full (UTC)", "Compared (UTC)", "Changed (UTC)"].map((t) =>
      make("th", { textContent: t, scope: "col" }),
    ),
  );
  const rows = perPack.map(([p, counts]) => {
    const pack = model.packs[p],
      all = [...counts.values()].reduce((sum, n) => sum + n, 0);
    const cells = used.map(([name, phase]) => {
      const n = counts.get(name) ?? 0;
      return make("td", { className: `n ${n ? colour[phase] : "zero"}`, textContent: number(n) });
    });
    return make(
      "tr",
      {},
      make("th", { textContent: pack.name, scope: "row" }),
      make("td", { textContent: pack.region }),
      make("td", { className: "n", textContent: number(all) }),
      ...cells,
      ...[pack.full, pack.compared, pack.changed].map((time) => make("td", { textContent: ago(time) })),
    );
  });
  return make("table", { className: "plain" }, make("thead", {}, head), make("tbody", {}, ...rows));
}

// What happened to the packs that are chosen, those that are gone, too.
function packEvents() {
  const pack = model.packs[chosen.pack];
  const events = model.events.filter(
    ({ region, name }) =>
      (!chosen.region || region === chosen.region) &&
      (!pack || (pack.region === region && pack.name === name)),
  );
  const items = events.map((event) =>
    make(
      "li",
      {},
      make("time", { textContent: ago(event.ago) }),
      " ",
      make("b", { textContent: packTitle(event) }),
      ` ${event.what}`,
    ),
  );
  return [make("h2", { textContent: "Recent changes" }), make("ol", { className: "moves" }, ...items)];
}

// --- Why ---

function reasons() {
  const perReason = new Map();
  model.classes.forEach((c, i) => {
    if (!c?.hint || !found.perClass[i]) return;
    const key = `${c.code}\n${c.hint.means}`;
    const reason = perReason.get(key) ?? { code: c.code, hint: c.hint, n: 0 };
    reason.n += found.perClass[i];
    perReason.set(key, reason);
  });
  return [...perReason.values()].sort((a, b) => b.n - a.n);
}

// A long name may be broken between its words.
const breakable = (text) => text.split(/(?<=[a-z])(?=[A-Z])/).flatMap((word) => [word, make("wbr")]);

function hintText(hint) {
  const link = make("a", {
    textContent: hint.title,
    href: hint.url,
    rel: "noreferrer noopener",
    target: "_blank",
  });
  return [
    make("p", { textContent: hint.means }),
    make("p", {}, make("b", { textContent: "To do: " }), hint.todo),
    make("p", { className: "grey" }, "AWS: ", link),
  ];
}

function why(printed) {
  const cards = reasons().map(({ code, hint, n }) => {
    const title = breakable(code || "Without an error code");
    const name =
      printed || !code
        ? make("h3", {}, ...title)
        : make(
            "h3",
            {},
            make(
              "button",
              {
                type: "button",
                "aria-pressed": String(chosen.code === code),
                title: "Only these",
              },
              ...title,
            ),
          );
    name
      .querySelector("button")
      ?.addEventListener("click", () => choose({ code: chosen.code === code ? "" : code }));
    return make(
      "article",
      {},
      make("span", { className: "n", textContent: number(n) }),
      name,
      ...hintText(hint),
    );
  });
  const title = make("h2", { textContent: "Why" });
  return cards.length
    ? [title, ...cards]
    : [title, make("p", { className: "grey", textContent: "Nothing to explain here." })];
}

// --- One account ---

function detail(a) {
  const cells = model.packs.map((_, p) => p * model.accounts.length + a).filter((cell) => model.cells[cell]);
  const worst = (cell) => (model.unhealthyAt.has(cell) ? 0 : 1);
  cells.sort((x, y) => worst(x) - worst(y) || x - y);
  const packs = cells.map((cell) => {
    const [kind, sign, words, c] = appearance(model.cells[cell]),
      entry = model.unhealthyAt.get(cell);
    const item = make(
      "li",
      {},
      make("span", { className: `cell ${kind}`, textContent: sign, "aria-hidden": "true" }),
      " ",
      make("b", { textContent: packTitle(model.packs[split(cell)[1]]) }),
      ` ${words}`,
    );
    if (entry) {
      const since = entry.since ?? entry.updated;
      const facts = [];
      if (since != null) facts.push(`Since ${ago(since)} UTC (${span(since)})`);
      const times = entry.again === 1 ? "once" : `${number(entry.again)} times`;
      if (entry.again) facts.push(`tried again ${times}`);
      if (facts.length) item.append(make("p", { textContent: facts.join(", ") }));
      if (entry.message) item.append(make("blockquote", {}, make("bdi", { textContent: entry.message })));
      if (c.hint)
        item.append(
          make(
            "details",
            {},
            make("summary", { textContent: "What it means, what to do" }),
            ...hintText(c.hint),
          ),
        );
    }
    return item;
  });
  const moves = timeline(model, a).map(({ ago: seconds, pack, kind, from, to, code }) =>
    make(
      "li",
      { className: kind.toLowerCase() },
      make("time", {
        textContent: ago(seconds),
        dateTime: new Date((model.now - seconds) * 1000).toISOString(),
      }),
      " ",
      make("b", { textContent: kind }),
      ` ${packTitle(pack)}`,
      make("span", { className: "grey", textContent: ` ${from} → ${to}${code ? `, ${code}` : ""}` }),
    ),
  );
  const dialog = $("detail");
  const close = make("button", { type: "button", className: "close", textContent: "Close" });
  close.addEventListener("click", () => dialog.close());
  const oldest = model.moves.length ? ago(model.moves[model.moves.length - 7]) : "";
  const more = model.cut ? `The page holds changes since ${oldest} UTC. All: ` : "All that is kept: ";
  dialog.replaceChildren(
    make(
      "h2",
      { id: "detail-title" },
      make("bdi", { textContent: model.names[a] || "Account" }),
      " ",
      make("span", { className: "id", textContent: model.accounts[a] }),
    ),
    close,
    make("h3", {
      textContent: `${counted(cells.length, "pack")}, ${number(model.unhealthyPacks[a])} unhealthy`,
    }),
    make("ul", { className: "packs" }, ...packs),
    make("h3", { textContent: "Past" }),
    moves.length
      ? make("ol", { className: "moves" }, ...moves)
      : make("p", { textContent: "No change is recorded." }),
    make(
      "p",
      { className: "grey" },
      more,
      make("code", {
        textContent: `packwatch history ${[...model.from, "--account", model.accounts[a]].join(" ")}`,
      }),
    ),
  );
  dialog.showModal();
  dialog.scrollTop = 0;
}

$("detail").addEventListener("click", (event) => {
  if (event.target === $("detail")) $("detail").close();
});

// --- What is chosen ---

function option(value, text) {
  return make("option", { value, textContent: text });
}

function selects() {
  const used = (group) => model.classes.some((c) => c && GROUPS[group][1](c));
  $("status").append(
    ...Object.entries(GROUPS)
      .filter(([group]) => ["unhealthy", "all"].includes(group) || used(group))
      .map(([group, [title]]) => option(group, title)),
    make(
      "optgroup",
      { label: "AWS Config's statuses" },
      ...model.statuses.map(([name]) => option(name, name)).sort((a, b) => compare(a.value, b.value)),
    ),
  );
  $("region").append(option("", "All"), ...model.regions.map((region) => option(region, region)));
  $("pack").append(option("", "All"), ...model.packs.map((pack, p) => option(String(p), packTitle(pack))));
  $("code").append(
    option("", "All"),
    ...model.codes.map((code) => option(code, code)).sort((a, b) => compare(a.value, b.value)),
  );
}

function choose(change) {
  chosen = { ...chosen, ...change };
  for (const [name, value] of Object.entries(chosen)) if ($(name).value !== value) $(name).value = value;
  update();
}

const matches = ({ cells, accounts }) =>
  `${counted(cells.length, "deployment")} in ${counted(accounts.length, "account")}`;

function update() {
  found = filterCells(model, chosen, column);
  $("count").textContent = matches(found);
  const text = found.cells.length ? [] : nothing();
  $("nothing").replaceChildren(...text);
  $("nothing").hidden = !text.length;
  document.body.classList.toggle("empty", text.length > 0);
  draw();
  remember();
}

// --- Nothing to show ---

// Why there is nothing, and what there is instead.
function nothing() {
  const offer = (text, change) => {
    const button = make("button", { type: "button", textContent: text });
    button.addEventListener("click", () => choose(change));
    return button;
  };
  const words = (...texts) => make("p", {}, ...texts);
  const all = filterCells(model, { ...chosen, status: "all", code: "" }, "since");
  if (!model.orders.get("since").length)
    return [
      words(
        "No deployment is recorded yet. ",
        make("code", { textContent: "packwatch run" }),
        " records them.",
      ),
    ];
  const isFiltered = Object.keys(START).some((name) => name !== "status" && chosen[name] !== START[name]);
  if (chosen.status === "unhealthy" && !isFiltered)
    return [
      make("h2", { textContent: "All healthy" }),
      words(`${matches(all)}, as last recorded.`),
      offer("Show all", { status: "all" }),
    ];
  if (!all.cells.length) return [words("Nothing matches these filters."), offer("Clear the filters", START)];
  const what =
    chosen.status === "unhealthy" && !chosen.code
      ? "Nothing unhealthy matches"
      : "Nothing with this status and error code matches";
  const others = chosen.status === "unhealthy" && !chosen.code ? "healthy ones" : "others";
  return [
    words(`${what}, but ${others} do: ${matches(all)}.`),
    offer("Show them", { status: "all", code: "" }),
  ];
}

// --- The address ---

// What is chosen stands behind the # of the page's address, so that a view can be shared. A pack goes by its name there:
// its number is another one in the next page.
const packKey = (pack) => `${pack.name}.${pack.region}`;

function address() {
  const what = { ...chosen, pack: chosen.pack && packKey(model.packs[chosen.pack]), sort: column, view };
  const usual = { ...START, sort: "since", view: "list" };
  return String(new URLSearchParams(Object.entries(what).filter(([name, value]) => value !== usual[name])));
}

function remember() {
  clearTimeout(remember.waiting);
  // Not at each letter: browsers allow so many changes of the address.
  remember.waiting = setTimeout(() => {
    // Tells nobody, unlike location.replace: a late `hashchange` undid what was chosen since.
    if (location.hash.slice(1) !== address()) history.replaceState(null, "", `#${address()}`);
  }, 200);
}

// Takes what is known of an address that anybody may have written.
function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const pack = model.packs.findIndex((candidate) => packKey(candidate) === wanted.get("pack"));
  const values = { ...Object.fromEntries(wanted), pack: pack < 0 ? "" : String(pack) };
  const isKnown = (name, value) =>
    name === "account" || [...$(name).options].some((candidate) => candidate.value === value);
  const change = { ...START };
  for (const name of Object.keys(START))
    if (name in values && isKnown(name, values[name])) change[name] = values[name];
  column = LIST.some(({ sort }) => sort === values.sort) ? values.sort : "since";
  turn(VIEWS.includes(values.view) ? values.view : "list");
  choose(change);
}

// Somebody has changed the address.
addEventListener("hashchange", recall);

function draw() {
  if (view === "list") {
    list.show(LIST, found.cells, column);
    $("why").replaceChildren(...why());
  } else if (view === "matrix") matrix.show(matrixColumns(), found.accounts);
  else $("view-packs").replaceChildren(packTable(found.packs), ...packEvents());
}

function show(name) {
  turn(name);
  draw();
  remember();
}

function turn(name) {
  view = name;
  for (const tab of document.querySelectorAll("[role=tab]")) {
    const is = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(is));
    tab.tabIndex = is ? 0 : -1;
    $(tab.getAttribute("aria-controls")).hidden = !is;
  }
}

document.querySelector("[role=tablist]").addEventListener("click", (event) => {
  const tab = event.target.closest("[role=tab]");
  if (tab) show(tab.id.slice(4));
});
document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const tabs = [...document.querySelectorAll("[role=tab]")],
    at = tabs.indexOf(document.activeElement);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  const tab = tabs[(to + tabs.length) % tabs.length];
  tab.focus();
  show(tab.id.slice(4));
  event.preventDefault();
});
$("filters").addEventListener("input", (event) => choose({ [event.target.id]: event.target.value }));
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("filters").addEventListener("reset", (event) => {
  event.preventDefault();
  choose(START);
});
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input, select, textarea") || $("detail").open;
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("account").select();
    $("account").focus();
  } else if (event.key === "Escape" && !$("detail").open) choose(START);
});

// On paper a grid would show what happens to be in sight: the list is printed as a plain table instead.
const MOST_PRINTED = 2000;
addEventListener("beforeprint", () => {
  const rows = [...found.cells.subarray(0, MOST_PRINTED)].map((cell) =>
    make(
      "tr",
      {},
      ...LIST.map((_, c) => {
        const element = make("td");
        fillList(element, cell, c);
        if (LIST[c].className === "code") element.replaceChildren(...breakable(element.textContent));
        return element;
      }),
    ),
  );
  const head = make("tr", {}, ...LIST.map(({ title }) => make("th", { textContent: title, scope: "col" })));
  const rest = found.cells.length - rows.length;
  $("printed").replaceChildren(
    make("h2", { textContent: `${counted(found.cells.length, "deployment")}` }),
    make("table", { className: "plain" }, make("thead", {}, head), make("tbody", {}, ...rows)),
    make("p", { textContent: rest > 0 ? `${number(rest)} more are not printed.` : "" }),
    ...why(true),
    make("h2", { textContent: "Packs" }),
    packTable(found.packs),
    ...packEvents(),
  );
});
addEventListener("afterprint", () => $("printed").replaceChildren());

headline();
selects();
document.querySelector("main").hidden = false;
recall();
