"""An intent profile made up: a likely wish, one that may be chance, people's words, the brief, and what was decided."""

from collections.abc import Callable

from feedback_loop.intent.profile import Decided, Evidence, Example, Profile, Proposal, Quote, Standing, Wish
from tests.ui.app_parts import intent_port
from ui.ports import IntentPort


def evidence(agree: int, against: int, **more: object) -> Evidence:
    said = {"edits_agree": 0, "edits_against": 0, "chosen": 0.67, "rejected": 0.28, "chance": 0.0002}
    labels = {
        "labels": tuple(f"c{n}@anna" for n in range(agree)),
        "labels_against": tuple(f"d{n}@ben" for n in range(against)),
    }
    return Evidence.model_validate({"agree": agree, "against": against, **said, **labels, **more})


def proposal(number: int, wish: Wish, text: str, found: Evidence, **more: object) -> Proposal:
    said = {"state": "proposed", "confidence": "likely", "number": number, "key": wish.key, "wish": wish}
    return Proposal.model_validate({**said, "text": text, "evidence": found, **more})


EMOJI = Wish(name="emoji.no", check="emoji", value=False)
WORDS = Wish(name="max_words", check="max_words", value=14)
CAVEATS = Wish(name="caveat.no")
LONG = Wish(name="comment", phrase="too long")
GREETING = Wish(name="greeting.yes", check="greeting", value=True)
EXAMPLE = Example(label="c0@anna", request="How?\u202e", chosen="<b>Wipe</b> it.", rejected="Wipe it 🎉")
QUOTES = tuple(
    Quote(label=f"c{n}@anna", text=text)
    for n, text in enumerate(["Too long!\u202e", "far too long", "too long", "much too long"])
)
SURELY = evidence(44, 8, alike_agree=12, alike_against=1, edits_agree=5)
TAKEN = Decided(
    key="greeting.yes", state="accepted", wish=GREETING, text="Say hello. [check: greeting]", evidence=evidence(9, 1),
    by="olga", at="2026-11-28T10:00:00.000+00:00",
)  # fmt: skip
PROFILE = Profile(
    labels=64,
    choices=51,
    edits=6,
    comments=9,
    proposals=(
        proposal(1, EMOJI, "Use no emoji. [check: emoji=false]", SURELY, example=EXAMPLE),
        proposal(
            2, WORDS, "Write at most 14 words. [check: max_words=14]", evidence(20, 5, chance=0.02, low=12, high=16)
        ),
        proposal(3, CAVEATS, "Leave out caveats and warnings.", evidence(9, 2, chance=0.125), confidence="perhaps"),
        proposal(4, LONG, "", evidence(4, 0, chance=1.0), confidence="quoted", quotes=QUOTES),
        proposal(5, GREETING, TAKEN.text, TAKEN.evidence, state="accepted", decided=TAKEN),
    ),
    brief=(
        Standing(number=1, text="Say hello.", agree=9, against=1, verdict="borne out"),
        Standing(number=2, text="Write a list.", agree=1, against=14, verdict="against"),
    ),
)


def recording(calls: list[tuple[str, ...]]) -> IntentPort:
    """A port that notes what it is told to do; accepted and dismissed proposals go."""
    gone: set[str] = set()

    def noted(what: str) -> Callable[..., None]:
        def note(*said: str) -> None:
            calls.append((what, *said))
            gone.add(said[0])

        return note

    def profile() -> Profile:
        left = tuple(p for p in PROFILE.proposals if p.key not in gone)
        return PROFILE.model_copy(update={"proposals": left})

    made = intent_port(accept=noted("accept"), dismiss=noted("dismiss"))
    return IntentPort(profile=profile, accept=made.accept, dismiss=made.dismiss)
