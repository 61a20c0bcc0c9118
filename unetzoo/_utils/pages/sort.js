
document.querySelectorAll("table.sortable").forEach(table => {
  table.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => {
    const header = button.parentElement, rising = header.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", rising ? "ascending" : "descending");
    const value = row => row.cells[column].textContent.trim();
    const isNumber = text => text !== "" && !isNaN(text);
    const order = (a, b) => isNumber(a) && isNumber(b) ? (rising ? a - b : b - a)
      : isNumber(b) - isNumber(a) || (rising ? 1 : -1) * a.localeCompare(b, "en", {numeric: true});
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort((a, b) => order(value(a), value(b))));
  }));
});
