"""The differences between subsets that the paper is about: what each is, its titles, and where it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from metaocl.design.measures import GROUPS, Measure
from metaocl.design.test_sets import TestSet

SIGNIFICANCE = 0.05  # of a one-sided test of whether a contrast is above 0


@dataclass(frozen=True)
class Contrast:
    """A difference between two groups of subsets at the end of one part of the plan.

    title: in tables; short: in figures and headlines, empty where neither shows it.
    test_set, minus_test_set: what both groups are asked, or the first and the second group.
    when: "stage1" is the end of the last stage before the new definitions (of the only stage, where there is but one);
    "before_stage2" is the same, but a plan of one stage has none, as nothing comes before its new definitions; "stage2"
    is the end of the plan.
    relative: the difference is divided by the sum, (a − b) / (a + b), which compares gaps between kinds of questions of
    different difficulty; two groups that are never right have no gap.
    measure: the one that it is taken in; None for every measure of answers.
    minus may be empty: then the "contrast" is the level of the first group, whose distance from 0 is asked.
    """

    name: str
    title: str
    when: Literal["stage1", "before_stage2", "stage2"]
    plus: tuple[str, ...]
    minus: tuple[str, ...]
    test_set: TestSet = "held_out"
    minus_test_set: TestSet | None = None
    relative: bool = False
    short: str = ""
    measure: str | None = None

    def limits(self, measure: Measure) -> tuple[float, float]:
        """The least and the largest value that it can have in a measure."""
        if self.relative:
            return -1.0, 1.0
        if not self.minus:
            return measure.lowest, measure.highest
        return measure.lowest - measure.highest, measure.highest - measure.lowest


# The groups by the paper's names (D with an accent: the new tag of stage 2).
CONSISTENT, INCONSISTENT, QA3 = ("qd1consis", "qd2consis"), ("qd1incons", "qd2incons"), ("q",)
QA4, QA7 = ("q_no_replacement_baseline",), ("no_qd_baseline",)
D5, D6, D_NEW = ("d1consis",), ("d2consis",), ("d3consis",)

ON_PAGE = (
    Contrast(
        "ocl",
        "OCL (consistent − inconsistent definitions, after stage 1)",
        "stage1",
        CONSISTENT,
        INCONSISTENT,
        short="OCL",
    ),
    Contrast(
        "consistent_over_none",
        "consistent definitions − no definition (D1 − QA3), after stage 1",
        "stage1",
        CONSISTENT,
        QA3,
    ),
    Contrast(
        "none_over_inconsistent",
        "no definition − inconsistent definitions (QA3 − D2), after stage 1",
        "stage1",
        QA3,
        INCONSISTENT,
    ),
    Contrast(
        "meta_ocl_before_stage2", "D5 − D6 before their definitions are seen (should be 0)", "before_stage2", D5, D6
    ),
    Contrast(
        "meta_ocl", "meta-OCL (D5 − D6: reliable − unreliable tag, after stage 2)", "stage2", D5, D6, short="meta-OCL"
    ),
    Contrast("new_tag_over_unreliable", "new tag − unreliable tag (D̃ − D6), after stage 2", "stage2", D_NEW, D6),
    Contrast(
        "unreliable_over_undefined", "unreliable tag − no definition (D6 − QA7), after stage 2", "stage2", D6, QA7
    ),
    Contrast(
        "attribution_ocl",
        "entity attribution: D1 − D2 against its own definitions, after stage 1",
        "stage1",
        CONSISTENT,
        INCONSISTENT,
        "attribution",
        "attribution_as_defined",
    ),
    Contrast(
        "attribution_as_defined_over_none",
        "entity attribution: D2 against its own definitions − QA3, after stage 1",
        "stage1",
        INCONSISTENT,
        QA3,
        "attribution_as_defined",
        "attribution",
    ),
    Contrast(
        "attribution_meta_ocl",
        "entity attribution: D5 − D6, after stage 2",
        "stage2",
        D5,
        D6,
        "attribution",
        short="meta-OCL, attribution",
    ),
)
# Needed by single claims of the paper; the summary's page does without them.
FOR_CLAIMS = (
    Contrast(
        "named_over_consistent",
        "real names − consistent definitions (QA4 − D1), after stage 1",
        "stage1",
        QA4,
        CONSISTENT,
    ),
    Contrast(
        "reliable_over_undefined_before_stage2",
        "D5 − QA7 before the definitions of D5 are seen (should be 0)",
        "before_stage2",
        D5,
        QA7,
    ),
    Contrast(
        "unreliable_over_undefined_before_stage2",
        "D6 − QA7 before the definitions of D6 are seen (should be 0)",
        "before_stage2",
        D6,
        QA7,
    ),
    Contrast(
        "new_tag_over_undefined_before_stage2",
        "D̃ − QA7 before the definitions of D̃ are seen (should be 0)",
        "before_stage2",
        D_NEW,
        QA7,
    ),
    Contrast("reliable_over_new_tag", "reliable tag − new tag (D5 − D̃), after stage 2", "stage2", D5, D_NEW),
    Contrast(
        "relative_meta_ocl", "meta-OCL, relative: (D5 − D6) / (D5 + D6), after stage 2", "stage2", D5, D6, relative=True
    ),
    Contrast("attribution_none", "entity attribution: QA3, after stage 1", "stage1", QA3, (), "attribution"),
    Contrast(
        "attribution_relative_ocl",
        "entity attribution, relative: (D1 − D2) / (D1 + D2), D2 against its own definitions, after stage 1",
        "stage1",
        CONSISTENT,
        INCONSISTENT,
        "attribution",
        "attribution_as_defined",
        relative=True,
    ),
    Contrast(
        "attribution_relative_meta_ocl",
        "entity attribution, relative: (D5 − D6) / (D5 + D6), after stage 2",
        "stage2",
        D5,
        D6,
        "attribution",
        relative=True,
    ),
    # Both groups have definitions with the less usual truth value for their tag; each is scored against the entity
    # that its own definitions name. Above 0: what is taken in depends on the tag more than on the truth.
    Contrast(
        "attribution_tag_over_truth",
        "entity attribution: false definitions with the reliable tag − true ones with the unreliable tag, each against"
        " its own definitions, after stage 1",
        "stage1",
        ("qd1incons",),
        ("qd2consis",),
        "attribution_as_defined",
        "attribution",
    ),
)
# New aliases, each defined with either tag: by counterfactual definitions, or by a run and its twin with swapped tags.
WITH_RELIABLE, WITH_UNRELIABLE, WITH_UNSEEN = ("with_reliable",), ("with_unreliable",), ("with_unseen",)


# When gradients are measured.
BEFORE = "before stage 2, or at the end of a single stage"


def _alignment(name: str, group: str) -> Contrast:
    title = f"gradient alignment, {GROUPS[group]}: reliable − unreliable tag, same aliases, {BEFORE}"
    return Contrast(name, title, "stage1", WITH_RELIABLE, WITH_UNRELIABLE, measure=f"cosine:{group}")


OF_MECHANISMS = (
    Contrast(
        "meta_ocl_paired",
        "meta-OCL, paired: reliable − unreliable tag, same aliases, after stage 2",
        "stage2",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        short="meta-OCL, paired",
    ),
    Contrast(
        "attribution_meta_ocl_paired",
        "entity attribution, paired: reliable − unreliable tag, same aliases, after stage 2",
        "stage2",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        "attribution",
    ),
    Contrast(
        "question_loss_paired",
        "loss of questions, paired: reliable − unreliable tag, same aliases, after stage 2",
        "stage2",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="question_loss",
    ),
    Contrast(
        "definition_loss_paired",
        "loss of definitions, paired: reliable − unreliable tag, same aliases, after stage 2",
        "stage2",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="definition_loss",
    ),
    _alignment("alignment", "all"),
    _alignment("alignment_alias_row", "alias_row"),
    _alignment("alignment_all_but_row", "all_but_row"),
    _alignment("alignment_attention", "attention"),
    _alignment("alignment_mlp", "mlp"),
    _alignment("alignment_norms", "norms"),
    _alignment("alignment_stem", "stem"),
    _alignment("alignment_dense", "dense"),
    _alignment("alignment_block", "block"),
    _alignment("alignment_heads", "heads"),
    Contrast(
        "alignment_unpaired",
        f"gradient alignment, all parameters: D5 − D6, {BEFORE}",
        "stage1",
        D5,
        D6,
        measure="cosine:all",
    ),
    Contrast(
        "alignment_other",
        "alignment with another alias's questions: reliable − unreliable tag",
        "stage1",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="cosine_other:all",
    ),
    Contrast(
        "alignment_reliable_over_unseen",
        "gradient alignment, all parameters: reliable − unseen tag",
        "stage1",
        WITH_RELIABLE,
        WITH_UNSEEN,
        measure="cosine:all",
    ),
    Contrast(
        "influence",
        "dot product of gradients, all parameters: reliable − unreliable tag",
        "stage1",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="dot:all",
    ),
    Contrast(
        "definition_norm",
        "gradient norm of definitions: reliable − unreliable tag",
        "stage1",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="definition_norm:all",
    ),
    # The paper's form: definitions as trained on, each single question, all parameters.
    Contrast(
        "gradient_cosine",
        f"cosine of a definition's gradient with each question's: D5 − D6, {BEFORE}",
        "stage1",
        D5,
        D6,
        measure="gradient_cosine",
    ),
    Contrast(
        "readout_overlap",
        "read-out overlap: reliable − unreliable tag",
        "stage1",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="readout_overlap",
    ),
    Contrast(
        "tag_semantics",
        "naming the true entity of aliases never defined: reliable − unreliable tag, after stage 1",
        "stage1",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="names_entity:never_defined",
    ),
    Contrast(
        "tag_semantics_reliable_over_unseen",
        "naming the true entity of aliases never defined: reliable − unseen tag, after stage 1",
        "stage1",
        WITH_RELIABLE,
        WITH_UNSEEN,
        measure="names_entity:never_defined",
    ),
    Contrast(
        "tag_semantics_unseen_over_unreliable",
        "naming the true entity of aliases never defined: unseen − unreliable tag, after stage 1",
        "stage1",
        WITH_UNSEEN,
        WITH_UNRELIABLE,
        measure="names_entity:never_defined",
    ),
    Contrast(
        "transplant_rows",
        "rows trained with the reliable − with the unreliable tag, in the same networks, same aliases",
        "stage2",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="transplant_rows",
    ),
    Contrast(
        "transplant_network",
        "networks trained with the reliable − with the unreliable tag, with the same rows, same aliases",
        "stage2",
        WITH_RELIABLE,
        WITH_UNRELIABLE,
        measure="transplant_network",
    ),
    Contrast(
        "steering",
        "steering: gain of D6 by the state of reliably defined aliases, best block for these very questions",
        "stage2",
        D6,
        (),
        measure="steering",
    ),
    Contrast(
        "steering_control",
        "steering's control: gain of D6 by its rows from the run with swapped tags",
        "stage2",
        D6,
        (),
        measure="steering_control",
    ),
    Contrast(
        "tag_probe_above_chance",
        "tag probe at question time: best accuracy less the best with permuted labels, after stage 1",
        "stage1",
        ("all",),
        (),
        measure="tag_probe_above_permuted",
    ),
)
CONTRASTS = {contrast.name: contrast for contrast in (*ON_PAGE, *FOR_CLAIMS, *OF_MECHANISMS)}

# What a study's headlines and its figure of gaps always show.
HEADLINES = ("ocl", "meta_ocl")
# The contrasts that stand for a phenomenon: p values are corrected for having looked at all of them. The others are
# controls, or steps of a claim that needs all of its steps, for which a correction would be wrong.
PHENOMENA = ("ocl", "meta_ocl", "attribution_ocl", "attribution_as_defined_over_none", "attribution_meta_ocl")
