// The Help page, in the person's language; the app made it of its own Markdown.
(() => {
  window.feedbackLoop.whenThere("fl-help", async (page) => {
    page.innerHTML = await (await fetch("/page/help.html")).text();
  });
})();
