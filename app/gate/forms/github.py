"""A decision as workflow commands of GitHub Actions, which show as annotations of the run.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

from app.gate.forms import words
from app.gate.forms.words import Body

COMMANDS = {"waived": "warning", "reported": "notice", "noted": "notice"}
"""By standing; everything else stops a deployment, the unknown as well as a failure, and is an error."""
DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
PROPERTY = DATA | str.maketrans({":": "%3A", ",": "%2C"})


def github(body: Body) -> str:
    """One annotation for the answer, one for each condition that did not pass, then what holds as plain lines.

    GitHub shows the first ten annotations of a step: the answer and the gravest conditions are those.
    """
    command = "notice" if body["status"] == "pass" else "error"
    headline = "\n".join([words.summary(body), *words.facts(body)])
    lines = [_command(command, f"{words.verdict(body)}: {words.asked(body)}", headline)]
    for condition in words.by_gravity(body):
        found, told = words.standing(condition), "\n".join(words.told(condition))
        if found == "pass":
            lines.append(words.one_line(f"holds: {words.title(condition)}. {told}"))
        else:
            lines.append(_command(COMMANDS.get(found, "error"), f"{found}: {words.title(condition)}", told))
    return "\n".join(lines)


def _command(name: str, title: str, text: str) -> str:
    return f"::{name} title={title.translate(PROPERTY)}::{text.translate(DATA)}"
