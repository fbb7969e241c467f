"use strict";
// Sorts, filters and pages the flags, and shows the details of one. Values only ever become text.
(function () {
  const PAGE = 50;
  const data = JSON.parse(document.getElementById("data").textContent);
  const details = new Map(data.details.map(([rank, parts, more]) => [rank, { parts, more }]));
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  const state = { sort: 0, down: false, text: "", finding: -1, page: 0 };

  const theme = byId("theme");
  const isDark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  function showTheme() {
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-pressed", String(isDark()));
  }
  theme.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; showTheme(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showTheme);
  showTheme();
  if (!byId("rows")) { return; }

  const texts = data.flags.map((flag) => [flag[1], flag[4], flag[5], ...flag[7].map(([at, value]) => data.columns[at] + "\n" + value)].join("\n").toLowerCase());

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) { made.textContent = text; }
    if (className) { made.className = className; }
    return made;
  }

  function chosen() {
    const wanted = state.text.toLowerCase();
    const found = [];
    data.flags.forEach((flag, at) => {
      if ((state.finding < 0 || flag[6] === state.finding) && texts[at].includes(wanted)) { found.push(flag); }
    });
    const sign = state.down ? -1 : 1;
    return found.sort((one, other) => {
      const a = one[state.sort], b = other[state.sort];
      const order = typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true });
      return sign * order || one[0] - other[0];
    });
  }

  function detail(flag) {
    const row = element("tr", undefined, "detail");
    const cell = element("td");
    cell.colSpan = 5;
    const list = element("dl");
    for (const [at, value] of flag[7]) { list.append(element("dt", data.columns[at]), element("dd", value)); }
    cell.append(list);
    const known = details.get(flag[0]);
    if (known) {
      const table = element("table", undefined, "stacked"), head = element("tr");
      for (const name of ["Column", "Value", "Adds, nats", "Expected"]) {
        const title = element("th", name);
        title.scope = "col";
        head.append(title);
      }
      table.append(element("thead"), element("tbody"));
      table.tHead.append(head);
      for (const [column, value, share, expected] of known.parts) {
        const line = element("tr");
        line.append(element("td", column), element("td", value), element("td", share.toFixed(2), "number"), element("td", expected.join(", ")));
        table.tBodies[0].append(line);
      }
      cell.append(table);
      if (known.more) { cell.append(element("p", "and " + known.more + " more, none of which adds more", "note")); }
    }
    row.append(cell);
    return row;
  }

  function toggle(button, row, flag) {
    const isOpen = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!isOpen));
    if (isOpen) { row.nextSibling.remove(); } else { row.after(detail(flag)); }
  }

  function line(flag) {
    const row = element("tr"), key = element("td"), button = element("button", flag[1], "link");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.addEventListener("click", () => toggle(button, row, flag));
    key.append(button);
    row.append(element("td", flag[0], "number"), key, element("td", flag[3], "number"), element("td", flag[4], "view"), element("td", flag[5]));
    return row;
  }

  function show() {
    const found = chosen(), pages = Math.max(1, Math.ceil(found.length / PAGE));
    state.page = Math.min(state.page, pages - 1);
    const first = state.page * PAGE;
    byId("rows").replaceChildren(...found.slice(first, first + PAGE).map(line));
    byId("count").textContent = found.length.toLocaleString("en") + " of " + data.flags.length.toLocaleString("en") + " flags";
    byId("page").textContent = "Page " + (state.page + 1) + " of " + pages;
    byId("back").disabled = state.page === 0;
    byId("forward").disabled = state.page === pages - 1;
    byId("all").hidden = state.finding < 0;
    document.querySelectorAll("th[aria-sort]").forEach((title) => {
      const isIt = Number(title.firstElementChild.dataset.sort) === state.sort;
      title.setAttribute("aria-sort", isIt ? (state.down ? "descending" : "ascending") : "none");
    });
  }

  function change(values) { Object.assign(state, { page: 0 }, values); show(); }

  document.querySelectorAll("button.sort").forEach((button) => button.addEventListener("click", () => {
    const sort = Number(button.dataset.sort);
    change({ sort, down: sort === state.sort && !state.down });
  }));
  document.querySelectorAll("button[data-finding]").forEach((button) => button.addEventListener("click", () => {
    change({ finding: Number(button.dataset.finding) });
    byId("flags").scrollIntoView();
    byId("filter").focus({ preventScroll: true });
  }));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("filter").addEventListener("input", (event) => change({ text: event.target.value }));
  byId("all").addEventListener("click", () => change({ finding: -1 }));
  byId("back").addEventListener("click", () => { state.page -= 1; show(); });
  byId("forward").addEventListener("click", () => { state.page += 1; show(); });
  show();
})();
