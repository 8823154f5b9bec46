"""Render modes of environments: text of the ladder, or pictures."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from numpy.typing import NDArray

from gammagym.envs.frames import Frame, FramePainter
from gammagym.envs.ladder import draw_ladder

# For `metadata`: what environments can show, and how many decisions of it a second.
RENDERING: dict[str, Any] = {"render_modes": ["ansi", "rgb_array"], "render_fps": 4}


class Renderer:
    """Renders worlds in one mode.

    Args:
        mode: ``ansi``, ``rgb_array`` or None.
        count: number of worlds.

    Raises:
        gymnasium.error.UnsupportedMode: there is no such mode.
    """

    def __init__(self, mode: str | None, count: int) -> None:
        modes = RENDERING["render_modes"]
        if mode not in (None, *modes):
            raise gym.error.UnsupportedMode(
                f"render_mode must be {' or '.join(map(repr, modes))} or None, was {mode!r}"
            )
        self._mode = mode
        self._painters = [FramePainter() for _ in range(count if mode == "rgb_array" else 0)]

    def render(self, worlds: NDArray[Any]) -> tuple[str | Frame, ...] | None:
        """Return one text or picture a world, or None without a mode."""
        if self._mode == "ansi":
            return tuple(draw_ladder(world) for world in worlds)
        if self._mode == "rgb_array":
            pairs = zip(self._painters, worlds, strict=True)
            return tuple(painter.paint(world) for painter, world in pairs)
        return None
