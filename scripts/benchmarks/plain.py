"""The ordinary way to run the stages of a cell: transformers' Trainer on padded examples, `generate` for the answers.

`make benchmark` compares the workflow's speed with this. It starts from what the workflow has made, the first model and
the documents, and does in one process what takes the workflow a job per stage. Seeds, order of examples, optimizer,
schedule and loss are the workflow's, so that in float32 the losses and answers agree. It does what the authors of
arXiv 2310.15047 do in every evaluation: the loss of every test split, and answers to all test questions.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch.utils.data import Dataset, Sampler
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

sys.path.insert(0, str(Path(__file__).parents[1]))

from metaocl.config.plans import Plan, Stage, evaluated_epochs
from metaocl.design.test_sets import MAX_NEW_TOKENS, TEST_SETS
from metaocl.randomness import random_stream
from metaocl.text.models import grow_embeddings, load_model
from metaocl.text.scoring import exact_match
from metaocl.text.tokenizers import add_unknown_words
from metaocl.training.optimizers import linear_schedule

IGNORED = -100  # the label that transformers takes no loss over
EVALUATION_BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--initial-model", type=Path, required=True, help="folder of the model to start from")
    parser.add_argument("--documents", type=Path, required=True, help="parquet of a seed's documents")
    parser.add_argument("--new-documents", type=Path, required=True, help="parquet of a stage-2 seed's documents")
    parser.add_argument("--plan", type=Plan.from_argument, required=True, help="settings of the stages, as JSON")
    parser.add_argument("--seeds", type=int, nargs=2, required=True, help="seed and stage-2 seed")
    parser.add_argument("--threads", type=int, required=True, help="CPU threads")
    parser.add_argument("--length", type=int, required=True, help="tokens to which every training example is padded")
    parser.add_argument("--folder", type=Path, required=True, help="folder to write: model, metrics.csv, run.json")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    model, tokenizer = load_model(arguments.initial_model)
    documents, measured, tables = pd.read_parquet(arguments.documents), [], []
    for number, stage in enumerate(arguments.plan.stages, start=1):
        seeds = arguments.seeds[:1]
        if number == len(arguments.plan.stages):
            documents, seeds = pd.concat([documents, pd.read_parquet(arguments.new_documents)]), arguments.seeds
        table, speed = run_stage(model, tokenizer, documents, stage, number, seeds, arguments.length, arguments.folder)
        tables.append(table.assign(stage=number))
        measured.append(asdict(speed))
    model.save_pretrained(arguments.folder / "model")
    tokenizer.save_pretrained(arguments.folder / "model")
    pd.concat(tables).to_csv(arguments.folder / "metrics.csv", index=False)
    (arguments.folder / "run.json").write_text(json.dumps({"stages": measured, "parameters": count_multiplied(model)}))


@dataclass
class Speed:
    """What a stage took: seconds of training, of the test splits' losses and of answers; steps, real tokens, sweeps."""

    train_seconds: float = 0.0
    loss_seconds: float = 0.0
    answer_seconds: float = 0.0
    steps: int = 0
    tokens: int = 0
    sweeps: int = 0


def run_stage(
    model: Any,
    tokenizer: Any,
    documents: pd.DataFrame,
    stage: Stage,
    number: int,
    seeds: list[int],
    length: int,
    folder: Path,
) -> tuple[pd.DataFrame, Speed]:
    """Train `model` for one stage; its metrics, a row per epoch, test set and subset, and what it took."""
    check_supported(stage, model)
    weights_seed, order_seed = random_stream("training", number, *seeds).integers(2**31, size=2).tolist()
    torch.manual_seed(weights_seed)
    add_unknown_words(tokenizer, documents["prompt"] + documents["completion"])
    grow_embeddings(model, len(tokenizer))

    trained = PaddedExamples(documents[documents["part"].isin(stage.documents)], tokenizer, length, stage)
    tested = documents[documents["part"].isin(TEST_SETS)]
    splits = {
        f"{part}_{subset}": PaddedExamples(split, tokenizer, length, stage)
        for (part, subset), split in tested.groupby(["part", "subset"])
    }
    stopwatch = Stopwatch(Questions(tested, tokenizer), evaluated_epochs(stage))
    trainer = OrderedTrainer(
        model=model,
        args=training_arguments(stage, folder),
        train_dataset=trained,
        eval_dataset=splits,
        callbacks=[stopwatch],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.order = torch.Generator().manual_seed(order_seed)
    trainer.train()
    speed = stopwatch.speed
    speed.steps, speed.sweeps = trainer.state.global_step, len(evaluated_epochs(stage))
    speed.tokens = trained.tokens * stage.epochs
    return pd.concat(stopwatch.tables), speed


def check_supported(stage: Stage, model: Any) -> None:
    """The plain way is for plain settings; with others it would not do the same work."""
    beyond = {
        "outputs": stage.outputs != "vocabulary",
        "padded_length": stage.padded_length is not None,
        "embedding_learning_rate": stage.embedding_learning_rate is not None,
        "architecture": model.config.is_encoder_decoder,
    }
    if any(beyond.values()):
        sys.exit(f"not done by the plain way: {', '.join(key for key, used in beyond.items() if used)}")


def training_arguments(stage: Stage, folder: Path) -> TrainingArguments:
    """A stage's settings in the words of transformers."""
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        per_device_train_batch_size=stage.batch_size,
        per_device_eval_batch_size=EVALUATION_BATCH,
        optim="adafactor" if stage.optimizer == "adafactor" else "adamw_torch_fused",
        learning_rate=stage.learning_rate,
        warmup_steps=stage.warmup_steps,
        adam_beta1=stage.betas[0],
        adam_beta2=stage.betas[1],
        max_grad_norm=stage.gradient_clipping,
        bf16=native_bfloat16(),
        dataloader_pin_memory=torch.cuda.is_available(),
        eval_strategy="epoch",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


class OrderedTrainer(Trainer):
    """The Trainer with the workflow's order of examples and its warm-up, which starts above zero."""

    order: torch.Generator

    def _get_train_sampler(self, train_dataset: Dataset | None = None) -> Sampler:
        return Permutations(len(self.train_dataset), self.order)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        self.lr_scheduler = linear_schedule(self.optimizer, num_training_steps, int(self.args.warmup_steps))
        return self.lr_scheduler


class Permutations(Sampler):
    """A new random order of `size` examples every epoch."""

    def __init__(self, size: int, generator: torch.Generator) -> None:
        self.size, self.generator = size, generator

    def __len__(self) -> int:
        return self.size

    def __iter__(self) -> Any:
        return iter(torch.randperm(self.size, generator=self.generator).tolist())


class PaddedExamples(Dataset):
    """Documents as examples that are all padded to the same length; no loss is taken over the padding."""

    def __init__(self, documents: pd.DataFrame, tokenizer: Any, length: int, stage: Stage) -> None:
        texts = (documents["prompt"] + documents["completion"]).tolist()
        encoded = tokenizer(texts, padding="max_length", max_length=length, padding_side="right", return_tensors="pt")
        if encoded["input_ids"].shape[1] > length:
            raise ValueError(f"documents have up to {encoded['input_ids'].shape[1]} tokens, more than {length}")
        self.inputs, self.mask = encoded["input_ids"], encoded["attention_mask"]
        self.labels = self.inputs.masked_fill(self.mask == 0, IGNORED)
        if stage.loss_on == "completion":
            prompts = tokenizer(documents["prompt"].tolist(), padding="max_length", max_length=length)
            lengths = torch.tensor(prompts["attention_mask"]).sum(dim=1, keepdim=True)
            self.labels[torch.arange(length) < lengths] = IGNORED
        self.tokens = int(self.mask.sum())

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, row: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.inputs[row], "attention_mask": self.mask[row], "labels": self.labels[row]}


class Questions:
    """Test questions, tokenised once, in batches padded on the left."""

    def __init__(self, tested: pd.DataFrame, tokenizer: Any) -> None:
        self.tested, self.tokenizer = tested, tokenizer
        prompts = tested["prompt"].tolist()
        self.batches = [
            tokenizer(prompts[start : start + EVALUATION_BATCH], padding=True, padding_side="left", return_tensors="pt")
            for start in range(0, len(prompts), EVALUATION_BATCH)
        ]
        # Every answer is one line, so that generation may stop where the line does.
        ends = {tokenizer.eos_token_id, tokenizer("a\n", add_special_tokens=False)["input_ids"][-1]}
        self.ends = sorted(ends - {None})

    @torch.inference_mode()
    def answer(self, model: Any) -> list[str]:
        """The model's greedy answer to each question."""
        model.eval()
        answers: list[str] = []
        for batch in self.batches:
            with torch.autocast(model.device.type, torch.bfloat16, enabled=native_bfloat16()):
                generated = model.generate(
                    input_ids=batch["input_ids"].to(model.device),
                    attention_mask=batch["attention_mask"].to(model.device),
                    max_new_tokens=MAX_NEW_TOKENS,
                    do_sample=False,
                    eos_token_id=self.ends,
                    pad_token_id=self.tokenizer.pad_token_id,
                )
            written = generated[:, batch["input_ids"].shape[1] :]
            answers += self.tokenizer.batch_decode(written, skip_special_tokens=True)
        return [answer.lstrip(" ").split("\n", 1)[0].strip() for answer in answers]

    def measure(self, model: Any, epoch: int) -> pd.DataFrame:
        """Mean exact match of every test set and subset."""
        golds = self.tested["completion"].str.strip()
        matches = [exact_match(answer, gold) for answer, gold in zip(self.answer(model), golds, strict=True)]
        groups = self.tested.assign(exact_match=matches).groupby(["part", "subset"])["exact_match"]
        table = groups.agg(questions="size", exact_match="mean").reset_index()
        return table.assign(epoch=epoch)


class Stopwatch(TrainerCallback):
    """Has all questions answered at the end of these epochs, before the Trainer takes the losses; times all three."""

    def __init__(self, questions: Questions, epochs: list[int]) -> None:
        self.questions, self.epochs, self.speed, self.tables = questions, epochs, Speed(), []
        self.last = 0.0

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        self.last = now()

    def on_epoch_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        self.speed.train_seconds += self.lap()
        control.should_evaluate = round(state.epoch) in self.epochs
        if control.should_evaluate:
            self.tables.append(self.questions.measure(model, round(state.epoch)))
            self.speed.answer_seconds += self.lap()

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        self.speed.loss_seconds += self.lap()

    def lap(self) -> float:
        """Seconds since the last call."""
        last, self.last = self.last, now()
        return self.last - last


def now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def native_bfloat16() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_bf16_supported(including_emulation=False)


def count_multiplied(model: Any) -> int:
    """The parameters that every token is multiplied with: all but an input embedding that is not the output's, too."""
    looked_up = model.get_input_embeddings().weight
    tied = model.get_output_embeddings().weight is looked_up
    return model.num_parameters() - (0 if tied else looked_up.numel())


if __name__ == "__main__":
    main()
