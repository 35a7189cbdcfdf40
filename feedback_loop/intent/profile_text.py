"""The intent profile for the terminal, in English."""

from feedback_loop.intent.profile import COMMENT, Profile, Proposal, Standing

FLOOR = 0.0003
"""A chance below this is the least that the test can tell."""
WIDE = 200
"""Characters of a quotation that are shown."""
HEADS = {
    "likely": "What people seem to want",
    "perhaps": "Perhaps: it may be chance",
    "quoted": "Said in comments, in people's own words",
    "accepted": "In the brief",
    "dismissed": "Dismissed",
}
VERDICTS = {"borne out": "choices bear it out", "against": "choices go against it", "unknown": "not clear by itself"}


def as_text(found: Profile, run: str) -> str:
    """Proposals under their heads, then the brief's requirements, then what to type."""
    lines = [f"{found.labels} answers: {found.choices} choices, {found.edits} edits, {found.comments} comments."]
    if not found.labels:
        return f"{lines[0]} Nothing to read yet: a round's answers are read when it goes on. Look: feedback-loop status {run}"
    if not found.proposals:
        lines.append("Nothing is clear yet: what differs so far may be chance. More answers will tell.")
    for head, title in HEADS.items():
        shown = [p for p in found.proposals if (p.confidence if p.state == "proposed" else p.state) == head]
        lines += ["", title, *(_proposal(p) for p in shown)] if shown else []
    if found.brief:
        lines += ["", "What the brief asks for, each beside the others", *map(_standing, found.brief)]
    if any(p.state == "proposed" for p in found.proposals):
        lines += ["", f"Into the brief: feedback-loop intent {run} --accept N [--text ...]; or --dismiss N."]
    return "\n".join(lines)


def _proposal(p: Proposal) -> str:
    lines = [f"{p.number:>3}  {p.text or f'“{p.wish.phrase}”'}"]
    if p.wish.name == COMMENT:
        lines.append(f"in {p.evidence.agree} comments")
        lines += [f"{q.label}: “{_short(q.text)}”" for q in p.quotes[:3]]
    else:
        lines += _evidence(p)
    if p.decided is not None:
        lines.append(f"{p.decided.state} by {p.decided.by}, {p.decided.at[:16]}")
    return "\n     ".join(lines)


def _evidence(p: Proposal) -> list[str]:
    e = p.evidence
    decided, edited = e.agree + e.against, e.edits_agree + e.edits_against
    lines = [
        f"{e.agree} of {decided} choices between answers that differ in it went this way; by chance: {_chance(e.chance)}"
    ]
    if alike := e.alike_agree + e.alike_against:
        lines.append(f"{e.alike_agree} of {alike} where the answers are alike in all else that was found")
    if edited:
        lines.append(f"{e.edits_agree} of {edited} edits that change it do so")
    lines.append(f"{e.chosen:.0%} of the chosen answers meet it, {e.rejected:.0%} of the others")
    if e.low is not None and e.high is not None:
        lines.append(f"any number from {e.low} to {e.high} explains the choices about as well")
    if p.wish.check is None:
        lines.append("no program can check it")
    if p.example is not None:
        chosen, rejected = _short(p.example.chosen), _short(p.example.rejected)
        lines.append(f"such as {p.example.label}: “{chosen}” rather than “{rejected}”")
    return lines


def _chance(chance: float) -> str:
    """How seldom anything as clear comes up by chance; the test tells no less than one in 5000."""
    return f"1 in {round(1 / chance)}{' or less' if chance < FLOOR else ''}"


def _standing(s: Standing) -> str:
    return f"{s.number:>3}  {' '.join(s.text.split())}: {VERDICTS[s.verdict]} ({s.agree} to {s.against})"


def _short(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= WIDE else said[: WIDE - 1] + "…"
