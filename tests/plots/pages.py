"""Reading pages back from their HTML. No browser is needed."""

import json
import re
from html.parser import HTMLParser

from minigan.plots import page


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


def assert_script_fits(found, name):
    """The script of the page `name` asks only for elements and numbers that the page holds; returns the script."""
    script = "\n".join(page.read(file) for file in ("canvas.js", f"{name}.js", "player.js"))
    assert script in found.text
    assert set(re.findall(r'getElementById\("(\w+)"\)', script)) <= {each.get("id") for _, each in found.tags}
    classes = {each.get("class") for _, each in found.tags} | {tag for tag, _ in found.tags}
    assert {name.lstrip(".") for name in re.findall(r'querySelectorAll\("(\.?\w+)"\)', script)} <= classes
    assert set(re.findall(r"\bfilm\.(\w+)", script)) == found.content.keys()
    assert set(re.findall(r"--(\w+)", script)) <= page.COLORS.keys()
    names = re.search(r"\[(.*)\]\.map\(name => style", script)[1]
    assert all(f"--{name}:" in found.text for name in re.findall(r'"(\w+)"', names))
    code = re.sub(r'"[^"\n]*"|`[^`]*`|/\^#[^\n]*?\$/|//[^\n]*', "", script)
    assert all(code.count(pair[0]) == code.count(pair[1]) for pair in ("()", "[]", "{}"))
    return script
