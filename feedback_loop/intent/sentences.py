"""How a wish is said in English, as a line of a brief. The page says the same from `ui/words`, in the reader's language."""

import json

from feedback_loop.brief.brief import CHECK
from feedback_loop.intent.profile import COMMENT, Wish

SENTENCES = {
    "greeting.yes": "Start with a greeting.",
    "greeting.no": "Do not greet.",
    "closing.yes": "Close with a farewell.",
    "closing.no": "Do not sign off.",
    "bullets.yes": "Write a list, one point a line.",
    "bullets.no": "Do not write a list.",
    "numbered_steps.yes": "Number the steps.",
    "numbered_steps.no": "Do not number steps.",
    "emoji.yes": "Add an emoji.",
    "emoji.no": "Use no emoji.",
    "formal.yes": "Be formal.",
    "formal.no": "Be casual.",
    "casual.yes": "Be casual.",
    "casual.no": "Do not be casual.",
    "hedged.yes": "Say where you are not sure (perhaps, might).",
    "hedged.no": "Do not hedge (perhaps, might).",
    "ends_with_question.yes": "End with a question.",
    "ends_with_question.no": "Do not end with a question.",
    "lower_case.yes": "Write without capital letters.",
    "lower_case.no": "Write with capital letters.",
    "question.yes": "Ask a question.",
    "question.no": "Ask no question.",
    "exclamation.yes": "Use exclamation marks.",
    "exclamation.no": "Use no exclamation marks.",
    "bold.yes": "Set the main words in bold.",
    "bold.no": "Use no bold text.",
    "code.yes": "Mark code as code.",
    "code.no": "Do not show code.",
    "script.latin": "Write in Latin letters.",
    "script.cyrillic": "Write in Cyrillic letters.",
    "script.han": "Write in Chinese characters.",
    "max_words": "Write at most {n} words.",
    "min_words": "Write at least {n} words.",
    "max_characters": "Write at most {n} characters.",
    "sentences": "Write {n} sentences.",
    "max_sentences": "Write at most {n} sentences.",
    "min_sentences": "Write at least {n} sentences.",
    "headings.yes": "Use headings.",
    "headings.no": "Use no headings.",
    "polite.yes": "Be polite (please, thank you).",
    "polite.no": "Leave out please and thank you.",
    "apology.yes": "Say sorry where you cannot help.",
    "apology.no": "Do not apologise or refuse.",
    "filler.yes": "Begin with a friendly set phrase (certainly, great question).",
    "filler.no": "Use no set phrases (certainly, great question).",
    "first_person.yes": "Say I or we.",
    "first_person.no": "Do not say I or we.",
    "second_person.yes": "Address the reader as you.",
    "second_person.no": "Do not address the reader as you.",
    "example.yes": "Give an example.",
    "example.no": "Give no examples.",
    "caveat.yes": "Name the caveats.",
    "caveat.no": "Leave out caveats and warnings.",
    "digits.yes": "Give figures in digits.",
    "digits.no": "Use no digits.",
    "same_script.yes": "Answer in the script of the request.",
    "opens.yes": "Begin with “{phrase}”.",
    "opens.no": "Do not begin with “{phrase}”.",
    "ends.yes": "End with “{phrase}”.",
    "ends.no": "Do not end with “{phrase}”.",
}
ONE = "Write one sentence."


def line(wish: Wish, sentence: str = "") -> str:
    """The line of a brief that asks for it, with its check; `sentence` in place of the words, whose own check goes before."""
    if wish.name == COMMENT:
        return sentence
    said = sentence or _sentence(wish)
    return said if wish.check is None or CHECK.search(said) else f"{said} [check: {_check(wish)}]"


def _sentence(wish: Wish) -> str:
    if (wish.name, wish.value) == ("sentences", 1):
        return ONE
    return SENTENCES[wish.name].format(n=wish.value, phrase=wish.phrase)


def _check(wish: Wish) -> str:
    if wish.value is True:
        return str(wish.check)
    value = wish.value if isinstance(wish.value, str) else json.dumps(wish.value, ensure_ascii=False)
    return f"{wish.check}={value}"
