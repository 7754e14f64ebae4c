"""The parts of a mail as a form: checked, moved, added and removed by plain buttons; images made small and rid of what cameras write into them."""

from __future__ import annotations

import hashlib
import io
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from PIL import Image

from crm.core.keys import whole
from crm.core.models import MailFile
from crm.core.saving import one_line

KINDS = {
    "heading": (gettext_lazy("Heading"), "heading"),
    "text": (gettext_lazy("Text"), "align-left"),
    "image": (gettext_lazy("Image"), "photo"),
    "button": (gettext_lazy("Button"), "click"),
    "divider": (gettext_lazy("Divider"), "minus"),
}
MOST = 30  # parts of one mail
WIDEST = 1200  # pixels; twice what a mail shows
LARGEST = 40_000_000  # pixels of an image that is read at all


class BlockForm(forms.Form):
    """One part. What it does not use stays empty."""

    kind = forms.ChoiceField(choices=[(key, label) for key, (label, _icon) in KINDS.items()], widget=forms.HiddenInput)
    text = forms.CharField(required=False, max_length=10_000)
    url = forms.CharField(label=gettext_lazy("Address of the link"), required=False, max_length=500, validators=[one_line])
    image = forms.RegexField("^[0-9a-f]{64}$", required=False, widget=forms.HiddenInput)
    upload = forms.FileField(label=gettext_lazy("Image file"), required=False)

    def __init__(self, *args: Any, images: dict[str, int] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.images = images or {}
        kind = self["kind"].value()
        self.sort = kind if kind in KINDS else "text"
        text, url = self.fields["text"], self.fields["url"]
        text.label = {"image": _("Description for those who cannot see it"), "button": _("Words on the button")}.get(self.sort, _("Words"))
        text.widget = forms.Textarea({"rows": 5}) if self.sort == "text" else forms.TextInput()
        text.widget.attrs.update({"class": "form-control", "maxlength": 10_000 if self.sort == "text" else 300})
        url.widget.attrs.update({"class": "form-control", "placeholder": "https://", "inputmode": "url"})
        self.fields["upload"].widget.attrs.update({"class": "form-control", "accept": "image/png,image/jpeg,image/gif"})

    @property
    def label(self) -> Any:
        """What kind of part it is."""
        return KINDS[self.sort][0]

    @property
    def icon(self) -> str:
        """Its sign."""
        return KINDS[self.sort][1]

    def clean_text(self) -> str:
        text: str = self.cleaned_data["text"].replace("\r\n", "\n").replace("\x00", "")
        if self.sort != "text":
            one_line(text)
        return text.strip()

    def clean_image(self) -> str:
        """Only an image of this campaign: nobody shows another one by its digest."""
        digest: str = self.cleaned_data["image"]
        return digest if digest in self.images else ""

    def clean_upload(self) -> tuple[bytes, str] | None:
        file = self.cleaned_data["upload"]
        return small(file) if file else None

    def block(self) -> dict[str, Any]:
        """The part as it is kept; an uploaded image is stored."""
        facts, found = self.cleaned_data, {"kind": self.sort}
        if self.sort != "divider":
            found["text"] = facts["text"]
        if self.sort in {"image", "button"}:
            found["url"] = facts["url"].strip()
        if self.sort == "image":
            found["image"] = facts["image"]
        return found


def small(file: UploadedFile) -> tuple[bytes, str]:
    """An uploaded image as (bytes, MIME type): at most so wide, without anything else its file held. Raises ValidationError in words."""
    wrong = forms.ValidationError(_("This file is no image that can be read (PNG, JPEG or GIF)."))
    try:
        image = Image.open(file.file or io.BytesIO(), formats=["PNG", "JPEG", "GIF"])
        if image.width * image.height > LARGEST:
            raise forms.ValidationError(_("This image has too many pixels."))
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise wrong from None
    clear = image.mode in {"RGBA", "LA", "P"}
    image = image.convert("RGBA" if clear else "RGB")
    image.thumbnail((WIDEST, WIDEST * 4))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True) if clear else image.save(out, "JPEG", quality=85)
    return out.getvalue(), "image/png" if clear else "image/jpeg"


class ContentForm(forms.Form):
    """One mail: subject, preview text and its parts, numbered `b0-…`, `b1-…`."""

    subject = forms.CharField(label=gettext_lazy("Subject"), required=False, max_length=200, validators=[one_line], widget=forms.TextInput({"class": "form-control"}))
    preheader = forms.CharField(
        label=gettext_lazy("Preview text"), required=False, max_length=200, validators=[one_line], widget=forms.TextInput({"class": "form-control"}),
        help_text=gettext_lazy("The first words a mail program shows beside the subject."),
    )  # fmt: skip
    count = forms.IntegerField(min_value=0, max_value=MOST, widget=forms.HiddenInput)
    version = forms.IntegerField(min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, data: QueryDict | None = None, files: MultiValueDict[str, UploadedFile] | None = None, *, variant: Any, images: dict[str, int]) -> None:
        initial = {"subject": variant.subject, "preheader": variant.preheader, "count": len(variant.blocks), "version": variant.version}
        super().__init__(data, files, initial=initial, auto_id="id_%s")
        blocks = variant.blocks
        if data is not None:
            blocks = [{}] * min(whole(data.get("count"), digits=3) or 0, MOST)
        self.blocks = [BlockForm(data, files, prefix=f"b{number}", initial=None if data is not None else block, images=images) for number, block in enumerate(blocks)]

    @property
    def blocks_wrong(self) -> bool:
        """Does a part have an error beside it?"""
        return self.is_bound and any(form.errors for form in self.blocks)

    def is_valid(self) -> bool:
        return all([super().is_valid(), *(form.is_valid() for form in self.blocks)])

    def stored(self) -> tuple[list[dict[str, Any]], list[tuple[str, str, int]]]:
        """The parts, and the new images among them as (digest, MIME type, bytes)."""
        blocks, images = [], []
        for form in self.blocks:
            block = form.block()
            if form.sort == "image" and form.cleaned_data["upload"]:
                data, kind = form.cleaned_data["upload"]
                block["image"] = hashlib.sha256(data).hexdigest()
                MailFile.objects.bulk_create([MailFile(digest=block["image"], data=data)], ignore_conflicts=True)
                images.append((block["image"], kind, len(data)))
            blocks.append(block)
        return blocks, images


def rearranged(blocks: list[dict[str, Any]], do: str) -> tuple[list[dict[str, Any]], int]:
    """The parts after a button was pressed (add:text, up:2, down:2, remove:2), and the number of the part to look at (−1: none)."""
    verb, _colon, what = do.partition(":")
    if verb == "add" and what in KINDS and len(blocks) < MOST:
        return [*blocks, {"kind": what, "text": "", **({"url": ""} if what in {"image", "button"} else {}), **({"image": ""} if what == "image" else {})}], len(blocks)
    at = whole(what, digits=3)
    if at is None or at >= len(blocks):
        return blocks, -1
    blocks = list(blocks)
    if verb == "remove":
        del blocks[at]
        return blocks, min(at, len(blocks) - 1)
    other = {"up": at - 1, "down": at + 1}.get(verb, -1)
    if 0 <= other < len(blocks):
        blocks[at], blocks[other] = blocks[other], blocks[at]
        return blocks, other
    return blocks, at
