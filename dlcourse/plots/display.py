"""Shows figures and animations with a description in words, small and the same to the byte in every build."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from collections.abc import Callable
from html import escape

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.figure import Figure
from PIL import Image

from dlcourse.plots.look import PALETTE


def show(figure: Figure, alt: str) -> None:
    """Displays `figure` with its description and closes it.

    Args:
        figure: the figure to show.
        alt: what the picture shows, in one sentence, for those who cannot see it. It should state the finding.

    Raises:
        ValueError: if the description is shorter than 15 characters.
    """
    _require_description(alt)
    if _in_notebook():
        from IPython.display import display

        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=figure.dpi, metadata={"Software": None})
        picture = _with_palette(buffer.getvalue())
        data = {"image/png": base64.b64encode(picture).decode(), "text/plain": f"<Figure: {alt}>"}
        display(data, metadata={"image/png": {"alt": alt}}, raw=True)
    else:
        plt.show()
    plt.close(figure)


def animate(figure: Figure, draw: Callable[[int], object], frames: int, alt: str, interval: int = 120) -> None:
    """Displays an animation with play controls (JavaScript, no video encoder needed) and closes its figure.

    Args:
        figure: the figure that `draw` changes.
        draw: `draw(frame)` draws frame number `frame`.
        frames: number of frames; each is stored as an image, so keep them few and the figure small.
        alt: what the animation shows, in one sentence.
        interval: milliseconds between frames.
    """
    _require_description(alt)
    animation = FuncAnimation(figure, draw, frames=frames, interval=interval)
    if _in_notebook():
        from IPython.display import display

        page = _stable_ids(_FRAME.sub(_smaller_frame, animation.to_jshtml(default_mode="once")))
        data = {
            "text/html": f'<div role="img" aria-label="{escape(alt, quote=True)}">{page}</div>',
            "text/plain": f"<Animation: {alt}>",
        }
        display(data, raw=True)
    else:
        plt.show()
    plt.close(figure)


# A frame as matplotlib's page holds it: base64 with a backslash at the end of each line.
_FRAME = re.compile(r"(?<=data:image/png;base64,)[A-Za-z0-9+/=\\\n]+")


def _smaller_frame(frame: re.Match[str]) -> str:
    return base64.b64encode(_with_palette(base64.b64decode(frame[0].replace("\\\n", "")))).decode()


def _with_palette(png: bytes) -> bytes:
    """The same picture in 128 colours, its most frequent ones and `PALETTE`: a third of the size.

    Every pixel takes the nearest of them. White, the greys and the curves stay exactly as they are; what moves a little
    are the blends at the edges.
    """
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(np.int64)
    codes, pixel_codes, counts = np.unique(pixels @ (65536, 256, 1), return_inverse=True, return_counts=True)
    colours = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=-1)
    counts[np.isin(codes, [int(colour[1:], 16) for colour in PALETTE])] = pixels.size
    kept = colours[np.argsort(-counts, kind="stable")[:128]]
    # |a - b|^2 without |a|^2, which is the same for all candidates b.
    nearest = np.argmin((kept**2).sum(axis=1) - 2 * colours @ kept.T, axis=1)
    picture = Image.fromarray(nearest[pixel_codes].reshape(pixels.shape[:2]).astype(np.uint8), mode="P")
    picture.putpalette(kept.astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    picture.save(buffer, "png", optimize=True)
    return buffer.getvalue()


def _stable_ids(page: str) -> str:
    """Names the player after its content; matplotlib draws a random name, and no two builds would be the same."""
    name = re.search(r"_anim_img([0-9a-f]{32})", page)[1]
    return page.replace(name, hashlib.sha256(page.replace(name, "").encode()).hexdigest()[:32])


def _require_description(alt: str) -> None:
    if not isinstance(alt, str) or len(alt.strip()) < 15:
        raise ValueError(f"alt must describe the picture in a sentence (15 characters at least), got {alt!r}")


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
