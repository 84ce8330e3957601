// The list of problems that flipped: each opens both of its sides in the explorer, beside each other.

const flips = [...document.querySelectorAll("#flips a")];

async function openFlip(link, scroll) {
  byId("condition").value = link.dataset.left;
  byId("beside").value = link.dataset.right;
  flips.forEach((one) => one.removeAttribute("aria-current"));
  link.setAttribute("aria-current", "true");
  await Explorer.choose(Explorer.index.problems.findIndex((one) => one.id === link.dataset.problem), scroll);
  if (scroll) byId("question").scrollIntoView();
}

if (flips.length) {
  Explorer.started.then(() => {
    for (const link of flips) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        openFlip(link, true);
      });
    }
    const named = flips.find((link) => link.getAttribute("href") === location.hash);
    if (named || !location.hash.includes("/")) openFlip(named ?? flips[0], false);
  });
}
