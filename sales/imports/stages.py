"""What the words for stages and results mean in a pipeline, and which pipeline a file speaks of."""

from __future__ import annotations

from collections.abc import Iterable

from django.utils.translation import get_language

from sales.imports.reading import name_key
from sales.models import Opportunity, Pipeline
from sales.presets import PIPELINES

Meaning = tuple[str, str]  # (state, key of the stage)
_WON = ("Won", "Gewonnen", "Closed Won", "Auftrag", "Success")
_LOST = ("Lost", "Verloren", "Closed Lost", "Absage", "Abgelehnt")


def pipelines() -> dict[str, list[tuple[str, str, str]]]:
    """Key → (key, German, English) of its stages in order: the pipelines that exist, then presets not yet used."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    for pipeline in Pipeline.objects.unrestricted().filter(active=True).prefetch_related("stages"):
        found[pipeline.key] = [(stage.key, stage.label_de, stage.label_en) for stage in pipeline.stages.all() if stage.active]
    for key, (_german, _english, stages) in PIPELINES.items():
        found.setdefault(key, [(stage, german, english) for stage, german, english, _rate, _gate in stages])
    return {key: stages for key, stages in found.items() if stages}


def pipeline_choices() -> list[tuple[str, str]]:
    """(key, label in the reader's language) of what an import may fill."""
    english = (get_language() or "de").startswith("en")
    labels = {key: names[int(english)] for key, names in ((key, (german, other)) for key, (german, other, _stages) in PIPELINES.items())}
    labels |= {pipeline.key: pipeline.label for pipeline in Pipeline.objects.unrestricted().filter(active=True)}
    return [(key, labels[key]) for key in pipelines()]


def stage_words(pipeline: str) -> list[tuple[str, Meaning]]:
    """Every word with its meaning. What was decided stands in the last stage: an export tells only when it ended."""
    stages = pipelines()[pipeline]
    words: list[tuple[str, Meaning]] = []
    for key, german, english in stages:
        words += [(english, (Opportunity.State.OPEN, key)), (german, (Opportunity.State.OPEN, key))]
    last = stages[-1][0]
    words += [(word, (Opportunity.State.WON, last)) for word in _WON]
    return words + [(word, (Opportunity.State.LOST, last)) for word in _LOST]


def guess_pipeline(values: Iterable[str]) -> str:
    """The pipeline whose words cover most of the values; the first of equals."""
    wanted = {name_key(value) for value in values}
    cover = {key: len(wanted & {name_key(word) for word, _meaning in stage_words(key)}) for key in pipelines()}
    return max(cover, key=lambda key: cover[key])
