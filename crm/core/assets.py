"""Static files: what the pages take from node_modules (D12), and how production names and packs them."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.storage import HashedFilesMixin, ManifestStaticFilesStorage
from django.core.files.storage import FileSystemStorage, Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

# All that a page may load of other people's work, under its path in node_modules.
NODE_FILES = (
    "@tabler/core/dist/css/tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js",
    "@tabler/icons-webfont/dist/tabler-icons.min.css",
    "@tabler/icons-webfont/dist/fonts/tabler-icons.*",
    "@fontsource-variable/inter/index.css",
    "@fontsource-variable/inter/files/*-wght-normal.woff2",
    "htmx.org/dist/htmx.min.js",
    "echarts/dist/echarts.min.js",
    "sortablejs/Sortable.min.js",
    "tom-select/dist/js/tom-select.complete.min.js",
    "tom-select/dist/css/tom-select.bootstrap5.min.css",
)


class NodeFinder(BaseFinder):
    """Serves the files of NODE_FILES from node_modules and nothing else of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = FileSystemStorage(location=settings.BASE_DIR / "node_modules")
        super().__init__(*args, **kwargs)

    @cached_property
    def files(self) -> dict[str, str]:
        """Allowed path -> place on disk."""
        folder = settings.BASE_DIR / "node_modules"
        return {file.relative_to(folder).as_posix(): str(file) for pattern in NODE_FILES for file in sorted(folder.glob(pattern))}

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """The place of an allowed file (a list of it with `find_all`), an empty list for any other."""
        place = self.files.get(path)
        return place if place and not find_all else [place] if place else []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        """All allowed files, for collectstatic."""
        for path in self.files:
            yield path, self.storage


class _OurNames:
    """Hashed names. A template that names a file which is not there fails: a test looks at every template."""

    patterns = (
        # Source maps are not shipped: the comments that name them are left alone.
        ("*.css", tuple(rule for rule in HashedFilesMixin.patterns[0][1] if "sourceMappingURL" not in str(rule))),
        # Our own modules import each other by hashed names, else a module would be loaded twice.
        ("js/*.js", HashedFilesMixin._js_module_import_aggregation_patterns[1]),
    )


class HashedStorage(_OurNames, ManifestStaticFilesStorage):
    """For `./lotse up`: collecting takes seconds."""


class CompressedStorage(_OurNames, CompressedManifestStaticFilesStorage):
    """For production: packed with gzip and brotli when the image is built, which takes a minute."""
