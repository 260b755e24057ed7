// A grid of which only the rows in sight exist (the pattern "grid" of the WAI-ARIA Authoring Practices): one
// stop for the tab key, arrows within, and every row says where among all rows it is.

class Grid {
  // `columns`: [{ title, whole, least, most, className, sort }], `whole` where the title is shortened; `fill(cellElement, row, column)` shows a cell.
  constructor(element, { label, rowHeight, headHeight = 30, fill, title, open, sort }) {
    Object.assign(this, {
      element,
      rowHeight,
      headHeight,
      fill,
      title,
      open,
      sort,
      rows: [],
      columns: [],
      active: [0, 0],
      pool: [],
    });
    element.className = "grid";
    element.tabIndex = 0;
    element.setAttribute("role", "grid");
    element.setAttribute("aria-label", label);
    element.setAttribute("aria-readonly", "true");
    this.head = element.appendChild(make("div", { className: "head", role: "row", "aria-rowindex": 1 }));
    this.body = element.appendChild(make("div", { className: "body", role: "rowgroup" }));
    element.addEventListener("scroll", () => this.later(), { passive: true });
    element.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("click", (event) => {
      const cell = event.target.closest("[role=gridcell]");
      if (!cell) return;
      this.activate(cell.parentElement.index, [...cell.parentElement.children].indexOf(cell));
      this.open(this.rows[this.active[0]], this.active[1]);
    });
    this.head.addEventListener("click", (event) => {
      const column =
        this.columns[[...this.head.children].indexOf(event.target.closest("[role=columnheader]"))];
      if (column?.sort) this.sort(column.sort);
    });
    // Made when it is looked for: a title for each cell in sight would cost more than the rest of it.
    this.body.addEventListener("pointerover", (event) => {
      const cell = event.target.closest("[role=gridcell]");
      if (cell)
        cell.title = this.title(
          this.rows[cell.parentElement.index],
          [...cell.parentElement.children].indexOf(cell),
        );
    });
    new ResizeObserver(() => this.later()).observe(element);
  }

  show(columns, rows, sorted) {
    const same =
      columns.length === this.columns.length &&
      columns.every((column, c) => column.className === this.columns[c].className);
    this.columns = columns;
    this.rows = rows;
    this.element.style.setProperty(
      "--columns",
      columns.map(({ least, most }) => `minmax(${least}, ${most})`).join(" "),
    );
    this.element.style.setProperty("--least", `calc(${columns.map(({ least }) => least).join(" + ")})`);
    this.element.setAttribute("aria-rowcount", rows.length + 1);
    this.element.setAttribute("aria-colcount", columns.length);
    this.head.replaceChildren(
      ...columns.map((column, c) => {
        const cell = make("div", {
          role: "columnheader",
          className: column.className ?? "",
          "aria-colindex": c + 1,
          title: column.whole ?? column.title,
        });
        if (column.whole) cell.setAttribute("aria-label", column.whole);
        cell.append(
          column.sort
            ? make("button", { textContent: column.title, type: "button", tabIndex: -1 })
            : make("span", { textContent: column.title }),
        );
        if (column.sort) cell.ariaSort = column.sort === sorted ? "ascending" : "none";
        return cell;
      }),
    );
    this.body.style.height = `${rows.length * this.rowHeight}px`;
    if (!same) {
      this.pool = [];
      this.body.replaceChildren();
    }
    this.pool.forEach((row) => {
      row.index = -1;
    });
    this.active = [0, Math.min(this.active[1], Math.max(0, columns.length - 1))];
    this.element.scrollTop = 0;
    this.draw();
  }

  later() {
    this.waiting ||= requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  // Rows are reused in turn: row i stands in the same element as row i plus the size of the pool.
  draw() {
    const height = this.element.clientHeight;
    if (!height) return;
    const first = Math.max(0, Math.floor((this.element.scrollTop - this.headHeight) / this.rowHeight) - 2);
    const size = Math.min(this.rows.length, Math.ceil(height / this.rowHeight) + 6);
    while (this.pool.length < size) this.pool.push(this.body.appendChild(this.newRow()));
    while (this.pool.length > size) this.pool.pop().remove();
    if (size !== this.poolSize)
      this.pool.forEach((row) => {
        row.index = -1;
      });
    this.poolSize = size;
    for (let i = Math.min(first, this.rows.length - size); i < first + size && i < this.rows.length; i++) {
      const row = this.pool[i % size];
      if (row.index !== i) {
        row.index = i;
        row.style.transform = `translateY(${i * this.rowHeight}px)`;
        row.setAttribute("aria-rowindex", i + 2);
        this.columns.forEach((_, c) => this.fill(row.children[c], this.rows[i], c));
      }
    }
    this.mark();
  }

  newRow() {
    const row = make("div", { className: "row", role: "row" });
    row.index = -1;
    row.append(
      ...this.columns.map((column, c) =>
        make("div", { role: "gridcell", className: column.className ?? "", "aria-colindex": c + 1 }),
      ),
    );
    return row;
  }

  activate(row, column) {
    this.active = [
      Math.max(0, Math.min(this.rows.length - 1, row)),
      Math.max(0, Math.min(this.columns.length - 1, column)),
    ];
    const top = this.active[0] * this.rowHeight,
      room = this.element.clientHeight - this.headHeight;
    if (top < this.element.scrollTop) this.element.scrollTop = top;
    if (top + this.rowHeight > this.element.scrollTop + room)
      this.element.scrollTop = top + this.rowHeight - room;
    this.draw();
    this.marked?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  mark() {
    this.marked?.classList.remove("active");
    this.marked?.removeAttribute("id");
    const row = this.pool.find((candidate) => candidate.index === this.active[0]);
    const cell = (this.marked = row?.children[this.active[1]]);
    if (!cell) return this.element.removeAttribute("aria-activedescendant");
    cell.classList.add("active");
    cell.id = `${this.element.id}-active`;
    this.element.setAttribute("aria-activedescendant", cell.id);
  }

  key(event) {
    const page = Math.max(1, Math.floor((this.element.clientHeight - this.headHeight) / this.rowHeight) - 1);
    const [row, column] = this.active,
      far = event.ctrlKey || event.metaKey;
    const moves = {
      ArrowDown: [row + 1, column],
      ArrowUp: [row - 1, column],
      ArrowRight: [row, column + 1],
      ArrowLeft: [row, column - 1],
      PageDown: [row + page, column],
      PageUp: [row - page, column],
      Home: far ? [0, 0] : [row, 0],
      End: far ? [Infinity, Infinity] : [row, Infinity],
    };
    if (moves[event.key]) this.activate(...moves[event.key]);
    else if (event.key === "Enter" && this.rows.length) this.open(this.rows[row], column);
    else return;
    event.preventDefault();
  }
}

// An element with properties and attributes; text is always text.
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
