"use strict";
(() => {
  const table = document.getElementById("table");
  if (!table) return;
  const body = table.tBodies[0];
  const pages = document.getElementById("pages");
  const [search, status, place, shown] = ["search", "status", "place", "shown"].map(id => document.getElementById(id));
  const FIRST_EXERCISE = 2;
  const SUSPICIOUS_FIRST = 1e6;
  // Accents and case do not matter to somebody who looks for a name.
  const fold = text => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

  const entries = Array.from(body.rows, (row, index) => {
    const page = document.getElementById(`student-${index}`);
    return {
      row,
      page,
      name: fold(`${row.cells[0].textContent} ${page.querySelector(".source").textContent}`),
      values: Array.from(row.cells, cell => Number(cell.dataset.v)),
    };
  });

  const meets = entry => {
    const cells = entry.row.cells;
    if (status.value === "") return true;
    if (status.value === "ungraded") return entry.values[1] < 0;
    if (status.value === "notes") return entry.values[cells.length - 2] > 0;
    if (status.value === "suspicious") return entry.values[cells.length - 2] >= SUSPICIOUS_FIRST;
    const results = Array.from(cells).slice(FIRST_EXERCISE, -2);
    const asked = place.value === "" ? results : [results[Number(place.value)]];
    return asked.some(cell => cell.classList.contains(status.value));
  };

  const filter = () => {
    const words = fold(search.value).split(/\s+/).filter(Boolean);
    let count = 0;
    for (const entry of entries) {
      const wanted = words.every(word => entry.name.includes(word)) && meets(entry);
      entry.row.hidden = entry.page.hidden = !wanted;
      count += wanted;
    }
    shown.textContent = `${count} of ${entries.length} shown`;
  };

  const sort = head => {
    const column = head.cellIndex;
    const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
    for (const other of head.parentElement.cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    // Where two are equal, by name.
    entries.sort((a, b) => direction * (a.values[column] - b.values[column]) || a.values[0] - b.values[0]);
    body.append(...entries.map(entry => entry.row));
    pages.append(...entries.map(entry => entry.page));
  };

  const reveal = () => {
    const page = document.getElementById(location.hash.slice(1));
    if (!(page instanceof HTMLDetailsElement)) return;
    page.hidden = false;
    page.open = true;
    page.scrollIntoView();
    page.querySelector("summary").focus({ preventScroll: true });
  };

  for (const head of table.tHead.rows[0].cells) head.firstElementChild.addEventListener("click", () => sort(head));
  for (const control of [search, status, place]) control.addEventListener("input", filter);
  document.getElementById("open").addEventListener("click", () => {
    for (const { page } of entries) page.open = page.open || !page.hidden;
  });
  document.getElementById("close").addEventListener("click", () => {
    for (const { page } of entries) page.open = false;
  });
  document.addEventListener("keydown", event => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !(event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      search.focus();
    }
  });
  // The second click on the same link changes no hash.
  body.addEventListener("click", event => {
    if (event.target.closest("a")) setTimeout(reveal);
  });
  addEventListener("hashchange", reveal);
  addEventListener("beforeprint", () => {
    for (const { page } of entries) page.open = true;
  });
  // A browser keeps what was typed when the page is loaded again.
  filter();
  reveal();
})();
