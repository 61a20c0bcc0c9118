
document.querySelectorAll("button.zoom").forEach(button => button.addEventListener("click", () => {
  const dialog = document.getElementById("large"), small = button.querySelector("img"), large = dialog.querySelector("img");
  large.src = small.src;
  large.alt = small.alt;
  dialog.showModal();
}));
document.getElementById("large")?.addEventListener("click", event => event.currentTarget.close());
