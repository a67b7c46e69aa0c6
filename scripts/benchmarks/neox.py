"""Write a model of Pythia-410M's shape with random weights: python neox.py TOKENIZER FOLDER"""

from __future__ import annotations

import sys

import torch
from transformers import AutoTokenizer, GPTNeoXConfig, GPTNeoXForCausalLM

torch.manual_seed(0)
shape = GPTNeoXConfig(
    hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, vocab_size=50304
)
GPTNeoXForCausalLM(shape).save_pretrained(sys.argv[2])
AutoTokenizer.from_pretrained(sys.argv[1]).save_pretrained(sys.argv[2])
