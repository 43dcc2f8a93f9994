import { findAll } from "./page.ts";

/** Gives every example a button that copies it. */
export function offerCopies(): void {
  // Browsers let only secure origins write to the clipboard.
  if (!navigator.clipboard) return;
  for (const example of findAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(example.querySelector("code")?.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => {
        button.textContent = "Copy";
      }, 2_000);
    });
    example.prepend(button);
  }
}
