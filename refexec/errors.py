"""The errors refexec raises, as one tree.

    RefexecError
    ├── ModelError             the file or graph is at fault
    │   ├── InvalidModel         a rule of the ONNX specification is broken
    │   ├── AmbiguousModel       two readings exist and readers differ
    │   └── ExternalDataError    tensor data beside the model is missing, escaping or wrong
    ├── UnsupportedError       the model may be right, refexec cannot run it
    │   ├── UnsupportedOperator
    │   ├── UnsupportedOpset
    │   └── UnsupportedType
    ├── RunError               this run is at fault
    │   ├── FeedError            a feed has a wrong name, type, rank or dimension
    │   └── RuleViolation        an operator's rule does not hold for its inputs
    ├── LimitExceeded          a configured limit was reached
    ├── ContractError          refexec itself is at fault: a result contradicts the schema
    │   └── KernelMismatch       a kernel left the bound of its definition
    └── RuntimeUnderTestError  a runtime in a child process crashed, hung or refused

Context (node, operator version, inputs) is attached with ``add_note`` while an error travels; it never replaces the message.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AmbiguousModel",
    "ContractError",
    "ExternalDataError",
    "FeedError",
    "InvalidModel",
    "KernelMismatch",
    "LimitExceeded",
    "ModelError",
    "RefexecError",
    "RuleViolation",
    "RunError",
    "RuntimeUnderTestError",
    "UnsupportedError",
    "UnsupportedOperator",
    "UnsupportedOpset",
    "UnsupportedType",
    "require",
]


class RefexecError(Exception):
    """Base of every error refexec raises on purpose.

    ``message`` says what is wrong, ``seen`` holds what was found (shapes, names, values) and is part of ``str(error)``.
    """

    def __init__(self, message: str, **seen: Any) -> None:
        self.message = message
        self.seen = seen
        super().__init__(message, seen)

    @property
    def code(self) -> str:
        """The class name: a stable identifier for programs."""
        return type(self).__name__

    def __str__(self) -> str:
        if not self.seen:
            return self.message
        return f"{self.message} ({', '.join(f'{name}={shown(value)}' for name, value in self.seen.items())})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.seen, self.__dict__.get("__notes__", []))

    def to_json(self) -> dict[str, Any]:
        """``{"code", "message", "seen", "notes"}``, all strings inside ``seen``."""
        return {
            "code": self.code,
            "message": self.message,
            "seen": {name: shown(value) for name, value in self.seen.items()},
            "notes": list(getattr(self, "__notes__", [])),
        }


class ModelError(RefexecError):
    """The model is at fault."""


class InvalidModel(ModelError):
    """The model breaks a rule of the ONNX specification."""


class AmbiguousModel(ModelError):
    """The model can be read in two ways, and existing readers differ."""


class ExternalDataError(ModelError):
    """Tensor data stored beside the model is missing, outside its folder, or does not fit its tensor."""


class UnsupportedError(RefexecError):
    """refexec cannot run this model."""


class UnsupportedOperator(UnsupportedError):
    """No implementation for exactly this (domain, operator, since_version)."""


class UnsupportedOpset(UnsupportedError):
    """An opset or IR version that the installed onnx does not define."""


class UnsupportedType(UnsupportedError):
    """An element or value type that cannot be represented."""


class RunError(RefexecError):
    """This run's data are at fault."""


class FeedError(RunError):
    """A feed has the wrong name, type, rank or dimension."""


class RuleViolation(RunError):
    """A rule of the operator's specification does not hold for these inputs or attributes."""


class LimitExceeded(RefexecError):
    """A limit of ``refexec.Limits`` was reached: ``seen`` holds limit, asked and allowed."""


class ContractError(RefexecError):
    """refexec is wrong: an operator's result contradicts its schema. Please report it."""


class KernelMismatch(ContractError):
    """A kernel's result left the bound around its definition's result."""


class RuntimeUnderTestError(RefexecError):
    """A runtime in a child process crashed, hung or refused the model."""


def require(condition: object, rule: str, /, **seen: Any) -> None:
    """Raise ``RuleViolation(rule, **seen)`` unless ``condition`` holds. ``rule`` is in the words of the specification."""
    if not condition:
        raise RuleViolation(rule, **seen)


def shown(value: Any, width: int = 120) -> str:
    """``repr`` on one line, control characters escaped, at most ``width`` characters."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii") for c in text[: 4 * width])
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _rebuild(cls: type[RefexecError], message: str, seen: dict[str, Any], notes: list[str]) -> RefexecError:
    error = cls(message, **seen)
    for note in notes:
        error.add_note(note)
    return error
