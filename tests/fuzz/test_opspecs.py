"""What the generator reaches, operator by operator."""

from __future__ import annotations

import pytest

from refexec.fuzz import audit
from refexec.opspec import opspecs
from refexec.schema import all_signatures

LIVE = [key for key, signature in sorted(all_signatures().items()) if not signature.deprecated]
FREE = {
    "Cast.to", "Constant.value_string", "Constant.value_strings", "Einsum.equation", "RegexFullMatch.pattern", "StringNormalizer.locale",
    "StringNormalizer.stopwords", "StringSplit.delimiter", "TfIdfVectorizer.pool_strings", "CategoryMapper.cats_strings",
    "CategoryMapper.default_string", "DictVectorizer.string_vocabulary", "LabelEncoder.classes_strings", "LabelEncoder.default_string",
    "LabelEncoder.keys_strings", "LabelEncoder.values_strings", "LinearClassifier.classlabels_strings", "OneHotEncoder.cats_strings",
    "SVMClassifier.classlabels_strings", "TreeEnsembleClassifier.classlabels_strings", "ZipMap.classlabels_strings", "Gradient.xs",
    "Gradient.y", "Gradient.zs",
}  # fmt: skip
"""Attributes whose text has no list of values; ``to`` of Cast-1 names a type, which is that of the output."""
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


def test_every_text_attribute_has_its_values_enumerated_or_is_free() -> None:
    texts = {
        (key, name) for key in LIVE for name, a in all_signatures()[key].attributes.items() if a.type in ("STRING", "STRINGS")
    }  # fmt: skip
    open_ = {f"{key[1]}.{name}" for key, name in texts if name not in audit.enumerated(all_signatures()[key])}
    assert sorted(open_) == sorted(FREE)


def test_every_enumeration_is_of_some_attribute_and_has_its_default() -> None:
    rows = audit.enumerations()
    used = set()
    for key in LIVE:
        signature = all_signatures()[key]
        for name, values in audit.enumerated(signature).items():
            used |= {i for i, row in enumerate(rows) if name in row["attributes"] and tuple(row["values"]) == values}
            default = signature.attributes[name].default
            stated = set(default if isinstance(default, list | tuple) else [default]) - {None}
            if (signature.label, name) != ("GRU-1", "direction"):  # whose schema says "foward"
                assert stated <= set(values), (signature.label, name)
    assert sorted(used) == list(range(len(rows)))


def test_an_enumerated_value_that_no_model_has_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    gelu = all_signatures()["", "Gelu", 20]
    found, _ = audit.reached(("", "Gelu", 20), 20)
    assert {"approximate=none", "approximate=tanh"} <= found
    more = {**audit.enumerated(gelu), "approximate": ("none", "tanh", "sigmoid")}
    monkeypatch.setattr(audit, "enumerated", lambda signature: more)
    assert audit.schema_features(gelu) - audit.reached(("", "Gelu", 20), 20)[0] == {"approximate=sigmoid"}


def test_values_of_an_attribute_change_with_versions() -> None:
    assert audit.enumerated(all_signatures()["", "Pad", 18])["mode"] == ("constant", "reflect", "edge")
    assert audit.enumerated(all_signatures()["", "Pad", 19])["mode"] == ("constant", "reflect", "edge", "wrap")
