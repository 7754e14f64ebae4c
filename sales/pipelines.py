"""Making a pipeline from a preset: for the first start and for an import that tells of another way of selling."""

from __future__ import annotations

from django.db.models import Max

from sales.models import Pipeline, Stage
from sales.presets import PIPELINES


def seed_pipeline(preset: str) -> Pipeline:
    """A pipeline with its stages; one that exists stays."""
    german, english, stages = PIPELINES[preset]
    last = Pipeline.objects.aggregate(last=Max("position"))["last"]
    pipeline, fresh = Pipeline.objects.get_or_create(
        key=preset, defaults={"label_de": german, "label_en": english, "position": 0 if last is None else last + 1}
    )
    if fresh:
        Stage.objects.bulk_create(
            [
                Stage(pipeline=pipeline, key=key, label_de=de, label_en=en, position=position, probability=rate, gate=gate)
                for position, (key, de, en, rate, gate) in enumerate(stages, start=1)
            ]
        )
    return pipeline
