"""Turn a small Llama-like GGUF into a Hugging Face folder: `gguf_to_hf.py IN.gguf OUT`.

Runs in vLLM's environment (gguf, safetensors, tokenizers); written for SmolLM2-135M-Instruct.
`config.json` is written last, so a folder that has one is whole.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SPECIAL = 3  # gguf's token type of control tokens
LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOP_NAMES = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}
Fields = dict[str, Any]


def main(source: str, target: Path) -> int:
    """Convert weights, tokenizer and configuration."""
    reader = GGUFReader(source)
    fields: Fields = {name: field.contents() for name, field in reader.fields.items()}
    target.mkdir(parents=True, exist_ok=True)
    tensors = dict(tensor(item, fields) for item in reader.tensors)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    tokenizer(fields).save(str(target / "tokenizer.json"))
    write(target / "tokenizer_config.json", tokenizer_config(fields))
    write(target / "config.json", model_config(fields))
    return 0


def tensor(item: Any, fields: Fields) -> tuple[str, Any]:
    """Return a tensor's name and 16-bit values as transformers has them."""
    values = dequantize(item.data, item.tensor_type).astype(np.float32)
    if item.name in TOP_NAMES:
        name = TOP_NAMES[item.name]
    else:
        _, layer, part, _ = item.name.split(".")
        name = f"model.layers.{layer}.{LAYER_NAMES[part]}.weight"
        if part == "attn_q":
            values = unpermute(values, fields["llama.attention.head_count"])
        elif part == "attn_k":
            values = unpermute(values, fields["llama.attention.head_count_kv"])
    return name, np.ascontiguousarray(values.astype(np.float16))


def unpermute(values: Any, heads: int) -> Any:
    """Undo the order in which llama.cpp keeps the two halves of rotary dimensions."""
    half = values.shape[0] // heads // 2
    parts = values.reshape(heads, half, 2, *values.shape[1:])
    return parts.swapaxes(2, 1).reshape(values.shape)


def tokenizer(fields: Fields) -> Tokenizer:
    """Rebuild the byte-level BPE tokenizer."""
    tokens, kinds = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.token_type"]
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"]]
    made = Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, merges))
    digits = pre_tokenizers.Digits(individual_digits=True)
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [digits, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    made.decoder = decoders.ByteLevel()
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == SPECIAL]
    made.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in special]
    )
    return made


def tokenizer_config(fields: Fields) -> Fields:
    """Return `tokenizer_config.json`."""
    tokens = fields["tokenizer.ggml.tokens"]
    end = tokens[fields["tokenizer.ggml.eos_token_id"]]
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": tokens[fields["tokenizer.ggml.bos_token_id"]],
        "eos_token": end,
        "pad_token": end,
        "unk_token": tokens[0],
        "model_max_length": fields["llama.context_length"],
        "clean_up_tokenization_spaces": False,
        "chat_template": fields["tokenizer.chat_template"],
    }


def model_config(fields: Fields) -> Fields:
    """Return `config.json`."""
    width, heads = fields["llama.embedding_length"], fields["llama.attention.head_count"]
    theta = float(fields["llama.rope.freq_base"])
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": width,
        "head_dim": width // heads,
        "num_attention_heads": heads,
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "num_hidden_layers": fields["llama.block_count"],
        "intermediate_size": fields["llama.feed_forward_length"],
        "hidden_act": "silu",
        "max_position_embeddings": fields["llama.context_length"],
        "rms_norm_eps": float(fields["llama.attention.layer_norm_rms_epsilon"]),
        "rope_theta": theta,
        "rope_parameters": {"rope_type": "default", "rope_theta": theta},
        "vocab_size": fields["llama.vocab_size"],
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": fields["tokenizer.ggml.bos_token_id"],
        "eos_token_id": fields["tokenizer.ggml.eos_token_id"],
        "pad_token_id": fields["tokenizer.ggml.padding_token_id"],
        "torch_dtype": "float16",
    }


def write(path: Path, data: Fields) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
