// An answer of the app that comes in pieces, a line of JSON for each; `signal` leaves it. An Error as of `call` where it is refused.
const { t } = window.feedbackLoop;

export async function stream(path, body, hear, signal) {
  let answer;
  try {
    answer = await fetch(`/api${path}`, { method: "POST", headers: { "Content-Type": "application/json", "X-Feedback-Loop": "1" }, body: JSON.stringify(body), signal });
  } catch {
    throw new Error(t("error.offline"));
  }
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || t("error.status", { status: answer.status }));
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let kept = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (kept + value).split("\n");
    kept = lines.pop();
    lines.forEach((line) => hear(JSON.parse(line)));
  }
}
