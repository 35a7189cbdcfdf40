"""Each trait on answers that have it and answers that do not, in English, Russian and Chinese; and phrases that are common."""

import pytest

from feedback_loop.taught.traits import TRAITS, measure, phrases, read, sayings, tokens


def of(name: str, text: str, request: str = "How do I clean the lamp?") -> float:
    (trait,) = [t for t in TRAITS if t.name == name]
    return measure([trait], [read(text, request)])[0][0]


# trait, an answer that has it, an answer that has it not
HAVE = [
    ("greeting", "Good day.\n\nClean it.", "Clean it. Hello is what I say."),
    ("greeting", "**Hi** there!", "Hidden dirt."),
    ("greeting", "Здравствуйте! Протрите её.", "Протрите её, привет."),
    ("greeting", "Уважаемая Анна,", "Уважение важно."),
    ("greeting", "您好！请先关灯。", "先关灯。你好。"),
    ("closing", "Clean it.\n\nKind regards.", "Kind regards.\n\nClean it.\n\nWait."),
    ("closing", "Clean it.\n\nBest wishes,\nAnna", "I wish it were clean."),
    ("closing", "Протрите её.\n\nВсего доброго!", "Доброго в этом мало."),
    ("closing", "先关灯。希望对你有帮助！", "我希望灯干净。再关灯。"),
    ("question", "Is it clean?", "It is clean."),
    ("question", "干净吗？", "干净。"),
    ("ends_with_question", "Clean it. Does that help? 🙂\n\nCheers!", "Does that help? I hope so."),
    ("ends_with_question", "Протрите её. Понятно?", "Понятно? Протрите."),
    ("exclamation", "好！", "好。"),
    ("emoji", "Clean it. ✨", "Clean it™ → now."),
    ("hedged", "Perhaps clean it.", "Clean it, mighty one."),
    ("hedged", "Возможно, стоит протереть её.", "Протрите её."),
    ("hedged", "也许先关灯。", "先关灯。"),
    ("polite", "Please clean it.", "I am pleased."),
    ("polite", "Протрите её, пожалуйста.", "Протрите её."),
    ("polite", "请先关灯。", "先关灯。"),
    ("apology", "I'm sorry, but I can't.", "Clean it."),
    ("apology", "К сожалению, я не могу.", "Протрите её."),
    ("apology", "抱歉，我无法回答。", "先关灯。"),
    ("filler", "Certainly! Clean it.", "Clean it."),
    ("filler", "Конечно! Протрите её.", "Протрите её."),
    ("filler", "当然可以。先关灯。", "先关灯。"),
    ("formal", "It is therefore best to clean it.", "So clean it."),
    ("formal", "Таким образом, её следует протереть.", "Протри её."),
    ("formal", "因此先关灯。", "先关灯。"),
    ("casual", "It's easy.", "It is easy."),
    ("casual", "Привет, протри её.", "Протрите её."),
    ("casual", "哈哈，先关灯啦。", "先关灯。"),
    ("first_person", "I would clean it.", "Clean it in time."),
    ("first_person", "Я бы протёр её.", "Протрите её."),
    ("first_person", "我会先关灯。", "先关灯。"),
    ("second_person", "You should clean it.", "Clean it, young man."),
    ("second_person", "Вам стоит протереть её.", "Стоит протереть её."),
    ("second_person", "你先关灯。", "先关灯。"),
    ("example", "Use a cloth, for example.", "Use a cloth."),
    ("example", "Например, тряпкой.", "Тряпкой."),
    ("example", "例如用布。", "用布。"),
    ("caveat", "Be careful with the bulb.", "Mind the bulb."),
    ("caveat", "Осторожно с лампой.", "Протрите лампу."),
    ("caveat", "注意灯泡。", "擦灯泡。"),
    ("list", "Do this:\n- Clean it.", "Clean it - slowly."),
    ("numbered", "1. Turn it off.\n2. Clean it.", "1. Clean it."),
    ("headings", "## Cleaning\nClean it.", "Clean lamp #1."),
    ("bold", "Clean it **slowly**.", "2 ** 3 is 8."),
    ("code", "Type `ls`.", "Type it."),
    ("digits", "Wait 5 minutes.", "Wait five minutes."),
    ("lower_case", "clean it", "Clean it"),
    ("lower_case", "протрите её", "先关灯"),
    ("same_script", "Clean it.", "Протрите её."),
]


@pytest.mark.parametrize(("name", "has", "lacks"), HAVE)
def test_a_trait_is_there_or_not(name: str, has: str, lacks: str):
    assert of(name, has) == 1
    assert of(name, lacks) == 0


COUNTS = [
    ("words", "Don't touch the lamp.", 4),
    ("words", "Протрите её по-своему.", 3),
    ("words", "先关灯。", 3),
    ("words", "用 WD-40 擦", 3),
    ("sentences", "1. Clean it.\n2. Wait! It costs 3.50 today.", 3),
    ("sentences", "先关灯。再擦！好吗？", 3),
    ("sentence_length", "Clean it now. Wait.", 2),
    ("paragraphs", "Hello.\n \nClean it.\n\n\nBye.", 3),
    ("word_length", "ab abcd", 3),
    ("echo", "Clean the lamp.", 0.5),
    ("cyrillic", "Протрите lamp", 8 / 12),
    ("han", "先关灯", 1),
    ("latin", "", 0),
]


@pytest.mark.parametrize(("name", "text", "count"), COUNTS)
def test_a_trait_is_counted(name: str, text: str, count: float):
    assert of(name, text) == pytest.approx(count)


def test_an_empty_answer_and_one_of_signs_alone_can_be_measured():
    for text in ("", "?!… 🙂\n\n***"):
        assert len(measure(TRAITS, [read(text)])[0]) == len(TRAITS)


def test_tokens_are_words_and_in_chinese_characters():
    assert tokens("Don't 擦灯 Ёлка_2") == ("don't", "擦", "灯", "ёлка", "2")


def test_every_trait_can_be_said_and_every_count_has_a_unit():
    for trait in (*TRAITS, *phrases([read("Good day. Bye."), read("Hey.")] * 4)):
        said = sayings()[trait.name]
        assert {"name", "more", "less"} <= said.keys()
        assert ("unit" in said) is (trait.kind == "count")
        assert bool(trait.phrase) is ("{phrase}" in said["more"])


def test_common_openings_and_closings_are_found_the_longest_of_those_that_go_together():
    answers = [read(f"Of course, here is how to clean the {n}.\n\nBest of luck!") for n in "abcd"]
    answers += [read(f"Wipe it {n} times.") for n in range(4)]
    found = {(t.name, t.phrase) for t in phrases(answers)}
    assert ("opens", "of course here is") in found
    assert ("opens", "of course") not in found, "it stands in the same answers"
    assert ("ends", "best of luck") in found
    assert not {phrase for name, phrase in found if "times" in phrase and name == "ends"} - {"times"}


def test_a_phrase_of_every_answer_or_of_few_says_nothing():
    assert phrases([read(f"Good day. It is {n}{n}.") for n in "abcdefgh"]) == []


def test_chinese_phrases_are_characters():
    answers = [read(f"当然可以，{n}。") for n in "甲乙丙丁"] + [read(f"{n}先关灯") for n in "甲乙丙丁"]
    assert ("opens", "当然可以") in {(t.name, t.phrase) for t in phrases(answers)}


@pytest.mark.timeout(60)  # 0.2 s where no expression goes back and forth
@pytest.mark.parametrize("unit", ["?", "(", "**a", "’", "1. ", "a.\n \n", "as a language ", "__a", "word, (maybe) "])
def test_a_megabyte_of_anything_takes_no_time(unit: str):
    text = unit * (1_000_000 // len(unit)) + "x"
    reading = read(text)
    assert measure((*TRAITS, *phrases([reading, read("Hi.")] * 3)), [reading])
