"use strict";
// What the page knows, without the page: the data taken apart, and the filters. src/cli/board/data.rs says
// what stands where. A cell is one account in one pack; its number is pack * accounts + account.

const SUCCESSFUL = 0,
  IN_PROGRESS = 1,
  FAILED = 2,
  UNRECOGNISED = 3;
const STUCK = 1,
  SILENCED = 2,
  FLAPPING = 4,
  UNHEALTHY = 8;

function readModel(data) {
  const accounts = data.accounts.length,
    packs = data.packs.length;
  const classes = [null];
  for (const [status, code, hint, flags] of data.classes) {
    const [name, phase] = data.statuses[status];
    classes.push({
      status: name,
      phase,
      code: code < 0 ? "" : data.codes[code],
      hint: data.hints[hint],
      flags,
    });
  }
  const cells = new Uint16Array(accounts * packs);
  const unhealthy = [];
  data.packs.forEach((pack, p) => {
    let at = p * accounts;
    for (let i = 0; i < pack.cells.length; i += 2) {
      cells.fill(pack.cells[i], at, at + pack.cells[i + 1]);
      at += pack.cells[i + 1];
    }
    for (let i = 0; i < pack.unhealthy.length; i += 4) {
      const [account, since, updated, message] = pack.unhealthy.slice(i, i + 4);
      unhealthy.push({
        cell: p * accounts + account,
        since,
        updated,
        message: data.messages[message] ?? "",
        again: pack.again[i / 4],
      });
    }
  });
  const perPack = data.packs.map((pack) => {
    const counts = new Uint32Array(classes.length);
    for (let i = 0; i < pack.cells.length; i += 2) counts[pack.cells[i]] += pack.cells[i + 1];
    return counts;
  });
  const unhealthyAt = new Map(unhealthy.map((entry) => [entry.cell, entry]));
  const unhealthyPacks = new Uint16Array(accounts),
    isThere = new Uint8Array(accounts);
  for (const { cell } of unhealthy) unhealthyPacks[cell % accounts]++;
  for (let cell = 0; cell < cells.length; cell++) if (cells[cell]) isThere[cell % accounts] = 1;
  const model = {
    now: data.now,
    from: data.from,
    accounts: data.accounts,
    names: data.names,
    packs: data.packs,
    late: data.late,
    moves: data.moves,
    events: data.events.map(([ago, region, name, what]) => ({ ago, region, name, what })),
    cut: data.cut,
    kinds: data.kinds,
    statuses: data.statuses,
    codes: data.codes,
    classes,
    cells,
    perPack,
    unhealthy,
    unhealthyAt,
    unhealthyPacks,
    isThere,
    searched: data.accounts.map((id, a) => `${id} ${data.names[a]}`.toLowerCase()),
    regions: [...new Set(data.packs.map((pack) => pack.region))],
    prefix: sharedPrefix([...new Set(data.packs.map((pack) => pack.name))]),
  };
  model.orders = new Map([["since", bySince(model)]]);
  model.byHealth = [...data.accounts.keys()].sort(
    (a, b) => unhealthyPacks[b] - unhealthyPacks[a] || compare(data.accounts[a], data.accounts[b]),
  );
  return model;
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

// What all names begin with, up to a hyphen, where it is long enough to be worth leaving out.
function sharedPrefix(names) {
  const [first, ...others] = names;
  if (!others.length) return "";
  let end = 0;
  while (end < first.length && others.every((name) => name[end] === first[end])) end++;
  const prefix = first.slice(0, first.lastIndexOf("-", end - 1) + 1);
  return prefix.length < 8 || names.includes(prefix) ? "" : prefix;
}

// A text in its beginning and its end: names that begin alike differ there.
function middle(text, most) {
  if (text.length <= most) return text;
  const end = Math.floor((most - 1) / 2);
  return `${text.slice(0, most - 1 - end)}…${text.slice(text.length - end)}`;
}

// What failed last first, then what does not fail.
function bySince({ cells, unhealthy, unhealthyAt }) {
  const order = new Uint32Array(cells.length);
  const age = (entry) => entry.since ?? entry.updated ?? Infinity;
  let n = 0;
  for (const entry of [...unhealthy].sort((a, b) => age(a) - age(b) || a.cell - b.cell))
    order[n++] = entry.cell;
  for (let cell = 0; cell < cells.length; cell++)
    if (cells[cell] && !unhealthyAt.has(cell)) order[n++] = cell;
  return order.subarray(0, n);
}

// The cells in the order of a column, made when it is first asked for: sorting half a million takes a moment,
// filtering what is sorted does not.
function orderedBy(model, column) {
  if (!model.orders.has(column)) {
    const { accounts, packs, classes, cells } = model;
    const rank = {
      account: ranks(accounts),
      name: ranks(model.names.map((name) => name.toLowerCase())),
      pack: ranks(packs.map((pack) => `${pack.name} ${pack.region}`)),
      region: ranks(packs.map((pack) => pack.region)),
      status: ranks(classes.map((c) => (c ? c.status : ""))),
      code: ranks(classes.map((c) => (c ? c.code || "~" : ""))),
    }[column];
    const of =
      {
        account: (c) => c % accounts.length,
        name: (c) => c % accounts.length,
        status: (c) => cells[c],
        code: (c) => cells[c],
      }[column] ?? ((c) => Math.floor(c / accounts.length));
    const since = model.orders.get("since");
    const keys = Float64Array.from(since, (cell, place) => rank[of(cell)] * cells.length + place).sort();
    model.orders.set(
      column,
      Uint32Array.from(keys, (key) => since[key % cells.length]),
    );
  }
  return model.orders.get(column);
}

// The place of each text among all of them.
function ranks(texts) {
  const places = new Map([...new Set(texts)].sort(compare).map((text, place) => [text, place]));
  return texts.map((text) => places.get(text));
}

// The statuses that can be asked for beside AWS Config's own.
const GROUPS = {
  unhealthy: ["Unhealthy", (c) => c.flags & UNHEALTHY],
  all: ["All", () => true],
  failed: ["Failed", (c) => c.phase === FAILED],
  stuck: ["Stuck", (c) => c.flags & STUCK],
  progress: ["In progress", (c) => c.phase === IN_PROGRESS],
  unrecognised: ["Unknown status", (c) => c.phase === UNRECOGNISED],
  successful: ["Successful", (c) => c.phase === SUCCESSFUL],
  silenced: ["Silenced", (c) => c.flags & SILENCED],
};

function wantedClasses(model, status, code) {
  const wanted = GROUPS[status]?.[1] ?? ((c) => c.status === status);
  return Uint8Array.from(model.classes, (c) => (c && wanted(c) && (!code || c.code === code) ? 1 : 0));
}

// The cells that fit, in order, with the accounts and packs that they are of. `perClass` does not heed the
// error code: it is for choosing one.
function filterCells(model, { account, status, region, pack, code }, column) {
  const { cells, accounts, packs, classes } = model;
  const words = account.toLowerCase().split(/\s+/).filter(Boolean);
  const ofAccount = Uint8Array.from(model.searched, (text) =>
    words.every((word) => text.includes(word)) ? 1 : 0,
  );
  const ofPack = Uint8Array.from(packs, (p, i) =>
    (!region || p.region === region) && (pack === "" || i === +pack) ? 1 : 0,
  );
  const ofClass = wantedClasses(model, status, code),
    anyCode = wantedClasses(model, status, "");
  const order = orderedBy(model, column);
  const found = new Uint32Array(order.length),
    hit = new Uint8Array(accounts.length);
  const perClass = new Uint32Array(classes.length);
  let n = 0;
  for (let i = 0; i < order.length; i++) {
    const cell = order[i],
      cellClass = cells[cell];
    if (!anyCode[cellClass]) continue;
    const p = (cell / accounts.length) | 0,
      a = cell - p * accounts.length;
    if (!ofPack[p] || !ofAccount[a]) continue;
    perClass[cellClass]++;
    if (ofClass[cellClass]) {
      found[n++] = cell;
      hit[a] = 1;
    }
  }
  return {
    cells: found.subarray(0, n),
    perClass,
    ofClass,
    accounts: model.byHealth.filter((a) => hit[a]),
    packs: [...packs.keys()].filter((p) => ofPack[p]),
  };
}

function timeline(model, account) {
  const moves = [];
  for (let i = 0; i < model.moves.length; i += 7) {
    if (model.moves[i + 2] !== account) continue;
    const [ago, pack, , kind, from, to, code] = model.moves.slice(i, i + 7);
    const status = (s) => (s < 0 ? "not there" : model.statuses[s][0]);
    moves.push({
      ago,
      pack: model.packs[pack],
      kind: model.kinds[kind],
      from: status(from),
      to: status(to),
      code: code < 0 ? "" : model.codes[code],
    });
  }
  return moves;
}

// "4 d 7 h", and the time itself in UTC.
function span(seconds) {
  const minutes = Math.max(0, Math.round(seconds / 60));
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
  if (days > 13) return `${days} d`;
  return (
    [
      [days, "d"],
      [hours, "h"],
      [rest, "min"],
    ]
      .filter(([n]) => n)
      .slice(0, 2)
      .map(([n, unit]) => `${n} ${unit}`)
      .join(" ") || "now"
  );
}

const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
