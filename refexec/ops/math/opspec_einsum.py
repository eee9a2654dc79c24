"""Opspec of Einsum."""

from refexec.opspec import DIMS, Draw, Out, broadcast, opspec

LETTERS = "jiAkbZ"


@opspec("Einsum", 12, 28)
def einsum(d: Draw) -> None:
    """One to three operands; labels are contracted, repeated or kept, an ellipsis broadcasts."""
    x = d.input("T", (0, 3), empty=True)
    hidden = d.integer(0, len(x.sizes)) if d.flag() else None  # how many axes an ellipsis stands for
    at = d.integer(0, len(x.sizes) - (hidden or 0))
    wide = x.sizes[at : at + (hidden or 0)]
    sizes: dict[str, int] = {}
    labels = []
    for n in (*x.sizes[:at], *x.sizes[at + (hidden or 0) :]):
        labels.append(d.pick([LETTERS[len(sizes)], *(label for label, size in sizes.items() if size == n)]))
        sizes[labels[-1]] = n
    terms, operands = [term(labels, at, hidden)], [x]
    for _ in range(d.integer(0, 2)):
        labels = []
        for _ in range(d.integer(0, 2)):
            labels.append(d.pick([*sizes, *LETTERS[len(sizes) : 5][:1]]))
            sizes.setdefault(labels[-1], d.pick(DIMS))
        ellipsis = hidden if d.flag() else None
        part = tuple(d.pick(DIMS if n == 1 else (n, 1)) for n in wide) if ellipsis else ()
        wide, at = broadcast(wide, part), d.integer(0, len(labels))
        shape = [sizes[label] for label in labels]
        terms.append(term(labels, at, ellipsis))
        operands.append(d.tensor(x.elem, (*shape[:at], *part, *shape[at:])))
    if d.flag():
        kept = d.order(d.several(list(sizes)))
        at = d.integer(0, len(kept))
        result = "->" + term(kept, at, hidden)
    else:
        kept, at, result = sorted(label for label in sizes if "".join(terms).count(label) == 1), 0, ""
    space = d.pick(["", " "])
    d.set("equation", f"{space},{space}".join(terms) + result.replace("->", f"{space}->{space}"))
    shape = [sizes[label] for label in kept]
    d.emit(operands, Out(x.elem, (*shape[:at], *wide, *shape[at:])))


def term(labels: list[str], at: int, hidden: int | None) -> str:
    """A term of the equation, with an ellipsis before the label ``at`` if there is one."""
    return "".join(labels) if hidden is None else "".join(labels[:at]) + "..." + "".join(labels[at:])
