"""The examples of the man pages, as a reader would copy them."""

from . import build


def example(page, first):
    """The literal block that begins with a line which begins with `first`."""
    lines = (build.SOURCE / "man" / page).read_text(encoding="utf-8").split("\n")
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    end = lines.index(".Ed", start)
    return "\n".join(lines[start:end]).replace("\\e", "\\") + "\n"
