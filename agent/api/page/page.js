"use strict";
// The page is complete without this script, which adds: news as they come, times that go on, a filter, and the keyboard.
// Rows come as HTML from the agent, which escapes every text in them (status_page.hpp).
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("tokens");
  const words = byId("words");
  const troubled = byId("troubled");
  const newsLine = byId("news");

  // The clock of the agent: that of the browser's machine may be wrong.
  let ahead = Number(document.body.dataset.now) - Date.now();
  const now = () => Date.now() + ahead;
  // What the page knows (PageFeed): the agent sends only what came since.
  let seen = document.body.dataset.seen;

  // As duration_words() of token_condition.cpp.
  const units = [[" d", 86400], [" h", 3600], [" min", 60], [" s", 1]];
  function duration(ms) {
    const seconds = Math.floor(Math.abs(ms) / 1000);
    const first = units.findIndex(([, size]) => seconds >= size);
    if (first < 0) return "0 s";
    const [word, size] = units[first];
    const text = Math.floor(seconds / size) + word;
    if (first + 1 === units.length) return text;
    const [nextWord, nextSize] = units[first + 1];
    const rest = Math.floor((seconds % size) / nextSize);
    return rest === 0 ? text : `${text} ${rest}${nextWord}`;
  }
  function relative(at) {
    const left = at - now();
    if (Math.abs(left) < 1000) return "now";
    return left > 0 ? `in ${duration(left)}` : `${duration(left)} ago`;
  }

  // --- times that go on ---
  function percent(svg, at) {
    const from = Number(svg.dataset.from);
    return Math.min(1, Math.max(0, (at - from) / (Number(svg.dataset.to) - from))) * 100;
  }
  function moveTimeline(svg) {
    const here = percent(svg, now());
    const line = svg.querySelector(".now");
    line.setAttribute("x1", `${here}%`);
    line.setAttribute("x2", `${here}%`);
    const spent = svg.querySelector(".spent");
    const whole = svg.querySelector(".whole");
    if (!spent || !whole) return;
    const begin = parseFloat(whole.getAttribute("x"));
    const length = parseFloat(whole.getAttribute("width"));
    spent.setAttribute("width", `${Math.min(length, Math.max(0, here - begin))}%`);
  }
  function moveTimesOf(part) {
    for (const time of part.querySelectorAll("time[data-at]")) {
      const text = relative(Number(time.dataset.at));
      if (time.textContent !== text) time.textContent = text;
    }
    for (const svg of part.querySelectorAll("svg[data-from]")) moveTimeline(svg);
  }

  // What is closed is not looked at: it moves on when it is opened.
  function moveTimes() {
    moveTimesOf(byId("agent"));
    for (const row of rows()) {
      if (row.hidden) continue;
      moveTimesOf(row.rows[0]);
      if (row.querySelector("details").open) moveTimesOf(row.querySelector(".more"));
    }
  }

  // --- rows ---
  const rows = () => [...table.tBodies];
  const nameOf = (row) => row.dataset.name;
  const summaryOf = (row) => row.querySelector("summary");
  function order(a, b) {
    const ranks = Number(a.dataset.rank) - Number(b.dataset.rank);
    if (ranks !== 0) return ranks;
    return nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0;
  }
  // Only rows that are out of place move, because a moved row loses the focus.
  function sortRows() {
    const wanted = rows().sort(order);
    let place = table.tHead.nextElementSibling;
    for (const row of wanted) {
      if (row === place) place = place.nextElementSibling;
      else table.insertBefore(row, place);
    }
  }
  // Returns the row that is in the table now.
  function show(html, before) {
    const part = document.createElement("template");
    part.innerHTML = html;
    const row = part.content.firstElementChild;
    const old = before.get(nameOf(row));
    if (!old) {
      table.append(row);
      return row;
    }
    row.querySelector("details").open = old.querySelector("details").open;
    old.replaceWith(row);
    return row;
  }
  function take(news) {
    ahead = news.now_ms - Date.now();
    seen = news.seen;
    const focused = document.activeElement.closest("tbody.token");
    byId("agent").innerHTML = news.facts;
    const before = new Map(rows().map((row) => [nameOf(row), row]));
    const shown = new Set(news.rows.map((html) => show(html, before)));
    if (news.complete) rows().filter((row) => !shown.has(row)).forEach((row) => row.remove());
    else shown.forEach((row) => row.classList.add("fresh"));
    sortRows();
    filter();
    moveTimes();
    const again = focused && rows().find((row) => nameOf(row) === nameOf(focused));
    if (again && document.activeElement !== summaryOf(again)) summaryOf(again).focus({preventScroll: true});
  }

  // --- filter ---
  const textOf = (row) => row.textContent.toLowerCase();
  function filter() {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const row of rows()) {
      const bad = row.classList.contains("bad") || row.classList.contains("warn");
      row.hidden = (troubled.checked && !bad) || (wanted.length > 0 && !wanted.every((word) => textOf(row).includes(word)));
      if (!row.hidden) count += 1;
    }
    const all = rows().length;
    byId("shown").value = count === all ? `${all} tokens` : `${count} of ${all} tokens`;
    byId("none").hidden = count > 0 || all === 0;
    chooseForTab();
  }

  // --- keyboard: one row is in the order of Tab, the arrows go on from there ---
  function chooseForTab(row) {
    const visible = rows().filter((other) => !other.hidden);
    const kept = row || visible.find((other) => other.contains(document.activeElement)) || visible[0];
    for (const other of visible) summaryOf(other).tabIndex = other === kept ? 0 : -1;
  }
  function goTo(row) {
    if (!row) return;
    chooseForTab(row);
    summaryOf(row).focus();
  }
  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const visible = rows().filter((row) => !row.hidden);
    const row = document.activeElement.closest("tbody.token");
    const inFilter = document.activeElement === words;
    const place = visible.indexOf(row);
    const moves = {ArrowDown: place + 1, ArrowUp: Math.max(place - 1, 0), Home: 0, End: visible.length - 1};
    if (event.key === "/" && !inFilter) {
      words.focus();
      words.select();
    } else if (event.key === "Escape" && inFilter) {
      words.value = "";
      filter();
    } else if (event.key in moves && (row || event.key === "ArrowDown") && !(inFilter && event.key !== "ArrowDown")) {
      goTo(visible[moves[event.key]]);
    } else {
      return;
    }
    event.preventDefault();
  }

  // --- news: a hidden page closes its connection, because a browser has only few for one agent ---
  let source = null;
  let heard = 0;
  function say(text, kind) {
    newsLine.className = kind;
    if (newsLine.textContent !== text) newsLine.textContent = text;
  }
  function open() {
    if (source) source.close();
    heard = Date.now();
    source = new EventSource(`/events?seen=${encodeURIComponent(seen)}`);
    source.addEventListener("news", (event) => {
      heard = Date.now();
      take(JSON.parse(event.data));
      say("live", "live");
    });
    source.addEventListener("heartbeat", () => { heard = Date.now(); });
    source.onerror = () => say("no news from the agent; trying again", "away");
  }
  // EventSource gives up after an answer that is no stream, and does not notice a machine that went away.
  function keepOpen() {
    const silent = Date.now() - heard > 75000;
    if (silent || source.readyState === EventSource.CLOSED && Date.now() - heard > 10000) open();
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) open();
    else if (source) source.close();
  });

  byId("filter").hidden = false;
  byId("keys").hidden = false;
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
  words.addEventListener("input", filter);
  troubled.addEventListener("change", filter);
  document.addEventListener("keydown", onKey);
  table.addEventListener("click", (event) => {
    const row = event.target.closest("tbody.token");
    if (!row || event.target.closest("details, tr.more, a") || String(getSelection())) return;
    row.querySelector("details").open = !row.querySelector("details").open;
  });
  table.addEventListener("toggle", moveTimes, true);
  filter();
  moveTimes();
  if (!document.hidden) open();
  setInterval(() => {
    if (document.hidden) return;
    moveTimes();
    keepOpen();
  }, 1000);
})();
