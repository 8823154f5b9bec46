"""Wrappers that record: for single environments and for vector environments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym

from gammagym.envs.batch import Batch
from gammagym.errors import DataError
from gammagym.recording.recorder import Recorder


class RecordEpisode(gym.Wrapper[Any, Any, Any, Any]):
    """Records every episode of an environment; what the environment does stays the same.

    An episode is written when it ends, or when `reset` or `close` cut it short.

    Args:
        env: an environment of gammagym, with any wrappers around it.
        folder: where episodes go, as ``episode_000000`` and so on; never overwritten.
        agent: who acts, as the recording shall say.
        levels: levels of each side of every book.
        most_megabytes: most that one episode takes.

    Raises:
        DataError: the environment is not one of gammagym's, or something cannot be.

    >>> import tempfile
    >>> from gammagym.recording import load_recording
    >>> env = gym.make("gammagym/GammaScalp-v0", scenario="textbook", horizon_seconds=600.0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     env = RecordEpisode(env, folder, agent="nobody")
    ...     observation, info = env.reset(seed=1)
    ...     over = False
    ...     while not over:
    ...         observation, reward, over, truncated, info = env.step([0.0, 0.0])
    ...     episode = load_recording(env.written[0])
    >>> len(episode.steps), episode.about["agent"], episode.about["status"]
    (11, 'nobody', 'ended')
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        folder: str | os.PathLike[str],
        *,
        agent: str = "",
        levels: int = 10,
        most_megabytes: float = 16.0,
    ) -> None:
        super().__init__(env)
        self._recorder = Recorder(
            batch_of(env), folder, agent=agent, levels=levels, most_megabytes=most_megabytes
        )

    @property
    def written(self) -> list[Path]:
        """Folders of the episodes written so far."""
        return self._recorder.written

    def close(self) -> None:
        """Write the episode that is under way, and close the environment."""
        self._recorder.close()
        super().close()


class RecordEpisodeVector(gym.vector.VectorWrapper):
    """Records the episodes of chosen worlds of a vector environment, in every autoreset mode.

    Args:
        env: a vector environment of gammagym, with any wrappers around it.
        folder: where episodes go, as ``episode_000000`` and so on; never overwritten.
        worlds: which worlds are recorded.
        agent: who acts, as the recordings shall say.
        levels: levels of each side of every book.
        most_megabytes: most that one episode takes.

    Raises:
        DataError: the environment is not one of gammagym's, or something cannot be.
    """

    def __init__(
        self,
        env: gym.vector.VectorEnv[Any, Any, Any],
        folder: str | os.PathLike[str],
        *,
        worlds: Sequence[int] = (0,),
        agent: str = "",
        levels: int = 10,
        most_megabytes: float = 16.0,
    ) -> None:
        super().__init__(env)
        self._recorder = Recorder(
            batch_of(env),
            folder,
            worlds=worlds,
            agent=agent,
            levels=levels,
            most_megabytes=most_megabytes,
        )

    @property
    def written(self) -> list[Path]:
        """Folders of the episodes written so far."""
        return self._recorder.written

    def close(self, **kwargs: Any) -> None:
        """Write the episodes that are under way, and close the environment."""
        self._recorder.close()
        super().close(**kwargs)


def batch_of(env: Any) -> Batch:
    """Return the worlds of an environment, whatever is wrapped around it."""
    batch = getattr(env.unwrapped, "batch", None)
    if not isinstance(batch, Batch):
        raise DataError(
            f"recording: {type(env.unwrapped).__name__} is not an environment of gammagym: wrap "
            'gym.make("gammagym/GammaScalp-v0", ...), or a vector environment of gym.make_vec '
            'with vectorization_mode="vector_entry_point"'
        )
    return batch
