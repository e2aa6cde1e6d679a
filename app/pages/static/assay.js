"use strict";

// Everything here is a convenience: the pages say the same without it.
document.querySelectorAll(".js-only").forEach((element) => { element.hidden = false; });

// A page that follows something under way is loaded again when its status or the number of finished checks changed.
const live = document.querySelector("[data-live]");
if (live) {
  const look = async () => {
    try {
      const answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const body = await answer.json();
        const done = Object.values(body.progress || {}).filter((step) => step.status === "done").length;
        if (`${body.status} ${done}` !== live.dataset.state) { location.reload(); return; }
      }
    } catch { /* the service restarts: look again */ }
    setTimeout(look, 1500);
  };
  look();
}

// Rows of a table that contain what is typed.
document.querySelectorAll("[data-filter]").forEach((input) => {
  const rows = document.querySelectorAll(`${input.dataset.filter} tbody tr`);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows.forEach((row) => {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    });
  });
});

// Tests of a scorecard by what became of them.
const choices = document.querySelectorAll("[data-show]");
choices.forEach((choice) => {
  choice.addEventListener("click", () => {
    choices.forEach((other) => other.setAttribute("aria-pressed", String(other === choice)));
    const chosen = choice.dataset.show;
    document.querySelectorAll("tr[data-test]").forEach((row) => {
      row.hidden = chosen !== "" && !row.matches(chosen);
    });
    document.querySelectorAll("section.tests").forEach((section) => {
      section.hidden = !section.querySelector("tr[data-test]:not([hidden])");
    });
  });
});
