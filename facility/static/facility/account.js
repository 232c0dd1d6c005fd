// Copies what is shown once. Without it people mark and copy by themselves.
for (const button of document.querySelectorAll("[data-copy]")) {
  const says = button.parentElement.querySelector("[data-copied]");
  if (!navigator.clipboard) continue; // only on secure pages
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    says.textContent = says.dataset.copied;
  });
}
// Says in words that a passkey did not work; the scripts of the sign-in only tell the console.
document.addEventListener("allauth.error", (event) => {
  const says = document.querySelector("[data-passkey-failed]");
  if (!says) return;
  event.preventDefault();
  says.textContent = says.dataset.passkeyFailed;
  says.hidden = false;
});
