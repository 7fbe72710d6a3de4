// Small helpers for the page's elements. Text goes in as text, never as markup.

export const $ = (id) => document.getElementById(id);

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export const button = (text, kind, onclick) => element("button", { type: "button", className: kind, textContent: text, onclick });

// One paragraph a text: an element with a live role is no list to a screen reader.
export const lines = (place, texts) => place.replaceChildren(...texts.map((text) => element("p", { textContent: text })));

const VIEWS = ["start", "home", "tube", "person", "camera"];

// Show one view and put the reader at its heading, or at `focus`.
export function show(view, focus = null) {
  for (const id of VIEWS) $(id).hidden = id !== view;
  (focus ?? $(view).querySelector("h1")).focus();
  window.scrollTo(0, 0);
}

export const shown = () => VIEWS.find((id) => !$(id).hidden) ?? null;

// A question with a yes; resolves to whether it was that. It is answered in the moment in which it goes: a close event comes later, and a
// tap between the two would be lost.
export function ask(question, yes) {
  $("ask-text").textContent = question;
  $("ask-yes").textContent = yes;
  const dialog = $("ask");
  return new Promise((resolve) => {
    const answer = (said) => {
      resolve(said);
      dialog.close();
    };
    $("ask-yes").onclick = () => answer(true);
    $("ask-no").onclick = () => answer(false);
    dialog.oncancel = () => answer(false);
    // However else it went; not that of the question before.
    dialog.onclose = () => dialog.open || resolve(false);
    dialog.showModal();
  });
}
