"""README is short; CONTRIBUTING responds to a newcomer's questions with one path each."""

import re

from tests.docs.documents import ROOT

README = (ROOT / "README.md").read_text("utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
MOST_WORDS = 900
LEAST_QUESTIONS = 10


def test_readme_is_short() -> None:
    assert len(README.split()) <= MOST_WORDS


def test_each_question_has_one_path() -> None:
    table = CONTRIBUTING.partition("## Where things live")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+\?) \| (.+) \|$", table, re.MULTILINE)
    assert len(rows) >= LEAST_QUESTIONS
    assert [row for row in rows if not re.fullmatch(r"`[\w./-]+\.\w+`", row[1])] == []
