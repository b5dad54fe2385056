"""Reads letters with Python's own parser and holds them against what was meant.

Usage: letters.py FOLDER. Each NAME.eml in it has a NAME.json with the values it
must show. Prints a line for each thing that is wrong, and how many letters it
has read.
"""

import email
import email.policy
import html.parser
import json
import pathlib
import re
import sys

ALWAYS = {
    "Date", "From", "Reply-To", "To", "Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
    "List-Id", "Content-Language", "MIME-Version", "Content-Type",
}
SOMETIMES = {"List-Unsubscribe", "List-Unsubscribe-Post", "In-Reply-To", "References"}
VOID = {"meta", "br", "img", "hr", "link", "input"}


class Page(html.parser.HTMLParser):
    """What a browser would make of the HTML part, as far as it matters here."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.wrong, self.links, self.tags = [], [], [], []
        self.root, self.texts, self.title = {}, [], ""

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append((tag, attrs))
        if tag == "html":
            self.root = attrs
        if tag == "a":
            self.links.append(attrs.get("href", ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if self.open and self.open[-1] == "title":
            self.title += data
        elif self.open and self.open[-1] != "style":
            self.texts.append(data)


def words(text):
    return " ".join(text.split())


def check(raw, want):
    """Yields what is wrong with a letter."""
    for number, line in enumerate(raw.split(b"\r\n")):
        if len(line) > 998:
            yield f"line {number} has {len(line)} bytes"
        if any(byte < 32 or byte > 126 for byte in line):
            yield f"line {number} is not plain ASCII: {line!r}"
    if len(raw) > want["most"]:
        yield f"{len(raw)} bytes are more than {want['most']}"

    # "strict" raises on every defect that the parser sees.
    message = email.message_from_bytes(raw, policy=email.policy.strict)
    names = message.keys()
    if len(names) != len(set(names)):
        yield f"repeated fields: {names}"
    if not ALWAYS <= set(names) <= ALWAYS | SOMETIMES:
        yield f"fields: {sorted(names)}"
    for name, value in message.items():
        if getattr(value, "defects", ()):
            yield f"{name} has defects: {value.defects}"
        # A direction cannot be turned, nor a line be ended, by a decoded value.
        if re.search("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069]", str(value)):
            yield f"{name} hides a control: {value!r}"

    for name, key in (("From", "from"), ("To", "to"), ("Reply-To", "reply_to")):
        people = message[name].addresses
        got = [[p.display_name, p.addr_spec] for p in people]
        # Inside a name, this parser keeps the space between two encoded words that
        # RFC 2047 wants ignored.
        if [["".join(n.split()), a] for n, a in got] != [["".join(want[key][0].split()), want[key][1]]]:
            yield f"{name} is {got}, not {want[key]}"
    for name, key in (("Subject", "subject"), ("List-Id", "list_id"), ("Content-Language", "language")):
        if words(str(message[name])) != want[key]:
            yield f"{name} is {str(message[name])!r}, not {want[key]!r}"
    if not re.fullmatch(r"<[\w.-]+@acme\.example>", str(message["Message-ID"])):
        yield f"Message-ID is {message['Message-ID']}"
    if message["Date"].datetime.timestamp() != want["date"]:
        yield f"Date is {message['Date']}"
    if message["Auto-Submitted"] != "auto-generated":
        yield "it does not say that a program wrote it"
    if str(message.get("List-Unsubscribe", "")) != want["unsubscribe"]:
        yield f"List-Unsubscribe is {message.get('List-Unsubscribe')}, not {want['unsubscribe']}"
    one_click = "List-Unsubscribe=One-Click" if want["unsubscribe"].startswith("<https:") else ""
    if str(message.get("List-Unsubscribe-Post", "")) != one_click:
        yield f"List-Unsubscribe-Post is {message.get('List-Unsubscribe-Post')}"

    yield from check_parts(message, want)


def check_parts(message, want):
    if message.get_content_type() != "multipart/alternative":
        yield f"it is {message.get_content_type()}"
        return
    parts = list(message.iter_parts())
    kinds = [(p.get_content_type(), p.get_content_charset(), p["Content-Transfer-Encoding"]) for p in parts]
    if kinds != [("text/plain", "utf-8", "quoted-printable"), ("text/html", "utf-8", "quoted-printable")]:
        yield f"its parts are {kinds}"
        return
    text, markup = (part.get_content() for part in parts)
    page = Page()
    page.feed(markup)
    page.close()
    yield from page.wrong
    if page.open:
        yield f"never closed: {page.open}"
    if page.root != {"lang": want["language"], "dir": want["direction"]}:
        yield f"the page is {page.root}"
    if words(page.title) != want["subject"]:
        yield f"the title is {page.title!r}"
    seen = words("".join(page.texts))
    for both in want["texts"]:
        if words(both) not in words(text):
            yield f"the text lacks {both!r}"
        if words(both) not in seen:
            yield f"the page lacks {both!r}"
    for link in page.links:
        if not re.match(r"https?://[\w\[]|mailto:", link):
            yield f"the page links to {link!r}"
        if link not in text:
            yield f"the text lacks the link {link}"
    for link in want["links"]:
        if link not in page.links:
            yield f"the page lacks the link {link}"
    headings = 0
    for tag, attrs in page.tags:
        headings += tag == "h1"
        if tag in ("script", "iframe", "form", "object", "base") or any(name.startswith("on") for name in attrs):
            yield f"<{tag}> can do things"
        if tag == "img" and not attrs.get("alt"):
            yield "an image says nothing to those who do not see it"
        if tag == "table" and attrs.get("role") != "presentation" and not any(t == "th" for t, _ in page.tags):
            yield "a table of layout reads like one of data"
    if headings != 1:
        yield f"it has {headings} main headings"


def main(folder):
    count = 0
    for file in sorted(pathlib.Path(folder).glob("*.eml")):
        want = json.loads(file.with_suffix(".json").read_text("utf-8"))
        try:
            for wrong in check(file.read_bytes(), want):
                print(f"{file.stem}: {wrong}")
        except Exception as defect:  # the parser's own, above all
            print(f"{file.stem}: {type(defect).__name__}: {defect}")
        count += 1
    print(f"{count} letters read")


if __name__ == "__main__":
    main(sys.argv[1])
