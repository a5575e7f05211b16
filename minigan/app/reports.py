"""What the scripts share that write measured parts into documents."""

import platform
import re
from pathlib import Path


def processor():
    """The processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    names = re.findall(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else []
    return f"an {names[0]}" if names else platform.processor() or platform.machine()


def block(text, name):
    """What stands in `text` between the markers `<!-- name: ... -->` and `<!-- end of name -->`."""
    return _find(text, name)[1].removesuffix("\n")


def replace_block(text, name, content):
    """`text` with what stands between the markers `<!-- name: ... -->` and `<!-- end of name -->` replaced."""
    found = _find(text, name)
    return f"{text[: found.start(1)]}{content}\n{text[found.end(1) :]}"


def _find(text, name):
    found = re.search(rf"<!-- {name}: [^\n]* -->\n(.*?)<!-- end of {name} -->", text, re.DOTALL)
    if not found:
        raise ValueError(f"the page has no block {name!r}: expected <!-- {name}: ... --> and <!-- end of {name} -->")
    return found
