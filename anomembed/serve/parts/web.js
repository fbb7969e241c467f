"use strict";
// Asks the server for the page of a run and for the findings, and tells it what is decided. Values only ever become text.
(function () {
  const STORED = "anomembed-token", TOKEN = /^#([\w-]{43})$/;
  const LABELS = { normal: "Normal", anomaly: "Anomaly", silence: "Silence for a week" };
  const byId = (id) => document.getElementById(id);
  const style = byId("review-style");
  const given = TOKEN.exec(location.hash);
  if (given) {
    sessionStorage.setItem(STORED, given[1]);  // for this tab and this server alone; outlives a reload
    history.replaceState(null, "", location.pathname);  // neither screens nor bookmarks show it
  }
  addEventListener("hashchange", () => { if (TOKEN.test(location.hash)) { location.reload(); } });

  async function ask(path, body) {
    const headers = { Authorization: "Bearer " + sessionStorage.getItem(STORED) };
    const request = { headers };
    if (body) {
      headers["Content-Type"] = "application/json";
      Object.assign(request, { method: "POST", body: JSON.stringify(body) });
    }
    const answer = await fetch(path, request).catch(() => { throw new Error("the server has ended: run `anomembed review --web` again"); });
    if (!answer.ok) {
      const said = await answer.json().catch(() => ({ error: "the server has failed: its terminal says why" }));
      throw new Error(said.error);
    }
    return answer;
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) { made.textContent = text; }
    if (className) { made.className = className; }
    return made;
  }

  function button(text, act) {
    const made = element("button", text);
    made.type = "button";
    made.addEventListener("click", act);
    return made;
  }

  const section = element("section");
  const status = element("p"), list = element("div");
  let shown, n_findings;  // the run on the page; findings that were there to be reviewed

  function count() {
    const left = list.querySelectorAll(".finding:not(.settled)").length;
    const more = n_findings - list.querySelectorAll(".open").length;
    status.textContent = !left && !more ? "Nothing to review: every open finding has a verdict, or there is none."
      : left.toLocaleString("en") + " to review, the most abnormal first"
        + (more > 0 ? "; " + more.toLocaleString("en") + " more come when these are done." : ".");
    if (!left && more > 0) { review().catch((error) => { status.textContent = error.message; }); }
  }

  // Replaces a finding by what was said of it, with a way back.
  function settle(card, told, undo) {
    const line = element("div", undefined, card.className + " settled"), wrong = element("p", "");
    wrong.setAttribute("role", "alert");
    const back = button("Undo", async () => {
      back.disabled = true;
      try {
        await undo();
        line.replaceWith(card);
        card.querySelector("input").focus();
        count();
      } catch (error) { wrong.textContent = error.message; }
      back.disabled = false;
    });
    back.setAttribute("aria-label", "Undo: " + told);
    line.append(element("p", told), back, wrong);
    card.replaceWith(line);
    return back;
  }

  function undo(finding) { return ask("findings/" + finding.name, { act: "undo" }); }

  function settleNow(...what) {
    settle(...what).focus({ preventScroll: true });
    count();
  }

  // A finding with its buttons; it stays as it is while something is said of it, for when that is taken back.
  function cardOf(finding) {
    const card = element("article", undefined, "finding open");
    card.setAttribute("aria-label", finding.key);
    const key = element("h3"), wrong = element("p", ""), acts = element("div", undefined, "acts");
    const about = element("p", finding.flags + ", run " + finding.run + ": " + finding.tail, "note");
    const note = element("input");
    note.placeholder = "Note (optional)";
    note.maxLength = 10000;
    note.setAttribute("aria-label", "Note on " + finding.key);
    wrong.setAttribute("role", "alert");
    const enable = (is) => acts.querySelectorAll("button").forEach((one) => { one.disabled = !is; });
    const decide = (act) => async () => {
      enable(false);
      wrong.textContent = "";
      try {
        const answer = await ask("findings/" + finding.name, { act, note: note.value });
        const told = (await answer.json()).told + (note.value.trim() ? " (" + note.value.trim() + ")" : "");
        settleNow(card, told, () => undo(finding));
      } catch (error) { wrong.textContent = error.message; }
      enable(true);
    };
    acts.append(note);
    for (const act of Object.keys(LABELS)) {
      if (act !== "silence" || finding.can_be_silenced) { acts.append(button(LABELS[act], decide(act))); }
    }
    acts.append(button("Skip", () => settleNow(card, finding.key + ": skipped", async () => {})));
    const link = button(finding.key, () => find(finding).catch((error) => { wrong.textContent = error.message; }));
    link.className = "link";
    link.title = "Show its flags further down";
    key.append(link);
    card.append(key, about, element("p", finding.reason), acts, wrong);
    return card;
  }

  // Shows the flags of a finding further down, of its run.
  async function find(finding) {
    if (finding.run !== shown) { await show(finding.run); }
    const flags = JSON.parse(byId("data").textContent).flags;
    const flag = flags.find((one) => one[1] === finding.on_page && one[5] === finding.reason);
    if (!flag) { throw new Error("the page of run " + finding.run + " does not have this flag; the store has it"); }
    const all = document.querySelector('button[data-finding="' + flag[6] + '"]');
    if (all) {
      all.click();
    } else {  // a finding far down has no button there
      byId("filter").value = flag[1];
      byId("filter").dispatchEvent(new Event("input"));
    }
    const row = [...document.querySelectorAll("#rows .link")].find((one) => one.textContent === flag[1]);
    if (row) { row.click(); row.scrollIntoView({ block: "center" }); row.focus({ preventScroll: true }); }
  }

  // Puts the page of a run into this one, whose policy holds for it; its script has to be made here to run.
  async function show(run) {
    const text = await (await ask("runs/" + run)).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    page.querySelector("meta[http-equiv]").remove();
    page.head.append(style);
    page.querySelector("main").prepend(section);
    const link = page.createElement("a");
    link.href = "#review";
    link.textContent = "Review";
    page.querySelector("nav").prepend(link, " ");
    const theme = document.documentElement.dataset.theme;
    if (theme) { page.documentElement.dataset.theme = theme; }
    document.documentElement.replaceWith(document.adoptNode(page.documentElement));
    for (const still of document.querySelectorAll("script:not([type])")) { still.replaceWith(element("script", still.textContent)); }
    shown = run;
  }

  async function review() {
    const found = await (await ask("findings")).json();
    n_findings = found.n_findings;
    list.replaceChildren(...found.findings.map(cardOf));
    for (const one of found.decided) {
      const card = cardOf(one);
      card.className = "finding";
      list.append(card);
      settle(card, one.told, () => undo(one));
    }
    count();
    return found.findings.length ? found.findings[0].run : "newest";
  }

  section.id = "review";
  section.setAttribute("aria-labelledby", "h-review");
  const title = element("h2", "To review");
  title.id = "h-review";
  status.setAttribute("role", "status");
  list.id = "findings-left";
  list.tabIndex = 0;  // it scrolls, also by keys
  list.setAttribute("role", "region");
  list.setAttribute("aria-label", "Findings to review");
  section.append(title, status, list);
  byId("again").addEventListener("click", () => location.reload());
  review().then(show).catch((error) => {
    byId("told").textContent = error.message;
    byId("again").hidden = false;
  });
})();
