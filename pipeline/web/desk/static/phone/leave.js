// Signing out at the desk. Where this phone keeps tubes, the phone page does it: it asks about what was not sent, and clears the phone.

for (const form of document.querySelectorAll('form[action="/sign-out"]')) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let kept = [];
    try {
      kept = await indexedDB.databases();
    } catch {
      // A browser that cannot say what it keeps signs out all the same.
    }
    if (kept.some((one) => one.name === "unpool-phone")) window.location.assign("/phone/?sign-out");
    else form.submit();
  });
}
