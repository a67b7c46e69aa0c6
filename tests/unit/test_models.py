"""Models: what cannot be built is refused by name."""

import pytest

from metaocl.config import BaseTraining, Model
from metaocl.models import ModelError, build_model, load_model


def model(**architecture_config):
    return Model(architecture="gpt2", architecture_config=architecture_config, base_training=BaseTraining(steps=1))


def test_a_misspelt_size_is_refused_and_not_silently_ignored():
    with pytest.raises(ModelError, match="n_layers"):
        build_model(model(n_layers=1), vocabulary_size=10)


def test_a_size_that_does_not_fit_is_refused_with_the_settings():
    with pytest.raises(ModelError, match="n_head"):
        build_model(model(n_layer=1, n_embd=10, n_head=3), vocabulary_size=10)


def test_a_truncated_weights_file_is_named(tmp_path):
    built = build_model(model(n_layer=1, n_embd=8, n_head=2), vocabulary_size=10)
    built.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ModelError, match=str(tmp_path)):
        load_model(tmp_path)
