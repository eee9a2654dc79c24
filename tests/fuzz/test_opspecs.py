"""What the generator reaches, operator by operator."""

from __future__ import annotations

import pytest

from refexec.fuzz import audit
from refexec.opspec import opspecs
from refexec.schema import all_signatures

LIVE = [key for key, signature in sorted(all_signatures().items()) if not signature.deprecated]
BY_FOLDER = sorted({all_signatures()[key].folder for key in LIVE})


def test_every_version_has_an_opspec_or_a_waiver() -> None:
    missing = [all_signatures()[key].label for key in LIVE if key not in opspecs() and not audit.waived(all_signatures()[key], "*")]
    assert missing == []


def test_an_opspec_is_of_a_version_that_exists() -> None:
    assert [key for key in opspecs() if key not in all_signatures()] == []


def test_waivers_speak_of_what_schemas_have_and_say_why() -> None:
    labels = {label for s in all_signatures().values() for label in (s.label, s.label.rpartition("-")[0])}
    for (operator, feature), reason in audit.waivers().items():
        assert operator in labels and len(reason) > 40, operator
        mine = [s for s in all_signatures().values() if operator in (s.label, s.label.rpartition("-")[0])]
        assert feature == "*" or any(feature in audit.schema_features(s) for s in mine), (operator, feature)


@pytest.mark.parametrize("key", [key for key in LIVE if key in opspecs()], ids=lambda key: f"{key[1]}-{key[2]}")
def test_models_of_a_version_are_valid_and_reach_what_its_schema_has(key: tuple[str, str, int]) -> None:
    found, wrong = audit.reached(key, 60)
    assert wrong == {}
    assert sorted(f for f in audit.schema_features(all_signatures()[key]) - found if not audit.waived(all_signatures()[key], f)) == []
