"""Recorded episodes: what happened at every decision, in files that pandas reads.

`RecordEpisode` wraps a single environment, `RecordEpisodeVector` chosen worlds of a vector
environment; `Recorder` does the work and fits every environment that has a `Batch`.
`load_recording` reads an episode back (docs/environments/recording).
"""

from __future__ import annotations

from gammagym.recording.files import Recording, load_recording
from gammagym.recording.recorder import Recorder
from gammagym.recording.wrappers import RecordEpisode, RecordEpisodeVector

__all__ = [
    "RecordEpisode",
    "RecordEpisodeVector",
    "Recorder",
    "Recording",
    "load_recording",
]
