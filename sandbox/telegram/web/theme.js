// Set the page's colours before its first paint: the chosen ones, else those of the system.

globalThis.theme = {
  NAMES: ["auto", "light", "dark"],
  chosen: () => localStorage.getItem("theme") ?? "auto",
  apply() {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const system = isDark ? "dark" : "light";
    document.documentElement.dataset.theme = this.chosen() === "auto" ? system : this.chosen();
  },
  choose(name) {
    localStorage.setItem("theme", name);
    this.apply();
  },
};
theme.apply();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => theme.apply());
