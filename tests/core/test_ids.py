"""References and content ids."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bihuan.core import InputError, Ref, content_id, digest

kinds = st.text(min_size=1).filter(lambda kind: ":" not in kind)
refs = st.builds(Ref, kinds, st.text(min_size=1))


@given(refs)
def test_a_reference_reads_back_from_its_text(ref: Ref) -> None:
    assert Ref.parse(str(ref)) == ref
    assert pickle.loads(pickle.dumps(ref)) == ref
    assert copy.deepcopy(ref) == ref
    assert hash(Ref.parse(str(ref))) == hash(ref)


@given(st.lists(refs))
def test_references_sort_by_kind_then_id(some: list[Ref]) -> None:
    assert sorted(some) == sorted(some, key=lambda ref: (ref.kind, ref.id))


@pytest.mark.parametrize("text", ["", "case", ":1", "case:"])
def test_half_a_reference_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="kind:id"):
        Ref.parse(text)


@pytest.mark.parametrize(("kind", "ident"), [("", "1"), ("case", ""), ("a:b", "1")])
def test_a_reference_that_could_not_be_read_back_is_never_made(kind: str, ident: str) -> None:
    with pytest.raises(InputError):
        Ref(kind, ident)


def test_a_reference_never_changes() -> None:
    with pytest.raises(AttributeError, match="never changes"):
        Ref("case", "1").id = "2"
    with pytest.raises(TypeError):
        assert Ref("case", "1") < 3
    assert Ref("case", "1") != "case:1"


def test_ids_come_from_content_alone() -> None:
    assert content_id("event", "1317A", 3) == content_id("event", "1317A", 3)
    assert content_id("ab", "c") != content_id("a", "bc")
    # the first 20 hex digits of SHA-256("abc"), FIPS 180-2 appendix B.1
    assert content_id("abc") == "ba7816bf8f01cfea4141"
    assert digest(b"abc").startswith("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
