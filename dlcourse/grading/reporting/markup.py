"""HTML by calls: whatever is not markup already is made visible and escaped, so nothing can be forgotten."""

from __future__ import annotations

import base64
import hashlib
import html

from dlcourse.grading.hostile_text import visible

WITHOUT_END = {"input", "meta"}


class Markup(str):
    """HTML that `tag` or this project wrote; a plain `str` is text."""


def tag(name: str, /, *children: str, **attributes: str | int | float | bool | None) -> Markup:
    """One element.

    Args:
        name: trusted.
        children: `Markup` stays, text is escaped.
        attributes: names are trusted, `data_v` becomes `data-v` and `class_` becomes `class`; values are escaped, True
            gives the bare name, None and False nothing.

    Example:
        >>> tag("p", tag("b", "Ada"), " <script>", class_="student", hidden=True)
        '<p class="student" hidden><b>Ada</b> &lt;script&gt;</p>'
    """
    written = "".join(_attribute(key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    if name in WITHOUT_END:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*children)}</{name}>")


def join(*children: str) -> Markup:
    """Several pieces one after the other, text escaped.

    Example:
        >>> join("a < b", tag("b", class_=None))
        'a &lt; b<b></b>'
    """
    return Markup(
        "".join(child if isinstance(child, Markup) else html.escape(visible(child), quote=False) for child in children)
    )


def document(title: str, style: str, body: Markup, script: str = "") -> str:
    """A whole page that loads nothing and runs nothing but `script`.

    The Content-Security-Policy allows this one style sheet and this one script, by their hashes, and nothing else: even
    text that got past the escaping could neither run nor call home.

    Args:
        title: text.
        style: trusted CSS.
        body: what stands in the body.
        script: trusted JavaScript; runs after the body is there.
    """
    policy = [
        "default-src 'none'",
        f"style-src '{_hash(style)}'",
        f"script-src '{_hash(script)}'" if script else "script-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
    ]
    head = tag(
        "head",
        # First of all: the policy holds only for what comes after it.
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content="; ".join(policy)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("meta", name="robots", content="noindex"),
        tag("meta", name="generator", content="dlcourse grade"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    scripts = [tag("script", Markup(script))] if script else []
    return f"<!doctype html>\n{tag('html', head, tag('body', body, *scripts), lang='en')}\n"


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{html.escape(visible(str(value)))}"'


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
