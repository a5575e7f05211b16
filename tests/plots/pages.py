"""Reading pages back from their HTML. No browser is needed."""

import json
import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """The tags of a page, [(name, attributes)], and the text inside of each element with an id or a class."""

    def __init__(self, path):
        super().__init__()
        self.text = path.read_text(encoding="utf-8")
        self.tags, self.inside, self.open = [], {}, []
        self.feed(self.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in ("meta", "input", "br", "img"):
            label = attributes.get("id") or attributes.get("class")
            self.open.append((tag, label))
            if label:
                self.inside.setdefault(label, []).append("")

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        for label in {label for _, label in self.open} - {None}:
            self.inside[label][-1] += data

    def find(self, tag, **wanted):
        return [found for name, found in self.tags if name == tag and wanted.items() <= found.items()]

    @property
    def content(self):
        return json.loads(self.inside["film"][0])


def assert_stands_alone(found):
    """The page needs no network and no other file."""
    assert not re.search(r"://|@import|url\(|fetch\(|import\(|XMLHttpRequest", found.text)
    assert not [(tag, each) for tag, each in found.tags if tag in ("link", "iframe") or {"src", "href"} & each.keys()]
    assert found.text.startswith("<!DOCTYPE html>") and 'charset="utf-8"' in found.text
    assert not re.search(r"\$[a-z]", re.sub(r"<script.*?</script>", "", found.text, flags=re.DOTALL))  # a part left out
