// Everything works without this file. It renews parts of a page, gives shortcuts, and asks before what cannot be undone.
"use strict";
(() => {
  const LIVE_SECONDS = 5;
  const PATIENCE_SECONDS = 30;
  const main = document.getElementById("main");
  const stale = document.getElementById("stale");

  // ---------------------------------------------------------------- live parts
  let etag = "";
  let heard = new Date();

  const inUse = (part) => part.contains(document.activeElement) || part.querySelector("details[open], dialog[open]");

  const tellStale = (text) => {
    if (stale.textContent !== text) stale.textContent = text;
    stale.hidden = text === "";
  };

  const missed = () => {
    if (new Date() - heard < PATIENCE_SECONDS * 1000) return;
    tellStale(`${document.body.dataset.lost} ${heard.toLocaleTimeString(document.documentElement.lang)}`);
  };

  const renew = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    let all = true;
    for (const part of document.querySelectorAll("[data-live][id]")) {
      const other = fresh.getElementById(part.id);
      if (!other || part.isEqualNode(other)) continue;
      if (inUse(part)) all = false;
      else {
        part.className = other.className; // the element stays: a screen reader hears what changes in it
        part.replaceChildren(...document.importNode(other, true).childNodes);
      }
    }
    return all;
  };

  const look = async () => {
    if (document.hidden) return;
    const headers = { "X-Live": "1" };
    if (etag) headers["If-None-Match"] = etag;
    try {
      const answer = await fetch(location.href, { headers, cache: "no-store", credentials: "same-origin" });
      if (answer.status === 401) {
        tellStale(document.body.dataset.over);
        clearInterval(ticking);
        return;
      }
      if (answer.status !== 304 && !answer.ok) return missed();
      if (answer.status !== 304) etag = renew(await answer.text()) ? answer.headers.get("ETag") || "" : "";
      heard = new Date();
      tellStale("");
    } catch {
      missed();
    }
  };

  let ticking = 0;
  if (main && document.querySelector("[data-live]")) {
    ticking = setInterval(look, LIVE_SECONDS * 1000);
    document.addEventListener("visibilitychange", look);
  }

  // ---------------------------------------------------------------- asking first
  document.addEventListener("submit", (event) => {
    const question = event.target.dataset.confirm;
    if (question && !window.confirm(question)) event.preventDefault();
  });

  // ---------------------------------------------------------------- shortcuts
  const dialog = document.getElementById("keys");
  const list = document.getElementById("keys-list");
  const toggle = document.getElementById("keys-on");
  const opener = document.getElementById("show-keys");
  if (!dialog || !opener) return;

  let on = true;
  try { on = localStorage.getItem("raccourcis") !== "non"; } catch { /* storage refused: they are on */ }
  toggle.checked = on;
  toggle.addEventListener("change", () => {
    on = toggle.checked;
    try { localStorage.setItem("raccourcis", on ? "oui" : "non"); } catch { /* until the page is left */ }
  });
  opener.hidden = false;

  const line = (keys, label) => {
    const name = document.createElement("dt");
    for (const key of keys.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = key;
      name.append(cap, " ");
    }
    const told = document.createElement("dd");
    told.textContent = label;
    list.append(name, told);
  };

  const show = () => {
    list.textContent = "";
    const seen = new Set();
    for (const one of document.querySelectorAll("[data-key]")) {
      if (seen.has(one.dataset.key)) continue;
      seen.add(one.dataset.key);
      line(one.dataset.key, one.dataset.keyLabel || one.getAttribute("aria-label") || one.textContent.trim());
    }
    if (document.querySelector("[data-rows]")) {
      line("j k", list.dataset.rowsLabel);
      line("o", list.dataset.openLabel);
    }
    dialog.showModal();
  };
  opener.addEventListener("click", show);

  const walk = (step) => {
    const rows = [...document.querySelectorAll("[data-rows] tbody tr")];
    if (!rows.length) return;
    const now = rows.findIndex((row) => row.classList.contains("current"));
    const next = rows[Math.min(Math.max(now + step, 0), rows.length - 1)];
    rows.forEach((row) => row.classList.toggle("current", row === next));
    next.scrollIntoView({ block: "nearest" });
    const link = next.querySelector("a, button, input");
    if (link) link.focus();
  };

  let first = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || dialog.open) return;
    if (event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]")) return;
    if (!on && event.key !== "?") return;
    const keys = first ? `${first} ${event.key}` : event.key;
    first = "";
    const found = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === keys && !one.disabled);
    if (found) {
      event.preventDefault();
      if (found.matches("input:not([type=submit]), textarea, select")) found.focus();
      else found.click();
    } else if (keys === "j" || keys === "k") {
      walk(keys === "j" ? 1 : -1);
    } else if (keys === "o") {
      const row = document.querySelector("[data-rows] tr.current a");
      if (row) row.click();
    } else if ([...document.querySelectorAll("[data-key]")].some((one) => one.dataset.key.startsWith(`${event.key} `))) {
      first = event.key;
      setTimeout(() => { first = ""; }, 1500);
    }
  });
})();
