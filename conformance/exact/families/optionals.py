"""Optional, OptionalGetElement, OptionalHasElement."""

from __future__ import annotations

from conformance.exact.families.bodies import truth
from conformance.exact.families.containers import full, held
from conformance.exact.registry import Types, oracle
from conformance.exact.values import Case, Opt, Seq, type_of


def _inside(types: Types) -> str:
    """The type string of what the optional holds; an input of O may be a tensor or a sequence itself."""
    type = full(types.type) if types.tested in ("O", "V") else "tensor(float)"
    return type.removeprefix("optional(")[:-1] if type.startswith("optional(") else type


@oracle("Optional", 15, 28)
def optional(types: Types, since: int) -> list[Case]:
    """The input, held by an optional; an empty optional of the type ``type`` when there is no input."""
    inside = _inside(types)
    made = [Case([v], [Opt(inside, v)]) for v in (held(inside), held(inside, other=True))]
    if inside.startswith("seq"):
        made.append(Case([Seq(inside[4:-1], ())], [Opt(inside, Seq(inside[4:-1], ()))]))
    return made if types.tested == "V" else [*made, Case([], [Opt(inside, None)], {"type": type_of(inside)})]


@oracle("OptionalGetElement", 15, 18, 28)
def get_element(types: Types, since: int) -> list[Case]:
    """What the optional holds; since version 18 a tensor or a sequence is given back as it is."""
    inside = _inside(types)
    values = [held(inside), held(inside, other=True)] + ([Seq(inside[4:-1], ())] if inside.startswith("seq") else [])
    bare = [Case([v], [v]) for v in values]
    wrapped = [Case([Opt(inside, v)], [v]) for v in values]
    if types.tested == "O":
        return wrapped if full(types["O"]).startswith("optional(") else bare
    return wrapped + bare if since >= 18 else wrapped


@oracle("OptionalHasElement", 15, 18, 28)
def has_element(types: Types, since: int) -> list[Case]:
    """Whether the optional holds something, be it an empty sequence; since version 18 true for a bare value, false without an input."""
    inside = _inside(types)
    values = [held(inside)] + ([Seq(inside[4:-1], ())] if inside.startswith("seq") else [])
    if types.tested == "O" and not full(types["O"]).startswith("optional("):
        return [Case([v], [truth(True)]) for v in values]
    made = [Case([Opt(inside, v)], [truth(True)]) for v in values] + [Case([Opt(inside, None)], [truth(False)])]
    if types.tested == "B" and since >= 18:
        made += [Case([], [truth(False)]), Case([None], [truth(False)]), Case([values[0]], [truth(True)])]
    return made
