"""A page as a browser's parser sees it, and names that no page, table or file name may take literally."""

from html.parser import HTMLParser

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}[red]'
EVIL_TEX = r"\input{/etc/passwd} 50% $x_1$ & #2 ~ ^"
EVIL_PATH = "../../../tmp/evil\n"


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.open = [], "", []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def assert_self_contained(text):
    """No script, no handler, nothing from outside; every tag closed. Returns the page."""
    page = Page(text)
    assert page.open == []
    assert not {tag for tag, _ in page.tags} & {"script", "iframe", "object", "base", "form", "svg"}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    outside = [v for _, attributes in page.tags for k, v in attributes.items() if k in ("src", "href")]
    assert all(v.startswith(("data:", "#")) for v in outside)
    assert "default-src 'none'" in text
    return page
