"""The list of kernels is that of the warm-up."""

from codec.kernel_signatures import LIST, read_signatures, record_signatures


def test_the_list_has_the_kernels_and_types_that_the_warm_up_uses() -> None:
    hint = "run python -m codec.kernel_signatures"
    assert record_signatures() == LIST.read_text(encoding="ascii"), hint


def test_each_line_has_a_kernel_and_its_types() -> None:
    signatures = read_signatures()
    assert len(signatures) > 20
    assert len(set(signatures)) == len(signatures)
    for name, types in signatures:
        assert name.startswith("codec.")
        assert types.startswith("(")
        assert types.endswith(")")
