// The buttons answer in place, so that bell and pop-ups are seen at work.
const said = document.querySelector("#said");

for (const form of document.querySelectorAll("form[data-button]")) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(form.action, { method: "POST" });
      said.textContent = await answer.text();
    } catch {
      said.textContent = "The demo does not answer.";
    }
  });
}
