import pytest

from tf_ssae.system import processor

CPUINFO = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu {}\n\nprocessor\t: 1\n"


@pytest.fixture
def with_flags(tmp_path, monkeypatch):
    """A function that makes the processor have some flags."""

    def make(flags):
        path = tmp_path / "cpuinfo"
        path.write_text(CPUINFO.format(flags))
        monkeypatch.setattr(processor, "_CPUINFO", path)

    return make


@pytest.mark.parametrize(
    "flags, expected",
    [
        ("avx512f avx512_bf16 amx_bf16 amx_tile", ["amx_bf16", "avx512_bf16"]),
        ("avx512f avx512_bf16", ["avx512_bf16"]),
        # Two other instructions for bfloat16 do no matrices; this is none of them.
        ("avx2 avx512f avx_ne_convert amx_int8 avx512_bf16x", []),
    ],
)
def test_bfloat16_is_among_the_flags(flags, expected, with_flags):
    with_flags(flags)
    assert processor.bfloat16() == expected
    assert processor.name() == "Some CPU"


def test_a_machine_that_cannot_be_read_has_none(tmp_path, monkeypatch):
    monkeypatch.setattr(processor, "_CPUINFO", tmp_path / "none")
    assert processor.bfloat16() == []
