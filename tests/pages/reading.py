"""Reads pages as a person would: what stands where."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = {"meta", "link", "img", "input", "col", "br", "circle", "path"}
BLOCKS = {"td", "th", "p", "li", "dt", "dd", "h1", "h2", "summary"}


class Page(HTMLParser):
    """The text of a page, by ``data-field`` within the nearest row with an id or a model, and all links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.fields: dict[str, str] = {}
        self.rows: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in BLOCKS:
            self.text += " "
        self.tags.append((tag, given))
        if "href" in given:
            self.links.append(given["href"])
        if tag not in VOID:
            self._open.append((tag, given))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.text += data
        row = next(
            (given for _, given in reversed(self._open) if "data-test" in given or "data-model" in given), {}
        )
        name = row.get("data-test") or row.get("data-model") or ""
        if name:
            self.rows[name] = self.rows.get(name, "") + data
        for _, given in self._open:
            if field := given.get("data-field"):
                self.fields[f"{name}.{field}".lstrip(".")] = data.strip()

    def says(self, words: str) -> bool:
        """Whether the page says so, however its lines are broken."""
        return " ".join(words.split()) in " ".join(self.text.split())
