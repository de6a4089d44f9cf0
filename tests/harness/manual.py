"""The examples of the man pages, as a reader would copy them."""

from . import build


def examples(page, *firsts):
    """All literal blocks whose first line begins with one of `firsts`."""
    blocks = (build.SOURCE / "man" / page).read_text(encoding="utf-8").split(".Bd -literal -offset indent\n")[1:]
    texts = [block.split("\n.Ed")[0].replace("\\e", "\\") + "\n" for block in blocks]
    return [text for text in texts if text.startswith(firsts)]


def example(page, first):
    """The literal block that begins with a line which begins with `first`."""
    lines = (build.SOURCE / "man" / page).read_text(encoding="utf-8").split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = lines.index(".Ed", start)
    return "\n".join(lines[start:end]).replace("\\e", "\\") + "\n"
