"""Re-quantized weights: a real GGUF file in and out, read back with llama.cpp's own package."""

from pathlib import Path

import pytest

from autodata.models.serving.requantize import to_q8_0

gguf = pytest.importorskip("gguf")
np = pytest.importorskip("numpy")


def test_four_bit_tensors_become_eight_bit_and_the_rest_stays(tmp_path: Path) -> None:
    numbers = np.random.default_rng(0).normal(size=(4, 64)).astype(np.float32)
    four = gguf.quants.quantize(numbers, gguf.GGMLQuantizationType.Q4_1)
    writer = gguf.GGUFWriter(tmp_path / "in.gguf", "llama")
    writer.add_block_count(3)
    writer.add_token_list(["a", "b"])
    writer.add_tensor("big", four, raw_dtype=gguf.GGMLQuantizationType.Q4_1)
    writer.add_tensor("norm", numbers[0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    to_q8_0(tmp_path / "in.gguf", tmp_path / "out.gguf")

    made = gguf.GGUFReader(tmp_path / "out.gguf")
    fields = {name: field.contents() for name, field in made.fields.items()}
    big, norm = made.tensors
    assert fields["general.architecture"] == "llama"
    assert fields["llama.block_count"] == 3
    assert fields["tokenizer.ggml.tokens"] == ["a", "b"]
    assert fields["general.file_type"] == gguf.LlamaFileType.MOSTLY_Q8_0
    assert (big.tensor_type.name, norm.tensor_type.name) == ("Q8_0", "F32")
    assert (norm.data == numbers[0]).all()
    before = gguf.quants.dequantize(four, gguf.GGMLQuantizationType.Q4_1)
    after = gguf.quants.dequantize(big.data, big.tensor_type)
    assert abs(after - before).max() <= abs(before).max() / 127
